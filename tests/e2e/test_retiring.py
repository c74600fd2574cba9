"""Old connections and streams end in good order, so that clients spread behind a balancer."""

import asyncio

import pytest

from application import Application
from clients import H1, H2
from harness import wait_until

DRAIN = {"delay": "0s", "window": "500ms"}


def test_an_old_connection_is_told_to_open_no_more_and_its_streams_end_with_a_retry(start):
    gateway = start(limits={"max_connection_age": "1s"}, drain=DRAIN)
    with H2(gateway.tls) as client:
        streams = [client.subscribe("/events/a") for _ in range(5)]
        client.opened(*streams)
        for stream in streams:
            state = client.answer(stream, 20)
            assert state.ended and state.reset is None and state.sse.retry >= 500
        client.pump(lambda: client.eof or len(client.goaways) == 2, "the final GOAWAY", 10)
        assert client.goaways[0] == (0, 2**31 - 1)
    assert gateway.metric("sluice_connections_retired_total") == 1


def test_an_old_http1_connection_ends_its_stream_in_good_order(start):
    gateway = start(limits={"max_connection_age": "1s"}, drain=DRAIN, timeouts={"headers": "1s"})
    with H1(gateway.clear) as client:
        client.subscribe("/events/a")
        client.read_stream(lambda: client.ended, 20, "the end")
        assert client.ended and client.sse.retry >= 500


def test_a_stream_that_is_old_ends_and_goes_on_where_it_was(start):
    gateway = start(limits={"max_stream_duration": "1s"})
    with H1(gateway.clear) as client:
        client.subscribe("/events/a")
        gateway.publish("a", "one")
        client.read_stream(lambda: client.ended, 20, "the end")
        assert [event.data for event in client.sse.events] == ["one"]
        assert client.sse.retry >= 500
    last = client.sse.events[0].id
    gateway.publish("a", "two")
    with H1(gateway.clear) as client:
        client.subscribe("/events/a", {"last-event-id": last})
        assert client.events(1)[0].data == "two"
    wait_until(lambda: gateway.metric("sluice_streams_expired_total") >= 1, "it is counted")


@pytest.mark.parametrize("share", [False, True])
def test_relayed_streams_that_are_old_end_but_no_answer_to_a_post(start, share):
    with Application() as app:
        @app.at("/ticks")
        async def ticks(exchange):
            await exchange.events()
            while not exchange.gone.is_set():
                await exchange.send(b"data: x\n\n")
                await asyncio.sleep(0.05)

        gateway = start(limits={"max_stream_duration": "1s"},
                        route=[{"path": "/*", "upstream": app.url, "share": share}])
        with H2(gateway.tls) as client:
            post = client.request("POST", "/ticks", {"accept": "text/event-stream"}, b"")
            get = client.subscribe("/ticks")
            state = client.answer(get, 20)
            assert state.ended and state.reset is None and state.sse.retry >= 500
            told = len(client.streams[post].events)
            client.events(post, told + 20)
            assert not client.streams[post].over


def test_a_relayed_stream_that_is_old_ends_behind_the_event_that_was_begun(start):
    with Application() as app:
        @app.at("/slow")
        async def slow(exchange):
            await exchange.events()
            await exchange.send(b"data: half\n")
            await asyncio.sleep(2)
            await exchange.send(b"data: whole\n\n")
            await exchange.gone.wait()

        gateway = start(limits={"max_stream_duration": "1s"},
                        route=[{"path": "/*", "upstream": app.url}])
        with H2(gateway.tls) as client:
            state = client.answer(client.subscribe("/slow"), 20)
            assert state.ended and state.reset is None and state.sse.retry >= 500
            assert [event.data for event in state.events] == ["half\nwhole"]
