"""Events that are published by one request that goes on: order, acknowledgements, back-pressure."""

import subprocess
import time

import pytest

import harness
from clients import H1, H2
from publishing import StreamH1, StreamH2, authorized
from settings import PUBLISHER, jwt

BOTH = pytest.mark.parametrize("kind", [StreamH2, StreamH1], ids=["h2", "h1"])


def block(data, **fields):
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\n".join([*lines, f"data: {data}", "", ""]).encode()


def last_ack(stream):
    return stream.acks[-1]


@pytest.mark.quick
@BOTH
def test_a_stream_is_acknowledged_as_it_goes_and_at_its_end(gateway, kind):
    with H2(gateway.tls) as reader, kind(gateway) as stream:
        number = reader.subscribe("/events/s")
        reader.opened(number)
        assert stream.status == 200
        stream.send(block("one") + block("two", id="own", event="note"))
        stream.pump(lambda: stream.acks, "an acknowledgement while the stream is open")
        assert last_ack(stream)["events"] == 2
        stream.send(block("three"))
        stream.finish()
        events = reader.events(number, 3)
    assert [event.data for event in events] == ["one", "two", "three"]
    assert (events[1].id, events[1].type) == ("own", "note")
    assert last_ack(stream) == {"events": 3, "bytes": 11, "id": events[2].id}
    assert not stream.errors


@pytest.mark.limit(120)
@BOTH
def test_a_hundred_thousand_events_arrive_in_order_and_all_are_acknowledged(start, kind):
    gateway = start(server={"workers": 2})
    count = 100_000
    with H2(gateway.tls) as reader, kind(gateway) as stream:
        number = reader.subscribe("/events/s")
        reader.opened(number)
        for first in range(0, count, 2_000):
            stream.send(b"".join(b"data: %d\n\n" % n for n in range(first, first + 2_000)))
        stream.finish(60)
        events = reader.events(number, count, 60)
    assert [int(event.data) for event in events] == list(range(count))
    assert last_ack(stream)["events"] == count
    assert last_ack(stream)["id"] == events[-1].id
    acknowledged = [ack["events"] for ack in stream.acks]
    assert acknowledged == sorted(acknowledged)
    assert gateway.metric("sluice_published_events_total", form="stream") == count


@pytest.mark.quick
def test_each_event_names_its_topics_where_the_path_does_not(gateway):
    with H2(gateway.tls) as reader, StreamH2(gateway, "/.well-known/mercure") as stream:
        number = reader.subscribe("/events/b")
        reader.opened(number)
        stream.send(block("one", topic="a") + b"topic: a\ntopic: b\ndata: two\n\n"
                    + block("three", topic="b") + block("lost"))
        stream.ended()
        assert [event.data for event in reader.events(number, 2)] == ["two", "three"]
    assert last_ack(stream)["events"] == 3
    assert stream.errors == [{"event": 4, "status": 400,
                              "message": "topic is missing: name at least one"}]


@pytest.mark.quick
def test_the_querys_fields_are_every_events(gateway):
    with H2(gateway.tls) as reader, StreamH2(gateway, "/events/s?private&type=note") as stream:
        public = reader.subscribe("/events/s")
        private = reader.subscribe("/events/s", authorized(jwt({"mercure": {"subscribe": ["*"]}})))
        reader.opened(public, private)
        stream.send(block("secret"))
        stream.finish()
        gateway.publish("s", "public")
        assert [(e.data, e.type) for e in reader.events(private, 2)] == [
            ("secret", "note"), ("public", "message")]
        assert [e.data for e in reader.events(public, 1)] == ["public"]


@pytest.fixture(scope="module")
def strict(start_for_module):
    return start_for_module(hub={"max_event_bytes": "60KiB", "max_body_bytes": "64KiB"})


@pytest.mark.quick
@BOTH
@pytest.mark.parametrize("bad, status, names", [
    (b"id: #x\ndata: c\n\n", 400, "id"),
    (b"type: mercure\ndata: c\n\n", 400, "type"),
    (b"retry: soon\ndata: c\n\n", 400, "retry"),
    (b"ttl: soon\ndata: c\n\n", 400, "ttl"),
    (b"key: " + b"k" * 257 + b"\ndata: c\n\n", 413, "key"),
    (b"topic: /.well-known/mercure\ndata: c\n\n", 400, "reserved"),
    (b"topic: other\ndata: c\n\n", 403, "token"),
    (b"data: " + b"x" * 70_000 + b"\n\n", 413, "larger"),
    (b"data: \xff\n\n", 400, "UTF-8"),
], ids=["id", "type", "retry", "ttl", "key", "reserved", "forbidden", "large", "utf-8"])
def test_an_event_that_breaks_a_rule_ends_the_stream_behind_those_before_it(
        strict, kind, bad, status, names):
    token = jwt({"mercure": {"publish": ["s"]}})
    with kind(strict, authorization=f"Bearer {token}") as stream:
        stream.send(block("a") + block("b") + bad)
        stream.send(block("d"))
        stream.ended()
    assert last_ack(stream)["events"] == 2
    [error] = stream.errors
    assert (error["event"], error["status"]) == (3, status)
    assert names in error["message"]
    assert stream.events[-1].type == "error"


