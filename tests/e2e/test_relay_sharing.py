"""One upstream stream for all who ask for the same: shared streams (`share`)."""

import asyncio
import time

import pytest

import wire as frames
from application import Application
from clients import H1, H2
from harness import wait_until

pytestmark = pytest.mark.quick


def routes(app, **more):
    return [{"path": "/*", "upstream": app.url, "protocol": app.wire, "share": True, **more}]


class Channel:
    """A stream that says what the test says, to all who are connected."""

    def __init__(self, app, path="/feed"):
        self.app, self.listeners = app, []

        @app.at(path)
        async def feed(exchange):
            await exchange.events()
            self.listeners.append(exchange)
            await exchange.gone.wait()
            self.listeners.remove(exchange)

    def say(self, text):
        async def send():
            for listener in self.listeners:
                await listener.send(text.encode())
        self.app.run(send())

    def end(self):
        async def send():
            for listener in self.listeners:
                await listener.end()
        self.app.run(send())


def opened(client, path="/feed", **headers):
    stream = client.subscribe(path, headers)
    client.opened(stream)
    return stream


def data(client, stream):
    return [event.data for event in client.streams[stream].events]


@pytest.mark.parametrize("workers", [1, 2])
def test_all_who_ask_for_the_same_share_one_upstream_stream(start, workers):
    with Application() as app:
        channel = Channel(app)
        gateway = start(server={"workers": workers}, route=routes(app))
        with H2(gateway.tls) as one, H2(gateway.tls) as two, H2(gateway.tls) as three:
            streams = [(client, opened(client)) for client in (one, two, three) for _ in range(20)]
            assert len(app.requests) == 1
            channel.say("data: first\n\ndata: second\nid: 7\n\n")
            for client, stream in streams:
                client.events(stream, 2)
                assert data(client, stream) == ["first", "second"]
        wait_until(lambda: app.requests[0].gone_at, "the last one leaving ends it", 15)


def test_5000_clients_of_one_url_are_one_upstream_request(start):
    with Application() as app:
        channel = Channel(app)
        gateway = start(route=routes(app), limits={"streams_per_connection": 250})
        clients = [frames.Wire(gateway.tls) for _ in range(25)]
        streams = [[client.get("/feed") for _ in range(200)] for client in clients]
        for client, numbers in zip(clients, streams):
            waiting = set(numbers)
            while waiting:
                kind, _, number, payload = client.read(20, "first bytes")
                if kind == frames.DATA and payload:
                    waiting.discard(number)
        assert len(app.requests) == 1
        channel.say("data: all\n\n")
        for client, numbers in zip(clients, streams):
            waiting = set(numbers)
            while waiting:
                kind, _, number, payload = client.read(20, "the event")
                if kind == frames.DATA and b"data: all" in payload:
                    waiting.discard(number)
        for client in clients:
            client.socket.close()


@pytest.mark.parametrize("share, expected", [
    ({"late": "none"}, []),
    ({"late": "events", "late_events": 2}, ["b2", "a3"]),
    ({"late": "types"}, ["b2", "a3"]),
    ({"late": "events", "late_events": 100}, ["a1", "a2", "b1", "b2", "a3"]),
])
def test_a_late_joiner_gets_what_the_route_says(start, share, expected):
    with Application() as app:
        channel = Channel(app)
        gateway = start(route=routes(app, share=share))
        with H2(gateway.tls) as client:
            first = opened(client)
            channel.say("event: a\ndata: a1\n\nevent: a\ndata: a2\n\nevent: b\ndata: b1\n\n"
                        "event: b\ndata: b2\n\nevent: a\ndata: a3\n\n")
            client.events(first, 5)
            late = opened(client)
            channel.say("data: now\n\n")
            client.events(late, len(expected) + 1)
            assert data(client, late) == [*expected, "now"]


def test_credentials_are_not_shared_across(start):
    with Application() as app:
        @app.at("/feed")
        async def feed(exchange):
            await exchange.events()
            who = exchange.request.header("cookie") or "nobody"
            await exchange.send(f"data: {who}\n\n".encode())
            await exchange.gone.wait()

        gateway = start(route=routes(app, share={"late": "events"}))
        with H2(gateway.tls) as client:
            for cookie in ("user=a", "user=b", "user=a"):
                stream = opened(client, cookie=cookie)
                client.events(stream, 1)
                assert data(client, stream) == [cookie]
            stream = opened(client)
            client.events(stream, 1)
            assert data(client, stream) == ["nobody"]
        assert len(app.requests) == 3


