"""Which route takes a request, how it looks behind it, and who may."""

import json
import time

import pytest

from application import Application
from clients import H1, H2
from harness import wait_until
from settings import SECRET, jwt
from test_expiry import revoke

pytestmark = pytest.mark.quick

KEYS = [{"alg": "HS256", "secret": SECRET}]


@pytest.fixture
def app():
    """Says what it was asked."""
    with Application() as application:
        @application.at("*")
        async def say(exchange):
            await exchange.read_all()
            if "text/event-stream" in (exchange.request.header("accept") or ""):
                await exchange.events()
                await exchange.gone.wait()
            else:
                await exchange.reply(200, exchange.request.target.encode())
        yield application


def route(app, **options):
    return {"path": "/*", "upstream": app.url, **options}


def get(gateway, path, headers=(), authority="localhost", method="GET"):
    """The answer to one request of its own connection."""
    with H1(gateway.clear) as client:
        client.request(method, path, {"host": authority, **dict(headers)})
        return client.answer(is_head=method == "HEAD")


# -- which -----------------------------------------------------------------------------------------


def test_the_first_route_that_fits_in_all_takes_the_request(start, app):
    to = {"set_request_headers": {"x-route": "?"}}
    named = [
        route(app, path="/a/*", hosts=["one.example", "*.two.example"]),
        route(app, path="/a/*", methods=["POST", "PUT"]),
        route(app, path="/a/*", match_headers={"mcp-method": "tools/call"}),
        route(app, path="/a/exact"),
        route(app, path="/a/*"),
    ]
    for n, one in enumerate(named):
        one.update({**to, "set_request_headers": {"x-route": str(n)}})
    gateway = start(route=named)
    for taken, wanted in [
        (dict(path="/a/x", authority="one.example"), "0"),
        (dict(path="/a/x", authority="ONE.example:8443"), "0"),
        (dict(path="/a/x", authority="deep.two.example"), "0"),
        (dict(path="/a/x", authority="two.example"), "4"),
        (dict(path="/a/x", method="POST"), "1"),
        (dict(path="/a/x", headers={"mcp-method": "tools/call"}), "2"),
        (dict(path="/a/x", headers={"mcp-method": "tools/list"}), "4"),
        (dict(path="/a/exact"), "3"),
        (dict(path="/a/exact/not"), "4"),
    ]:
        assert get(gateway, **taken).status == 200, taken
        assert app.requests[-1].header("x-route") == wanted, taken
    nobody = get(gateway, "/b")
    assert nobody.status == 404
    assert nobody.text.startswith("no route of this gateway takes this request")
    assert "/a" not in nobody.text, "which there are is nobody's business"


def test_a_host_that_nobody_serves_is_misdirected(start, app):
    gateway = start(hub={"enabled": False}, route=[route(app, hosts=["one.example"])])
    assert get(gateway, "/", authority="one.example").status == 200
    assert get(gateway, "/", authority="other.example").status == 421


@pytest.mark.parametrize("options, asked, seen", [
    ({"path": "/app/*", "strip_prefix": "/app"}, "/app/x?y=1", "/x?y=1"),
    ({"path": "/app", "strip_prefix": "/app"}, "/app", "/"),
    ({"path": "/npm/*", "strip_prefix": "/npm"}, "/npm/@scope%2fpackage", "/@scope%2fpackage"),
    ({"path": "/*"}, "/api/projects/group%2Fname/jobs", "/api/projects/group%2Fname/jobs"),
    ({"path": "/app/*", "rewrite": "/v2/*"}, "/app/x/y?z", "/v2/x/y?z"),
    ({"path": "/old", "rewrite": "/new"}, "/old?a", "/new?a"),
    ({"path": "/app/*"}, "/app/%41?b=%20", "/app/%41?b=%20"),
])
def test_the_path_is_changed_as_the_route_says(start, app, options, asked, seen):
    gateway = start(route=[route(app, **options)])
    assert get(gateway, asked).status == 200
    assert app.requests[-1].target == seen