@BOTH
def test_a_publisher_that_vanishes_leaves_whole_events_and_no_half_one(gateway, kind):
    with H2(gateway.tls) as reader:
        number = reader.subscribe("/events/s")
        reader.opened(number)
        with kind(gateway) as stream:
            stream.send(block("one") + block("two") + b"data: half")
            stream.pump(lambda: stream.acks, "the acknowledgement")
        harness.wait_until(lambda: gateway.metric("sluice_publish_streams") == 0, "its end")
        gateway.publish("s", "end")
        assert [event.data for event in reader.events(number, 3)] == ["one", "two", "end"]


@pytest.mark.quick
def test_a_body_that_ends_inside_an_event_is_an_error_and_not_a_loss(gateway):
    with StreamH2(gateway) as stream:
        stream.send(block("one") + b"data: two\n")
        stream.finish()
    assert last_ack(stream)["events"] == 1
    assert [(e["event"], e["status"]) for e in stream.errors] == [(2, 400)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_publisher_that_is_too_fast_sees_its_window_close_and_loses_nothing(start, workers):
    gateway = start(server={"workers": workers},
                    hub={"publishes_per_second": 200, "publish_burst": 10,
                         "stream_pending_bytes": "4KiB"})
    count = 200
    body = b"".join(block(f"{n} " + "x" * 1_000) for n in range(count))
    with H2(gateway.tls) as reader, StreamH2(gateway) as stream:
        number = reader.subscribe("/events/s")
        reader.opened(number)
        began = time.monotonic()
        rest = stream.send_some(body)
        assert stream.window == 0 and len(rest) > len(body) / 2
        harness.wait_until(lambda: gateway.metric("sluice_publish_streams_waiting") == 1,
                           "the stream to be held up")
        stream.send(rest)
        stream.finish()
        took = time.monotonic() - began
        events = reader.events(number, count)
    assert [int(event.data.split()[0]) for event in events] == list(range(count))
    assert last_ack(stream)["events"] == count
    assert took > 0.8 * (count - 10) / 200
    assert gateway.metric("sluice_publish_streams_waiting") == 0


def test_a_slow_publisher_over_http_1_is_not_read_either(start):
    gateway = start(hub={"publishes_per_second": 100, "publish_burst": 1,
                         "stream_pending_bytes": "4KiB"})
    with StreamH1(gateway) as stream:
        stream.send(b"".join(block(f"{n} " + "x" * 1_000) for n in range(150)))
        stream.finish()
    assert last_ack(stream)["events"] == 150


@pytest.mark.quick
@BOTH
def test_a_stream_ends_with_its_token(start, kind):
    gateway = start(hub={"token_leeway": "0s"})
    token = jwt({"mercure": {"publish": ["*"]}, "exp": int(time.time()) + 2})
    with kind(gateway, authorization=f"Bearer {token}") as stream:
        stream.send(block("one"))
        stream.ended()
    assert last_ack(stream)["events"] == 1
    assert [(e["event"], e["status"]) for e in stream.errors] == [(2, 401)]


@pytest.mark.quick
@BOTH
def test_a_stream_without_a_sign_of_life_is_ended_and_one_with_comments_is_not(start, kind):
    gateway = start(hub={"stream_idle": "1s"})
    with kind(gateway) as stream:
        for _ in range(5):
            stream.send(b":\n")
            time.sleep(0.4)
        stream.send(block("one"))
        stream.ended()
    assert last_ack(stream)["events"] == 1
    assert [e["status"] for e in stream.errors] == [408]


@pytest.mark.quick
@BOTH
def test_a_drain_acknowledges_what_came_and_ends_the_stream(gateway, kind):
    with kind(gateway) as stream:
        stream.send(block("one") + block("two"))
        stream.pump(lambda: stream.acks, "the first acknowledgement")
        gateway.terminate()
        stream.ended()
        assert last_ack(stream)["events"] == 2
        assert not stream.errors
    assert gateway.wait() == 0


@pytest.mark.quick
def test_a_publisher_that_wants_little_is_answered_once(gateway):
    with StreamH1(gateway, prefer="return=minimal") as stream:
        for n in range(3):
            stream.send(block(str(n)))
            time.sleep(0.3)
        stream.finish()
    assert [ack["events"] for ack in stream.acks] == [3]


@pytest.mark.quick
def test_what_the_head_says_wrong_is_told_before_anything_is_read(gateway):
    wrong = [({"authorization": "Bearer rubbish"}, "/events/s", 401),
             ({}, "/events/s?retry=soon", 400),
             ({}, "/events/s?id=x", 400),
             ({}, "/events/*", 400)]
    for headers, path, status in wrong:
        with StreamH2(gateway, path, **headers) as stream:
            assert stream.status == status


@pytest.mark.quick
def test_a_client_that_waits_for_100_continue_gets_it(gateway):
    with H1(gateway.clear) as client:
        client.request("POST", "/events/s", authorized(
            content_type="text/event-stream", transfer_encoding="chunked", expect="100-continue"))
        assert client.head().status == 100
        body = block("one")
        client.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        answer = client.answer()
    assert answer.status == 200 and '"events":1' in answer.text


@pytest.mark.quick
def test_curl_streams_a_pipe(gateway):
    result = subprocess.run(
        [harness.tool("curl"), "-sSN", "--http2-prior-knowledge", "-X", "POST", "-T", "-",
         "-H", f"authorization: Bearer {PUBLISHER}", "-H", "content-type: text/event-stream",
         f"http://127.0.0.1:{gateway.clear}/events/s"],
        input=block("one") + block("two"), capture_output=True, timeout=20)
    assert result.returncode == 0, result.stderr
    assert b'"events":2' in result.stdout
