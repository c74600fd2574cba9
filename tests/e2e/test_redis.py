"""Several instances that share a history in Redis: one order, one copy of each event, and any of
them will do, to publish, to read, and to come back to."""

import contextlib
import functools
import json

import pytest

from clients import H1, H2
from faulty_relay import FaultyRelay
from harness import wait_until
from publishing import StreamH2, authorized
from redis_server import shared

pytestmark = pytest.mark.quick


@pytest.fixture
def instances(start, redis):
    return [start(history=shared(redis.url)) for _ in range(3)]


@contextlib.contextmanager
def subscribed(*gateways, path="/.well-known/mercure?topic=*"):
    """A client of each, and its stream."""
    readers = []
    with contextlib.ExitStack() as stack:
        for gateway in gateways:
            client = stack.enter_context(H2(gateway.tls))
            readers.append((client, client.subscribe(path)))
            client.opened(readers[-1][1])
        yield readers


def post(gateway, data, path="/events/a", **headers):
    with H1(gateway.clear) as client:
        client.request("POST", path,
                       authorized(**{"content_type": "text/plain", **headers}), data)
        return client.answer()


def wait_until_away(gateway):
    wait_until(lambda: gateway.get_admin("/readyz")[0] == 503, "it is not ready", 20)


def wait_until_ready(gateway):
    wait_until(lambda: gateway.get_admin("/readyz") == (200, "ready\n"), "it is ready", 20)


# -- one history ----------------------------------------------------------------------------------


def test_what_any_instance_is_given_all_show_once_and_in_one_order(instances):
    with subscribed(*instances) as readers:
        with contextlib.ExitStack() as stack:
            publishers = [stack.enter_context(gateway.publisher()) for gateway in instances]
            ids = [publishers[n % 3].publish(f"topic/{n % 5}", str(n)) for n in range(60)]
        seen = [[(event.id, event.data) for event in client.events(stream, 60)]
                for client, stream in readers]
    assert seen[0] == [(id, str(n)) for n, id in enumerate(ids)]
    assert seen[1] == seen[2] == seen[0]
    epoch = ids[0].split("-")[0]
    assert ids == [f"{epoch}-{n}" for n in range(1, 61)]


def test_batches_and_publishing_streams_are_part_of_it(instances):
    batch = json.dumps([{"topic": "a", "data": n} for n in range(3)]).encode()
    with subscribed(*instances) as readers:
        assert post(instances[0], batch, "/events", content_type="application/json").status == 200
        with StreamH2(instances[1]) as publisher:
            publisher.send(b"".join(b"data: %d\n\n" % n for n in range(3, 6)))
            publisher.finish()
        for client, stream in readers:
            assert [event.data for event in client.events(stream, 6)] == list("012345")


def test_a_client_goes_on_at_another_instance_with_exactly_what_it_missed(instances):
    ids = [instances[0].publish("a", str(n)) for n in range(5)]
    for gateway in instances:
        with H2(gateway.tls) as client:
            stream = client.subscribe("/events/a", {"last-event-id": ids[1]})
            assert [event.data for event in client.events(stream, 3)] == ["2", "3", "4"]


def test_an_instance_that_comes_later_has_what_was_before_it(start, redis):
    first = start(history=shared(redis.url))
    ids = [first.publish("a", str(n), **({"id": "urn:own"} if n == 7 else {})) for n in range(20)]
    # Its window is too small for it all, so that the rest is read in Redis.
    later = start(history=shared(redis.url, window_events=4), hub={"ring_events": 4})
    for last_id, next_one in (("earliest", 0), (ids[4], 5), ("urn:own", 8), (ids[18], 19)):
        with H2(later.tls) as client:
            stream = client.subscribe("/events/a", {"last-event-id": last_id})
            seen = [event.data for event in client.events(stream, 20 - next_one)]
            assert seen == [str(n) for n in range(next_one, 20)]
    assert later.metric("sluice_redis_fetches_total") > 0


def test_what_is_published_at_two_instances_under_one_key_is_one_event(instances):
    with subscribed(*instances) as readers:
        first, again = (post(gateway, b"x", idempotency_key="k") for gateway in instances[:2])
        other = post(instances[2], b"y", idempotency_key="l")
        for client, stream in readers:
            assert [event.data for event in client.events(stream, 2)] == ["x", "y"]
    assert first.status == again.status == other.status == 200
    assert first.text == again.text != other.text
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


def test_an_instance_that_ends_takes_nothing_along(instances):
    instances[0].publish("a", "before")
    instances[0].stop()
    instances[1].publish("a", "after")
    instances[0].start()
    with H2(instances[0].tls) as client:
        stream = client.subscribe("/events/a", {"last-event-id": "earliest"})
        assert [event.data for event in client.events(stream, 2)] == ["before", "after"]


# -- without Redis --------------------------------------------------------------------------------


