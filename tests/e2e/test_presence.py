"""Active subscriptions: who is subscribed is told by private events, and listed."""

import json
import re
import urllib.parse

import pytest

from clients import H2
from mercure import BOTH, HUB, SUBSCRIPTIONS, Room, bearer, detail, query, v0, v1
from settings import PUBLISHER

pytestmark = pytest.mark.quick
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ALL = v0("*")
ALL_V1 = v1("*")


@pytest.fixture
def hub(start):
    return start(hub={**BOTH, "subscriptions": True})


def encoded(text):
    return urllib.parse.quote(text, safe="-._~")


class Watcher:
    """Hears subscription events; its own are left out."""

    def __init__(self, hub, path=None, token=ALL):
        self.client = H2(hub.tls)
        path = path or query(topic=SUBSCRIPTIONS + "/{topic}/{subscriber}")
        self.number = self.client.subscribe(path, bearer(token))
        self.stream = self.client.opened(self.number)[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.close()

    def events(self, count):
        def others():
            return [e for e in self.stream.events if "subscriptions" not in self.body(e)["id"][len(SUBSCRIPTIONS):]]
        self.client.pump(lambda: len(others()) >= count, f"{count} subscription events")
        return others()

    @staticmethod
    def body(event):
        return json.loads(event.data)


def ask(hub, path, token=ALL, method="GET"):
    with H2(hub.tls) as client:
        return client.answer(client.request(method, path, bearer(token) if token else {}))


# -- events --------------------------------------------------------------------------------------


def test_a_subscription_of_0x_is_told_when_it_opens_and_when_it_ends(hub):
    topic = "https://example.com/books/1"
    with Watcher(hub) as watcher:
        with H2(hub.tls) as client:
            client.opened(client.subscribe(query(topic=topic), bearer(v0(payload={"name": "Ada"}))))
            opened = watcher.events(1)[0]
        closed = watcher.events(2)[1]
        body = watcher.body(opened)
        assert UUID.fullmatch(body["subscriber"])
        assert opened.type == "message", "events of 0.x have no type"
        assert body == {
            "@context": "https://mercure.rocks/",
            "id": f"{SUBSCRIPTIONS}/{encoded(topic)}/{encoded(body['subscriber'])}",
            "type": "Subscription", "topic": topic, "subscriber": body["subscriber"],
            "active": True, "payload": {"name": "Ada"},
        }
        assert watcher.body(closed) == {**body, "active": False}


def test_a_subscription_of_1_0_is_told_with_its_type_and_the_payload_of_the_detail_that_fits(hub):
    token = v1(details=[detail("other", payload=1),
                        detail(("urlpattern", "https://b.example/*"), payload={"role": "reader"})])
    path = query(match_urlpattern=f"{SUBSCRIPTIONS}/:type/:match/:subscriber")
    pattern = "https://b.example/:id"
    with Watcher(hub, path, ALL_V1) as watcher, H2(hub.tls) as client:
        client.opened(client.subscribe(
            query(("match", "https://b.example/1"), ("match_urlpattern", pattern)), bearer(token)))
        first, second = watcher.events(2)
        assert (first.type, second.type) == ("mercure", "mercure")
        body = watcher.body(first)
        subscriber = body["subscriber"]
        assert body == {
            "id": f"{SUBSCRIPTIONS}/exact/{encoded('https://b.example/1')}/{encoded(subscriber)}",
            "type": "subscription", "match": "https://b.example/1", "match_type": "exact",
            "subscriber": subscriber, "active": True, "payload": {"role": "reader"},
        }
        other = watcher.body(second)
        assert (other["match"], other["match_type"]) == (pattern, "urlpattern")
        assert other["subscriber"] == subscriber, "one name for all that one stream asks for"
        assert other["id"] == f"{SUBSCRIPTIONS}/urlpattern/{encoded(pattern)}/{encoded(subscriber)}"


def test_what_a_subscriber_asks_for_is_percent_encoded_once(hub):
    topic = "a b%2Fc/{x}é"
    with Watcher(hub) as watcher, H2(hub.tls) as client:
        client.opened(client.subscribe(query(topic=topic)))
        body = watcher.body(watcher.events(1)[0])
        assert body["topic"] == topic
        assert body["id"].startswith(f"{SUBSCRIPTIONS}/a%20b%252Fc%2F%7Bx%7D%C3%A9/urn%3Auuid%3A")
        assert ask(hub, body["id"]).status == 200


def test_who_has_no_grant_for_subscriptions_does_not_hear_of_them(hub):
    with Room(hub) as room:
        path = query(topic="*")
        strangers = [room.reader(path), room.reader(path, bearer(v0("news")))]
        friend = room.reader(path, bearer(v0(SUBSCRIPTIONS + "{/topic}{/subscriber}")))
        room.reader(query(topic="news"))
        told = [[data for data in heard if '"news"' in data] for heard in room.heard(*strangers, friend)]
    assert [len(events) for events in told] == [0, 0, 1]


def test_two_streams_have_two_names_even_with_one_token(hub):
    token = bearer(v0("a", sub="ann"))
    with Watcher(hub) as watcher, H2(hub.tls) as client:
        client.opened(*[client.subscribe(query(topic="a"), token) for _ in range(2)])
        names = [watcher.body(event)["subscriber"] for event in watcher.events(2)]
    assert len(set(names)) == 2


def test_a_stream_of_a_path_is_told_too_and_one_that_is_refused_is_not(hub):
    with Watcher(hub) as watcher, H2(hub.tls) as client:
        client.answer(client.subscribe(query(match_rubbish="no")))
        client.answer(client.request("HEAD", query(topic="no")))
        client.opened(client.subscribe("/events/a/path"))
        assert watcher.body(watcher.events(1)[0])["topic"] == "a/path"


def test_a_client_that_comes_back_hears_what_happened_meanwhile(hub):
    path = query(topic=SUBSCRIPTIONS + "/{topic}/{subscriber}", lastEventID=hub.publish("x", "y"))
    with H2(hub.tls) as client:
        client.opened(client.subscribe(query(topic="a")))
        with Watcher(hub, path) as watcher:
            assert watcher.body(watcher.events(1)[0])["topic"] == "a"


def test_where_it_is_not_turned_on_nothing_is_told_and_nothing_is_listed(start):
    gateway = start(hub=BOTH)
    with Room(gateway) as room:
        room.reader(query(topic="a"))
        everything = room.reader(query(topic="*"), bearer(ALL))
        room.reader(query(topic="b"))
        assert all("mark" in data for data in room.heard(everything)[0])
    assert ask(gateway, SUBSCRIPTIONS).status == 404


def test_strangers_that_come_and_go_push_nobody_out_of_history(start):
    hub = start(hub={**BOTH, "subscriptions": True, "presence_per_second": 1, "presence_burst": 5},
                history={"max_events": 60})
    before = hub.publish("news", "before")
    hub.publish("news", "still here")
    with H2(hub.tls) as client, Watcher(hub) as watcher:
        topics = [("topic", f"t{n}") for n in range(5)]
        client.opened(*[client.subscribe(query(*topics)) for _ in range(20)])
        assert len(json.loads(ask(hub, f"{SUBSCRIPTIONS}/t0").text)["subscriptions"]) == 20
        assert hub.metric("sluice_presence_untold_total") >= 70
        # Those with a token are told of all the same.
        client.opened(client.subscribe(query(topic="mine"), bearer(v0("mine"))))
        watcher.client.pump(lambda: watcher.body(watcher.stream.events[-1])["topic"] == "mine", "its coming")
        news = client.opened(client.subscribe(query(topic="news", lastEventID=before)))[0]
        client.pump(lambda: news.events, "the news")
        assert [(event.type, event.data) for event in news.events] == [("message", "still here")]


# -- the list ------------------------------------------------------------------------------------


@pytest.fixture
def readers(hub):
    """Two readers of "a" and one of "b" by 0.x, and one by 1.0."""
    with H2(hub.tls) as client:
        client.opened(client.subscribe(query(topic="a")), client.subscribe(query(topic="a")),
                      client.subscribe(query(topic="b")),
                      client.subscribe(query(("match", "a"), ("match_urlpattern", "/x/*"))))
        yield client


def test_the_root_lists_all_that_is_active_in_the_form_of_0x(hub, readers):
    answer = ask(hub, SUBSCRIPTIONS)
    body = json.loads(answer.text)
    assert answer.headers["content-type"] == "application/ld+json"
    assert (body["@context"], body["id"], body["type"]) == (
        "https://mercure.rocks/", SUBSCRIPTIONS, "Subscriptions")
    assert sorted(s["topic"] for s in body["subscriptions"]) == ["a", "a", "b"]
    one = body["subscriptions"][0]
    assert set(one) == {"id", "type", "topic", "subscriber", "active"} and one["active"] is True


def test_the_root_lists_all_that_is_active_in_the_form_of_1_0(hub, readers):
    answer = ask(hub, SUBSCRIPTIONS, ALL_V1)
    body = json.loads(answer.text)
    assert answer.headers["content-type"] == "application/json"
    assert set(body) == {"id", "type", "subscriptions"} and body["type"] == "subscriptions"
    assert [(s["match_type"], s["match"], s["type"]) for s in body["subscriptions"]] == [
        ("exact", "a", "subscription"), ("urlpattern", "/x/*", "subscription")]


def test_a_list_is_narrowed_to_a_topic_and_to_one_subscriber(hub, readers):
    of_a = json.loads(ask(hub, f"{SUBSCRIPTIONS}/a").text)
    assert of_a["id"] == f"{SUBSCRIPTIONS}/a" and len(of_a["subscriptions"]) == 2
    single = json.loads(ask(hub, of_a["subscriptions"][0]["id"]).text)
    assert single["@context"] == "https://mercure.rocks/"
    assert single["lastEventID"] == of_a["lastEventID"]
    assert single.items() >= of_a["subscriptions"][0].items()
    assert json.loads(ask(hub, f"{SUBSCRIPTIONS}/nobody").text)["subscriptions"] == []


def test_in_1_0_a_list_is_narrowed_to_a_match_of_a_type_and_to_one_subscriber(hub, readers):
    pattern = json.loads(ask(hub, f"{SUBSCRIPTIONS}/urlpattern/%2Fx%2F%2A", ALL_V1).text)
    (only,) = pattern["subscriptions"]
    assert json.loads(ask(hub, only["id"], ALL_V1).text) == only
    assert json.loads(ask(hub, f"{SUBSCRIPTIONS}/exact/%2Fx%2F%2A", ALL_V1).text)["subscriptions"] == []


@pytest.mark.parametrize("version, rest", [
    ("0.x", "/a/urn:uuid:nobody"), ("0.x", "/a/b/c"), ("0.x", "//"), ("0.x", "/%zz"),
    ("1.0", "/exact"), ("1.0", "/exact/a/urn:uuid:nobody"), ("1.0", "/exact/a/b/c")])
def test_what_is_not_there_is_404(hub, readers, version, rest):
    token = {"0.x": ALL, "1.0": ALL_V1}[version]
    assert ask(hub, SUBSCRIPTIONS + rest, token).status == 404


def test_the_list_names_the_event_behind_which_to_go_on(hub, readers):
    for token, kind, type in ((ALL, "application/ld+json", ""), (ALL_V1, "application/json", '; type="mercure"')):
        last = hub.publish("x", "y")
        answer = ask(hub, SUBSCRIPTIONS, token)
        assert answer.headers["link"] == (
            f'<{HUB}>; rel="mercure"; last-event-id="{last}"{type}; content-type="{kind}"')
        assert answer.headers["etag"] == f'"{last}"'
        assert answer.headers["cache-control"] == "private, no-cache"
    assert json.loads(ask(hub, SUBSCRIPTIONS).text)["lastEventID"] == last


def test_a_subscription_that_ended_is_listed_no_more(hub):
    with Watcher(hub) as watcher:
        with H2(hub.tls) as client:
            client.opened(client.subscribe(query(topic="gone")))
        ended = watcher.events(2)[1]
        assert watcher.body(ended)["active"] is False
        assert json.loads(ask(hub, f"{SUBSCRIPTIONS}/gone").text)["subscriptions"] == []
        assert ask(hub, watcher.body(ended)["id"]).status == 404


@pytest.mark.parametrize("token, path, status", [
    (None, "", 401), ("rubbish", "", 401), (PUBLISHER, "", 403), (v0("a"), "", 403),
    (v0(SUBSCRIPTIONS), "", 200), (v0(SUBSCRIPTIONS), "/a", 403),
    (v0(SUBSCRIPTIONS + "{/topic}{/subscriber}"), "/a", 200),
    (v1(("urlpattern", f"{SUBSCRIPTIONS}/*")), "/exact/a", 200),
    (v1(("urlpattern", f"{SUBSCRIPTIONS}/exact/*")), "/urlpattern/a", 403),
], ids=["none", "rubbish", "publisher", "other grant", "root", "root only", "template", "pattern", "other pattern"])
def test_the_list_is_for_those_with_a_grant_for_its_path(hub, token, path, status):
    assert ask(hub, SUBSCRIPTIONS + path, token).status == status


def test_the_list_is_read_only(hub):
    answer = ask(hub, SUBSCRIPTIONS, method="DELETE")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    head = ask(hub, SUBSCRIPTIONS, method="HEAD")
    assert head.status == 200 and not head.body and "etag" in head.headers
