"""What has a bound in the relay, at its bound: what the client gets, what counts it, and that it is
over as soon as there is room again."""

import pytest

from application import Application
from clients import H2

pytestmark = pytest.mark.quick


def feed(app, path="/*"):
    """A stream that goes on as long as it is read, whatever the request accepts."""
    @app.at(path)
    async def events(exchange):
        await exchange.events()
        await exchange.send(b"data: 1\n\n")
        await exchange.gone.wait()


@pytest.fixture
def app():
    with Application() as application:
        feed(application)
        yield application


def opened(client, path="/", **headers):
    """A stream that has had its first event."""
    stream = client.request("GET", path, headers)
    client.pump(lambda: client.streams[stream].events or client.streams[stream].over, "an event")
    assert client.streams[stream].status == 200 and client.streams[stream].events
    return stream


# -- event streams ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["streams", "streams_per_connection"])
@pytest.mark.parametrize("kept", [{}, {"share": True}, {"replay": True}])
def test_streams_are_counted_though_nobody_said_that_they_would_be(start, app, limit, kept):
    gateway = start(limits={limit: 2}, route=[{"path": "/*", "upstream": app.url, **kept}])
    with H2(gateway.tls) as client:
        first = [opened(client, f"/{n}") for n in range(2)]
        refused = client.answer(client.request("GET", "/3"))
        assert refused.status == 503
        assert refused.headers["retry-after"] == "5"
        assert refused.text == "there are too many event streams\n"
        parked = client.answer(client.subscribe("/4"))
        assert parked.status == 200 and "retry: " in parked.text
        assert gateway.metric("sluice_route_limited_total") == 1
        assert gateway.metric("sluice_streams_parked_total") == 1
        client.reset(first[0])
        client.pump(lambda: gateway.metric("sluice_route_event_streams") == 1, "one has gone")
        opened(client, "/5")


def test_an_early_answer_needs_room_too(start, app):
    @app.at("/model")
    async def model(exchange):
        await exchange.gone.wait()

    gateway = start(limits={"streams": 1},
                    route=[{"path": "/*", "upstream": app.url, "early_after": "50ms"}])
    with H2(gateway.tls) as client:
        opened(client)
        refused = client.answer(client.request("POST", "/model", {}, b'{"stream": true}'))
        assert refused.status == 503
