"""What an operator relies on: probes, metrics, heartbeats, parking, the drain."""

import contextlib
import http.client
import json
import pathlib
import re
import signal
import subprocess
import time

import pytest

import wire
from clients import H1, H2, connect
from harness import wait_until

pytestmark = pytest.mark.quick


def test_the_ready_line_names_each_listener_in_the_order_of_the_file(start):
    gateway = start(listen=[{"address": "127.0.0.1:0", "tls": False},
                            {"address": "127.0.0.1:0"},
                            {"address": "localhost:0", "tls": False}])
    words = gateway.ready_line.split()
    schemes = [word.split("://")[0] for word in words if "://" in word]
    assert words[0] == "ready" and words[-2] == "admin"
    assert schemes[:2] == ["http", "https"] and schemes[-1] == "http"
    assert ":0" not in [word[-2:] for word in words]


def test_probes_answer_while_the_gateway_serves(gateway):
    assert gateway.get_admin("/livez")[0] == 200
    assert gateway.get_admin("/readyz")[0] == 200
    status, text = gateway.get_admin("/status")
    assert status == 200 and isinstance(json.loads(text), dict)
    assert gateway.get_admin("/nothing")[0] == 404


def test_the_admin_pages_are_not_on_the_public_listeners(gateway):
    with H1(gateway.clear) as client:
        for path in ("/metrics", "/status", "/livez", "/readyz"):
            client.request("GET", path)
            assert client.answer().status == 404, path


