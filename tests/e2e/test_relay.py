"""The relay between a client and its application: what goes in comes out, soon, and no more."""

import asyncio
import contextlib
import json
import select
import socket
import struct
import time

import pytest

from application import Application
from clients import H1, H2
from harness import wait_until

pytestmark = pytest.mark.quick

WIRES = ["http/1.1", "h2"]


def routes(app, **more):
    return [{"path": "/*", "upstream": app.url, "protocol": app.wire, **more}]


@pytest.fixture(params=WIRES)
def app(request):
    with Application(request.param) as application:
        yield application


def stream_of(client, path, **headers):
    stream = client.subscribe(path, headers)
    client.pump(lambda: client.streams[stream].status, "the head")
    return client.streams[stream]


def stay_silent(app, path):
    """There is a stream that says nothing until its client leaves."""
    @app.at(path)
    async def silent(exchange):
        await exchange.events()
        await exchange.gone.wait()


# -- any request, any answer -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_every_method_and_its_answer_pass(start, app, method):
    @app.at("/thing")
    async def thing(exchange):
        await exchange.read_all()
        body = b"" if method == "HEAD" else b'{"a": 1}'
        await exchange.head(201, {"content-type": "application/json", "x-thing": "yes",
                                  "content-length": "8"})
        await exchange.send(body)
        await exchange.end()

    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        body = b"hello" if method in ("POST", "PUT", "PATCH") else None
        stream = client.request(method, "/thing?x=%20y", {"x-mine": "1"}, body)
        answer = client.answer(stream)
        assert (answer.status, answer.headers["x-thing"]) == (201, "yes")
        assert answer.headers["content-length"] == "8"
        assert bytes(answer.body) == (b"" if method == "HEAD" else b'{"a": 1}')
    [request] = app.requests
    assert (request.method, request.target) == (method, "/thing?x=%20y")
    assert request.header("x-mine") == "1"
    assert request.header("host") == "localhost"
    assert request.body == (body or b"")


@pytest.mark.parametrize("status", [200, 204, 301, 304, 404, 418, 429, 500, 503])
def test_every_status_passes(start, app, status):
    @app.at("/")
    async def page(exchange):
        headers = {"location": "/elsewhere", "retry-after": "7", "etag": '"a"'}
        if status in (204, 304):
            await exchange.head(status, headers)
            await exchange.end()
        else:
            await exchange.reply(status, b"text", headers)

    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        answer = client.answer(client.request("GET", "/"))
        assert answer.status == status
        assert answer.headers["location"] == "/elsewhere"
        assert answer.headers["retry-after"] == "7"
        assert bytes(answer.body) == (b"" if status in (204, 304) else b"text")


def test_a_large_body_passes_both_ways_and_is_not_gathered(start, app):
    """8 MiB up while it comes down again: each piece goes back before the next is sent."""
    @app.at("/echo")
    async def echo(exchange):
        await exchange.head(200, {"content-type": "application/octet-stream"})
        while piece := await exchange.read():
            await exchange.send(piece)
        await exchange.end()

    gateway = start(route=routes(app))
    pieces = [bytes([97 + n % 26]) * 8192 for n in range(1024)]
    with H2(gateway.tls) as client:
        stream = client.request("POST", "/echo", {}, end=False)
        for piece in pieces:
            client.send_all(stream, piece)
        client.end(stream)
        answer = client.answer(stream, 30)
        assert bytes(answer.body) == b"".join(pieces)


def test_the_application_answers_while_the_body_still_comes(start, app):
    @app.at("/early")
    async def early(exchange):
        await exchange.read()
        await exchange.head(413, {"content-length": "9"})
        await exchange.send(b"too much\n")
        await exchange.end()

    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        stream = client.request("POST", "/early", {}, b"x" * 1000, end=False)
        client.pump(lambda: client.streams[stream].over, "the answer")
        assert client.streams[stream].status == 413
        assert client.streams[stream].text == "too much\n"


def test_http1_clients_are_served_alike(start, app):
    @app.at("/page")
    async def page(exchange):
        body = await exchange.read_all()
        await exchange.reply(200, b"got " + body)

    gateway = start(route=routes(app))
    with H1(gateway.clear) as client:
        for _ in range(3):
            client.request("POST", "/page", body=b"hello")
            answer = client.answer()
            assert (answer.status, answer.body) == (200, b"got hello")


