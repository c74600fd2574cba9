"""Mercure, whatever the version: methods, selectors of 0.x, cursors, and what is private to whom."""

import pytest

from mercure import BOTH, COOKIE, FORM, HUB, METADATA, Room, bearer, cookie, data_of, query, v0, v1

pytestmark = pytest.mark.quick
PAGE = {"origin": "https://app.example"}


@pytest.fixture(scope="module")
def hub(start_for_module):
    """A hub that all tests of this file share; each uses topics of its own."""
    return start_for_module(hub=BOTH)


@pytest.fixture
def room(hub):
    with Room(hub) as room:
        yield room


# -- methods -------------------------------------------------------------------------------------


def test_other_methods_than_those_of_the_protocol_are_answered_405_with_those_it_has(room):
    for method in ("PUT", "DELETE", "PATCH"):
        answer = room.ask(method, HUB)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST, QUERY, OPTIONS")
    answer = room.ask("POST", METADATA)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_head_is_answered_like_get_and_has_no_body(room):
    answer = room.ask("HEAD", query(topic="a"))
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["content-type"] == "text/event-stream"
    assert room.ask("HEAD", HUB).status == 400


def query_with_body(room, path, body, content_type=FORM, **headers):
    fields = {"content-type": content_type, **headers}
    client, rest = room.client, body.encode()
    number = client.request("QUERY", path, fields, end=False)
    stream = client.streams[number]
    while rest and not stream.over:  # As far as the gateway's window goes, and then the rest.
        client.pump(lambda: stream.over or client.h2.local_flow_control_window(number), "window")
        size = min(len(rest), 16384, 0 if stream.over else client.h2.local_flow_control_window(number))
        client.h2.send_data(number, rest[:size]) if size else None
        client.flush()
        rest = rest[size:]
    if not stream.over:
        client.h2.end_stream(number)
        client.flush()
    return client.opened(number)[0]


def test_query_subscribes_to_what_its_body_and_the_query_string_name(room, hub):
    stream = query_with_body(room, query(topic="q/1"), "topic=q/2&topic=q/%7Bid%7D/x")
    for topic in ("q/1", "q/2", "q/3", "q/3/x"):
        hub.publish(topic, topic)
    assert room.heard(stream) == [["q/1", "q/2", "q/3/x"]]


def test_in_a_query_request_the_cursor_of_the_query_string_wins(room, hub):
    ids = [hub.publish("q/cursor", str(n)) for n in range(3)]
    stream = query_with_body(room, query(last_event_id=ids[1]), f"topic=q/cursor&last_event_id={ids[0]}")
    assert room.heard(stream) == [["2"]]
    assert stream.headers["mercure-last-event-id"] == ids[1]


@pytest.mark.parametrize("body, content_type, status", [
    ("topic=a", "application/json", 415),
    ("topic=a", FORM + "; charset=utf-8", 200),
    ("topic=%zz", FORM, 400),
    ("", FORM, 400),
    ("topic=" + "x" * (1 << 20), FORM, 413),
], ids=["no form", "with a charset", "broken", "empty", "too large"])
def test_the_body_of_a_query_is_a_form(room, body, content_type, status):
    assert query_with_body(room, HUB, body, content_type).status == status


def test_a_preflight_allows_query(room):
    answer = room.ask("OPTIONS", HUB, {**PAGE, "access-control-request-method": "QUERY"})
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, POST, QUERY"


# -- selectors of 0.x ----------------------------------------------------------------------------


def test_a_template_matches_what_it_expands_to_and_itself(room, hub):
    stream = room.reader(query(topic="t/{id}"))
    for topic in ("t/1", "t/{id}", "t/{other}", "t/1/2", "t"):
        hub.publish(topic, topic)
    assert room.heard(stream) == [["t/1", "t/{id}"]]


