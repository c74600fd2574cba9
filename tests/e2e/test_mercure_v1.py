"""Mercure 1.0: matchers, tokens with authorization_details, and the hub's description of itself."""

import json
import time

import pytest

from mercure import (BOTH, COOKIE, COOKIE_V1, DETAIL, HUB, ISSUER, METADATA, Room, bearer, cookie,
                     detail, query, v0, v1)
from settings import jwt

pytestmark = pytest.mark.quick
PUBLIC_URL = "https://hub.example/.well-known/mercure"


@pytest.fixture(scope="module")
def hub(start_for_module):
    return start_for_module(hub={**BOTH, "public_url": PUBLIC_URL})


@pytest.fixture
def room(hub):
    with Room(hub) as room:
        yield room


def heard(room, hub, path, topics, headers=(), **fields):
    """Which of the topics' events a subscriber gets."""
    stream = room.reader(path, headers)
    assert stream.status == 200, stream.text
    for topic in topics:
        hub.publish(topic, topic, **fields)
    return [data for data in room.heard(stream)[0] if "mark" not in data]


# -- matchers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["match", "match_exact"])
def test_match_is_the_topic_byte_for_byte_and_no_template(room, hub, name):
    topics = ["books/{id}", "books/1", "Books/{id}"]
    assert heard(room, hub, query((name, "books/{id}")), topics) == ["books/{id}"]


@pytest.mark.parametrize("pattern, gets", [
    ("https://example.com/books/:id", ["https://example.com/books/1"]),
    ("https://example.com/*", ["https://example.com/books/1", "https://example.com/Books/1"]),
    ("https://EXAMPLE.com/books/1", ["https://example.com/books/1"]),
    ("http{s}?://*/:kind(books|films)/*",
     ["https://example.com/books/1", "https://hub.example/books/7", "/books/8"]),
    ("/books/:id", ["https://hub.example/books/7", "/books/8"]),
])
def test_a_url_pattern_matches_urls_and_is_relative_to_the_hub(room, hub, pattern, gets):
    topics = ["https://example.com/books/1", "https://example.com/Books/1",
              "https://hub.example/books/7", "/books/8", "no url : at all"]
    assert heard(room, hub, query(match_urlpattern=pattern), topics) == gets


@pytest.mark.parametrize("name", ["match", "match_exact", "match_urlpattern"])
def test_a_star_matches_everything_whatever_its_type(room, hub, name):
    topics = ["star/1", "https://example.com/star", "/star", "no url : at all"]
    assert heard(room, hub, query((name, "*")), topics) == topics


def test_matchers_are_alternatives(room, hub):
    path = query(("match", "m/1"), ("match", "m/2"), ("match_urlpattern", "https://m.example/*"))
    topics = ["m/1", "m/2", "m/3", "https://m.example/4"]
    assert heard(room, hub, path, topics) == ["m/1", "m/2", "https://m.example/4"]


@pytest.mark.parametrize("fields", [
    "match_regexp=a", "match_=a", "matchbox=a", "MATCH=a", "Match_Exact=a", "match_uritemplate=a"])
def test_any_other_name_that_begins_with_match_is_refused(room, fields):
    answer = room.ask("GET", f"{HUB}?match=b&{fields}")
    assert answer.status == 400 and fields.split("=")[0] in answer.text


@pytest.mark.parametrize("pattern", ["https://example.com/(", "https://example.com/:id(", "{"])
def test_a_broken_pattern_is_refused(room, pattern):
    assert room.ask("GET", query(match_urlpattern=pattern)).status == 400


def test_a_pattern_that_backtracks_elsewhere_costs_nothing_here(room, hub):
    pattern = r"https://slow.example/((?:a+)+b)"
    topic = "https://slow.example/" + "a" * 2000
    begin = time.monotonic()
    assert heard(room, hub, query(match_urlpattern=pattern), [topic, topic + "b"]) == [topic + "b"]
    assert time.monotonic() - begin < 5


def test_topic_and_match_do_not_mix(room):
    answer = room.ask("GET", query(topic="a", match="b"))
    assert answer.status == 400 and "either" in answer.text


# -- grants --------------------------------------------------------------------------------------


def test_a_private_event_reaches_those_whose_details_match_one_of_its_topics(room, hub):
    tokens = [v1("p/1"), v1(("urlpattern", "https://p.example/*")), v1(("urlpattern", "*")),
              v1("p/{id}"), v1(details=[detail("p/1", actions=["publish", "unheard-of"])])]
    streams = [room.reader(query(match="*"), bearer(token)) for token in tokens]
    hub.publish(["p/1", "https://p.example/1"], "secret", private="on")
    got = ["secret" in data for data in room.heard(*streams)]
    assert got == [True, True, True, False, False]


def test_what_is_asked_for_never_widens_what_is_granted(room, hub):
    path = query(("match", "*"), ("match_urlpattern", "https://w.example/*"))
    topics = ["https://w.example/1", "https://w.example/2"]
    headers = bearer(v1("https://w.example/1"))
    assert heard(room, hub, path, topics, headers, private="on") == topics[:1]


@pytest.mark.parametrize("topics, status", [
    (["https://p.example/1"], 200), (["exact/{id}"], 200), (["https://p.example/1", "exact/{id}"], 200),
    (["exact/1"], 403), (["https://p.example/1", "other"], 403), (["read"], 403)])
def test_publishing_needs_a_publish_detail_that_matches_every_topic(hub, topics, status):
    token = v1(details=[detail("exact/{id}", ("urlpattern", "https://p.example/*"), actions=["publish"]),
                        detail("read")])
    with hub.publisher(token) as publisher:
        assert publisher.form([*[("topic", topic) for topic in topics], ("data", "x")])[0] == status


