"""What a client is told when its stream was begun and the application then fails: late, without
end, or by saying nothing more."""

import asyncio

import pytest

from application import Application
from clients import H2
from harness import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture(params=["http/1.1", "h2"])
def app(request):
    with Application(request.param) as application:
        yield application


def routes(app, **more):
    return [{"path": "/*", "upstream": app.url, "protocol": app.wire, **more}]


# -- an error behind an early answer ---------------------------------------------------------------


@pytest.mark.parametrize("form", ["endless", "slow", "silent"])
@pytest.mark.parametrize("kept", [{}, {"share": True}, {"replay": True}], ids=str)
def test_an_error_without_end_after_an_early_answer_is_told(start, app, kept, form):
    go = asyncio.Event()

    @app.at("/model")
    async def model(exchange):
        await go.wait()
        await exchange.head(500, {"content-type": "text/plain"})
        await exchange.send(b"no memory")
        while form != "silent" and not exchange.gone.is_set():
            await exchange.send(b"x" * (4096 if form == "endless" else 1))
            await asyncio.sleep(0.01)
        await exchange.gone.wait()

    gateway = start(route=routes(app, early_after="50ms", errors="event", **kept))
    with H2(gateway.tls) as client:
        stream = client.subscribe("/model")
        client.opened(stream)
        app.call(go.set)
        answer = client.answer(stream, 5)
        assert answer.ended
        [event] = answer.events
        assert event.type == "error"
        assert '"status":500' in event.data and "no memory" in event.data
        assert len(answer.body) < 8192
    wait_until(lambda: app.requests[0].gone_at, "the application is told")


def test_who_shares_a_refused_request_is_told_the_status_alone(start, app):
    go = asyncio.Event()

    @app.at("/feed")
    async def feed(exchange):
        await go.wait()
        await exchange.reply(403, b"not you, alice")

    gateway = start(server={"workers": 2},
                    route=routes(app, early_after="50ms", share={"across_credentials": True}))
    with H2(gateway.tls) as one, H2(gateway.tls) as two:
        asker = one.subscribe("/feed", {"authorization": "Bearer alice"})
        one.opened(asker)
        other = two.subscribe("/feed", {"authorization": "Bearer bob"})
        two.opened(other)
        app.call(go.set)
        assert "not you, alice" in one.answer(asker).events[0].data
        assert "alice" not in two.answer(other).text
        assert '"status":403' in two.streams[other].events[0].data
    assert len(app.requests) == 1


# -- silence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun, passed", [
    (b"data: ha", b"data: ha"), (b"retry: 12", b"retry: "), (b"retry: 012", b"retry: 0"),
    (b"retry", b"retry")])
def test_silence_inside_an_event_is_not_filled_and_ends_in_a_break(start, app, begun, passed):
    """Digits of a `retry` are held back until their line ends: they are a part of an event, too."""
    @app.at("/*")
    async def feed(exchange):
        await exchange.events()
        await exchange.send(b"data: 1\n\n")
        if exchange.request.path == "/begun":
            await exchange.send(begun)
        await exchange.gone.wait()

    gateway = start(route=routes(app, heartbeat_interval="100ms", silence_timeout="1s",
                                 errors="event"))
    with H2(gateway.tls) as client:
        whole, broken = (client.streams[client.subscribe(path)] for path in ("/whole", "/begun"))
        client.pump(lambda: whole.over and broken.over, "both ends")
        assert whole.body.startswith(b":\ndata: 1\n\n:\n:\n"), "heartbeats fill its silence"
        assert whole.ended and "upstream_timeout" in whole.events[-1].data
        assert broken.reset is not None and not broken.ended
        assert bytes(broken.body) == b":\ndata: 1\n\n" + passed
    assert gateway.metric("sluice_route_failures_total", kind="timeout") == 2
    wait_until(lambda: all(one.gone_at for one in app.requests), "the application is told")
