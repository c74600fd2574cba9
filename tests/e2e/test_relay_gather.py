"""A busy relay gathers what comes for one connection (`limits.gather`): fewer writes, and nothing
lost, repeated or out of order by it."""

import asyncio
import contextlib
import socket
import threading

import pytest

from application import Application
from clients import H1, H2

pytestmark = pytest.mark.quick

STREAMS = 20


class Counter:
    """Counts on every stream, until it is told to stop."""

    def __init__(self, app):
        self.app, self.stopped, self.counted = app, asyncio.Event(), {}

        @app.at("/*")
        async def count(exchange):
            self.counted[exchange.request.path] = await exchange.count(0.01, self.stopped)
            await exchange.end()

    def stop(self):
        self.app.call(self.stopped.set)


@contextlib.contextmanager
def kept_busy(gateway, app):
    """The only worker has an endless stream of empty lines to look at, each by itself."""
    @app.at("/lines")
    async def lines(exchange):
        await exchange.events()
        while not exchange.gone.is_set():
            await exchange.send(b"\n" * 65536)

    def drain(client):
        buffer = bytearray(1 << 20)
        with contextlib.suppress(OSError):
            while client.socket.recv_into(buffer):
                pass

    with H1(gateway.clear) as client:
        client.subscribe("/lines")
        reader = threading.Thread(target=drain, args=(client,))
        reader.start()
        try:
            yield
        finally:
            client.socket.shutdown(socket.SHUT_RDWR)
            reader.join()


@pytest.mark.parametrize("wire", ["http/1.1", "h2"])
@pytest.mark.parametrize("limits, gathers", [({}, True), ({"gather": "0s"}, False)])
def test_a_busy_relay_gathers_and_every_event_arrives_once_and_in_order(
        start, wire, limits, gathers):
    with Application(wire) as app, Application() as chatter:
        counter = Counter(app)
        gateway = start(limits=limits,
                        route=[{"path": "/lines", "upstream": chatter.url},
                               {"path": "/*", "upstream": app.url, "protocol": wire}])
        with H2(gateway.tls) as client, kept_busy(gateway, chatter):
            streams = {f"/{n}": client.streams[client.subscribe(f"/{n}")] for n in range(STREAMS)}
            if gathers:
                client.pump(lambda: gateway.metric("sluice_paced_total") >= 50, "gathering", 30)
            else:
                client.pump(lambda: all(len(one.events) >= 30 for one in streams.values()),
                            "as many events as would do", 30)
                assert gateway.metric("sluice_paced_total") == 0
            counter.stop()
            client.pump(lambda: all(one.over for one in streams.values()), "the ends")
        for path, stream in streams.items():
            assert stream.ended
            assert [event.data for event in stream.events] == [
                str(number) for number in range(counter.counted[path])]