@pytest.mark.parametrize("details", [
    [detail(("uritemplate", "a"))],
    [{"type": DETAIL, "topics": [{"match": "a"}]}],
    [{"type": DETAIL, "actions": ["subscribe"]}],
    [detail("a"), {"type": DETAIL, "actions": ["subscribe"], "topics": ["a"]}],
    [{"actions": ["subscribe"], "topics": [{"match": "a"}]}],
], ids=["match type", "no actions", "no topics", "one of two", "no type"])
def test_details_that_are_malformed_refuse_the_whole_token(room, details):
    answer = room.ask("GET", query(match="a"), bearer(v1(details=details)))
    assert answer.status == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_details_of_other_types_and_unknown_actions_are_ignored(room, hub):
    token = v1(details=[{"type": "https://other.example", "anything": 1},
                        detail("i/1", actions=["subscribe", "unheard-of"])])
    assert heard(room, hub, query(match="i/1"), ["i/1"], bearer(token), private="on") == ["i/1"]


@pytest.mark.parametrize("claims, typ", [
    ({}, "JWT"), ({"exp": None}, "at+jwt"), ({"iss": "https://else.example"}, "at+jwt"),
    ({"exp": 1}, "at+jwt"), ({"nbf": int(time.time()) + 3600}, "at+jwt"),
], ids=["typ", "no exp", "iss", "expired", "not yet"])
def test_a_token_of_1_0_is_held_to_its_type_its_issuer_and_its_times(room, claims, typ):
    claims = {"iss": ISSUER, "exp": int(time.time()) + 600, **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt({**claims, "authorization_details": [detail("a")]}, header={"alg": "HS256", "typ": typ})
    answer = room.ask("GET", query(match="a"), bearer(token))
    assert answer.status == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT"])
def test_both_spellings_of_the_type_are_taken(room, typ):
    claims = {"iss": ISSUER, "exp": int(time.time()) + 600, "authorization_details": [detail("a")]}
    token = jwt(claims, header={"alg": "HS256", "typ": typ})
    assert room.reader(query(match="a"), bearer(token)).status == 200


def test_a_token_of_1_0_in_the_query_is_refused(room):
    answer = room.ask("GET", query(match="a", authorization=v1("a")))
    assert answer.status == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]


# -- the description -----------------------------------------------------------------------------


def test_the_hub_describes_itself_to_oauth_clients(room):
    answer = room.ask("GET", METADATA, {"origin": "https://app.example"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert json.loads(answer.text) == {
        "resource": PUBLIC_URL,
        "authorization_servers": [ISSUER],
        "authorization_details_types_supported": [DETAIL],
        "bearer_methods_supported": ["header"],
        "mercure_cookie": COOKIE_V1,
        "mercure_matcher_types_supported": ["exact", "urlpattern"],
        "mercure_subscriptions": False,
    }
    assert room.ask("HEAD", METADATA).status == 200


def test_without_a_public_url_the_resource_is_where_the_request_went(start):
    with Room(start(hub={**BOTH, "subscriptions": True})) as room:
        told = json.loads(room.ask("GET", METADATA).text)
    assert told["resource"] == f"https://localhost{HUB}"
    assert told["mercure_subscriptions"] is True


# -- 1.0 alone -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hub_of_1_0(start_for_module):
    return start_for_module(hub={**BOTH, "protocol": "1.0"})


@pytest.fixture
def strict(hub_of_1_0):
    publisher = v1(details=[detail("*", actions=["publish"])])
    with Room(hub_of_1_0, (query(match="*"), bearer(v1("*"))), publisher) as room:
        yield room


def test_a_hub_of_1_0_alone_refuses_topic_and_asks_for_match(strict):
    assert strict.ask("GET", query(topic="a")).status == 400
    answer = strict.ask("GET", HUB)
    assert answer.status == 400 and "?match=" in answer.text


def test_a_hub_of_1_0_alone_takes_no_token_of_0x(strict):
    for headers in (bearer(v0("a")), cookie(v0("a"), COOKIE_V1)):
        answer = strict.ask("GET", query(match="a"), headers)
        assert answer.status == 401 and "0.x" in answer.text
    assert strict.ask("GET", query(match="a", authorization=v0("a"))).status == 400


def test_a_hub_of_1_0_alone_takes_tokens_that_name_it(start):
    gateway = start(hub={**BOTH, "protocol": "1.0", "public_url": PUBLIC_URL})
    with Room(gateway, (query(match="*"), bearer(v1("*", aud=PUBLIC_URL)))) as room:
        for aud, status in ((["x", PUBLIC_URL], 200), ("https://other.example", 401), (None, 401)):
            token = v1("a", **({"aud": aud} if aud else {}))
            assert room.reader(query(match="a"), bearer(token)).status == status


def test_a_hub_of_1_0_alone_reads_its_own_cookie_only(strict):
    assert strict.ask("GET", query(match="a"), cookie("rubbish", COOKIE_V1)).status == 401
    assert strict.reader(query(match="a"), cookie("rubbish", COOKIE)).status == 200  # anonymous
    assert strict.reader(query(match="a"), cookie(v1("a"), COOKIE_V1)).status == 200


def test_on_a_hub_of_1_0_alone_a_path_names_one_topic(strict):
    stream = strict.reader("/events/one/%7Bid%7D", {"last-event-id": "earliest"})
    assert "last-event-id" not in stream.headers
    assert stream.headers["mercure-last-event-id"] == "earliest"
    for topic in ("one/{id}", "one/1"):
        strict.publish(topic, topic)
    assert strict.heard(stream) == [["one/{id}"]]
