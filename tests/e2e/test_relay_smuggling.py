"""Requests and answers that two parsers could read differently (RFC 9112 §11, RFC 9113 §10.3): the
application sees one clean request or none, and the client one clean answer or an error."""

import pytest

import wire
from application import Application
from clients import H1, H2
from harness import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def behind(start_for_module):
    """An application that says what it was asked, and a gateway before it."""
    with Application() as app:
        @app.at("*")
        async def say(exchange):
            await exchange.read_all()
            await exchange.reply(200, b"seen")

        gateway = start_for_module(route=[
            {"path": "/strip/*", "upstream": app.url, "strip_prefix": "/strip"},
            {"path": "/*", "upstream": app.url}])
        yield gateway, app


def ask(gateway, fields, body=None, seconds=5):
    """A request of exactly these HTTP/2 fields: (status or None, reset code or None)."""
    with wire.Wire(gateway.tls) as client:
        stream = client.new_stream()
        flags = wire.END_HEADERS | (0 if body is not None else wire.END_STREAM)
        frames = wire.frame(wire.HEADERS, flags, stream, wire.header_block(fields))
        if body is not None:
            frames += wire.frame(wire.DATA, wire.END_STREAM, stream, body)
        # In one record: nobody answers a request whose body is not looked at yet.
        client.send(frames)
        while one := client.read(seconds, "an answer"):
            kind, _, number, payload = one
            if kind == wire.HEADERS and number == stream:
                return int(dict(client.decoder.decode(payload))[":status"]), None
            if kind == wire.RST_STREAM and number == stream:
                return None, int.from_bytes(payload, "big")
        return None, None


def head(path="/x", method="GET", authority="localhost", *more):
    return [(":method", method), (":scheme", "https"), (":authority", authority),
            (":path", path), *more]


@pytest.mark.parametrize("fields", [
    pytest.param(head(authority="user@localhost"), id="userinfo in :authority"),
    pytest.param(head(authority="a, b"), id="two authorities"),
    pytest.param([*head(), ("host", "other")], id="another host beside :authority"),
    pytest.param(head("*"), id="asterisk form"),
    pytest.param(head("x"), id="no slash"),
    pytest.param(head("http://other/x"), id="absolute form"),
    pytest.param(head("/x#y"), id="fragment"),
    pytest.param(head("/x\\y"), id="backslash"),
    pytest.param(head("/x y"), id="blank in the path"),
    pytest.param(head("/x\ty"), id="tab in the path"),
    pytest.param(head("/x\u00e9"), id="a byte above 0x7f in the path"),
    pytest.param(head("/x%00y"), id="encoded NUL"),
    pytest.param(head("/x%0d%0aset-cookie:a"), id="encoded line end"),
    pytest.param(head("/x", "GET /smuggled HTTP/1.1\r\nx:"), id="a request in the method"),
    pytest.param(head("/strip/../admin"), id="dot segments out of the route"),
    pytest.param(head("/strip/%2e%2e/admin"), id="encoded dot segments"),
    pytest.param(head("/strip/..%2fadmin"), id="an encoded slash behind dots"),
    pytest.param(head("/strip%2fadmin"), id="an encoded slash that makes another route"),
    pytest.param(head("/strip/%2fadmin"), id="an encoded slash behind a slash"),
    pytest.param(head("/strip/x%5c..%5cadmin"), id="an encoded backslash before dots"),
    pytest.param([*head(), ("x", "a\r\nsmuggled: 1")], id="line end in a value"),
    pytest.param([*head(), ("x\r\nsmuggled", "1")], id="line end in a name"),
    pytest.param([*head(), ("x", "a\0b")], id="NUL in a value"),
    pytest.param([*head(), ("X-Upper", "1")], id="upper case name"),
    pytest.param([*head(), ("transfer-encoding", "chunked")], id="transfer-encoding"),
    pytest.param([*head(), ("connection", "close")], id="connection"),
    pytest.param([*head(), ("upgrade", "h2c")], id="upgrade"),
    pytest.param([*head(), ("te", "gzip")], id="te other than trailers"),
    pytest.param([*head("/x", "POST"), ("content-length", "5"), ("content-length", "6")],
                 id="two lengths"),
    pytest.param([*head("/x", "POST"), ("content-length", "-1")], id="negative length"),
    pytest.param([*head("/x", "POST"), ("content-length", "5, 5")], id="a list of lengths"),
    pytest.param([(":path", "/a"), *head()], id="a pseudo field twice"),
    pytest.param([*head(), (":path", "/b")], id="a pseudo field behind others"),
])
def test_a_malformed_request_never_reaches_the_application(behind, fields):
    gateway, app = behind
    before = len(app.requests)
    status, reset = ask(gateway, fields)
    assert status in (400, 404, 421, 431, 501) or reset is not None or status is None
    with H2(gateway.tls) as client:
        assert client.answer(client.request("GET", "/marker")).status == 200
    assert [one.target for one in app.requests[before:]] == ["/marker"]