def test_headers_are_set_and_removed(start, app):
    gateway = start(route=[route(
        app, host="inner.example",
        set_request_headers={"x-set": "ours"}, remove_request_headers=["x-gone"],
        set_response_headers={"x-answer": "ours"}, remove_response_headers=["content-length-x"])])
    answer = get(gateway, "/", {"x-set": "theirs", "x-gone": "1", "x-kept": "1"})
    [request] = app.requests
    assert request.header("host") == "inner.example"
    assert request.header("x-set") == "ours"
    assert request.header("x-gone") is None
    assert request.header("x-kept") == "1"
    assert answer.headers["x-answer"] == "ours"
    assert answer.headers["x-request-id"] == request.header("x-request-id")


def test_the_chain_of_proxies_is_believed_of_trusted_ones_only(start, app):
    claims = {"x-forwarded-for": "203.0.113.7, 10.1.1.1", "x-forwarded-proto": "https",
              "x-request-id": "theirs"}
    for trusted, client, request_id in [([], "127.0.0.1", None),
                                        (["127.0.0.0/8", "10.0.0.0/8"], "203.0.113.7", "theirs")]:
        gateway = start(server={"trusted_proxies": trusted}, route=[route(app)])
        get(gateway, "/", claims)
        request = app.requests[-1]
        assert request.header("x-forwarded-for").split(",")[0] == client
        assert (request.header("x-request-id") == "theirs") == (request_id == "theirs")
        assert request.header("forwarded").startswith(f"for={client}")


def test_routes_go_before_the_hub_where_they_are_as_specific(start, app):
    gateway = start(route=[route(app, path="/events/mine/*"), route(app)])
    assert get(gateway, "/events/mine/x").body == b"/events/mine/x"
    assert get(gateway, "/anything").body == b"/anything"
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news")
        client.opened(stream)
        assert client.streams[stream].sse.retry, "the hub's own"


# -- who -------------------------------------------------------------------------------------------


def bearer(claims, **more):
    return {"authorization": "Bearer " + jwt({"sub": "alice", **claims}), **more}


def test_a_required_token_and_its_claims(start, app):
    gateway = start(route=[route(app, token="required", keys=KEYS, claims={"scope": "read"})])
    assert get(gateway, "/").status == 401
    other, none = get(gateway, "/", bearer({"scope": "write"})), get(gateway, "/", bearer({}))
    assert (other.status, none.status) == (403, 403)
    assert other.text == 'the token\'s claim "scope" is not what this route wants\n'
    assert none.text == 'the token has no claim "scope"\n'
    assert get(gateway, "/", bearer({"scope": "write read"})).status == 200
    assert get(gateway, "/", {"authorization": "Bearer " + jwt({"scope": "read"}, "x" * 40)}
               ).status == 401
    assert get(gateway, "/", bearer({"scope": "read", "exp": int(time.time()) - 3600})
               ).status == 401
    assert len(app.requests) == 1


@pytest.mark.parametrize("guarded, asked", [
    ("/@admin/*", "/%40admin/x"),
    ("/v1/models/x:run", "/v1/models/x%3Arun"),
    ("/caf%C3%A9/*", "/caf%c3%a9/x"),
    ("/admin/*", "/%61dmin/x"),
    ("/admin/*", "//admin/x"),
    ("/admin/*", "/admin%2fx"),
    ("/admin/x/*", "/admin%5Cx%2fy"),
    ("/admin/*", "/x/..%3b/admin/x"),
    ("/admin/*", "/x/%2e%2e/admin/x"),
])
def test_no_escape_leads_past_a_guarded_route(start, app, guarded, asked):
    gateway = start(route=[route(app, path=guarded, token="required", keys=KEYS), route(app)])
    assert get(gateway, asked).status in (400, 401)
    assert app.requests == []


def test_a_token_may_stay_behind(start, app):
    gateway = start(route=[route(app, token="required", keys=KEYS, pass_token=False)])
    assert get(gateway, "/", bearer({})).status == 200
    assert app.requests[-1].header("authorization") is None


def test_a_stream_ends_with_its_token(start, app):
    gateway = start(hub={"token_leeway": "0s"}, route=[route(app, token="required", keys=KEYS)])
    with H2(gateway.tls) as client:
        stream = client.subscribe("/stream", bearer({"exp": int(time.time()) + 2}))
        answer = client.answer(stream, 10)
        assert answer.status == 200 and answer.ended
        assert b"retry: " in answer.body
    wait_until(lambda: app.requests[-1].gone_at, "the application is told")


