"""An application with several HTTP/2 connections of which one takes no more: requests go to the
other at once, and what is open on the first goes on."""

import asyncio

import pytest

import wire
from application import MAX_CONCURRENT_STREAMS, Application
from clients import H2
from harness import wait_until

pytestmark = pytest.mark.quick

STREAMS = 10
MOST = 2**31 - 1


class Feeds:
    """Streams that stay open, and pages that say on which connection they were asked for."""

    def __init__(self, app):
        self.app, self.more, self.speakers = app, asyncio.Event(), {}

        @app.at("/feed")
        async def feed(exchange):
            self.speakers[exchange.request.connection] = exchange.speaker
            await exchange.events()
            await exchange.send(b"data: 1\n\n")
            await self.more.wait()
            await exchange.send(b"data: 2\n\n")
            await exchange.gone.wait()

        @app.at("/page")
        async def page(exchange):
            await exchange.reply(200, b"%d" % exchange.request.connection)

    def shut(self, connection, how):
        """From now on that connection takes no request. Returns whether the gateway knows: it has
        acknowledged SETTINGS, which it is sent last."""
        speaker = self.speakers[connection]
        allowed = 0 if how == "limit" else STREAMS + 1

        async def send():
            if how == "goaway":
                last = MOST.to_bytes(4, "big") + bytes(4)
                speaker.writer.write(wire.frame(wire.GOAWAY, 0, 0, last))
            speaker.h2.update_settings({MAX_CONCURRENT_STREAMS: allowed})
            await speaker.flush()
        self.app.run(send())
        return lambda: speaker.h2.local_settings.max_concurrent_streams == allowed


def upstream(app):
    return {"upstream": [{"name": "app", "urls": [app.url], "protocol": "h2"}],
            "route": [{"path": "/*", "upstream": "app"}]}


@pytest.fixture
def feeds():
    with Application("h2", streams=STREAMS) as app:
        yield Feeds(app)


def opened(client, count):
    numbers = [client.subscribe("/feed") for _ in range(count)]
    client.pump(lambda: all(client.streams[one].events for one in numbers), "first events")
    return numbers


def pages(client, count):
    """The connections that served as many pages, asked for at once."""
    answers = [client.answer(one) for one in [client.request("GET", "/page") for _ in range(count)]]
    assert {one.status for one in answers} == {200}
    return {int(one.text) for one in answers}


def test_beside_a_full_connection_the_other_is_taken(start, feeds):
    gateway = start(**upstream(feeds.app))
    with H2(gateway.tls) as client:
        opened(client, STREAMS)
        opened(client, 1)
        for _ in range(5):
            assert pages(client, STREAMS - 1) == {2}
        assert gateway.metric("sluice_upstream_connects_total") == 2 == feeds.app.connections


@pytest.mark.parametrize("how", ["goaway", "limit"])
@pytest.mark.parametrize("shut, other", [(1, 2), (2, 1)])
def test_beside_a_shut_connection_the_other_is_taken(start, feeds, how, shut, other):
    gateway = start(**upstream(feeds.app))
    with H2(gateway.tls) as client:
        first, *rest = opened(client, STREAMS)
        last, = opened(client, 1)
        for one in rest:
            client.reset(one)
        wait_until(lambda: gateway.metric("sluice_upstream_calls") == 2, "room on both")
        is_told = feeds.shut(shut, how)
        assert pages(client, STREAMS - 1), "those that cross it are served, wherever they were sent"
        wait_until(is_told, "the gateway knows")
        for _ in range(5):
            assert pages(client, STREAMS - 1) == {other}
        feeds.app.call(feeds.more.set)
        for open_one in (first, last):
            assert client.events(open_one, 2)[1].data == "2"
        assert gateway.metric("sluice_upstream_connects_total") == 2 == feeds.app.connections
        assert gateway.metric("sluice_route_failures_total") == 0