@pytest.mark.parametrize("length, body", [("5", b"hello!"), ("5", b"hell"), ("0", b"x")])
def test_a_body_that_is_not_as_long_as_told_is_not_passed_as_if_it_were(behind, length, body):
    gateway, app = behind
    before = len(app.requests)
    fields = [*head("/length", "POST"), ("content-length", length)]
    status, reset = ask(gateway, fields, body)
    assert status != 200
    for request in app.requests[before:]:
        assert not (request.target == "/length" and len(request.body) == int(length) != 0)


def test_what_reaches_the_application_is_clean(behind):
    gateway, app = behind
    before = len(app.requests)
    fields = [*head("/clean?a=%20b"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"),
              ("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6"), ("x-real-ip", "6.6.6.6"),
              ("x_forwarded_for", "6.6.6.6"), ("proxy-authorization", "x"), ("expect", "x"),
              ("http2-settings", "AAAA"), ("x-kept", "1")]
    assert ask(gateway, fields)[0] in (200, 417)
    with H1(gateway.clear) as client:
        client.request("GET", "/clean?a=%20b", {
            "connection": "x-named", "x-named": "1", "keep-alive": "timeout=5", "te": "trailers",
            "x-forwarded-for": "6.6.6.6", "x_forwarded_for": "6.6.6.6", "x-kept": "1",
            "cookie": "a=1; b=2", "proxy-connection": "x"})
        assert client.answer().status == 200
    # The last one of another test may only now have got here.
    seen = [request for request in app.requests[before:] if request.target == "/clean?a=%20b"]
    assert seen
    for request in seen:
        names = [name for name, _ in request.headers]
        assert len(names) == len(set(names)), names
        assert request.header("host") == "localhost"
        assert request.header("cookie") == "a=1; b=2"
        assert request.header("x-kept") == "1"
        assert request.header("x-forwarded-for") == "127.0.0.1"
        assert "6.6.6.6" not in str(request.headers)
        for name in ("x-named", "te", "keep-alive", "proxy-connection", "proxy-authorization",
                     "http2-settings", "x_forwarded_for", "expect", "upgrade", "transfer-encoding"):
            assert name not in names, name


# -- answers ---------------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("answer", [
    pytest.param(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                 id="both lengths"),
    pytest.param(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc", id="two lengths"),
    pytest.param(OK + b"content-length: 2, 2\r\n\r\nab", id="a list of lengths"),
    pytest.param(OK + b"content-length: +2\r\n\r\nab", id="plus"),
    pytest.param(OK + b"content-length: 2x\r\n\r\nab", id="no number"),
    pytest.param(OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="two codings"),
    pytest.param(OK + b"transfer-encoding: chunked\r\ntransfer-encoding: x\r\n\r\n0\r\n\r\n",
                 id="codings in two fields"),
    pytest.param(OK + b"x : 1\r\ncontent-length: 0\r\n\r\n", id="blank before the colon"),
    pytest.param(OK + b"x: 1\r\n folded: 2\r\ncontent-length: 0\r\n\r\n", id="obs-fold"),
    pytest.param(OK + b"x: a\rb\r\ncontent-length: 0\r\n\r\n", id="bare CR"),
    pytest.param(b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", id="bare LF"),
    pytest.param(OK + b"x: a\0b\r\ncontent-length: 0\r\n\r\n", id="NUL"),
    pytest.param(b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n", id="status of two digits"),
    pytest.param(b"HTTP/1.1 999 OK\r\ncontent-length: 0\r\n\r\n", id="status above 599"),
    pytest.param(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", id="version"),
    pytest.param(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", id="101"),
    pytest.param(b"junk\r\n" + OK + b"content-length: 0\r\n\r\n", id="junk before"),
    pytest.param(OK + b"x: " + b"a" * 40000 + b"\r\ncontent-length: 0\r\n\r\n", id="large head"),
    pytest.param(OK + b"x: 1\r\n" * 200 + b"content-length: 0\r\n\r\n", id="many fields"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + OK + b"content-length: 0\r\n\r\n",
                 id="a flood of 100"),
])
def test_a_malformed_answer_is_a_502(start, answer):
    with Application() as app:
        @app.at("/bad")
        async def bad(exchange):
            await exchange.raw(answer)
            await exchange.gone.wait()

        gateway = start(route=[{"path": "/*", "upstream": app.url}])
        with H2(gateway.tls) as client:
            assert client.answer(client.request("GET", "/bad")).status == 502


@pytest.mark.parametrize("body", [
    pytest.param(b"5 \r\nhello\r\n0\r\n\r\n", id="blank behind the size"),
    pytest.param(b"-5\r\nhello\r\n0\r\n\r\n", id="negative"),
    pytest.param(b"5\r\nhelloXX0\r\n\r\n", id="no line end behind a chunk"),
    pytest.param(b"ffffffffffffffff1\r\nx", id="huge"),
    pytest.param(b"5\nhello\n0\n\n", id="bare LF"),
])
def test_a_malformed_chunk_breaks_the_answer_off(start, body):
    with Application() as app:
        @app.at("/bad")
        async def bad(exchange):
            await exchange.raw(OK + b"transfer-encoding: chunked\r\n\r\n" + body)
            await exchange.gone.wait()

        gateway = start(route=[{"path": "/*", "upstream": app.url}])
        with H2(gateway.tls) as client:
            stream = client.request("GET", "/bad")
            client.pump(lambda: client.streams[stream].over, "the end")
            answer = client.streams[stream]
            assert answer.status == 502 or answer.reset is not None


def test_what_follows_an_answer_is_nobodys_answer(start):
    """Response splitting: the bytes behind a complete answer are never given to the next request."""
    with Application() as app:
        @app.at("/split")
        async def split(exchange):
            await exchange.raw(OK + b"content-length: 2\r\n\r\nok"
                               + OK + b"content-length: 8\r\n\r\npoisoned")
            await exchange.gone.wait()

        @app.at("/victim")
        async def victim(exchange):
            await exchange.reply(200, b"mine")

        gateway = start(route=[{"path": "/*", "upstream": app.url}])
        with H2(gateway.tls) as client:
            for _ in range(5):
                answer = client.answer(client.request("GET", "/split"))
                assert answer.text == "ok"
                assert client.answer(client.request("GET", "/victim")).text == "mine"
        wait_until(lambda: app.open_connections <= 2, "poisoned connections are closed")


def test_fields_of_the_connection_do_not_reach_the_client(start):
    with Application() as app:
        @app.at("/fields")
        async def fields(exchange):
            await exchange.raw(
                OK + b"connection: keep-alive, x-named\r\nx-named: 1\r\nkeep-alive: timeout=5\r\n"
                b"proxy-connection: x\r\ntrailer: y\r\nupgrade: h2c\r\nalt-svc: h3=\":443\"\r\n"
                b"x-kept: 1\r\ncontent-length: 0\r\n\r\n")
            await exchange.gone.wait()

        gateway = start(route=[{"path": "/*", "upstream": app.url}])
        with H2(gateway.tls) as client:
            answer = client.answer(client.request("GET", "/fields"))
            assert answer.status == 200
            assert answer.headers["x-kept"] == "1"
            for name in ("connection", "x-named", "keep-alive", "proxy-connection", "trailer",
                         "upgrade", "alt-svc", "transfer-encoding"):
                assert name not in answer.headers