# -- event streams ---------------------------------------------------------------------------------


def test_the_head_and_a_comment_come_before_the_first_event(start, app):
    stay_silent(app, "/silent")
    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        stream = stream_of(client, "/silent")
        client.pump(lambda: stream.body, "the first byte")
        assert bytes(stream.body) == b":\n"
        assert stream.headers["cache-control"] == "no-cache, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"


def test_bytes_pass_unchanged(start, app):
    text = "\ufeffdata: a\r\rid: 1\r\ndata: b\ndata\r\n\r\n: comment\nevent: x\ndata:é€😀\n\n".encode()

    @app.at("/all")
    async def everything(exchange):
        await exchange.events()
        for byte in text:
            await exchange.send(bytes([byte]))
        await exchange.end()

    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        answer = client.answer(client.subscribe("/all"))
        assert bytes(answer.body) == b":\n" + text[3:], "but for the byte order mark"


@pytest.mark.parametrize("form, expected", [
    ("line", b":\n"), ("block", b":\n\n"),
    ("event:ping", b'event: ping\ndata: {"type":"ping"}\n\n'), ("off", b"")])
def test_heartbeats_fill_silence_at_boundaries_only(start, app, form, expected):
    go = asyncio.Event()

    @app.at("/slow")
    async def slow(exchange):
        await exchange.events()
        await exchange.send(b"data: whole\n\ndata: ha")
        await go.wait()
        await exchange.send(b"lf\n\n")
        await exchange.gone.wait()

    gateway = start(route=routes(app, heartbeat=form, heartbeat_interval="100ms"))
    with H2(gateway.tls) as client:
        stream = stream_of(client, "/slow")
        client.pump(lambda: b"ha" in stream.body, "the first half")
        client.listen(0.4)
        assert bytes(stream.body) == b":\ndata: whole\n\ndata: ha", "nothing inside an event"
        app.call(go.set)
        if expected:
            client.pump(lambda: stream.body.endswith(expected + expected), "heartbeats")
        else:
            client.pump(lambda: b"half" in stream.body, "the second half")
        rest = bytes(stream.body).removeprefix(b":\ndata: whole\n\ndata: half\n\n")
        assert rest.replace(expected, b"") == b""


def test_retry_is_held_within_bounds(start, app):
    @app.at("/retry")
    async def retry(exchange):
        await exchange.events()
        await exchange.send(b"retry: 1\n")
        await exchange.send(b"ret")
        await exchange.send(b"ry:99999999999\nretry: 5000\nretry: 1x\n\n")
        await exchange.end()

    gateway = start(route=routes(app, min_retry="1s", max_retry="1h"))
    with H2(gateway.tls) as client:
        answer = client.answer(client.subscribe("/retry"))
        lines = [line for line in answer.text.splitlines() if line.startswith("retry")]
        assert [line.replace(" ", "") for line in lines] == [
            "retry:1000", "retry:3600000", "retry:5000", "retry:1x"]


def test_a_number_without_end_holds_nothing_up(start, app):
    @app.at("/retry")
    async def retry(exchange):
        await exchange.events()
        await exchange.send(b"retry: " + b"9" * 1_000_000 + b"\n\ndata: behind it\n\n")
        await exchange.end()

    gateway = start(route=routes(app, max_retry="1h"))
    with H2(gateway.tls) as client:
        answer = client.answer(client.subscribe("/retry"))
        assert [event.data for event in answer.events] == ["behind it"]
        assert "\nretry: 3600000\n" in answer.text


def test_a_client_that_leaves_is_told_upstream_within_100_ms(start, app):
    stay_silent(app, "/feed")
    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        stream_of(client, "/feed")
        stream = next(iter(client.streams))
        [request] = app.requests
        left = time.monotonic()
        client.reset(stream)
        wait_until(lambda: request.gone_at, "the application noticed")
        assert request.gone_at - left < 0.1


@pytest.mark.parametrize("fields", [
    {"content-type": "application/x-ndjson"},
    {"content-type": "text/event-stream", "content-encoding": "gzip"},
    {"content-type": "application/octet-stream", "content-length": "1000000"}],
    ids=["lines", "compressed events", "a length"])
