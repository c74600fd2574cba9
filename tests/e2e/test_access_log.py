"""The access log: a line about each request, and two about each event stream."""

import json
import os
import re
import signal
import socket
import time

import pytest

from application import Application
from clients import H1, H2
from harness import wait_until
from settings import PUBLISHER, jwt

pytestmark = pytest.mark.quick

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def logged(gateway, name="access.log"):
    path = gateway.directory / name
    text = path.read_text() if path.exists() else ""
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def wait_for(gateway, **wanted):
    """The first line that has all of this."""
    def found():
        return next((line for line in logged(gateway) if wanted.items() <= line.items()), None)
    return wait_until(found, f"a line with {wanted}")


@pytest.fixture
def gateway(start):
    return start(access_log={"file": "access.log"})


def stream_end(gateway):
    return wait_for(gateway, type="stream_end")


# -- what a line says ------------------------------------------------------------------------------


def test_a_request_has_one_line(gateway):
    with H2(gateway.tls) as client:
        answer = client.answer(client.request("GET", "/nothing?a=1", {"user-agent": "me/1",
                                                                      "referer": "https://a.b/c"}))
        assert answer.status == 404
    line = wait_for(gateway, path="/nothing?a=1")
    assert line["type"] == "request"
    assert (line["method"], line["status"], line["protocol"], line["tls"]) == ("GET", 404, "h2", True)
    assert (line["client"], line["peer"]) == ("127.0.0.1", "127.0.0.1")
    assert (line["scheme"], line["authority"]) == ("https", "localhost")
    assert (line["user_agent"], line["referer"]) == ("me/1", "https://a.b/c")
    assert line["bytes"] == len(answer.body) and line["end"] == "complete"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert line["id"] == f"{line['connection']}-{line['stream']}"
    assert len(logged(gateway)) == 1


def test_a_publish_names_its_topics_and_its_publisher(gateway):
    token = jwt({"sub": "shop", "mercure": {"publish": ["*"]}})
    with gateway.publisher(token) as publisher:
        publisher.publish(["one", "two"], "x")
    line = wait_for(gateway, method="POST")
    assert (line["subject"], line["topics"], line["topic_count"]) == ("shop", ["one", "two"], 2)


