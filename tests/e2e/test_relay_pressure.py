"""Back-pressure through the relay: who does not read slows down its own upstream and nobody else."""

import os
import time

import pytest

from application import Application
from clients import H2
from harness import binary, wait_until

CHUNK = b"data: " + b"x" * 16000 + b"\n\n"


def firehose(app):
    """Sends as fast as it is let; counts what has left it."""
    sent = {"bytes": 0}

    @app.at("/firehose")
    async def flow(exchange):
        await exchange.events()
        while not exchange.gone.is_set():
            await exchange.send(CHUNK)
            sent["bytes"] += len(CHUNK)

    return sent


def ticker(app):
    @app.at("/tick*")
    async def tick(exchange):
        await exchange.count(0.02, exchange.gone)


def routes(app):
    return [{"path": "/*", "upstream": app.url, "protocol": app.wire}]


@pytest.mark.quick
@pytest.mark.parametrize("wire", ["http/1.1", "h2"])
def test_an_upstream_stops_when_its_client_does_not_read(start, wire):
    with Application(wire) as app:
        sent = firehose(app)
        gateway = start(route=routes(app))
        with H2(gateway.tls, window=65536) as client:
            stream = client.subscribe("/firehose")
            client.streams[stream].hold = True
            client.pump(lambda: len(client.streams[stream].body) >= 65535, "a full window")
            before, level = -1, 0

            def stands_still():
                nonlocal before, level
                level, before = (level + 1 if sent["bytes"] == before else 0), sent["bytes"]
                time.sleep(0.05)
                return level >= 5
            wait_until(stands_still, "the upstream stands still", 10)
            # Our window, the client's, and what kernels hold between.
            assert sent["bytes"] < 8 << 20
            stopped_at = sent["bytes"]
            client.streams[stream].hold = False
            client.h2.acknowledge_received_data(65535, stream)
            client.flush()
            client.pump(lambda: len(client.streams[stream].body) > (4 << 20), "it goes on", 20)
            assert sent["bytes"] > stopped_at


@pytest.mark.quick
@pytest.mark.parametrize("wire", ["http/1.1", "h2"])
def test_a_stream_that_stands_still_slows_no_other(start, wire):
    """99 streams of the same upstream, over HTTP/2 of the same upstream connection, go on."""
    with Application(wire) as app:
        firehose(app)
        ticker(app)
        gateway = start(route=routes(app))
        with H2(gateway.tls, window=65536) as slow, H2(gateway.tls) as client:
            stream = slow.subscribe("/firehose")
            slow.streams[stream].hold = True
            slow.pump(lambda: len(slow.streams[stream].body) >= 65535, "a full window")
            numbers = [client.subscribe(f"/tick{n}") for n in range(99)]
            client.pump(lambda: all(len(client.streams[n].events) >= 20 for n in numbers),
                        "20 events on each", 30)
            if wire == "h2":
                assert len({one.connection for one in app.requests}) == 1, "one connection"


@pytest.mark.skipif("SLUICE_RELEASE_BINARY" not in os.environ, reason="measures memory")
@pytest.mark.parametrize("wire", ["http/1.1", "h2"])
def test_a_slow_client_costs_no_memory(start, wire):
    """A client that takes 100 kB/s of an upstream that would send as fast as it can."""
    with Application(wire) as app:
        sent = firehose(app)
        gateway = start(binary("SLUICE_RELEASE_BINARY"), route=routes(app))
        with H2(gateway.tls, window=65536) as warm:  # What the first stream of a process costs.
            stream = warm.subscribe("/firehose")
            warm.pump(lambda: len(warm.streams[stream].body) > 1 << 20, "a warm gateway")
        wait_until(lambda: all(one.gone_at for one in app.requests), "the first has gone")
        before = gateway.rss()
        with H2(gateway.tls, window=65536, receive_buffer=32768) as client:
            stream = client.subscribe("/firehose")
            state = client.streams[stream]
            state.hold = True
            begin, taken, sent_before = time.monotonic(), 0, None
            while (passed := time.monotonic() - begin) < 4:
                due = int(passed * 100_000)
                if due - taken >= 10_000 and len(state.body) - taken >= 10_000:
                    client.h2.acknowledge_received_data(10_000, stream)
                    client.flush()
                    taken += 10_000
                if passed > 2 and sent_before is None:
                    sent_before, at = sent["bytes"], passed
                have = len(state.body)
                try:
                    client.pump(lambda: len(state.body) > have, "more", 0.05)
                except TimeoutError:
                    pass
            rate = (sent["bytes"] - sent_before) / (passed - at)
            assert gateway.rss() - before <= 1 << 20
            assert rate < 500_000, f"the upstream was let send {rate:.0f} bytes/s"


@pytest.mark.quick
@pytest.mark.parametrize("wire", ["http/1.1", "h2"])
@pytest.mark.parametrize("kind", ["text/event-stream", "application/octet-stream"])
def test_what_is_held_does_not_grow_with_what_passes(start, wire, kind):
    """A client that is always a little behind: never idle, never up to date."""
    with Application(wire) as app:
        @app.at("/flow")
        async def flow(exchange):
            await exchange.head(200, {"content-type": kind})
            while not exchange.gone.is_set():
                await exchange.send(CHUNK)

        program = os.environ.get("SLUICE_RELEASE_BINARY")
        gateway = start(program, route=routes(app))
        with H2(gateway.tls, window=65536) as client:
            stream = client.request("GET", "/flow")
            state = client.streams[stream]
            state.hold = True
            taken, before = 0, None
            while taken < 8 << 20:
                client.pump(lambda: len(state.body) >= taken + 16384, "more")
                client.h2.acknowledge_received_data(16384, stream)
                client.flush()
                taken += 16384
                if taken == 2 << 20:
                    before = gateway.rss()
            assert gateway.rss() - before < 2 << 20