def test_while_redis_is_away_readers_stay_and_publishers_are_told(start, redis):
    gateway = start(history=shared(redis.url, publish_timeout="2s"),
                    heartbeat={"interval": "1s", "jitter": "0s"})
    wait_until_ready(gateway)
    with subscribed(gateway) as [(client, stream)]:
        gateway.publish("a", "before")
        client.events(stream, 1)
        redis.kill()
        wait_until_away(gateway)
        assert f"Redis at 127.0.0.1:{redis.port} is away" in gateway.get_admin("/readyz")[1]
        refused = post(gateway, b"nobody has this")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.text.startswith("nothing was kept: Redis is away")
        sse = client.streams[stream].sse
        beats = sse.comments
        client.pump(lambda: sse.comments >= beats + 2, "heartbeats go on", 10)
        assert gateway.metric("sluice_redis_connections") == 0
        redis.start()
        wait_until_ready(gateway)
        gateway.publish("a", "after")
        assert [event.data for event in client.events(stream, 2)] == ["before", "after"]


def test_publishers_wait_for_a_redis_that_comes_back_in_time(start, redis):
    first, second = (start(history=shared(redis.url, publish_timeout="30s")) for _ in range(2))
    with subscribed(first, second) as readers, H1(first.clear) as publisher:
        first.publish("a", "before")
        redis.kill()
        wait_until_away(first)
        publisher.request("POST", "/events/a", authorized(content_type="text/plain"), b"held up")
        redis.start()
        assert publisher.answer(seconds=30).status == 200
        second.publish("a", "after")
        for client, stream in readers:
            seen = [event.data for event in client.events(stream, 3, 20)]
            assert seen == ["before", "held up", "after"]
    for gateway in (first, second):
        wait_until_ready(gateway)
        assert gateway.metric("sluice_redis_connections") == 4
        assert gateway.metric("sluice_redis_losses_total") >= 3
        assert gateway.metric("sluice_redis_followed_total") == 3
        assert gateway.metric("sluice_redis_breaks_total") == 0
        assert "is back after" in gateway.stderr()


def test_who_names_an_event_that_only_redis_knows_comes_back_and_has_no_gap(start, redis):
    gateway = start(history=shared(redis.url, window_events=2))
    gateway.publish("a", "0", id="urn:own")
    for n in range(1, 10):
        gateway.publish("a", str(n))
    redis.kill()
    wait_until_away(gateway)
    with H1(gateway.clear) as client:
        client.subscribe("/events/a", {"last-event-id": "urn:own"})
        client.read_stream(lambda: False, 20, "it is told to come back")
        assert (client.sse.events, client.sse.retry is None) == ([], False)
    assert gateway.metric("sluice_refused_total", reason="history") == 1
    redis.start()
    wait_until_ready(gateway)
    with H1(gateway.clear) as client:
        client.subscribe("/events/a", {"last-event-id": "urn:own"})
        assert [event.data for event in client.events(9)] == list("123456789")


@pytest.mark.parametrize("held", ["commands", "answers"])
def test_who_is_not_told_what_became_of_his_event_asks_again_under_its_key(start, redis, held):
    with FaultyRelay(redis.port, seed=1) as relay:
        cut_off = start(history=shared(f"redis://127.0.0.1:{relay.port}", publish_timeout="1s",
                                       answer_timeout="10s"))
        other = start(history=shared(redis.url))
        with subscribed(other) as [(client, stream)]:
            relay.hold(held)
            unknown = post(cut_off, b"x", idempotency_key="k")
            assert (unknown.status, unknown.headers["retry-after"]) == (503, "1")
            assert "it may have" in unknown.text and "same idempotency key" in unknown.text
            assert cut_off.metric("sluice_redis_unknown_total") == 1

            settled = post(other, b"x", idempotency_key="k")
            assert settled.status == 200
            assert ("idempotent-replayed" in settled.headers) == (held == "answers")
            relay.go_on()  # What was held up comes yet, and is a repeat.
            cut_off.publish("a", "end")
            events = client.events(stream, 2)
            assert [event.data for event in events] == ["x", "end"]
            assert events[0].id == settled.text


def has_followed(gateway, count):
    return gateway.metric("sluice_redis_followed_total") == count


def test_what_is_counted(instances):
    with subscribed(*instances):
        for _ in range(2):
            post(instances[0], b"x", idempotency_key="k")
        instances[1].publish("a", "y")
        for gateway, calls in zip(instances, (2, 1, 0)):
            wait_until(functools.partial(has_followed, gateway, 2), "both events are there")
            assert gateway.metric("sluice_redis_calls_total") == calls
            assert gateway.metric("sluice_redis_connections") == 4
            assert gateway.metric("sluice_redis_connects_total") == 4
            assert gateway.metric("sluice_redis_unknown_total") == 0