def test_the_query_and_chosen_headers_part_streams(start):
    with Application() as app:
        channel = Channel(app)
        gateway = start(route=routes(app, share={"headers": ["x-tenant"]}))
        with H2(gateway.tls) as client:
            for path, headers in (("/feed", {}), ("/feed?a=1", {}), ("/feed?a=2", {}),
                                  ("/feed", {"x-tenant": "t"}), ("/feed", {"x-other": "o"}),
                                  ("/feed?a=1", {})):
                opened(client, path, **headers)
        assert len(app.requests) == 4
        assert channel


def test_an_upstream_that_restarts_is_not_noticed(start):
    with Application() as app:
        channel = Channel(app)
        gateway = start(server={"workers": 2}, route=routes(app))
        with H2(gateway.tls) as client:
            streams = [opened(client) for _ in range(50)]
            channel.say("retry: 500\nid: 1\ndata: before\n\n")
            for stream in streams:
                client.events(stream, 1)
            port = app.port
            app.kill()
            time.sleep(0.3)  # Down for a moment: the first tries to come back fail.
            with Application(port=port) as again:
                channel = Channel(again)
                client.pump(lambda: True, "nothing")
                wait_until(lambda: channel.listeners, "the gateway is back", 20)
                assert again.requests[0].header("last-event-id") == "1"
                channel.say("id: 2\ndata: after\n\n")
                for stream in streams:
                    client.pump(lambda s=stream: "after" in data(client, s), "the next event", 20)
                    assert data(client, stream) == ["before", "after"]
                    assert not client.streams[stream].over
                assert len(again.requests) == 1


def test_the_end_of_the_upstream_is_the_end(start):
    with Application() as app:
        channel = Channel(app)
        gateway = start(route=routes(app))
        with H2(gateway.tls) as client:
            stream = opened(client)
            channel.say("data: last\n\n")
            channel.end()
            answer = client.answer(stream)
            assert answer.ended and data(client, stream) == ["last"]


def test_an_answer_that_is_no_stream_is_passed_on_and_not_shared(start):
    with Application() as app:
        @app.at("/feed")
        async def feed(exchange):
            await exchange.reply(403, b"go away", {"x-why": "because"})

        gateway = start(route=routes(app))
        with H2(gateway.tls) as client:
            for n in range(3):
                answer = client.answer(client.subscribe("/feed"))
                assert (answer.status, answer.text) == (403, "go away")
                assert answer.headers["x-why"] == "because"
        assert len(app.requests) == 3


def test_a_slow_reader_slows_nobody(start):
    """It falls out of what is held and is told so; the others have had everything."""
    with Application() as app:
        channel = Channel(app)
        gateway = start(route=routes(app, replay={"events": 100, "bytes": "64KiB"}))
        with H2(gateway.tls, window=4096) as slow, H2(gateway.tls) as fast:
            stuck = opened(slow)
            slow.streams[stuck].hold = True
            free = opened(fast)
            for n in range(400):
                channel.say(f"data: {n:04} {'x' * 200}\n\n")
                fast.events(free, n + 1)
            assert [d[:4] for d in data(fast, free)] == [f"{n:04}" for n in range(400)]
            slow.streams[stuck].hold = False
            slow.h2.acknowledge_received_data(len(slow.streams[stuck].body), stuck)
            slow.flush()
            slow.pump(lambda: data(slow, stuck)[-1:] and data(slow, stuck)[-1][:4] == "0399",
                      "the newest")
            types = [event.type for event in slow.streams[stuck].events]
            assert types.count("gap") == 1


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("slow", ["replay", "close"])
def test_a_burst_larger_than_what_is_held_reaches_all_who_keep_up(start, workers, slow):
    """It fits into their sockets: what a turn cannot write is not kept up with."""
    with Application() as app:
        channel = Channel(app)
        gateway = start(server={"workers": workers},
                        route=routes(app, replay={"events": 50}, slow=slow))
        clients = [H2(gateway.tls, window=1 << 20) for _ in range(6)]
        streams = [opened(client) for client in clients]
        channel.say("".join(f"data: {n}\n\n" for n in range(500)))
        for client, stream in zip(clients, streams):
            client.events(stream, 500)
            assert data(client, stream) == [str(n) for n in range(500)]
            client.socket.close()


def test_http1_clients_share_with_http2_clients(start):
    with Application("h2") as app:
        channel = Channel(app)
        gateway = start(route=routes(app))
        with H2(gateway.tls) as two, H1(gateway.clear) as one:
            stream = opened(two)
            one.subscribe("/feed")
            channel.say("data: both\n\n")
            two.events(stream, 1)
            assert [event.data for event in one.events(1)] == ["both"]
        assert len(app.requests) == 1
        assert asyncio