def test_a_stream_has_a_line_at_its_start_and_one_at_its_end(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news", {"traceparent": TRACEPARENT})
        client.opened(stream)
        start = wait_for(gateway, type="stream_start")
        for n in range(3):
            gateway.publish("news", str(n))
        client.events(stream, 3)
        client.reset(stream)
        end = stream_end(gateway)
        assert start["id"] == end["id"]
        assert start["topics"] == end["topics"] == ["news"]
        assert start["trace_id"] == end["trace_id"] == TRACE
        assert "end" not in start and start["status"] == 200
        assert (end["end"], end["by"], end["events"], end["gaps"]) == ("client_left", "client", 3, 0)
        assert end["worst_lag_events"] >= 1 and end["bytes"] == len(client.streams[stream].body)
        assert end["duration"] > 0


def test_an_invalid_traceparent_is_not_logged_and_none_is_invented(gateway):
    with H2(gateway.tls) as client:
        client.answer(client.request("GET", "/bad", {"traceparent": TRACEPARENT.upper()}))
        client.answer(client.request("GET", "/none"))
    assert "trace_id" not in wait_for(gateway, path="/bad")
    assert "trace_id" not in wait_for(gateway, path="/none")


def test_the_combined_format_is_what_log_readers_know(start):
    gateway = start(access_log={"file": "access.log", "format": "combined"})
    with H1(gateway.clear) as client:
        client.request("GET", "/nothing", {"user-agent": 'a "b"'})
        client.answer()
    text = wait_until(lambda: (gateway.directory / "access.log").read_text(), "a line")
    assert re.fullmatch(r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                        r'"GET /nothing HTTP/1\.1" 404 \d+ "-" "a \\x22b\\x22"\n', text)


def test_without_access_log_there_is_none_and_sigusr1_does_nothing(start):
    gateway = start()
    gateway.process.send_signal(signal.SIGUSR1)
    with H2(gateway.tls) as client:
        client.opened(client.subscribe("/events/a"))
    wait_until(lambda: "access_log.file" in gateway.stderr(), "a word about it")
    assert gateway.metric("sluice_access_log_lines_total") == 0


# -- how streams end -------------------------------------------------------------------------------


def test_a_client_whose_connection_ends_has_left(gateway):
    for client in (H2(gateway.tls), H1(gateway.clear)):
        with client:
            if isinstance(client, H2):
                client.opened(client.subscribe("/events/a"))
            else:
                client.subscribe("/events/a")
    wait_until(lambda: [line["by"] for line in logged(gateway) if line["type"] == "stream_end"] ==
               ["client", "client"], "both ends")


def test_an_expired_and_a_revoked_token_are_told_apart(start):
    gateway = start(access_log={"file": "access.log"}, hub={"token_leeway": "0ms"})
    soon = jwt({"sub": "ada", "exp": int(time.time()) + 2, "mercure": {"subscribe": ["*"]}})
    later = jwt({"sub": "bob", "iat": int(time.time()) - 9, "mercure": {"subscribe": ["*"]}})
    with H2(gateway.tls) as client:
        first = client.subscribe("/events/a", {"authorization": f"Bearer {soon}"})
        second = client.subscribe("/events/a", {"authorization": f"Bearer {later}"})
        client.opened(first, second)
        with H1(gateway.admin) as operator:
            operator.request("POST", "/revoke?subject=bob")
            assert operator.answer().status == 200
        client.answer(second)
        client.answer(first)
    assert wait_for(gateway, type="stream_end", subject="bob")["end"] == "token_revoked"
    line = wait_for(gateway, type="stream_end", subject="ada")
    assert (line["end"], line["by"]) == ("token_expired", "server")


def test_a_drain_is_named(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        gateway.terminate()
        client.answer(stream)
    assert gateway.wait() == 0
    assert stream_end(gateway)["end"] == "drain"


def test_a_parked_request_is_named(start):
    gateway = start(access_log={"file": "access.log"}, limits={"streams_per_connection": 1})
    with H2(gateway.tls) as client:
        client.opened(client.subscribe("/events/a"))
        assert client.answer(client.subscribe("/events/b")).status == 200
        line = wait_for(gateway, path="/events/b")
        assert (line["type"], line["end"]) == ("request", "parked")


def test_a_slow_reader_whose_policy_is_close_is_named(start):
    gateway = start(access_log={"file": "access.log"}, topic=[{"match": "*", "policy": "close"}],
                    hub={"ring_events": 16, "ring_bytes": "64KiB"}, history={"max_events": 100})
    with H2(gateway.tls, window=100) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        client.streams[stream].hold = True
        with gateway.publisher() as publisher:
            for _ in range(300):
                publisher.publish("a", "x" * 200)
        client.h2.increment_flow_control_window(1 << 20, stream)
        client.flush()
        client.answer(stream)
    assert stream_end(gateway)["end"] == "slow"


def test_a_stream_that_takes_nothing_is_named_with_how_far_behind_it_was(start):
    gateway = start(access_log={"file": "access.log"}, timeouts={"stalled_stream": "1s"})
    with H2(gateway.tls, window=100) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        client.streams[stream].hold = True
        for _ in range(20):
            gateway.publish("a", "x" * 200)
        client.pump(lambda: client.streams[stream].over, "the reset", 20)
    end = stream_end(gateway)
    assert (end["end"], end["by"]) == ("stalled", "server")
    assert end["worst_lag_events"] >= 19 and end["worst_lag_seconds"] >= 0.9
    assert end["unsent_bytes"] > 19 * 200


# -- routes ----------------------------------------------------------------------------------------


@pytest.fixture
def app():
    with Application() as application:
        @application.at("/page")
        async def page(exchange):
            await exchange.reply(200, b"here")

        @application.at("/short")
        async def short(exchange):
            await exchange.head(200, {"content-type": "text/event-stream"})
            await exchange.send(b"data: 1\n\ndata: 2\n\n")
            await exchange.end()

        @application.at("/broken")
        async def broken(exchange):
            await exchange.head(200, {"content-type": "text/event-stream"})
            await exchange.send(b"data: 1\n\n")
            exchange.cut()

        yield application


def relayed(start, app, **more):
    return start(access_log={"file": "access.log"},
                 route=[{"name": "app", "path": "/*", "upstream": app.url}], **more)


def test_a_relayed_request_names_its_route_its_upstream_and_its_id(start, app):
    gateway = relayed(start, app)
    with H2(gateway.tls) as client:
        client.answer(client.request("GET", "/page", {"traceparent": TRACEPARENT}))
    line = wait_for(gateway, path="/page")
    asked = app.requests[-1]
    assert line["route"] == "app"
    assert line["upstream"].endswith(f":{app.port}")
    assert line["request_id"] == asked.header("x-request-id")
    assert line["trace_id"] == TRACE and asked.header("traceparent") == TRACEPARENT
    assert 0 < line["first_byte"] <= line["duration"]
    assert (line["end"], line["by"]) == ("complete", "upstream")


@pytest.mark.parametrize("path, end", [("/short", "complete"), ("/broken", "upstream_error")])
def test_a_stream_that_its_application_ends_says_so(start, app, path, end):
    gateway = relayed(start, app)
    with H2(gateway.tls) as client:
        client.pump(lambda stream=client.subscribe(path): client.streams[stream].over, "its end")
    line = stream_end(gateway)
    assert (line["end"], line["by"]) == (end, "upstream")
    assert line["events"] == (2 if path == "/short" else 1)
    assert line.get("failure") == (None if path == "/short" else "upstream_closed")


@pytest.mark.parametrize("kept", [{}, {"share": True}, {"replay": True}])
def test_what_failed_and_why_stands_in_the_line(start, app, kept):
    @app.at("/silent")
    async def silent(exchange):
        await exchange.gone.wait()

    @app.at("/stops")
    async def stops(exchange):
        await exchange.events()
        await exchange.send(b"data: 1\n\n")
        await exchange.gone.wait()

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # It does not listen.
        address = "127.0.0.1:%d" % nobody.getsockname()[1]
        gateway = start(access_log={"file": "access.log"}, route=[
            {"path": "/silent", "upstream": app.url, "first_byte_timeout": "50ms", **kept},
            {"path": "/stops", "upstream": app.url, "silence_timeout": "50ms", **kept},
            {"path": "/away", "upstream": f"http://{address}", "unavailable": "status", **kept}])
        paths = ["/silent", "/away"] + (["/stops"] if not kept else [])
        with H2(gateway.tls) as client:
            for path in paths:
                client.pump(lambda stream=client.subscribe(path): client.streams[stream].over, path)
        wait_until(lambda: len([line for line in logged(gateway) if "end" in line]) == len(paths),
                   "all lines")
    lines = {line["path"]: (line["failure"], line["cause"]) for line in logged(gateway)
             if "end" in line}
    assert lines["/silent"] == ("upstream_timeout", "the upstream did not answer in time")
    assert lines["/away"][0] == "upstream_unreachable"
    assert lines["/away"][1].startswith(f"{address}: ")
    if not kept:
        assert lines["/stops"] == ("upstream_timeout", "the upstream fell silent")


# -- what strangers write --------------------------------------------------------------------------


def test_no_request_can_forge_a_line(gateway):
    forged = b'\xff"}\\{"type":"forged"}\xc2\x9b'
    with H1(gateway.clear) as client:
        for _ in range(3):
            client.send(b"GET /x\"} HTTP/1.1\r\nhost: a\r\nuser-agent: " + forged +
                        b"\r\nreferer: " + forged + b"\r\n\r\n")
            if client.answer().status == 400:  # The target is refused before there is a request.
                break
    with H2(gateway.tls) as client:
        client.answer(client.request("GET", "/y?'\\\"", {"user-agent": 'a"}\\{"type":"forged"}'}))
        client.answer(client.request("GET", "/y", {"user-agent": 'a"}\\{"type":"forged"}'}))
    wait_until(lambda: any(line["path"].startswith("/y") for line in logged(gateway)), "its line")
    text = (gateway.directory / "access.log").read_bytes()
    assert all(line["type"] == "request" for line in logged(gateway))
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text) and b"\xc2\x9b" not in text


def test_secrets_are_never_in_the_log(gateway):
    token = jwt({"mercure": {"subscribe": ["*"]}, "pad": "secret"})
    with H2(gateway.tls) as client:
        streams = [
            client.subscribe(f"/.well-known/mercure?topic=a&authorization={token}"),
            client.subscribe("/events/a", {"authorization": f"Bearer {token}"}),
            client.subscribe("/events/a", {"cookie": f"mercureAuthorization={token}"}),
            client.subscribe(f"/events/a?access_token={token}&lastEventID=x",
                             {"referer": f"https://u:{token}@a.b/?token={token}"}),
        ]
        client.opened(*streams)
    wait_until(lambda: len(logged(gateway)) >= 8, "all lines")
    text = (gateway.directory / "access.log").read_text() + gateway.stderr()
    for part in token.split("."):
        assert part not in text
    assert "authorization=REDACTED" in text and "access_token=REDACTED" in text


# -- who asks --------------------------------------------------------------------------------------


def test_a_trusted_proxy_says_who_the_client_is_and_nobody_else(start):
    for trusted, client_address in ((["127.0.0.1"], "203.0.113.9"), ([], "127.0.0.1")):
        gateway = start(access_log={"file": "access.log"}, server={"trusted_proxies": trusted})
        with H2(gateway.tls) as client:
            stream = client.subscribe("/events/a", {"x-forwarded-for": "203.0.113.9",
                                                    "x-request-id": "r-1"})
            client.opened(stream)
            line = wait_for(gateway, type="stream_start")
            assert (line["client"], line["peer"]) == (client_address, "127.0.0.1")
            assert line.get("request_id") == ("r-1" if trusted else None)
            [row] = json.loads(gateway.get_admin("/streams")[1])["streams"]
            assert row["client"] == client_address


def test_a_proxy_header_says_who_the_client_is(start):
    gateway = start(access_log={"file": "access.log"}, server={"trusted_proxies": ["127.0.0.1"]},
                    listen=[{"address": "127.0.0.1:0", "tls": False, "proxy_protocol": True}])
    with socket.create_connection(("127.0.0.1", gateway.clear), 10) as client:
        client.sendall(b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n"
                       b"GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        while client.recv(4096):
            pass
    line = wait_for(gateway, path="/nothing")
    assert (line["client"], line["peer"]) == ("203.0.113.9", "127.0.0.1")


# -- the file --------------------------------------------------------------------------------------


def test_a_log_that_is_moved_away_loses_no_line(gateway):
    log = gateway.directory / "access.log"
    asked = 0
    with H1(gateway.clear) as client:
        for turn in range(5):
            for _ in range(100):
                client.request("GET", f"/{asked}")
                client.answer()
                asked += 1
            os.rename(log, f"{log}.{turn}")
            gateway.process.send_signal(signal.SIGUSR1)
            wait_until(log.exists, "a new file")
    names = ["access.log", *(f"access.log.{turn}" for turn in range(5))]

    def paths():
        return sorted(int(line["path"][1:]) for name in names for line in logged(gateway, name))

    wait_until(lambda: len(paths()) >= asked, "all lines")
    assert paths() == list(range(asked))


def test_a_full_disk_hurts_no_stream_and_is_told_of(start):
    gateway = start(access_log={"file": "/dev/full"})
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        for n in range(50):
            gateway.publish("a", str(n))
        client.events(stream, 50)
    wait_until(lambda: gateway.metric("sluice_access_log_lost_total", reason="disk") >= 50, "losses")
    wait_until(lambda: "No space left" in gateway.stderr(), "a word about it")
    assert gateway.metric("sluice_access_log_lines_total") == 0


def test_a_reader_of_stdout_that_does_not_read_holds_nobody_up(start):
    gateway = start(access_log={"file": "stdout", "queue": "64KiB"})
    with H1(gateway.clear) as client:
        for _ in range(600):
            client.request("GET", "/" + "x" * 400)
            client.answer()
    wait_until(lambda: gateway.metric("sluice_access_log_lost_total", reason="queue") > 0, "losses")
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        gateway.publish("a", "still")
        client.events(stream, 1)
    wait_until(lambda: "too slow" in gateway.stderr(), "a word about it")


def test_a_file_that_cannot_be_opened_is_a_fault_at_start(start):
    with pytest.raises(AssertionError, match="access.log|nowhere"):
        start(access_log={"file": "/nowhere/access.log"})
