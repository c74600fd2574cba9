"""What has a bound in the relay, at its bound: what the client gets, what counts it, and that it is
over as soon as there is room again."""

import asyncio
import contextlib
import json

import pytest

from application import Application
from clients import H1, H2
from harness import binary, wait_until

pytestmark = pytest.mark.quick


def serve(app):
    """`/page` is one, all else is a stream that goes on as long as it is read."""
    @app.at("/page")
    async def page(exchange):
        await exchange.reply(200, b"here")

    @app.at("/*")
    async def events(exchange):
        await exchange.events()
        await exchange.send(b"data: 1\n\n")
        await exchange.gone.wait()


@pytest.fixture
def app():
    with Application() as application:
        serve(application)
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
        wait_until(lambda: gateway.metric("sluice_route_event_streams") == 1, "one has gone")
        opened(client, "/5")


@pytest.mark.parametrize("early", [{}, {"early_after": "50ms"}])
def test_what_a_refused_post_has_begun_waits_for_nobody(start, app, early):
    """Its answer would be replayed, but nobody was told its name."""
    @app.at("/model")
    async def model(exchange):
        await exchange.read_all()
        if not early:
            await exchange.events()
        await exchange.gone.wait()

    gateway = start(limits={"streams": 1},
                    route=[{"path": "/model", "upstream": app.url,
                            "replay": {"post": True, "linger": "1h"}, **early},
                           {"path": "/*", "upstream": app.url}])
    with H2(gateway.tls) as client:
        opened(client)
        refused = client.answer(client.request("POST", "/model", {}, b'{"stream": true}'))
        assert refused.status == 503
        asked = next(one for one in app.requests if one.path == "/model")
        wait_until(lambda: asked.gone_at, "the application is told")


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


# -- bodies ----------------------------------------------------------------------------------------


@pytest.fixture
def taking(start, app):
    """A gateway that takes bodies of 1000 bytes."""
    @app.at("/take")
    async def take(exchange):
        await exchange.reply(200, b"%d" % len(await exchange.read_all()))

    @app.at("/talk")
    async def talk(exchange):
        await exchange.events()
        await exchange.send(b"data: 1\n\n")
        while await exchange.read():
            pass
        await exchange.gone.wait()

    return start(route=[{"path": "/*", "upstream": app.url, "max_request_bytes": "1000B",
                         "errors": "event"}])


TOO_LARGE = {"type": "body_too_large", "status": 413, "message": "the body is larger than 1000B"}


def post(client, app, size, is_told):
    """Of a body whose length is not told the first part has come to the application before the rest
    is sent."""
    before = len(app.requests)
    length = {"content-length": str(size)} if is_told else {}
    stream = client.request("POST", "/take", length, b"x" * 1000, end=False)
    if not is_told:
        wait_until(lambda: len(app.requests) > before, "the begin of the request")
    client.h2.send_data(stream, b"x" * (size - 1000), end_stream=True)
    client.flush()
    return client.answer(stream)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_body_that_is_larger_than_allowed_is_refused(taking, app, is_told):
    with H2(taking.tls) as client:
        assert post(client, app, 1000, is_told).text == "1000"
        refused = post(client, app, 1001, is_told)
        assert refused.status == 413
        assert json.loads(refused.text)["error"] == TOO_LARGE
        assert len(refused.headers["x-request-id"]) == 32
        assert post(client, app, 1000, is_told).text == "1000"
    assert len(app.requests) == (2 if is_told else 3)
    if not is_told:
        wait_until(lambda: app.requests[1].gone_at, "what was begun of it is broken off")


def test_one_that_turns_out_too_large_behind_the_head_of_the_answer_ends_it(taking):
    with H2(taking.tls) as client:
        stream = client.request("POST", "/talk", {}, b"x" * 1000, end=False)
        client.events(stream, 1)
        client.h2.send_data(stream, b"x", end_stream=True)
        client.flush()
        assert json.loads(client.answer(stream).events[-1].data)["error"] == TOO_LARGE
    wait_until(lambda: taking.metric("sluice_upstream_calls") == 0, "the application is left")