def test_a_topic_is_matched_byte_for_byte(room, hub):
    stream = room.reader(query(topic="https://example.com/caf\u00e9"))
    for topic in ("https://example.com/caf\u00e9", "https://example.com/caf%C3%A9",
                  "https://EXAMPLE.com/caf\u00e9", "https://example.com/cafe\u0301"):
        hub.publish(topic, topic)
    assert room.heard(stream) == [["https://example.com/caf\u00e9"]]


def test_names_of_fields_are_case_sensitive(room):
    assert room.ask("GET", f"{HUB}?Topic=a").status == 400


def test_an_event_is_matched_by_its_alternate_topics_too(room, hub):
    stream = room.reader(query(topic="alternate"))
    hub.publish(["canonical", "alternate"], "once")
    assert room.heard(stream) == [["once"]]


def test_more_selectors_than_allowed_and_longer_ones_are_refused(room):
    assert room.ask("GET", query(*[("topic", f"t{n}") for n in range(101)])).status == 400
    assert room.ask("GET", query(topic="x" * 4097)).status == 400
    assert room.reader(query(*[("topic", f"t{n}") for n in range(100)])).status == 200


@pytest.mark.parametrize("topic", ["", "a\tb", "a\x7fb"])
def test_a_selector_without_text_or_with_control_characters_is_refused(room, topic):
    assert room.ask("GET", query(topic=topic)).status == 400


# -- cursors -------------------------------------------------------------------------------------


def heads(stream):
    return stream.headers.get("mercure-last-event-id"), stream.headers.get("last-event-id")


def test_without_a_cursor_the_answer_names_none(room):
    assert heads(room.reader(query(topic="a"))) == (None, None)


def test_the_answer_says_from_where_it_goes_on_in_the_headers_of_both_versions(room, hub):
    ids = [hub.publish("c", str(n)) for n in range(3)]
    stream = room.reader(query(topic="c"), {"last-event-id": ids[0]})
    assert heads(stream) == (ids[0], ids[0])
    assert room.heard(stream) == [["1", "2"]]
    assert heads(room.reader(query(match="c", last_event_id=ids[0]))) == (ids[0], None)


def test_an_empty_cursor_is_answered_with_the_newest_id_of_the_hub(room, hub):
    newest = hub.publish("c", "x")
    assert heads(room.reader(query(topic="c", lastEventID=""))) == (newest, newest)


def test_the_cursor_earliest_is_answered_with_earliest(room):
    assert heads(room.reader(query(topic="c"), {"last-event-id": "earliest"}))[0] == "earliest"


def test_a_cursor_that_is_unknown_is_answered_with_earliest_and_a_gap(room):
    stream = room.reader(query(topic="c"), {"last-event-id": "urn:uuid:nobody-knows"})
    assert heads(stream) == ("earliest", "earliest")
    room.client.pump(lambda: stream.events, "the gap")
    assert stream.events[0].type == "gap"


def test_a_cursor_that_was_evicted_is_answered_with_earliest(start):
    gateway = start(history={"max_events": 5})
    ids = [gateway.publish("c", str(n)) for n in range(20)]
    with Room(gateway) as room:
        assert heads(room.reader(query(topic="c"), {"last-event-id": ids[2]}))[0] == "earliest"
        assert heads(room.reader(query(topic="c"), {"last-event-id": ids[17]}))[0] == ids[17]


def test_of_several_events_with_one_id_the_earliest_counts(room, hub):
    for data in ("1", "2", "3"):  # Within one topic an id is published once.
        hub.publish(f"twice/{data}", data, id="urn:twice")
    stream = room.reader(query(topic="twice/{n}"), {"last-event-id": "urn:twice"})
    assert room.heard(stream) == [["2", "3"]]


def test_pages_of_listed_origins_may_read_the_cursor_and_the_link(room):
    stream = room.reader(query(topic="c", lastEventID="earliest"), PAGE)
    exposed = stream.headers["access-control-expose-headers"].split(", ")
    assert {"mercure-last-event-id", "last-event-id", "link"} <= set(exposed)


