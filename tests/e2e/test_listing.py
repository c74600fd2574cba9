"""Who is connected and who is slow: lists of streams and connections, `sluice top`, and the end of
one of them."""

import json
import os
import pty
import subprocess
import termios

import pytest

import harness
from application import Application
from clients import H1, H2
from harness import wait_until
from settings import jwt

pytestmark = pytest.mark.quick


def streams(gateway, query=""):
    status, text = gateway.get_admin("/streams" + query)
    assert status == 200, text
    return json.loads(text)


def connections(gateway, query=""):
    status, text = gateway.get_admin("/connections" + query)
    assert status == 200, text
    return json.loads(text)


def order(gateway, path, headers=()):
    """POST to the admin listener."""
    with H1(gateway.admin) as operator:
        operator.request("POST", path, headers)
        return operator.answer()


def stalled(client, path="/events/a"):
    """A stream of a client made with window=100 that will not open it."""
    stream = client.subscribe(path)
    client.opened(stream)
    client.streams[stream].hold = True
    return stream


# -- lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stalled_reader_is_on_top(start, workers):
    gateway = start(server={"workers": workers})
    with H2(gateway.tls) as quick, H2(gateway.tls, window=100) as slow:
        good = [quick.subscribe("/events/a") for _ in range(5)]
        quick.opened(*good)
        stalled(slow)
        for _ in range(30):
            gateway.publish("a", "x" * 100)
        for stream in good:
            quick.events(stream, 30)
        rows = streams(gateway)["streams"]
        assert len(rows) == 6
        top = rows[0]
        assert top["state"] == "window_shut" and top["stream_window"] <= 0
        assert top["lag_events"] >= 29 and top["queued_bytes"] > 29 * 100
        assert (top["client"], top["topics"], top["protocol"]) == ("127.0.0.1", ["a"], "h2")
        assert all(row["lag_events"] == 0 and row["events"] == 30 for row in rows[1:])
        assert all(row["bytes"] > 30 * 100 and row["age"] >= 0 for row in rows[1:])


def test_a_reader_that_reads_history_is_behind_by_what_is_in_it(start):
    gateway = start(hub={"ring_events": 16})
    with H2(gateway.tls, window=100) as slow:
        stalled(slow)
        for _ in range(200):
            gateway.publish("a", "x" * 100)
        [row] = streams(gateway)["streams"]
        assert 190 <= row["lag_events"] <= 200


def test_lists_are_sorted_cut_and_narrowed(gateway):
    with H2(gateway.tls) as client, H1(gateway.clear) as old:
        client.opened(*[client.subscribe(f"/events/{name}") for name in ("a", "a", "b")])
        old.subscribe("/events/b")
        gateway.publish("b", "x" * 500)
        wait_until(lambda: streams(gateway, "?topic=b&sort=bytes")["streams"][1]["bytes"] > 500,
                   "the event")
        assert streams(gateway)["matched"] == 4
        assert streams(gateway, "?topic=a")["matched"] == 2
        assert streams(gateway, "?client=203.0.113.9")["matched"] == 0
        some = streams(gateway, "?sort=bytes&limit=2")
        assert some["matched"] == 4 and [row["topics"] for row in some["streams"]] == [["b"], ["b"]]
        assert {row["protocol"] for row in some["streams"]} == {"h2", "http/1.1"}
        ages = [row["age"] for row in streams(gateway, "?sort=age")["streams"]]
        assert ages == sorted(ages, reverse=True)
        found = connections(gateway)
        assert found["matched"] == 2
        assert sorted(row["event_streams"] for row in found["connections"]) == [1, 3]
        assert {row["tls"] for row in found["connections"]} == {True, False}


def test_long_names_are_cut(start):
    gateway = start(access_log={"file": "access.log"})
    subject = "s" * 5_000
    token = jwt({"sub": subject, "mercure": {"subscribe": ["*"]}})
    with H2(gateway.tls) as client:
        who = {"authorization": f"Bearer {token}"}
        assert client.answer(client.subscribe(f"/events/{'t' * 20_000}", who)).status == 400
        client.opened(client.subscribe(f"/events/{'t' * 4_000}", who))
        [row] = streams(gateway)["streams"]
        assert (row["topics"], row["subject"]) == (["t" * 512 + "..."], "s" * 512 + "...")
        assert streams(gateway, f"?subject={subject}")["matched"] == 1
        log = gateway.directory / "access.log"
        wait_until(lambda: log.read_text().count("\n") == 2, "a line about each")
        lines = log.read_text().splitlines()
    for line in lines:
        assert len(line) < 5_000
        said = json.loads(line)
        assert (said["topics"], said["subject"]) == (row["topics"], row["subject"])


@pytest.mark.parametrize("query", ["?sort=size", "?limit=0", "?limit=1001", "?limit=x", "?what=1"])
def test_what_is_not_understood_is_refused(gateway, query):
    assert gateway.get_admin("/streams" + query)[0] == 400


def test_more_streams_than_one_look_takes_are_all_found(start):
    gateway = start(server={"workers": 2})
    clients = [H2(gateway.tls) for _ in range(7)]
    for client in clients:
        numbers = [client.subscribe("/events/a") for _ in range(200)]
        client.opened(*numbers)
    found = streams(gateway, "?sort=age&limit=1000")
    assert found["matched"] == 1400
    assert len({row["id"] for row in found["streams"]}) == 1000
    # The oldest of all is on top, whichever worker has it.
    assert found["streams"][0]["age"] == max(row["age"] for row in found["streams"])
    for client in clients:
        client.socket.close()