def post_admin(gateway, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_a_drain_can_be_ordered_on_the_admin_listener_and_not_cut_short_there(start):
    gateway = start(drain={"delay": "300ms", "window": "0s"})
    assert post_admin(gateway, "/drain", origin="https://evil.example")[0] == 403
    assert gateway.get_admin("/readyz")[0] == 200
    assert post_admin(gateway, "/drain")[0] == 202
    assert gateway.get_admin("/readyz")[0] == 503
    assert post_admin(gateway, "/drain")[0] == 200
    assert gateway.process.wait(10) == 0


def test_a_signal_behind_an_ordered_drain_cuts_nothing(start):
    """As a pod's end has it: POST /drain by its preStop, then SIGTERM."""
    gateway = start(drain={"delay": "300ms", "window": "1s"})
    with H2(gateway.tls) as client:
        streams = [client.subscribe("/events/a") for _ in range(5)]
        states = client.opened(*streams)
        assert post_admin(gateway, "/drain")[0] == 202
        gateway.terminate()
        client.pump(lambda: all(state.over for state in states), "the ends of the streams")
        assert all(state.ended and state.reset is None for state in states)
    assert gateway.wait() == 0
    assert "the drain goes on; a second signal cuts what is left" in gateway.stderr()
    assert "cutting" not in gateway.stderr()


def test_signals_before_it_is_ready_do_not_end_it(gateway):
    """A configuration that comes slowly: it has begun, and is not ready."""
    text = re.sub(r'"(\w+\.pem)"', rf'"{gateway.directory}/\1"', gateway.file.read_text())
    with subprocess.Popen([gateway.program, "serve", "--config", "/dev/stdin"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          cwd=gateway.directory) as process:
        wait_until(lambda: ignores(process.pid, signal.SIGUSR2), "it has begun")
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            process.send_signal(number)
        process.stdin.write(text)
        process.stdin.close()
        assert process.stdout.readline().startswith("ready ")
        process.terminate()
        assert process.wait(10) == 0


def ignores(pid, number):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^SigIgn:\s*(\w+)", status, re.MULTILINE)[1], 16) >> (number - 1) & 1


def test_metrics_agree_with_what_was_done(gateway):
    before = gateway.metrics()
    with H2(gateway.tls) as client:
        streams = [client.subscribe("/events/a") for _ in range(7)]
        client.opened(*streams)
        for n in range(11):
            gateway.publish("a", str(n))
        for stream in streams:
            client.events(stream, 11)
        client.ping()
        during = gateway.metrics()
    assert grown(before, during, "sluice_events_total") == 11
    assert during.get("sluice_publishes_total", result="accepted") == 11
    assert grown(before, during, "sluice_deliveries_total") == 77
    assert grown(before, during, "sluice_streams") == grown(before, during,
                                                            "sluice_streams_opened_total") == 7
    assert during.get("sluice_connections") >= 1
    bodies = sum(len(state.body) for state in client.streams.values())
    assert grown(before, during, "sluice_body_bytes_total") == bodies
    wait_until(lambda: gateway.metric("sluice_streams") == before.get("sluice_streams"),
               "the subscriptions' end")


def grown(before, after, name):
    return after.get(name) - before.get(name)


def test_metrics_follow_the_rules_of_the_format(gateway):
    text = gateway.metrics().text
    described = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP ")}
    typed = {line.split()[2]: line.split()[3] for line in text.splitlines()
             if line.startswith("# TYPE ")}
    ours = {name for name in typed if name.startswith("sluice_")}
    assert ours and ours <= described
    for name in ours:
        assert name.endswith("_total") == (typed[name] == "counter"), (name, typed[name])


def test_a_silent_stream_gets_a_comment_and_a_busy_one_only_between_events(start):
    gateway = start(heartbeat={"interval": "1s", "jitter": "100ms"})
    with H2(gateway.tls) as client:
        silent, busy = client.subscribe("/events/silent"), client.subscribe("/events/busy")
        state = client.opened(silent, busy)[0]
        start_of_silence = state.sse.comments
        with gateway.publisher() as publisher:
            count = 0
            while state.sse.comments < start_of_silence + 3:
                publisher.publish("busy", "line\n" * 50)
                count += 1
                client.events(busy, count)
        assert state.sse.raw.endswith(b"\n:\n") and b":\n\n" not in state.sse.raw
        assert not state.events
        assert client.streams[busy].sse.comments_inside_events == 0
        assert client.streams[busy].sse.comments == 1, "a busy stream needs no heartbeat"


def test_streams_above_the_limit_of_a_connection_are_parked_and_other_requests_go_on(start):
    gateway = start(limits={"streams_per_connection": 20})
    with H2(gateway.tls) as client:
        served = [client.subscribe("/events/a") for _ in range(20)]
        client.opened(*served)
        parked = client.answer(client.subscribe("/events/a", {"origin": "https://app.example"}))
        assert parked.status == 200 and parked.ended and parked.reset is None
        assert parked.headers["content-type"].startswith("text/event-stream")
        assert parked.headers["access-control-allow-origin"] == "https://app.example"
        assert parked.sse.retry >= 500 and not parked.events
        assert client.answer(client.request("GET", "/nothing")).status == 404
        gateway.publish("a", "to the twenty")
        for stream in served:
            client.events(stream, 1)
        client.h2.reset_stream(served[0])  # a page closes one: the next one finds its place
        client.ping()
        again = client.opened(client.subscribe("/events/a"))[0]
        client.ping()
        assert not again.over


def test_the_default_limit_is_200_streams_of_256(gateway):
    with H2(gateway.tls) as client:
        client.ping()
        assert client.h2.remote_settings.max_concurrent_streams == 256
        streams = [client.subscribe("/events/a") for _ in range(201)]
        client.opened(*streams)
        client.answer(streams[200])
        client.ping()
        assert not any(client.streams[n].over for n in streams[:200])


# -- the drain -------------------------------------------------------------------------------------


def test_a_drain_tells_the_balancer_then_ends_each_stream_with_a_retry(start):
    gateway = start(drain={"delay": "1s", "window": "1s"})
    with H2(gateway.tls) as client, H1(gateway.clear) as plain:
        streams = [client.subscribe("/events/a") for _ in range(10)]
        client.opened(*streams)
        plain.subscribe("/events/a")
        gateway.terminate()
        wait_until(lambda: gateway.get_admin("/readyz")[0] == 503, "/readyz to say 503")
        assert gateway.get_admin("/livez")[0] == 200
        with H2(gateway.tls) as late:  # the listener still accepts, so that nobody is refused
            assert late.opened(late.subscribe("/events/a"))[0].status == 200
        for stream in streams:
            state = client.answer(stream)
            assert state.ended and state.reset is None
            assert state.sse.ended_at_boundary and state.sse.retry >= 500
        client.pump(lambda: client.eof, "the connection's end")
        assert client.goaways[0] == (0, 2**31 - 1), "first a notice that loses no request"
        assert client.goaways[-1][0] == 0 and client.goaways[-1][1] < 2**31 - 1
        plain.read_stream(lambda: plain.ended, 10, "the end of the HTTP/1.1 stream")
        assert plain.ended and plain.sse.ended_at_boundary
    assert gateway.wait() == 0


def test_streams_end_spread_over_the_window_and_not_all_at_once(start):
    gateway = start(drain={"delay": "0s", "window": "2s"})
    with H2(gateway.tls) as client:
        streams = [client.subscribe("/events/a") for _ in range(20)]
        client.opened(*streams)
        retries = {client.streams[n].sse.retry for n in streams}
        gateway.terminate()
        client.pump(lambda: any(client.streams[n].over for n in streams), "the first end")
        gone = sum(client.streams[n].over for n in streams)
        assert gone < 15, "most are still served when the first one ends"
        for stream in streams:
            client.answer(stream)
        assert len(retries | {client.streams[n].sse.retry for n in streams}) > 5, "jitter"
    assert gateway.wait() == 0


def test_a_new_stream_on_a_draining_gateway_is_parked(start):
    gateway = start(drain={"delay": "1s", "window": "2s"})
    with H2(gateway.tls) as client:
        first = client.subscribe("/events/a")
        client.opened(first)
        gateway.terminate()
        wait_until(lambda: gateway.get_admin("/readyz")[0] == 503, "/readyz to say 503")
        client.pump(lambda: client.goaways, "the notice")
        with H2(gateway.tls) as other:
            state = other.answer(other.subscribe("/events/a"))
            assert state.status == 200 and state.ended and state.sse.retry >= 500
    assert gateway.wait() == 0


def test_a_connection_that_speaks_only_after_the_drain_is_served_once(start):
    gateway = start()
    with H1(gateway.clear) as late, wire.Wire(gateway.clear, tls=False, start=False) as late_h2:
        wait_until(lambda: gateway.metric("sluice_connections") == 2, "both to be accepted")
        gateway.terminate()
        wait_until(lambda: is_closed(gateway.clear), "the listener's end")
        late.request("GET", "/nothing")
        answer = late.answer()
        assert answer.status == 404 and answer.headers["connection"] == "close"
        late_h2.send(wire.PREFACE + wire.settings())
        late_h2.read_until(lambda *_: late_h2.goaway is not None, "GOAWAY")
        assert late_h2.goaway == wire.NO_ERROR
        assert gateway.wait(5) == 0


def is_closed(port):
    try:
        connect(port).close()
        return False
    except ConnectionRefusedError:
        return True


def test_an_idle_gateway_ends_at_once(gateway):
    gateway.terminate()
    assert gateway.wait(10) == 0


@pytest.mark.parametrize("connections", [0, 1])
def test_a_drain_with_nothing_open_ends_with_its_delay(start, connections):
    gateway = start(drain={"delay": "500ms", "window": "20s"})
    with contextlib.ExitStack() as clients:
        for _ in range(connections):
            client = clients.enter_context(H2(gateway.tls))
            client.answer(client.request("GET", "/nothing"))
        began = time.monotonic()
        gateway.terminate()
        assert gateway.wait(8) == 0
        assert time.monotonic() - began >= 0.5, "balancers have had their time"
    assert "nothing is open" in gateway.stderr()


def test_a_drain_gives_its_window_to_a_stream_that_came_in_the_delay(start):
    gateway = start(drain={"delay": "1s", "window": "2s"})
    began = time.monotonic()
    gateway.terminate()
    with H2(gateway.tls) as client:
        [state] = client.opened(client.subscribe("/events/a"))
        client.pump(lambda: state.over, "the end of the stream")
        assert state.ended and state.reset is None
    assert gateway.wait() == 0
    assert time.monotonic() - began >= 3


def test_a_second_gateway_on_the_same_port_is_told_that_it_is_taken(start):
    gateway = start()
    with pytest.raises(AssertionError, match=f"{gateway.tls}"):
        start(listen=[{"address": f"127.0.0.1:{gateway.tls}"}])


def test_the_demo_page_is_served_where_it_is_switched_on(start):
    with H1(start(demo={"page": True}).clear) as client:
        client.request("GET", "/")
        answer = client.answer()
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    with H1(start().clear) as client:
        client.request("GET", "/")
        assert client.answer().status == 404


@pytest.mark.quick
def test_a_second_gateway_of_several_workers_does_not_share_the_port_unnoticed(start):
    first = start(server={"workers": 2})
    with pytest.raises(AssertionError, match="(?s)ended at once.*in use"):
        start(server={"workers": 2},
              listen=[{"address": f"127.0.0.1:{first.tls}"}])


@pytest.mark.quick
def test_templates_of_a_stranger_do_not_hold_up_the_others(gateway):
    with gateway.publisher() as publisher:
        for n in range(500):
            publisher.publish(f"news-of-the-day-{n:05}", "x")
    hostile = "&".join("topic=%7Ba:200%7D%21" + str(n) for n in range(100))
    with H2(gateway.tls) as stranger, H2(gateway.tls) as neighbour:
        stranger.subscribe(f"/.well-known/mercure?{hostile}", {"last-event-id": "earliest"})
        stream = neighbour.subscribe("/events/neighbour")
        gateway.publish("neighbour", "in time")
        assert neighbour.events(stream, 1)[0].data == "in time"
