"""What `/status` tells of a route while streams are open, and that nothing is left of it when they
are over, whoever ended them."""

import asyncio
import json

import pytest

from application import Application
from clients import H2
from harness import wait_until

pytestmark = pytest.mark.quick

EVENTS = 10
SHARE = {"share": {"linger": "200ms", "late": "events"}}
REPLAY = {"replay": {"linger": "200ms"}}
BOTH = {**SHARE, **REPLAY}
POST = {"replay": {"linger": "200ms", "post": True}}


class Talk:
    """An application with streams of some events, which it ends or breaks off when it is told."""

    def __init__(self, app):
        self.app, self.word, self.how = app, asyncio.Event(), None

        @app.at("/*")
        async def talk(exchange):
            await exchange.read_all()
            await exchange.events()
            for number in range(EVENTS):
                await exchange.send(b"data: %d\n\n" % number)
            word = asyncio.ensure_future(self.word.wait())
            gone = asyncio.ensure_future(exchange.gone.wait())
            await asyncio.wait([word, gone], return_when=asyncio.FIRST_COMPLETED)
            if self.how == "end":
                await exchange.end()
            elif self.how == "break":
                exchange.cut()

    def say(self, how):
        self.how = how
        self.app.call(self.word.set)


def figures(gateway):
    """What is open, held or waited for, as /status has it."""
    status = json.loads(gateway.get_admin("/status")[1])
    [route], [upstream] = status["routes"], status["upstreams"]
    return {**{name: route[name] for name in ("open", "event_streams", "sources", "readers",
                                              "replay_bytes")},
            **{name: upstream[name] for name in ("calls", "waiting")}}


def ask(client, path, kept):
    if kept is POST:
        return client.request("POST", path, {}, b"{}")
    return client.subscribe(path)


def test_with_on_disconnect_cancel_nothing_waits_for_who_has_gone(start):
    with Application() as app:
        Talk(app)
        gateway = start(route=[{"path": "/*", "upstream": app.url, "replay": {"linger": "1h"},
                                "on_disconnect": "cancel"}])
        with H2(gateway.tls) as client:
            stream = client.subscribe("/talk")
            client.pump(lambda: client.streams[stream].events, "an event")
            client.reset(stream)
            wait_until(lambda: app.requests[0].gone_at, "the upstream is told")
            wait_until(lambda: not any(figures(gateway).values()), "nothing is left")


@pytest.mark.parametrize("kept, sources, how", [
    ({}, 0, "reset"), ({}, 0, "close"), ({}, 0, "end"), ({}, 0, "break"),
    (SHARE, 1, "reset"), (SHARE, 1, "close"), (SHARE, 1, "end"),
    (REPLAY, 6, "reset"), (REPLAY, 6, "close"), (REPLAY, 6, "end"),
    (BOTH, 1, "reset"), (BOTH, 1, "close"), (BOTH, 1, "end"),
    (POST, 6, "reset"), (POST, 6, "close"), (POST, 6, "end"), (POST, 6, "break"),
    (POST, 6, "delete")], ids=str)
def test_when_all_is_over_nothing_is_left(start, kept, sources, how):
    with Application() as app:
        talk = Talk(app)
        gateway = start(server={"workers": 2},
                        route=[{"path": "/*", "upstream": app.url, **kept}])
        with H2(gateway.tls) as one, H2(gateway.tls) as two:
            asked = [(client, ask(client, "/talk", kept)) for client in (one, two) * 3]
            for client, stream in asked:
                client.pump(lambda s=client.streams[stream]: s.events, "an event")
            calls = sources or 6
            seen = figures(gateway)
            assert seen.pop("replay_bytes") > 0 if kept else seen.pop("replay_bytes") == 0
            assert seen == {"open": 6, "event_streams": 6, "sources": sources,
                            "readers": 6 if kept else 0, "calls": calls, "waiting": 0}
            if how in ("end", "break"):
                talk.say(how)
            elif how == "delete":
                for client, stream in asked:
                    name = client.streams[stream].headers["sluice-stream-id"]
                    gone = client.request("DELETE", f"/talk?sluice-stream={name}")
                    assert client.answer(gone).status == 204
            elif how == "reset":
                for client, stream in asked:
                    client.reset(stream)
            if how in ("end", "break", "delete"):
                for client, stream in asked:
                    client.answer(stream)
            if how != "close":
                wait_until(lambda: not any(figures(gateway).values()), "nothing is left")
        wait_until(lambda: not any(figures(gateway).values()), "nothing is left")
        if how not in ("end", "break"):
            wait_until(lambda: all(one.gone_at for one in app.requests), "the upstream is told")
        assert len(app.requests) == calls