@pytest.mark.parametrize("kept", [{}, {"share": True}, {"replay": True}])
def test_a_stream_that_was_answered_early_ends_with_its_token_too(start, app, kept):
    @app.at("/thinking")
    async def thinking(exchange):
        await exchange.gone.wait()

    gateway = start(hub={"token_leeway": "0s"},
                    route=[route(app, token="required", keys=KEYS, early_after="50ms",
                                 first_byte_timeout="0s", **kept)])
    with H2(gateway.tls) as client:
        stream = client.subscribe("/thinking", bearer({"exp": int(time.time()) + 2}))
        answer = client.answer(stream, 10)
        assert answer.status == 200 and answer.ended
        assert b"retry: " in answer.body


@pytest.mark.parametrize("kept", [{}, {"share": True}, {"replay": True}])
def test_a_revocation_counts_the_streams_that_it_ends(start, app, kept):
    gateway = start(route=[route(app, token="required", keys=KEYS, **kept)])
    old = bearer({"iat": int(time.time()) - 10})
    with H2(gateway.tls) as client:
        streams = [client.subscribe(f"/{n}", old) for n in range(3)]
        client.opened(*streams)
        page = client.answer(client.request("GET", "/page", old))
        assert page.status == 200
        assert revoke(gateway, "alice") == (200, "3 streams are being ended\n")
        for stream in streams:
            assert client.answer(stream).ended
        assert gateway.metric("sluice_streams_revoked_total") == 3
        assert revoke(gateway, "alice") == (200, "0 streams are being ended\n")


@pytest.mark.parametrize("kind", [{}, {"replay": {"post": True}}])
@pytest.mark.parametrize("way", ["expiry", "revocation"])
def test_an_answer_to_a_post_ends_with_its_token_too(start, app, kind, way):
    gateway = start(hub={"token_leeway": "0s"},
                    route=[route(app, token="required", keys=KEYS, errors="event", **kind)])
    with H2(gateway.tls) as client:
        ends = int(time.time()) + (2 if way == "expiry" else 60)
        stream = client.request("POST", "/model", {**bearer({"exp": ends, "iat": int(time.time()) - 5}),
                                                   "accept": "text/event-stream"}, b"{}")
        client.opened(stream)
        if way == "revocation":
            assert revoke(gateway, "alice")[0] == 200
        answer = client.answer(stream, 10)
        assert answer.ended and b"token_expired" in answer.body


@pytest.fixture
def gatekeeper():
    """A server that says who may."""
    with Application() as application:
        @application.at("/check")
        async def check(exchange):
            who = exchange.request.header("authorization")
            if who == "Bearer good":
                await exchange.reply(200, b"", {"x-user": "alice", "cache-control": "max-age=60"})
            elif who == "Bearer once":
                await exchange.reply(204, b"", {"x-user": "bob"})
            elif who == "Bearer login":
                await exchange.reply(302, b"", {"location": "https://login.example/"})
            elif who == "Bearer broken":
                await exchange.reply(500, b"oops")
            else:
                await exchange.reply(401, b"who are you?", {"www-authenticate": "Bearer"})
        yield application


def test_a_call_out_decides(start, app, gatekeeper):
    gateway = start(server={"workers": 1}, route=[
        route(app, auth_url=gatekeeper.url + "/check", auth_copy=["x-user"])])

    def ask(who, **more):
        return get(gateway, "/page?q", {"authorization": f"Bearer {who}", **more})

    assert ask("good", **{"x-user": "forged"}).status == 200
    assert app.requests[-1].header("x-user") == "alice"
    [question] = gatekeeper.requests
    assert question.method == "GET" and question.header("x-forwarded-method") == "GET"
    assert question.header("x-forwarded-uri") == "/page?q"
    assert ask("good").status == 200 and len(gatekeeper.requests) == 1, "remembered"
    assert get(gateway, "/other", {"authorization": "Bearer good"}).status == 200
    assert len(gatekeeper.requests) == 2, "but for that path alone"
    assert ask("once").status == 200 and ask("once").status == 200
    assert len(gatekeeper.requests) == 4, "what does not say so is not remembered"
    seen = len(app.requests)
    denied = ask("bad")
    assert (denied.status, denied.body) == (401, b"who are you?")
    assert denied.headers["www-authenticate"] == "Bearer"
    assert ask("login").headers["location"] == "https://login.example/"
    for _ in range(5):
        assert ask("broken").status == 502
    [complaint] = [line for line in gateway.stderr().splitlines() if "whether a request" in line]
    assert complaint.endswith("/check: it answered 500"), "told once a minute"
    gatekeeper.kill()
    assert ask("new").status == 502, "nobody passes because nobody can say"
    assert len(app.requests) == seen


