"""Streams that go on where their client was (`replay`), though the application knows nothing of it."""

import asyncio
import os
import random
import time

import pytest

from application import Application
from clients import H2
from harness import wait_until

pytestmark = pytest.mark.quick


def routes(app, **replay):
    return [{"path": "/*", "upstream": app.url, "protocol": app.wire,
             "replay": {"events": 1000, "bytes": "1MiB", "linger": "30s", **replay}}]


def tokens(app, path="/tokens*", count=100, pause=0.002):
    """Finite streams of tokens, each of its own text."""
    @app.at(path)
    async def stream(exchange):
        name = exchange.request.target.partition("n=")[2]
        await exchange.read_all()
        await exchange.events()
        for n in range(count):
            await exchange.send(b"data: %s-%d\n\n" % (name.encode(), n))
            await asyncio.sleep(pause)
        await exchange.end()


def text_of(name, count):
    return [f"{name}-{n}" for n in range(count)]


class Reader:
    """A client that reads one stream and comes back with its Last-Event-ID, as a browser does."""

    def __init__(self, path, **headers):
        self.path, self.headers = path, headers
        self.seen, self.last_id, self.over = [], None, False
        self.begun = 0  # Times that it asked for a stream of its own, having no place in one.
        self.stream = None

    def ask(self, client):
        headers = dict(self.headers)
        if self.last_id:
            headers["last-event-id"] = self.last_id
        else:
            self.begun += 1
        self.stream, self.taken = client.subscribe(self.path, headers), 0

    def take(self, client):
        state = client.streams[self.stream]
        for event in state.events[self.taken:]:
            self.taken += 1
            self.last_id = event.id
            self.seen.append(event.data)
        self.over = self.over or state.ended


def test_ids_are_stamped_where_there_are_none(start):
    with Application() as app:
        @app.at("/mixed")
        async def mixed(exchange):
            await exchange.events()
            await exchange.send(b"data: a\n\nid: own\ndata: b\n\ndata: c\n\n")
            await exchange.end()

        gateway = start(route=routes(app))
        with H2(gateway.tls) as client:
            answer = client.answer(client.subscribe("/mixed"))
            ids = [event.id for event in answer.events]
            assert [event.data for event in answer.events] == ["a", "b", "c"]
            assert ids[1] == "own" and ids[0] and ids[2] and len(set(ids)) == 3


def test_a_reader_that_comes_back_goes_on_exactly_there(start):
    with Application() as app:
        tokens(app, count=50, pause=0.01)
        gateway = start(server={"workers": 2}, route=routes(app))
        reader = Reader("/tokens?n=x")
        while not reader.over:
            with H2(gateway.tls) as client:
                reader.ask(client)
                wanted = len(reader.seen) + 7
                client.pump(lambda: (reader.take(client),
                                     reader.over or len(reader.seen) >= wanted)[1], "more", 10)
        assert reader.seen == text_of("x", 50)
        assert len(app.requests) == 1, "the application saw one request"


@pytest.mark.limit(240)
@pytest.mark.parametrize("workers", [1, 2])
def test_500_token_streams_cut_at_random_moments_are_whole_in_the_end(start, workers):
    """SLUICE_RESUME_CUTS cuts in all (2000; the full run has 10000)."""
    cuts_wanted = int(os.environ.get("SLUICE_RESUME_CUTS", "2000")) // 2
    chance = random.Random(workers)
    count, streams_at_once = 120, 500
    with Application() as app:
        tokens(app, count=count, pause=0.02)
        gateway = start(server={"workers": workers}, route=routes(app, events=200))
        cuts, rounds = 0, 0
        while cuts < cuts_wanted:
            rounds += 1
            readers = [Reader(f"/tokens?n=r{rounds}s{n}") for n in range(streams_at_once)]
            before = len(app.requests)
            while waiting := [one for one in readers if not one.over]:
                chance.shuffle(waiting)
                groups = [waiting[n:n + 50] for n in range(0, len(waiting), 50)]
                clients = [H2(gateway.tls) for _ in groups]
                for client, group in zip(clients, groups):
                    for reader in group:
                        reader.ask(client)
                for client, group in zip(clients, groups):
                    end = time.monotonic() + chance.random() * 0.1
                    try:
                        client.pump(lambda e=end: time.monotonic() > e, "its moment", 0.2)
                    except TimeoutError:
                        pass
                    for reader in group:
                        reader.take(client)
                    cuts += sum(not reader.over for reader in group)
                    client.socket.close()
            for reader in readers:
                name = reader.path.partition("n=")[2]
                assert reader.seen == text_of(name, count)
            # Who had read an event never made the application begin anew.
            assert len(app.requests) - before <= sum(reader.begun for reader in readers)
        print(f"{cuts} cuts, {rounds} rounds, every text whole, once")


@pytest.mark.parametrize("has_ids", [True, False])
def test_who_is_back_before_the_old_connection_is_lost_takes_over(start, has_ids):
    with Application() as app:
        more = asyncio.Event()

        @app.at("/feed")
        async def feed(exchange):
            await exchange.events()
            await exchange.send(b"id: 1\ndata: a\n\n" if has_ids else b"data: a\n\n")
            await more.wait()
            await exchange.send(b"id: 2\ndata: b\n\n" if has_ids else b"data: b\n\n")
            await exchange.gone.wait()

        gateway = start(server={"workers": 2}, route=routes(app))
        with H2(gateway.tls) as old, H2(gateway.tls) as new:
            first = old.subscribe("/feed")
            [event] = old.events(first, 1)
            second = new.subscribe("/feed", {"last-event-id": event.id})
            new.opened(second)
            old.pump(lambda: old.streams[first].over, "the old one's end")
            app.call(more.set)
            assert [event.data for event in new.events(second, 1)] == ["b"]
        assert len(app.requests) == 1