@pytest.mark.parametrize("kept", [{}, {"replay": {"post": True}}])
@pytest.mark.parametrize("length", [{}, {"content-length": "20"}])
def test_an_answer_that_is_no_stream_is_broken_off_and_nothing_is_added(start, app, kept, length):
    @app.at("/page")
    async def page(exchange):
        await exchange.head(200, {"content-type": "text/plain", **length})
        await exchange.send(b"partial")
        await exchange.gone.wait()

    gateway = start(route=[{"path": "/*", "upstream": app.url, "max_request_bytes": "1000B",
                            "errors": "event", **kept}])
    with H2(gateway.tls) as client:
        stream = client.request("POST", "/page", {}, b"x" * 1000, end=False)
        client.pump(lambda: client.streams[stream].body, "the begin of the answer")
        client.h2.send_data(stream, b"x", end_stream=True)
        client.flush()
        answer = client.answer(stream)
        assert bytes(answer.body) == b"partial" and answer.reset is not None
    with H1(gateway.clear) as client:
        client.send(b"POST /page HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
                    b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        assert client.head().status == 200
        client.send(b"1\r\nx\r\n0\r\n\r\n")
        assert client.closed_by_peer()
        assert b"event: error" not in client.buffer
    wait_until(lambda: gateway.metric("sluice_upstream_calls") == 0, "the application is left")


# -- connections to an upstream --------------------------------------------------------------------


def upstream(app, **options):
    """The sections of a gateway with one upstream, and all going there."""
    return {"upstream": [{"name": "app", "urls": [app.url], **options}],
            "route": [{"path": "/*", "upstream": "app"}]}


def test_who_waits_beyond_max_waiting_is_told_at_once(start, app):
    gateway = start(**upstream(app, max_connections=1, max_waiting=2))
    with H2(gateway.tls) as client:
        first = opened(client)
        waiting = [client.request("GET", f"/{n}") for n in range(2)]
        wait_until(lambda: gateway.metric("sluice_upstream_waiting") == 2, "both wait")
        assert client.answer(client.request("GET", "/3")).status == 503
        parked = client.answer(client.subscribe("/4"))
        assert parked.status == 200 and parked.text.startswith("retry: ")
        assert gateway.metric("sluice_route_failures_total", kind="busy") == 2
        assert gateway.metric("sluice_upstream_waiting") == 2, "they still wait"
        client.reset(first)
        client.pump(lambda: client.streams[waiting[0]].events, "the next is served")
        client.reset(waiting[0])
        client.pump(lambda: client.streams[waiting[1]].events, "and the last")
        assert gateway.metric("sluice_upstream_waiting") == 0


def test_no_more_than_max_connections_are_opened(start, app):
    gateway = start(**upstream(app, max_connections=2, connect_timeout="300ms"))
    with H2(gateway.tls) as client:
        first = [opened(client, f"/{n}") for n in range(2)]
        assert client.answer(client.request("GET", "/3")).status == 503
        assert gateway.metric("sluice_route_failures_total", kind="busy") == 1
        assert gateway.metric("sluice_upstream_connections") == 2 == app.connections
        client.reset(first[0])
        opened(client, "/4")
        assert gateway.metric("sluice_upstream_connections") == 2


@pytest.fixture(params=["http/1.1", "h2"])
def room_for_three(request):
    """An application, and the upstream that has three requests at a time for it."""
    with Application(request.param, streams=3) as app:
        serve(app)
        connections = 1 if request.param == "h2" else 3
        yield app, {"name": "app", "urls": [app.url], "protocol": request.param,
                    "max_connections": connections}


@pytest.mark.parametrize("kept", [{"replay": True}, {"share": {"linger": "1h"}}])
def test_streams_without_readers_give_way_to_who_has_no_connection(start, room_for_three, kept):
    app, upstream = room_for_three
    gateway = start(server={"workers": 1}, upstream=[upstream],
                    route=[{"path": "/page", "upstream": "app"},
                           {"path": "/*", "upstream": "app", **kept}])
    with H2(gateway.tls) as client:
        left = [opened(client, f"/left{n}") for n in range(2)]
        opened(client, "/read")
        for stream in left:
            client.reset(stream)
            wait_until(lambda: gateway.metric("sluice_route_readers") == 3 - 1 - left.index(stream),
                       "a reader has gone")
        assert gateway.metric("sluice_route_sources") == 3, "both go on without one"
        assert client.answer(client.request("GET", "/page")).status == 200
        assert gateway.metric("sluice_upstream_given_way_total") == 1
        assert gateway.metric("sluice_route_sources") == 2

        # The page's connection was kept: it serves the next one, and nobody else has to go.
        assert client.answer(client.request("GET", "/page")).status == 200
        assert gateway.metric("sluice_upstream_given_way_total") == 1
        last = [opened(client, f"/more{n}") for n in range(2)]
        assert gateway.metric("sluice_upstream_given_way_total") == 2
        assert gateway.metric("sluice_route_sources") == 3, "all of them are read"
        refused = client.request("GET", "/page")
        wait_until(lambda: gateway.metric("sluice_upstream_waiting") == 1, "nobody gives way to it")
        client.reset(last[0])
        assert client.answer(refused).status == 200, "until one more is left"
        assert gateway.metric("sluice_upstream_given_way_total") == 3


def bounded(app, most, **options):
    """An upstream with so many connections; `/page*` and `/plain*` are relayed as they are, all
    else is shared, and waits for readers."""
    return {"server": {"workers": 1},
            "upstream": [{"name": "app", "urls": [one.url for one in app],
                          "protocol": app[0].wire, "max_connections": most, **options}],
            "route": [{"path": "/pl*", "upstream": "app"}, {"path": "/page", "upstream": "app"},
                      {"path": "/*", "upstream": "app", "share": {"linger": "1h"}}]}


def left_alone(gateway, client, *paths):
    """Streams that go on without readers."""
    before = gateway.metric("sluice_route_readers")
    for path in paths:
        client.reset(opened(client, path))
        wait_until(lambda: gateway.metric("sluice_route_readers") == before, "its reader has gone")


def given_way(gateway):
    return gateway.metric("sluice_upstream_given_way_total")


def test_no_more_give_way_than_have_to(start, app):
    gateway = start(**bounded([app], 10))
    with H2(gateway.tls) as client:
        left_alone(gateway, client, *(f"/left{n}" for n in range(6)))
        five = [client.request("GET", f"/plain{n}") for n in range(5)]
        client.pump(lambda: all(client.streams[one].events for one in five), "all are served")
        assert given_way(gateway) == 1, "four connections were free"


def test_over_http2_no_more_give_way_than_a_new_connection_leaves_without(start):
    with Application("h2", streams=3) as app:
        serve(app)
        gateway = start(**bounded([app], 2))
        with H2(gateway.tls) as client:
            left_alone(gateway, client, "/left1", "/left2", "/left3")
            four = [client.request("GET", f"/plain{n}") for n in range(4)]
            client.pump(lambda: all(client.streams[one].events for one in four), "all are served")
            assert given_way(gateway) == 1, "the second connection has three streams"


def test_nobody_gives_way_where_the_server_takes_nothing(start):
    with Application("h2", streams=3) as app:
        serve(app)
        gateway = start(**bounded([app], 1, connect_timeout="300ms"))
        with H2(gateway.tls) as client:
            left_alone(gateway, client, "/left1", "/left2", "/left3")
            app.allow(0)
            assert client.answer(client.request("GET", "/page")).status == 503
            assert given_way(gateway) == 0
            assert gateway.metric("sluice_route_sources") == 3


def test_nobody_gives_way_while_another_address_has_a_connection_to_spare(start, app):
    with Application() as second, Application() as third:
        serve(second)
        serve(third)
        gateway = start(**bounded([app, second, third], 2))
        with H2(gateway.tls) as client:
            left_alone(gateway, client, "/left")
            for _ in range(4):
                assert client.answer(client.request("GET", "/page")).status == 200
            assert given_way(gateway) == 0
            assert gateway.metric("sluice_upstream_connects_total") == 2


def test_a_stream_without_readers_takes_nobodys_connection(start):
    with Application() as app:
        serve(app)
        breaks = asyncio.Event()

        @app.at("/broken")
        async def broken(exchange):
            await exchange.events()
            await exchange.send(b"retry: 1000\nid: 1\ndata: 1\n\n")
            await breaks.wait()
            exchange.cut()

        gateway = start(**bounded([app], 1, max_waiting=1))
        with H2(gateway.tls) as client:
            left_alone(gateway, client, "/broken")
            app.call(breaks.set)
            wait_until(lambda: gateway.metric("sluice_upstream_connections") == 0, "it broke off")
            left_alone(gateway, client, "/newer")
            wait_until(lambda: gateway.metric("sluice_upstream_waiting") == 1, "it asks again")
            assert given_way(gateway) == 0
            assert gateway.metric("sluice_route_sources") == 2


def test_what_an_application_breaks_off_takes_it_from_nobody_else(start, app):
    @app.at("/cut")
    async def cut(exchange):
        exchange.cut()

    gateway = start(server={"workers": 1}, upstream=[{"name": "app", "urls": [app.url]}],
                    route=[{"path": "/*", "upstream": "app"}])
    with H2(gateway.tls) as client:
        for _ in range(10):
            assert client.answer(client.request("GET", "/cut")).status == 502
            assert client.answer(client.request("GET", "/page")).status == 200
        [address] = json.loads(gateway.get_admin("/status")[1])["upstreams"][0]["addresses"]
        assert (address["state"], address["failures_in_a_row"]) == ("well", 0)
        for _ in range(10):
            assert client.answer(client.request("GET", "/cut")).status == 502
        [address] = json.loads(gateway.get_admin("/status")[1])["upstreams"][0]["addresses"]
        assert address["state"] == "resting", "nothing else was asked for"
        assert client.answer(client.request("GET", "/page")).status == 200, "it is there"


def test_an_address_that_breaks_off_whatever_it_is_asked_is_left_alone(start, app):
    with Application() as broken:
        @broken.at("/*")
        async def cut(exchange):
            exchange.cut()

        gateway = start(server={"workers": 1},
                        upstream=[{"name": "app", "urls": [broken.url, app.url], "backoff": "1h",
                                   "backoff_max": "1h"}],
                        route=[{"path": "/*", "upstream": "app"}])
        with H2(gateway.tls) as client:
            statuses = [client.answer(client.request("GET", "/page")).status for _ in range(20)]
        assert statuses.count(502) == 3, "three in a row"
        assert statuses[10:] == [200] * 10


def test_an_address_that_fails_again_and_again_rests_no_longer_than_backoff_max(start):
    with Application() as gone:
        port = gone.port
    gateway = start(upstream=[{"name": "app", "urls": [f"http://127.0.0.1:{port}"],
                               "backoff": "50ms", "backoff_max": "200ms"}],
                    route=[{"path": "/*", "upstream": "app"}])

    def address():
        [one] = json.loads(gateway.get_admin("/status")[1])["upstreams"]
        return one["addresses"][0]

    with H2(gateway.tls) as client:
        rests = []

        def failed_often():
            assert client.answer(client.request("GET", "/")).status == 502
            seen = address()
            rests.append(seen.get("rests_for_seconds", 0))
            return seen["failures_in_a_row"] >= 8
        wait_until(failed_often, "eight failures in a row", 20)
        assert 0.05 < max(rests) <= 0.2, "doubled eight times it would rest for 12 s"
        assert gateway.metric("sluice_upstream_connect_failures_total") >= 8
        with Application(port=port) as back:
            serve(back)
            wait_until(lambda: client.answer(client.request("GET", "/page")).status == 200,
                       "it is back", 2)
            assert address()["state"] == "well"


# -- shared and replayed streams -------------------------------------------------------------------


@pytest.mark.parametrize("kept", [{"share": {"linger": "0s"}}, {"replay": {"linger": "0s"}}])
def test_beyond_limits_sources_a_stream_is_only_relayed(start, app, kept):
    gateway = start(limits={"sources": 1}, route=[{"path": "/*", "upstream": app.url, **kept}])
    with H2(gateway.tls) as client:
        first = opened(client, "/1")
        second = opened(client, "/2")
        assert gateway.metric("sluice_route_sources") == 1
        assert gateway.metric("sluice_route_event_streams") == 2
        client.reset(first)
        wait_until(lambda: gateway.metric("sluice_route_sources") == 0, "the first has gone")
        opened(client, "/3")
        assert gateway.metric("sluice_route_sources") == 1
        client.reset(second)


# -- the call-out ----------------------------------------------------------------------------------


def test_of_a_call_outs_answers_so_many_are_remembered(start, app):
    with Application() as gatekeeper:
        @gatekeeper.at("/check")
        async def check(exchange):
            await exchange.reply(200, b"", {"cache-control": "max-age=60"})

        gateway = start(route=[{"path": "/*", "upstream": app.url, "auth_cache_entries": 2,
                                "auth_url": gatekeeper.url + "/check"}])

        def asked(who):
            before = len(gatekeeper.requests)
            with H1(gateway.clear) as client:
                client.request("GET", "/page", {"authorization": who})
                assert client.answer().status == 200
            return len(gatekeeper.requests) - before

        assert [asked("a"), asked("b"), asked("a"), asked("b")] == [1, 1, 0, 0]
        assert [asked("c"), asked("b"), asked("a")] == [1, 0, 1], "the least recently used goes"
        assert gateway.metric("sluice_auth_calls_total", result="asked") == 4
        assert gateway.metric("sluice_auth_calls_total", result="cached") == 3


# -- descriptors -----------------------------------------------------------------------------------

DESCRIPTORS = 100


@pytest.fixture
def cramped(tmp_path):
    """The program, with hardly a file that it may open."""
    script = tmp_path / "cramped"
    script.write_text(f'#!/bin/sh\nulimit -n {DESCRIPTORS} && exec "{binary()}" "$@"\n')
    script.chmod(0o755)
    return str(script)


def test_without_descriptors_a_request_is_refused_and_the_rest_goes_on(start, app, cramped):
    gateway = start(cramped, **upstream(app))
    with H2(gateway.tls) as client:
        feeds = [client.request("GET", f"/{n}") for n in range(DESCRIPTORS)]
        streams = [client.streams[feed] for feed in feeds]
        client.pump(lambda: all(one.events or one.over for one in streams), "an answer to each")
        served = [feed for feed in feeds if client.streams[feed].events]
        refused = [one for one in streams if one.over]
        assert len(served) > DESCRIPTORS / 3 and refused
        assert {one.status for one in refused} == {503}
        assert gateway.metric("sluice_route_failures_total", kind="busy") == len(refused)
        parked = client.answer(client.subscribe("/parked"))
        assert parked.status == 200 and parked.text.startswith("retry: ")
        assert gateway.get_admin("/readyz")[0] == 200, "operators still get in"
        with H1(gateway.clear) as newcomer:
            newcomer.request("GET", "/newcomer")
            assert newcomer.answer().status == 503
        assert all(not client.streams[feed].over for feed in served), "nobody else is cut"
        for feed in served[:5]:
            client.reset(feed)
        wait_until(lambda: gateway.metric("sluice_upstream_connections") == len(served) - 5,
                   "five have gone")
        opened(client, "/again")


def test_the_last_descriptors_are_for_operators_and_the_log_says_what_is_short(
        start, app, cramped):
    gateway = start(cramped, log={"level": "debug"}, **upstream(app))
    with H2(gateway.tls) as client:
        feeds = [client.request("GET", f"/{n}") for n in range(DESCRIPTORS)]
        streams = [client.streams[feed] for feed in feeds]
        client.pump(lambda: all(one.events or one.over for one in streams), "an answer to each")
        served = [feed for feed in feeds if client.streams[feed].events]
        with contextlib.ExitStack() as operators:
            for n in range(8):
                operator = operators.enter_context(H1(gateway.admin))
                operator.request("GET", "/status" if n % 2 else "/metrics")
                answer = operator.answer()
                assert answer.status == 200
                assert b'"state": "well"' in answer.body or b"sluice_upstream_calls" in answer.body
            [one] = json.loads(gateway.get_admin("/status")[1])["upstreams"]
            [address] = one["addresses"]
            assert (address["state"], address["failures_in_a_row"]) == ("well", 0), "not its fault"
            assert client.answer(client.request("GET", "/page")).status == 503
        assert "too many open files" in gateway.stderr()
        for feed in served:
            client.reset(feed)
        wait_until(lambda: gateway.metric("sluice_upstream_calls") == 0, "all have gone")
        again = [client.request("GET", f"/{n}") for n in range(len(served))]
        client.pump(lambda: all(client.streams[one].events for one in again), "as many as before")