# -- ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_a_stream_is_ended_by_its_id_and_its_client_may_come_back(start, workers):
    gateway = start(server={"workers": workers}, access_log={"file": "access.log"})
    with H2(gateway.tls) as client:
        one, other = client.subscribe("/events/one"), client.subscribe("/events/other")
        client.opened(one, other)
        [row] = streams(gateway, "?topic=one")["streams"]
        assert order(gateway, f"/streams/{row['id']}/end").status == 200
        state = client.answer(one)
        assert state.ended and state.reset is None and "retry:" in state.text.split("\n", 2)[2]
        gateway.publish("other", "still")
        client.events(other, 1)
        assert order(gateway, f"/streams/{row['id']}/end").status == 404

    def ends():
        log = (gateway.directory / "access.log").read_text()
        return [line for line in map(json.loads, log.splitlines()) if line["type"] == "stream_end"]

    [end] = [line for line in wait_until(ends, "its end") if line["id"] == row["id"]]
    assert (end["end"], end["by"]) == ("operator", "server")


def test_a_connection_is_closed_by_its_id(gateway):
    with H2(gateway.tls) as one, H2(gateway.tls) as other:
        for client in (one, other):
            client.opened(client.subscribe("/events/a"))
        ids = {row["id"] for row in connections(gateway)["connections"]}
        first = min(ids, key=int)
        assert order(gateway, f"/connections/{first}/close").status == 200
        one.pump(lambda: one.eof, "its end")
        other.ping()
        assert {row["id"] for row in connections(gateway)["connections"]} == ids - {first}


def test_orders_are_not_for_browsers_nor_for_get(gateway):
    for path in ("/streams/1-1/end", "/connections/1/close"):
        assert order(gateway, path, {"origin": "https://evil.example"}).status == 403
        assert gateway.get_admin(path)[0] == 405
        assert order(gateway, path).status == 404
    for path in ("/streams/x/end", "/streams/1/end", "/streams/1-1/close", "/connections/1-1/close"):
        assert order(gateway, path).status == 404


def test_streams_of_routes_are_listed_and_ended(start):
    with Application() as app:
        @app.at("/live")
        async def live(exchange):
            await exchange.read_all()
            await exchange.head(200, {"content-type": "text/event-stream"})
            await exchange.send(b"data: 1\n\ndata: 2\n\n")
            await exchange.gone.wait()

        gateway = start(route=[{"name": "live", "path": "/live", "upstream": app.url},
                               {"name": "shared", "path": "/shared", "rewrite": "/live",
                                "upstream": app.url, "share": True}])
        with H2(gateway.tls) as client:
            plain, shared = client.subscribe("/live"), client.subscribe("/shared")
            posted = client.request("POST", "/live", {"accept": "text/event-stream"}, b"ask")
            for stream in (plain, shared, posted):
                client.events(stream, 2)
            assert streams(gateway, "?route=live")["matched"] == 2
            [row] = streams(gateway, "?route=shared")["streams"]
            assert (row["events"], row["queued_bytes"], row["lag_events"]) == (2, 0, 0)
            for row in streams(gateway)["streams"]:
                assert order(gateway, f"/streams/{row['id']}/end").status == 200
            for stream in (plain, shared, posted):
                client.pump(lambda s=stream: client.streams[s].over, "its end")
            assert "retry:" in client.streams[plain].text


# -- top -------------------------------------------------------------------------------------------


def test_top_prints_a_page_with_the_slowest_first(gateway):
    with H2(gateway.tls) as quick, H2(gateway.tls, window=100) as slow:
        good = quick.subscribe("/events/quick")
        quick.opened(good)
        stalled(slow, "/events/slow")
        for _ in range(30):
            gateway.publish("slow", "x" * 100)
        done = harness.run("top", "--once", f"http://127.0.0.1:{gateway.admin}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "2 streams" in lines[1]
    assert "slow" in lines[4] and "window_shut" in lines[4] and "quick" in lines[5]
    assert max(map(len, lines)) <= 100


def test_top_says_so_when_there_is_no_admin_listener(gateway):
    done = harness.run("top", "--once", f"http://127.0.0.1:{gateway.clear}")
    assert done.returncode == 1 and "404" in done.stderr


def test_a_page_printed_once_is_whole_however_few_lines_the_terminal_has(gateway):
    terminal, its_other_end = pty.openpty()
    termios.tcsetwinsize(its_other_end, (3, 80))
    with H2(gateway.tls) as client:
        client.opened(*[client.subscribe("/events/a") for _ in range(4)])
        done = subprocess.run(
            [harness.binary(), "top", "--once", f"http://127.0.0.1:{gateway.admin}"],
            stdout=its_other_end, stderr=subprocess.PIPE, timeout=30, env=harness.environment())
    os.close(its_other_end)
    assert done.returncode == 0, done.stderr
    lines = os.read(terminal, 65536).decode().splitlines()
    os.close(terminal)
    assert sum("/events/" in line or " a " in line for line in lines) == 4, lines
    assert max(map(len, lines)) <= 80


def test_top_says_so_when_its_page_cannot_be_written(gateway):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [harness.binary(), "top", "--once", f"http://127.0.0.1:{gateway.admin}"], stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=30, env=harness.environment())
    assert done.returncode == 1
    assert done.stderr == "sluice top: cannot write to stdout: No space left on device\n"


# -- figures ---------------------------------------------------------------------------------------


def test_how_long_deliveries_take_is_a_histogram(gateway):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        for n in range(20):
            gateway.publish("a", str(n))
        client.events(stream, 20)
        wait_until(lambda: gateway.metric("sluice_delivery_seconds_count") > 0, "samples")
    assert gateway.metric("sluice_delivery_seconds_count") <= 20
    assert gateway.metric("sluice_delivery_seconds_sum") < 20
