"""What is published once, however often it is sent."""

import json

import pytest

from clients import H1, H2
from publishing import StreamH2, authorized
from settings import jwt

pytestmark = pytest.mark.quick


def post(gateway, body, path="/events/a", **headers):
    with H1(gateway.clear) as client:
        client.request("POST", path, authorized(**{"content_type": "text/plain", **headers}), body)
        return client.answer()


def replayed(answer):
    assert answer.status == 200, answer.text
    return answer.headers.get("idempotent-replayed") == "true"


def test_a_request_with_the_same_key_has_the_first_answer(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        first = post(gateway, b"one", idempotency_key="k")
        second = post(gateway, b"one", idempotency_key="k")
        other = post(gateway, b"two", idempotency_key="l")
        assert [event.data for event in client.events(stream, 2)] == ["one", "two"]
    assert not replayed(first) and replayed(second) and not replayed(other)
    assert first.text == second.text != other.text
    assert gateway.metric("sluice_publish_repeats_total") == 1


def test_keys_belong_to_their_publisher(gateway):
    ones, others = (authorized(jwt({"sub": name, "mercure": {"publish": ["*"]}}))["authorization"]
                    for name in ("one", "other"))
    assert not replayed(post(gateway, b"x", idempotency_key="k", authorization=ones))
    assert not replayed(post(gateway, b"x", idempotency_key="k", authorization=others))
    assert replayed(post(gateway, b"x", idempotency_key="k", authorization=ones))


def test_an_id_stands_for_its_event_within_its_topic(gateway):
    assert not replayed(post(gateway, b"x", "/events/a?id=7"))
    assert replayed(post(gateway, b"x", "/events/a?id=7"))
    assert not replayed(post(gateway, b"x", "/events/b?id=7"))


def test_a_batch_that_is_sent_again_is_published_once(gateway):
    events = json.dumps([{"topic": "a", "data": n} for n in range(3)]).encode()
    headers = {"content_type": "application/json", "idempotency_key": "k"}
    first, second = (post(gateway, events, "/events", **headers) for _ in range(2))
    assert not replayed(first) and replayed(second)
    assert first.text == second.text and len(json.loads(first.text)["ids"]) == 3


def test_a_stream_that_broke_is_sent_again_from_the_beginning(gateway):
    with H2(gateway.tls) as client:
        number = client.subscribe("/events/s")
        client.opened(number)
        with StreamH2(gateway, idempotency_key="k") as stream:
            stream.send(b"data: 0\n\ndata: 1\n\ndata: 2")
            stream.pump(lambda: stream.acks, "the acknowledgement")
        with StreamH2(gateway, idempotency_key="k") as stream:
            stream.send(b"".join(b"data: %d\n\n" % n for n in range(4)))
            stream.finish()
        assert [event.data for event in client.events(number, 4)] == ["0", "1", "2", "3"]
    assert (stream.acks[-1]["events"], stream.acks[-1]["repeats"]) == (4, 2)