def test_a_client_that_leaves_an_answer_of_any_kind_is_told_too(start, app, fields):
    @app.at("/open")
    async def open_answer(exchange):
        await exchange.head(200, fields)
        await exchange.send(b"x")
        await exchange.gone.wait()

    gateway = start(route=routes(app))
    for tls in (False, True):
        with H1(gateway.tls if tls else gateway.clear, tls=tls) as client:
            client.request("GET", "/open")
            answer = b""  # All of it: what is not read would make the close a reset.
            while b"x" not in answer.partition(b"\r\n\r\n")[2]:
                answer += client.socket.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
        left = time.monotonic()
        request = app.requests[-1]
        wait_until(lambda: request.gone_at, "the application noticed")
        assert request.gone_at - left < 0.1
    assert len(app.requests) == 2


def test_a_client_that_resets_is_noticed_though_nobody_reads_what_it_sent(start, app):
    stay_silent(app, "/feed")
    gateway = start(route=routes(app))
    with H1(gateway.tls, tls=True) as client:
        client.request("GET", "/feed")
        # More than is read ahead of the answer that it waits for.
        client.send("GET /next HTTP/1.1\r\nhost: localhost\r\n\r\n" * 2_000)
        wait_until(lambda: app.requests, "the application was asked")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    left = time.monotonic()
    [request] = app.requests
    wait_until(lambda: request.gone_at, "the application noticed")
    assert request.gone_at - left < 0.1