def test_pages_of_other_origins_by_the_gateway(start, app):
    gateway = start(route=[route(app, cors="own", cors_origins=["https://app.example"])])
    origin = {"origin": "https://app.example"}
    preflight = get(gateway, "/", {**origin, "access-control-request-method": "POST"},
                    method="OPTIONS")
    assert preflight.status in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert app.requests == []
    answer = get(gateway, "/", origin)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "origin" in answer.headers["vary"].lower()
    assert "access-control-allow-origin" not in get(gateway, "/", {"origin": "https://bad.example"}
                                                    ).headers


# -- ends ------------------------------------------------------------------------------------------


def test_a_drain_ends_relayed_streams_with_a_retry(start, app):
    gateway = start(drain={"delay": "0s", "window": "1s"}, route=[
        route(app, path="/shared", share=True), route(app, path="/kept", replay=True), route(app)])
    with H2(gateway.tls) as client:
        streams = [client.subscribe(path) for path in ("/plain", "/shared", "/kept")]
        client.opened(*streams)
        gateway.terminate()
        for stream in streams:
            answer = client.answer(stream, 10)
            assert answer.ended and b"retry: " in answer.body
    assert gateway.wait() == 0
    wait_until(lambda: all(one.gone_at for one in app.requests), "the application is told")


def test_totals_of_streams_have_those_of_routes(start, app):
    """What somebody sees who has only routes."""
    often = {"heartbeat_interval": "100ms"}
    gateway = start(limits={"streams": 3}, hub={"enabled": False}, route=[
        route(app, path="/shared", share=True, **often), route(app, **often)])
    with H2(gateway.tls) as client:
        client.opened(*[client.subscribe(path) for path in ("/plain", "/shared", "/shared")])
        assert client.answer(client.subscribe("/more")).status == 200
        assert gateway.metric("sluice_streams") == 3
        assert gateway.metric("sluice_streams_opened_total") == 3
        assert gateway.metric("sluice_streams_parked_total") == 1
        wait_until(lambda: gateway.metric("sluice_heartbeats_total") >= 3, "heartbeats")
        status = json.loads(gateway.get_admin("/status")[1])
        assert (status["streams"], status["streams_opened_total"]) == (3, 3)


def test_metrics_count_who_was_refused_for_his_token(start, app):
    gateway = start(hub={"enabled": False}, route=[
        route(app, path="/a", name="guarded", token="required", keys=KEYS), route(app, name="open")])
    good = {"authorization": f"Bearer {jwt({'sub': 'a'})}"}
    assert [get(gateway, "/a", fields).status for fields in ({}, good, good)] == [401, 200, 200]
    assert gateway.metric("sluice_route_requests_total", route="guarded") == 3
    assert gateway.metric("sluice_route_denied_total", route="guarded") == 1
    assert gateway.metric("sluice_route_denied_total", route="open") == 0
    assert gateway.metric("sluice_token_lookups_total", result="miss") == 1
    assert gateway.metric("sluice_token_lookups_total", result="hit") == 1


def test_metrics_and_status_tell_of_routes(start, app):
    gateway = start(route=[route(app, name="app")])
    with H2(gateway.tls) as client:
        client.opened(client.subscribe("/stream"))
        wait_until(lambda: '"calls"' in gateway.get_admin("/status")[1], "the status has it", 5)
        text = gateway.get_admin("/metrics")[1]
        assert 'route="app"' in text
        assert f"127.0.0.1:{app.port}" in gateway.get_admin("/status")[1]