def test_a_cursor_of_somebody_else_is_not_honoured(start):
    with Application() as app:
        tokens(app, count=20, pause=0.0)
        gateway = start(route=routes(app))
        mine = Reader("/tokens?n=x", cookie="user=a")
        with H2(gateway.tls) as client:
            mine.ask(client)
            client.pump(lambda: (mine.take(client), len(mine.seen) >= 10)[1], "some of it")
        thief = Reader("/tokens?n=x", cookie="user=b")
        thief.last_id = mine.last_id
        with H2(gateway.tls) as client:
            thief.ask(client)
            client.pump(lambda: (thief.take(client), thief.over)[1], "the end")
        assert thief.seen[-20:] == text_of("x", 20), "a stream of its own"
        assert len(app.requests) == 2
        assert client.streams[thief.stream].events[0].type == "gap"


def test_a_stream_lingers_and_then_its_upstream_is_told(start):
    with Application() as app:
        @app.at("/long")
        async def long(exchange):
            await exchange.events()
            await exchange.send(b"data: 1\n\n")
            await exchange.gone.wait()

        gateway = start(route=routes(app, linger="1s"))
        with H2(gateway.tls) as client:
            stream = client.subscribe("/long")
            client.events(stream, 1)
        left = time.monotonic()
        [request] = app.requests
        wait_until(lambda: request.gone_at, "the upstream is told", 10)
        assert 0.8 < request.gone_at - left < 3


def test_what_cannot_be_resumed_says_so(start):
    with Application() as app:
        tokens(app, count=50, pause=0.02)
        gateway = start(route=routes(app, linger="100ms"))
        reader = Reader("/tokens?n=x")
        with H2(gateway.tls) as client:
            reader.ask(client)
            client.pump(lambda: (reader.take(client), len(reader.seen) >= 5)[1], "some of it")
        wait_until(lambda: app.requests[0].gone_at, "it has lingered enough")
        with H2(gateway.tls) as client:
            reader.ask(client)
            client.pump(lambda: (reader.take(client), reader.over)[1], "the end")
            [gap, *rest] = client.streams[reader.stream].events
            assert gap.type == "gap" and gap.id
            assert [event.data for event in rest] == text_of("x", 50), "from the beginning"


def test_an_upstream_that_breaks_is_asked_again_unseen(start):
    with Application() as app:
        @app.at("/numbers")
        async def numbers(exchange):
            last = int(exchange.request.header("last-event-id") or 0)
            await exchange.events()
            await exchange.send(b"retry: 500\n")
            for n in range(last + 1, last + 6):
                await exchange.send(b"id: %d\ndata: %d\n\n" % (n, n))
            if last < 20:
                await asyncio.sleep(0.05)
                exchange.cut()
            else:
                await exchange.end()

        gateway = start(route=routes(app))
        with H2(gateway.tls) as client:
            answer = client.answer(client.subscribe("/numbers"), 30)
            assert [event.data for event in answer.events] == [str(n) for n in range(1, 26)]
        assert [one.header("last-event-id") for one in app.requests] == [
            None, "5", "10", "15", "20"]


# -- answers of language models --------------------------------------------------------------------


@pytest.mark.parametrize("by", ["id", "stream"])
def test_an_answer_to_a_post_is_taken_up_again(start, by):
    with Application() as app:
        tokens(app, "/v1/chat*", count=40, pause=0.01)
        gateway = start(route=routes(app, post=True))
        seen = []
        with H2(gateway.tls) as client:
            stream = client.request("POST", "/v1/chat?n=x", {"content-type": "application/json"},
                                    b'{"stream": true}')
            client.events(stream, 10)
            state = client.streams[stream]
            name = state.headers["sluice-stream-id"]
            seen = [event.data for event in state.events]
            last = state.events[-1].id
        with H2(gateway.tls) as client:
            if by == "id":
                stream = client.subscribe("/v1/chat?n=x", {"last-event-id": last})
            else:
                stream = client.subscribe(f"/v1/chat?n=x&sluice-stream={name}",
                                          {"last-event-id": last})
            answer = client.answer(stream)
            seen += [event.data for event in answer.events]
        assert seen == text_of("x", 40)
        assert [one.method for one in app.requests] == ["POST"]


def test_delete_stops_the_upstream(start):
    with Application() as app:
        @app.at("/v1/chat")
        async def chat(exchange):
            await exchange.read_all()
            await exchange.events()
            await exchange.send(b"data: token\n\n")
            await exchange.gone.wait()

        gateway = start(route=routes(app, post=True))
        with H2(gateway.tls) as client:
            stream = client.request("POST", "/v1/chat", {}, b"{}")
            client.events(stream, 1)
            name = client.streams[stream].headers["sluice-stream-id"]
            path = f"/v1/chat?sluice-stream={name}"
            assert client.answer(client.request("DELETE", path,
                                                {"cookie": "somebody=else"})).status == 404
            assert client.answer(client.request("DELETE", path)).status == 204
            wait_until(lambda: app.requests[0].gone_at, "the application is told")
            client.pump(lambda: client.streams[stream].over, "the reader's end")
            assert client.answer(client.request("GET", path)).status == 404