@pytest.mark.parametrize("lost_cursor, gap, rest", [
    ("gap", ["gap"], ["0", "1"]), ("earliest", [], ["0", "1"]), ("latest", ["gap"], [])])
def test_what_a_lost_cursor_gets_is_the_operators_choice(start, lost_cursor, gap, rest):
    gateway = start(hub={**BOTH, "lost_cursor": lost_cursor})
    for data in ("0", "1"):
        gateway.publish("c", data)
    with Room(gateway) as room:
        stream = room.reader(query(topic="c"), {"last-event-id": "urn:lost"})
        gateway.publish("c", "live")
        room.heard()
    assert [e.type for e in stream.events if e.type == "gap"] == gap
    assert [e.data for e in stream.events if e.type != "gap"] == [*rest, "live"]


# -- private events ------------------------------------------------------------------------------


def test_a_private_event_reaches_those_who_have_a_grant_for_one_of_its_topics(room, hub):
    readers = [room.reader(query(topic="*"), headers) for headers in (
        bearer(v0("p/{id}")), bearer(v0("elsewhere", "alternate")), bearer(v0("other")),
        bearer(v0()), {})]
    hub.publish(["p/1", "alternate"], "secret", private="")  # its presence is enough
    hub.publish("p/2", "public")
    got = [[data for data in heard if "mark" not in data] for heard in room.heard(*readers)]
    assert got == [["secret", "public"]] * 2 + [["public"]] * 3


def test_a_grant_gives_nothing_that_was_not_asked_for(room, hub):
    stream = room.reader(query(topic="asked"), bearer(v0("*")))
    hub.publish("asked", "yes", private="on")
    hub.publish("not-asked", "no", private="on")
    assert room.heard(stream) == [["yes"]]


def test_replay_is_judged_by_the_token_that_comes_with_it(room, hub):
    first = hub.publish("r/0", "begin")
    for topic in ("r/1", "r/2"):
        hub.publish(topic, topic, private="on")
    path = query(topic="r/{n}", last_event_id=first)
    streams = [room.reader(path, bearer(v0(*grants))) for grants in (["r/1"], ["r/2"], [])]
    assert room.heard(*streams) == [["r/1"], ["r/2"], []]


def test_live_and_replay_meet_without_a_gap_or_a_repeat_also_among_private_events(room, hub):
    ids = [hub.publish("m", str(n), private="on") for n in range(50)]
    stream = room.client.subscribe(query(topic="m", last_event_id=ids[9]), bearer(v0("m")))
    for n in range(50, 80):
        hub.publish("m", str(n), private="on")
    room.heard()
    assert data_of(room.client.streams[stream]) == [str(n) for n in range(10, 80)]


# -- one version alone ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hub_of_0x(start_for_module):
    return start_for_module(hub={**BOTH, "protocol": "0.x", "anonymous": False})


def test_a_hub_of_0x_alone_knows_no_match(hub_of_0x):
    with Room(hub_of_0x) as room:
        answer = room.ask("GET", query(match="a"), bearer(v0("a")))
        assert answer.status == 400 and "?topic=" in answer.text
        stream = room.reader(query(topic="a", match_rubbish="b"), bearer(v0("a")))
        assert stream.status == 200


def test_a_hub_of_0x_alone_has_no_description_and_points_to_none(hub_of_0x):
    with Room(hub_of_0x) as room:
        assert room.ask("GET", METADATA).status == 404
        answer = room.ask("GET", query(topic="a"))
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_hub_of_0x_alone_takes_no_token_and_no_cookie_of_1_0(hub_of_0x):
    with Room(hub_of_0x) as room:
        answer = room.ask("GET", query(topic="a"), bearer(v1("a")))
        assert answer.status == 401 and "1.0" in answer.text
        answer = room.ask("GET", query(topic="a"), {"cookie": f"__Secure-mercure_access_token={v0('a')}"})
        assert answer.status == 401
        assert room.reader(query(topic="a"), cookie(v0("a"), COOKIE)).status == 200