def test_an_upload_that_is_given_up_is_told_an_application_that_does_not_read_it(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.settimeout(10)
        gateway = start(route=[{"path": "/*",
                                "upstream": f"http://127.0.0.1:{listener.getsockname()[1]}"}])
        with H1(gateway.tls, tls=True, timeout=1.0) as client:
            client.send("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500000000\r\n\r\n")
            upstream, _ = listener.accept()
            with contextlib.suppress(OSError):
                while True:
                    client.send(b"y" * 65_536)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with upstream:
            told = select.poll()
            told.register(upstream, select.POLLRDHUP)
            assert told.poll(5_000), "nothing of it was read"


def test_a_whole_connection_that_leaves_is_told_too(start, app):
    stay_silent(app, "/feed")
    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        for _ in range(20):
            stream_of(client, "/feed")
    wait_until(lambda: all(one.gone_at for one in app.requests), "the application noticed")
    assert len(app.requests) == 20


def test_an_end_is_an_end_and_a_break_is_a_break(start, app):
    @app.at("/ends")
    async def ends(exchange):
        await exchange.events()
        await exchange.send(b"data: 1\n\n")
        await exchange.end()

    @app.at("/breaks")
    async def breaks(exchange):
        await exchange.events()
        await exchange.send(b"data: 1\n\n")
        exchange.cut()

    gateway = start(route=routes(app))
    with H2(gateway.tls) as client:
        ended = client.answer(client.subscribe("/ends"))
        assert ended.ended and ended.reset is None and ended.events[0].data == "1"
        stream = client.subscribe("/breaks")
        client.pump(lambda: client.streams[stream].over, "the end")
        broken = client.streams[stream]
        assert broken.reset is not None and not broken.ended
        assert broken.events[0].data == "1", "what had come is delivered first"


# -- what goes wrong -------------------------------------------------------------------------------


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_event_source_is_parked_while_its_application_is_down(start):
    gateway = start(route=[{"path": "/*", "upstream": f"http://127.0.0.1:{free_port()}"}])
    with H2(gateway.tls) as client:
        parked = client.answer(client.subscribe("/feed"))
        assert parked.status == 200
        assert parked.headers["content-type"] == "text/event-stream"
        assert parked.text.startswith("retry: ")
        refused = client.answer(client.request("POST", "/feed", {}, b"x"))
        assert refused.status == 502
        assert "127.0.0.1" not in refused.text, "what is behind is nobody's business"


def test_the_status_tells_how_an_address_is(start, app):
    @app.at("/")
    async def page(exchange):
        await exchange.reply(200, b"here")

    port = free_port()
    gateway = start(server={"workers": 2}, upstream=[
        {"name": "gone", "urls": [f"http://127.0.0.1:{port}"], "backoff": "1s"},
        {"name": "app", "urls": [app.url], "protocol": app.wire}], route=[
        {"path": "/gone", "upstream": "gone"}, {"path": "/*", "upstream": "app"}])

    def address(upstream):
        [one] = [one for one in json.loads(gateway.get_admin("/status")[1])["upstreams"]
                 if one["name"] == upstream]
        return one["addresses"][0] if one["addresses"] else {"state": None}

    wait_until(lambda: address("gone")["state"] == "well", "nobody has asked yet")
    with H2(gateway.tls) as client:
        assert client.answer(client.request("GET", "/")).status == 200
        assert client.answer(client.request("GET", "/gone")).status == 502
    seen = address("gone")
    assert seen["state"] == "resting" and 0 < seen["rests_for_seconds"] <= 1
    assert seen["failures_in_a_row"] == 1
    assert "refused" in seen["last_error"] and seen["last_error_seconds_ago"] < 1
    wait_until(lambda: address("gone")["state"] == "failing", "it has rested")
    well = address("app")
    assert (well["state"], well["failures_in_a_row"]) == ("well", 0)
    assert "last_error" not in well

    with Application(port=port) as back:
        back.handlers["/gone"] = page
        with H2(gateway.tls) as client:
            assert client.answer(client.request("GET", "/gone")).status == 200
        seen = address("gone")
        assert (seen["state"], seen["failures_in_a_row"]) == ("well", 0)
        assert "refused" in seen["last_error"]


def test_the_log_tells_once_that_an_address_is_down_and_once_that_it_is_well(start):
    port = free_port()
    gateway = start(server={"workers": 2}, upstream=[
        {"name": "app", "urls": [f"http://127.0.0.1:{port}"], "backoff": "100ms"}],
        route=[{"path": "/*", "upstream": "app"}])

    def lines():
        return [line for line in gateway.stderr().splitlines() if "upstream app: " in line]

    def ask():
        with H2(gateway.tls) as client:
            return client.answer(client.request("GET", "/")).status

    for _ in range(10):
        assert ask() == 502
    [down] = lines()
    assert f"warning upstream app: 127.0.0.1:{port}: " in down and "refused; it rests for " in down
    with Application(port=port) as back:
        @back.at("/")
        async def page(exchange):
            await exchange.reply(200, b"here")

        wait_until(lambda: ask() == 200, "it is asked again")
        for _ in range(10):
            ask()
    wait_until(lambda: len(lines()) > 1, "a line of its return")
    [_, well] = lines()
    assert f"info upstream app: 127.0.0.1:{port} is well again" in well


def test_another_address_is_taken_when_one_is_down(start, app):
    @app.at("/")
    async def page(exchange):
        await exchange.reply(200, b"here")

    gateway = start(route=[{"path": "/*", "protocol": app.wire,
                            "upstream": [f"http://127.0.0.1:{free_port()}", app.url]}])
    with H2(gateway.tls) as client:
        for _ in range(10):
            assert client.answer(client.request("GET", "/")).status == 200
            assert client.answer(client.request("POST", "/", {}, b"x")).status == 200


def test_a_name_is_waited_for_when_an_address_is_down(start, app):
    @app.at("/")
    async def page(exchange):
        await exchange.reply(200, b"here")

    gateway = start(route=[{"path": "/*", "protocol": app.wire, "upstream": [
        f"http://127.0.0.1:{free_port()}", f"http://localhost:{app.port}"]}])
    with H2(gateway.tls) as client:
        assert client.answer(client.request("GET", "/")).status == 200


def test_calls_go_to_the_address_with_the_fewest(start):
    async def events(exchange):
        await exchange.events()
        await exchange.gone.wait()

    with Application() as one, Application() as two:
        one.handlers["/feed"] = two.handlers["/feed"] = events
        gateway = start(route=[{"path": "/*", "upstream": [one.url, two.url]}])
        with H2(gateway.tls) as client:
            for _ in range(20):
                stream_of(client, "/feed")
            assert (len(one.requests), len(two.requests)) == (10, 10)


@pytest.mark.parametrize("method, status, times", [("GET", 200, 2), ("POST", 502, 1)])
def test_a_get_is_sent_once_more_and_a_post_never(start, method, status, times):
    """A kept connection closes as the request comes, without a byte of an answer."""
    with Application() as app:
        @app.at("/once")
        async def once(exchange):
            await exchange.read_all()
            if len(app.requests) == 2:
                exchange.cut()
            else:
                await exchange.reply(200, b"fine")

        gateway = start(route=routes(app))
        with H2(gateway.tls) as client:
            assert client.answer(client.request("GET", "/once")).text == "fine"
            body = b"x" if method == "POST" else None
            assert client.answer(client.request(method, "/once", {}, body)).status == status
        assert [one.method for one in app.requests] == ["GET"] + [method] * times
        assert gateway.metric("sluice_upstream_repeats_total") == times - 1


def test_of_kept_connections_that_all_close_one_is_tried(start):
    """As they do where a server ends what was idle for some seconds: the newest one has told of all."""
    kept = 8
    with Application() as app:
        all_are_there = asyncio.Event()

        @app.at("/page")
        async def page(exchange):
            earlier = [one for one in app.requests if one.connection == exchange.request.connection]
            if len(earlier) > 1:
                return exchange.cut()
            if len(app.requests) == kept:
                all_are_there.set()
            await all_are_there.wait()
            await exchange.reply(200, b"fine")

        gateway = start(route=routes(app), server={"workers": 1})
        with H2(gateway.tls) as client:
            streams = [client.request("GET", "/page") for _ in range(kept)]
            assert [client.answer(one).status for one in streams] == [200] * kept
            assert client.answer(client.request("GET", "/page")).text == "fine"
        assert gateway.metric("sluice_upstream_repeats_total") == 1
        wait_until(lambda: app.open_connections == 1, "the others are let go")


def test_an_application_that_does_not_answer_is_not_waited_for(start, app):
    @app.at("/never")
    async def never(exchange):
        await exchange.gone.wait()

    gateway = start(route=routes(app, first_byte_timeout="300ms"))
    with H2(gateway.tls) as client:
        assert client.answer(client.request("GET", "/never")).status == 504
    wait_until(lambda: app.requests[0].gone_at, "the application is told")


def test_a_slow_upload_is_waited_for(start, app):
    @app.at("/upload")
    async def upload(exchange):
        await exchange.reply(200, b"%d" % len(await exchange.read_all()))

    gateway = start(route=routes(app, first_byte_timeout="1s"))
    with H2(gateway.tls) as client:
        stream = client.request("POST", "/upload", {}, end=False)
        for _ in range(10):
            client.send_all(stream, b"x" * 100)
            client.listen(0.2)
        client.end(stream)
        assert client.answer(stream).text == "1000"


def test_connections_need_not_be_kept(start, app):
    @app.at("/")
    async def page(exchange):
        await exchange.reply(200, b"here")

    gateway = start(upstream=[{"name": "app", "urls": [app.url], "protocol": app.wire,
                               "max_idle": 0}],
                    route=[{"path": "/*", "upstream": "app"}])
    with H2(gateway.tls) as client:
        for _ in range(3):
            assert client.answer(client.request("GET", "/")).status == 200
        wait_until(lambda: app.open_connections == 0, "none is kept")
        assert app.connections <= 3


# -- how many requests an HTTP/2 application takes on a connection --------------------------------


@pytest.fixture
def shut():
    """An application that takes none, until it is told otherwise."""
    with Application("h2", streams=0) as application:
        @application.at("/*")
        async def page(exchange):
            await exchange.reply(200, b"here")
        yield application


def test_who_takes_no_requests_is_waited_for_on_one_connection(start, shut):
    gateway = start(route=routes(shut))
    with H2(gateway.tls) as client:
        pages = [client.request("GET", f"/{n}") for n in range(20)]
        upstream = shut.url + " (h2)"
        wait_until(lambda: gateway.metric("sluice_upstream_waiting", upstream=upstream) == 20,
                   "all wait")
        assert shut.connections == 1
        shut.allow(100)
        for page in pages:
            assert client.answer(page).text == "here"
        assert shut.connections == 1


def test_who_takes_no_requests_is_not_waited_for_without_end(start, shut):
    gateway = start(upstream=[{"name": "app", "urls": [shut.url], "protocol": "h2",
                               "connect_timeout": "300ms"}],
                    route=[{"path": "/*", "upstream": "app"}])
    with H2(gateway.tls) as client:
        for page in [client.request("GET", f"/{n}") for n in range(5)]:
            assert client.answer(page).status == 503
        assert gateway.metric("sluice_route_failures_total", kind="busy") == 5
        assert shut.connections == 1
        shut.allow(1)
        assert client.answer(client.request("GET", "/")).text == "here"


def test_another_address_serves_while_one_takes_no_requests(start, shut):
    with Application("h2") as other:
        other.handlers["/*"] = shut.handlers["/*"]
        gateway = start(route=[{"path": "/*", "protocol": "h2",
                                "upstream": [shut.url, other.url]}])
        with H2(gateway.tls) as client:
            for n in range(10):
                assert client.answer(client.request("GET", f"/{n}")).text == "here"
        assert (len(shut.requests), len(other.requests)) == (0, 10)


def test_one_request_on_a_connection_needs_a_connection_for_each(start):
    with Application("h2", streams=1) as app:
        @app.at("/*")
        async def events(exchange):
            await exchange.events()
            await exchange.send(b"data: 1\n\n")
            await exchange.gone.wait()

        gateway = start(route=routes(app))
        with H2(gateway.tls) as client:
            feeds = [client.subscribe(f"/{n}") for n in range(20)]
            client.pump(lambda: all(client.streams[feed].events for feed in feeds), "all are served")
            assert 20 <= app.connections <= 25
            assert len({one.connection for one in app.requests}) == 20


# -- alive before the first byte -------------------------------------------------------------------


def test_a_slow_answer_is_begun_early(start, app):
    go = asyncio.Event()

    @app.at("/model")
    async def model(exchange):
        await exchange.read_all()
        await go.wait()
        await exchange.events()
        await exchange.send(b"data: token\n\n")
        await exchange.end()

    gateway = start(route=routes(app, early_after="100ms", heartbeat_interval="100ms"))
    with H2(gateway.tls) as client:
        stream = client.request("POST", "/model", {"content-type": "application/json"},
                                b'{"messages": [], "stream": true}')
        answer = client.streams[stream]
        client.pump(lambda: answer.body.count(b":\n") >= 3, "comments")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        app.call(go.set)
        client.answer(stream)
        assert answer.events[0].data == "token"


@pytest.mark.parametrize("more", [{}, {"replay": {"post": True}}])
def test_a_request_that_says_late_that_it_wants_a_stream_is_answered_then(start, app, more):
    @app.at("/model")
    async def model(exchange):
        await exchange.read_all()
        await exchange.gone.wait()

    gateway = start(route=routes(app, early_after="100ms", **more))
    with H2(gateway.tls) as client:
        stream = client.request("POST", "/model", {"content-type": "application/json"},
                                b'{"messages": [', end=False)
        client.listen(0.5)
        assert not client.streams[stream].status
        client.send_all(stream, b'], "stream": true}')
        client.end(stream)
        client.pump(lambda: client.streams[stream].body == b":\n", "the early answer")
        assert client.streams[stream].status == 200


def test_a_request_that_wants_no_stream_is_never_answered_early(start, app):
    @app.at("/model")
    async def model(exchange):
        await exchange.read_all()
        await asyncio.sleep(0.4)
        await exchange.reply(200, b"{}", {"content-type": "application/json"})

    gateway = start(route=routes(app, early_after="50ms"))
    with H2(gateway.tls) as client:
        body = b'{"prompt": "\\"stream\\": true", "stream": false}'
        answer = client.answer(client.request("POST", "/model", {}, body))
        assert (answer.status, answer.text) == (200, "{}")


@pytest.mark.parametrize("form, expected", [
    ("reset", b"event: error\ndata: {\"error\":{"),
    ("event", b"event: error\ndata: {\"error\":{"),
    ("openai", b"data: {\"error\":{"),
    ("anthropic", b"event: error\ndata: {\"type\":\"error\",\"error\":{")])
def test_a_failure_after_an_early_answer_is_an_event(start, app, form, expected):
    @app.at("/model")
    async def model(exchange):
        await asyncio.sleep(0.3)
        await exchange.reply(429, b"slow down")

    gateway = start(route=routes(app, early_after="50ms", errors=form))
    with H2(gateway.tls) as client:
        answer = client.answer(client.subscribe("/model"))
        assert answer.ended
        assert bytes(answer.body).replace(b":\n", b"").startswith(expected)
        assert b"slow down" in answer.body
