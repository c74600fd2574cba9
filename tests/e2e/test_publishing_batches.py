"""Several events in one JSON request; how fast a token may publish; what is published once."""

import json

import pytest

from clients import H1, H2
from publishing import authorized
from settings import jwt

pytestmark = pytest.mark.quick
JSON = {"content_type": "application/json"}


def post(gateway, body, path="/events", **headers):
    with H1(gateway.clear) as client:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        client.request("POST", path, authorized(**{**JSON, **headers}), text)
        return client.answer()


@pytest.mark.parametrize("path", ["/events", "/.well-known/mercure"])
def test_a_batch_is_published_in_its_order_and_answered_with_its_ids(gateway, path):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/.well-known/mercure?topic=*")
        client.opened(stream)
        answer = post(gateway, [
            {"topic": "a", "data": "one"},
            {"topic": ["b", "c"], "data": {"n": 2}, "id": "own", "type": "note", "key": "k"},
            {"topic": "a", "data": "three", "ttl": 60, "retry": 700, "private": False}], path)
        events = client.events(stream, 3)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text) == {"ids": [event.id for event in events]}
    assert [event.data for event in events] == ["one", '{"n":2}', "three"]
    assert (events[1].id, events[1].type) == ("own", "note")


def test_one_event_may_stand_alone(gateway):
    answer = post(gateway, {"topic": "a", "data": "x"})
    assert answer.status == 200 and len(json.loads(answer.text)["ids"]) == 1


@pytest.mark.parametrize("event, status, says", [
    ({"topic": "forbidden", "data": "x"}, 403, "event 2: "),
    ({"topic": ["a", "forbidden"], "data": "x"}, 403, "event 2: "),
    ({"data": "x"}, 400, "event 2: topic is missing"),
    ({"topic": "a", "id": "#x"}, 400, "event 2: id"),
    ({"topic": "a", "type": "gap"}, 400, "event 2: type"),
    ({"topic": "a", "private": "yes"}, 400, "event 2: private"),
    ({"topic": "a", "key": "k" * 257}, 413, "event 2: key"),
    ({"topic": "../.well-known/mercure"}, 400, "event 2: topic"),
    ("text", 400, "event 2: "),
])
def test_a_batch_is_all_or_nothing(gateway, event, status, says):
    token = jwt({"mercure": {"publish": ["a", "../.well-known/mercure"]}})
    before = int(gateway.publish("a", "x").split("-")[1])
    answer = post(gateway, [{"topic": "a", "data": "good"}, event],
                  authorization=f"Bearer {token}")
    assert (answer.status, answer.text[:len(says)]) == (status, says)
    assert int(gateway.publish("a", "x").split("-")[1]) == before + 1


def test_a_batch_has_a_limit(start):
    gateway = start(hub={"max_batch": 3})
    assert post(gateway, [{"topic": "a"}] * 3).status == 200
    assert post(gateway, [{"topic": "a"}] * 4).status == 413
    assert post(gateway, []).status == 400
    assert post(gateway, b"[{]").status == 400


def test_json_for_one_topic_is_data_like_any_other(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        assert post(gateway, b'[{"topic": "b"}]', "/events/a").status == 200
        assert client.events(stream, 1)[0].data == '[{"topic": "b"}]'


def test_all_topics_have_one_door(gateway):
    with gateway.publisher() as publisher:
        status, _ = publisher.post("/events", "topic=a&data=x", "application/x-www-form-urlencoded")
    assert status == 200
    with H1(gateway.clear) as client:
        client.request("GET", "/events")
        assert client.answer().status == 400


def test_a_token_may_publish_so_fast_and_no_faster(start):
    gateway = start(hub={"publishes_per_second": 1, "publish_burst": 3})
    slow, other = (authorized(jwt({"sub": name, "mercure": {"publish": ["*"]}}))["authorization"]
                   for name in ("slow", "other"))
    assert post(gateway, [{"topic": "a"}] * 2, authorization=slow).status == 200
    assert post(gateway, b"x", "/events/a", authorization=slow).status == 200
    answer = post(gateway, [{"topic": "a"}] * 3, authorization=slow)
    assert answer.status == 429
    assert 2 <= int(answer.headers["retry-after"]) <= 3
    assert post(gateway, b"x", "/events/a", authorization=other).status == 200
    assert gateway.metric("sluice_publishes_total", result="limited") == 1
    assert gateway.metric("sluice_published_events_total", form="batch") == 2
    assert gateway.metric("sluice_published_events_total", form="single") == 2


@pytest.mark.parametrize("key, status", [("", 400), ("k" * 257, 413), ("k" * 256, 200)])
def test_an_idempotency_key_is_a_short_text(gateway, key, status):
    assert post(gateway, b"x", "/events/a", idempotency_key=key).status == status
