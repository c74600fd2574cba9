"""What a subscriber gets, over HTTP/1.1 and HTTP/2."""

import pytest

from clients import H1, H2
from settings import jwt

pytestmark = pytest.mark.quick
PAGE = {"origin": "https://app.example"}


@pytest.fixture(params=["h2", "h1-tls", "h1-clear", "h2-clear"])
def subscribe(request, gateway):
    """subscribe(path, headers) opens a stream over each of the protocols; the result has .headers,
    .sse and .events(count)."""
    kind = request.param
    port = gateway.clear if kind.endswith("clear") else gateway.tls
    opened = []

    def over_h2(path, headers=()):
        client = H2(port, tls=kind == "h2")
        opened.append(client)
        number = client.subscribe(path, headers)
        state = client.opened(number)[0]
        state.read = lambda count: client.events(number, count)
        return state

    def over_h1(path, headers=()):
        client = H1(port, tls=kind == "h1-tls")
        opened.append(client)
        client.headers = client.subscribe(path, headers).headers
        client.read_stream(lambda: client.sse.retry, 5, "the first lines")
        client.read = client.events
        return client

    yield over_h2 if kind.startswith("h2") else over_h1
    for client in opened:
        client.socket.close()


def test_a_stream_opens_with_a_comment_and_a_retry_without_a_blank_line(subscribe):
    stream = subscribe("/events/news")
    first = bytes(stream.sse.raw)
    assert first.startswith(b":\nretry: ")
    assert first.endswith(b"\n") and b"\n\n" not in first
    assert stream.sse.retry >= 500  # Chromium has no floor of its own
    assert stream.headers["content-type"].startswith("text/event-stream")


def test_the_answer_tells_everybody_on_the_way_not_to_keep_or_change_it(subscribe):
    headers = subscribe("/events/news").headers
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-content-type-options"] == "nosniff"


def test_an_event_arrives_with_its_id_type_and_lines(subscribe, gateway):
    stream = subscribe("/.well-known/mercure?topic=https://example.com/a")
    id = gateway.publish("https://example.com/a", "one\r\ntwo\rthree\n", type="note")
    event = stream.read(1)[0]
    assert (event.id, event.type, event.data) == (id, "note", "one\ntwo\nthree\n")


def test_text_beyond_ascii_arrives_as_it_was_published(subscribe, gateway):
    stream = subscribe("/events/caf%C3%A9")
    gateway.publish("café", "é€😀")
    assert stream.read(1)[0].data == "é€😀"


def test_a_page_of_a_listed_origin_may_read_with_credentials(subscribe):
    headers = subscribe("/events/news", PAGE).headers
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["access-control-allow-credentials"] == "true"
    assert "origin" in headers["vary"].lower()


def test_a_page_of_another_origin_is_told_nothing(subscribe):
    headers = subscribe("/events/news", {"origin": "https://elsewhere.example"}).headers
    assert "access-control-allow-origin" not in headers
    assert "origin" in headers["vary"].lower()


@pytest.mark.parametrize("query, gets", [
    ("topic=*", ["a", "b/1", "b/2"]),
    ("topic=a", ["a"]),
    ("topic=a&topic=b/1", ["a", "b/1"]),
    ("topic=b/%7Bid%7D", ["b/1", "b/2"]),
    ("topic=b/%7Bid%7D&topic=b/1", ["b/1", "b/2"]),
])
def test_selectors_choose_events_by_name_template_or_star(gateway, query, gets):
    with H2(gateway.tls) as client:
        stream = client.subscribe(f"/.well-known/mercure?{query}")
        client.opened(stream)
        for topic in ("a", "b/1", "b/2"):
            gateway.publish(topic, topic)
        # A second stream that gets everything tells when the first must have got its own.
        control = client.subscribe("/.well-known/mercure?topic=*&lastEventID=earliest")
        client.events(control, 3)
        client.ping()
        assert [event.data for event in client.streams[stream].events] == gets


def test_an_event_with_several_topics_reaches_a_subscriber_of_two_of_them_once(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/.well-known/mercure?topic=a&topic=b")
        client.opened(stream)
        gateway.publish(["a", "b", "c"], "once")
        gateway.publish("a", "next")
        assert [event.data for event in client.events(stream, 2)] == ["once", "next"]


def test_a_private_event_does_not_reach_an_anonymous_subscriber(gateway):
    token = jwt({"mercure": {"subscribe": ["secret"]}})
    with H2(gateway.tls) as client:
        stranger = client.subscribe("/events/secret")
        friend = client.subscribe("/events/secret", {"authorization": f"Bearer {token}"})
        client.opened(stranger, friend)
        gateway.publish("secret", "hidden", private="on")
        gateway.publish("secret", "public")
        assert [e.data for e in client.events(friend, 2)] == ["hidden", "public"]
        assert [e.data for e in client.events(stranger, 1)] == ["public"]


@pytest.mark.parametrize("kind", ["h1", "h2"])
def test_head_has_the_head_and_no_body(gateway, kind):
    if kind == "h1":
        with H1(gateway.clear) as client:
            client.request("HEAD", "/events/news")
            answer = client.answer(is_head=True)
            client.request("HEAD", "/events/news")  # the connection is in step still
            assert client.answer(is_head=True).status == 200
    else:
        with H2(gateway.tls) as client:
            answer = client.answer(client.request("HEAD", "/events/news"))
            assert not answer.body
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_a_preflight_is_answered_with_what_is_allowed(gateway):
    with H2(gateway.tls) as client:
        answer = client.answer(client.request("OPTIONS", "/.well-known/mercure", {
            **PAGE, "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,last-event-id"}))
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert "authorization" in allowed and "last-event-id" in allowed


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nothing/here", 404),
    ("GET", "/events/", 400),
    ("DELETE", "/events/news", 405),
    ("PUT", "/.well-known/mercure", 405),
    ("GET", "/.well-known/mercure", 400),
    ("GET", "/events/%zz", 400),
    ("GET", "/.well-known/mercure?topic=%ff%fe", 400),
])
def test_what_cannot_be_served_is_refused_in_words_that_a_page_may_read(
        gateway, method, path, status):
    with H2(gateway.tls) as client:
        answer = client.answer(client.request(method, path, PAGE))
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(answer.text.strip()) > 10 and answer.text.endswith("\n")
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    if status == 405:
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("token, status", [
    (None, 401),
    ("Bearer not.a.token", 401),
    ("Bearer " + jwt({"mercure": {"subscribe": ["*"]}}, secret="another-secret-of-32-bytes-or-so!"),
     401),
    ("Bearer " + jwt({"mercure": {"subscribe": ["*"]}, "exp": 1}), 401),
    ("Bearer " + jwt({"mercure": {"subscribe": ["*"]}}, header={"alg": "none"}), 401),
    ("Bearer " + jwt({"mercure": {"subscribe": ["*"]}}), 200),
], ids=["no token", "rubbish", "another key", "expired", "alg none", "valid"])
def test_a_hub_without_anonymous_subscribers_asks_for_a_token(start, token, status):
    gateway = start(hub={"anonymous": False})
    with H2(gateway.tls) as client:
        headers = {"authorization": token} if token else {}
        stream = client.subscribe("/events/news", headers)
        assert client.opened(stream)[0].status == status
