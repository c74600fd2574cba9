"""What a publisher may send, and what it is told."""

import pytest

from clients import H1, H2
from settings import PUBLISHER, jwt

pytestmark = pytest.mark.quick
AUTHORIZED = {"authorization": f"Bearer {PUBLISHER}"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def post(gateway):
    """post(pairs) POSTs a form as a publisher; gives status and text."""
    with gateway.publisher() as publisher:
        yield publisher.form


def test_a_form_is_answered_with_the_id_of_the_event(gateway):
    with H1(gateway.clear) as client:
        client.request("POST", "/.well-known/mercure", {**AUTHORIZED, "content-type": FORM},
                       b"topic=a&data=hello")
        answer = client.answer()
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    epoch, _, position = answer.text.strip().partition("-")
    assert epoch and position.isdigit()


def test_ids_rise_by_one_in_one_sequence_for_all_topics(gateway):
    ids = [gateway.publish(topic, "x") for topic in ("a", "b", "a")]
    epochs = {id.split("-")[0] for id in ids}
    positions = [int(id.split("-")[1]) for id in ids]
    assert len(epochs) == 1
    assert positions == list(range(positions[0], positions[0] + 3))


def test_the_body_of_a_post_to_a_topic_is_the_data(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news/sport")
        client.opened(stream)
        answer = client.answer(client.request("POST", "/events/news/sport", AUTHORIZED,
                                              body=b"two lines\nof text"))
        assert answer.status == 200
        event = client.events(stream, 1)[0]
    assert (event.id, event.data) == (answer.text.strip(), "two lines\nof text")


def test_an_event_carries_the_fields_that_the_publisher_gave(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        id = gateway.publish("a", "x", id="urn:uuid:42", type="note", retry="1234")
        event = client.events(stream, 1)[0]
        assert id == "urn:uuid:42"
        assert (event.id, event.type, event.data) == ("urn:uuid:42", "note", "x")
        assert client.streams[stream].sse.retry == 1234


def test_a_retry_that_would_make_browsers_storm_is_raised(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        gateway.publish("a", "x", retry="1")
        client.events(stream, 1)
        assert client.streams[stream].sse.retry >= 500


def test_no_data_is_empty_data_and_unknown_fields_are_ignored(gateway, post):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        status, _ = post([("topic", "a"), ("colour", "blue")])
        assert status == 200
        assert client.events(stream, 1)[0].data == ""


@pytest.mark.parametrize("pairs, names", [
    ([("data", "x")], "topic"),
    ([("topic", ""), ("data", "x")], "topic"),
    ([("topic", "a"), ("id", "#x")], "id"),
    ([("topic", "a"), ("id", "earliest")], "id"),
    ([("topic", "a"), ("id", "two\nlines")], "id"),
    ([("topic", "a"), ("id", "nul\0")], "id"),
    ([("topic", "a"), ("type", "two\r\ndata: forged")], "type"),
    ([("topic", "a"), ("type", "mercure")], "type"),
    ([("topic", "a"), ("type", "gap")], "type"),
    ([("topic", "a"), ("retry", "soon")], "retry"),
    ([("topic", "a"), ("retry", "-1")], "retry"),
    ([("topic", "a"), ("ttl", "1.5")], "ttl"),
    ([("topic", "a"), ("ttl", "-1")], "ttl"),
    ([("topic", "a"), ("key", "two\nlines")], "key"),
    ([("topic", "a"), ("id", "a\u00adb")], "id"),
    ([("topic", "a"), ("type", "a\u200bb")], "type"),
    ([("topic", "a\u202eb")], "topic"),
    ([("topic", "a\x85b")], "topic"),
    ([("topic", "/.well-known/mercure/subscriptions/x")], "topic"),
    ([("topic", "https://example.com/a/../.well-known/%6Dercure")], "topic"),
])
def test_a_form_that_breaks_a_rule_is_refused_with_the_name_of_the_field(post, pairs, names):
    status, text = post(pairs)
    assert status == 400
    assert names in text


@pytest.mark.parametrize("pairs", [
    [("topic", "a"), ("id", "x" * 257)],
    [("topic", "a"), ("type", "x" * 257)],
    [("topic", "a"), ("key", "x" * 257)],
    [("topic", "x" * 100_000)],
], ids=["id", "type", "key", "topic"])
def test_a_form_beyond_a_limit_is_413(post, pairs):
    status, text = post(pairs)
    assert status == 413 and pairs[-1][0] in text


@pytest.mark.parametrize("pairs", [
    [("topic", "a"), ("key", "k"), ("ttl", "15"), ("retry", "0")],
    [("topic", "a"), ("ttl", "5m"), ("id", "x" * 256)],
    [("topic", "a"), ("id", "\u00e9\u20ac\U0001f600")],
], ids=["key", "ttl", "characters"])
def test_a_form_within_the_rules_is_taken(post, pairs):
    assert post(pairs)[0] == 200


@pytest.mark.parametrize("body", [b"topic=a&data=%zz", b"topic=%ff&data=x", b"topic=a&data=%f"])
def test_a_form_that_cannot_be_decoded_is_refused(gateway, body):
    with gateway.publisher() as publisher:
        status, text = publisher.post("/.well-known/mercure", body, FORM)
    assert status == 400 and text.strip()


def test_a_field_cannot_smuggle_lines_into_the_stream(gateway, post):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        post([("topic", "a"), ("data", "x\n\nid: forged\ndata: forged\n\n")])
        post([("topic", "a"), ("data", "end")])
        events = client.events(stream, 2)
    assert [event.data for event in events] == ["x\n\nid: forged\ndata: forged\n\n", "end"]


@pytest.mark.parametrize("token, status", [
    (None, 401),
    ("", 401),
    ("rubbish", 401),
    (jwt({"mercure": {"publish": ["*"]}}, secret="a-secret-that-is-not-the-gateways"), 401),
    (jwt({"mercure": {"publish": ["*"]}, "exp": 1_000_000_000}), 401),
    (jwt({"mercure": {"publish": ["*"]}, "nbf": 4_000_000_000}), 401),
    (jwt({"mercure": {"publish": ["*"]}}, header={"alg": "none", "typ": "JWT"}), 401),
    (jwt({"mercure": {"publish": ["*"]}}, header={"alg": "HS512", "typ": "JWT"}), 401),
    (jwt({"mercure": {"subscribe": ["*"]}}), 403),
    (jwt({"mercure": {"publish": []}}), 403),
    (jwt({"mercure": {"publish": ["b"]}}), 403),
    (jwt({"mercure": {"publish": ["a"]}}), 200),
    (jwt({"mercure": {"publish": ["{name}"]}}), 200),
    (jwt({"https://mercure.rocks/": {"publish": ["a"]}}), 200),
], ids=["no token", "empty", "rubbish", "another key", "expired", "not yet valid", "alg none",
        "alg HS512", "no publish claim", "nothing granted", "another topic", "the topic",
        "template", "namespaced claim"])
def test_only_a_valid_token_with_a_grant_may_publish(gateway, token, status):
    with gateway.publisher(token) as publisher:
        got, text = publisher.form([("topic", "a"), ("data", "x")])
    assert got == status, text


def test_a_publisher_needs_a_grant_for_every_topic_of_an_event(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/.well-known/mercure?topic=*")
        client.opened(stream)
        with gateway.publisher(jwt({"mercure": {"publish": ["a"]}})) as publisher:
            status, _ = publisher.form([("topic", "a"), ("topic", "b"), ("data", "x")])
        assert status == 403
        gateway.publish("a", "allowed")
        assert [event.data for event in client.events(stream, 1)] == ["allowed"]


def test_an_event_larger_than_the_limit_is_refused_and_one_at_the_limit_is_not(start):
    gateway = start(hub={"max_event_bytes": "64KiB"})
    with gateway.publisher() as publisher:
        status, text = publisher.post("/events/big", b"x" * (64 * 1024 + 1), "text/plain")
        assert status == 413 and text.strip()
    with gateway.publisher() as publisher:
        status, _ = publisher.post("/events/big", b"x" * 64 * 1024, "text/plain")
        assert status == 200


def test_a_mebibyte_arrives_whole(gateway):
    data = "".join(f"{n:07d}\n" for n in range(131_000))
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/big")
        client.opened(stream)
        gateway.publish("big", data)
        assert client.events(stream, 1)[0].data == data


def test_too_many_topics_are_refused(gateway, post):
    status, text = post([("topic", f"t{n}") for n in range(101)] + [("data", "x")])
    assert status == 413 and "topic" in text


def test_a_body_of_another_type_is_refused_by_the_form_endpoint(gateway):
    with gateway.publisher() as publisher:
        status, text = publisher.post("/.well-known/mercure", b"<topic>a</topic>", "application/xml")
    assert status in (400, 415) and text.strip()


def test_a_connection_is_kept_for_many_publishes(gateway):
    with H1(gateway.clear) as client:
        for n in range(50):
            client.request("POST", "/events/many", AUTHORIZED, b"%d" % n)
            assert client.answer().status == 200


def test_pipelined_publishes_are_answered_in_order(gateway):
    one = (f"POST /events/p HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {PUBLISHER}\r\n"
           "content-length: 1\r\n\r\n")
    with H1(gateway.clear) as client:
        client.send("".join(f"{one}{n}" for n in range(5)))
        positions = [int(client.answer().text.strip().split("-")[1]) for _ in range(5)]
    assert positions == list(range(positions[0], positions[0] + 5))
