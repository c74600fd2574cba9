"""The operator's dashboard on the admin listener: its page, and the feed that fills it.

What a browser makes of them is in tests/browser/dashboard.test.js.
"""

import base64
import hashlib
import json
import re
import signal
import socket

import pytest

from application import Application
from clients import H1, H2, connect
from harness import wait_until

pytestmark = pytest.mark.quick

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Feed(H1):
    """/live as a page reads it."""

    def __init__(self, gateway):
        super().__init__(gateway.admin)
        self.begun = self.subscribe("/live")

    def events(self, count, what="snapshots"):
        self.read_stream(lambda: len(self.sse.events) >= count, 10, what)
        return self.sse.events

    def snapshot(self, number=1):
        """The one of that number; the first is 1."""
        return json.loads(self.events(number)[number - 1].data)

    def until(self, condition, what, seconds=10):
        """The first of the coming snapshots for which that is true."""
        def last():
            events = [event for event in self.sse.events if event.type == "message"]
            return bool(events) and condition(json.loads(events[-1].data))
        self.read_stream(last, seconds, what)
        assert last(), f"the feed ended before: {what}"
        return json.loads(self.sse.events[-1].data)


# -- the page --------------------------------------------------------------------------------------


def test_a_browser_gets_the_page_and_everybody_else_a_text(gateway):
    with H1(gateway.admin) as client:
        client.request("GET", "/", BROWSER)
        page = client.answer()
        assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.text.startswith("<!doctype html>")
        client.request("GET", "/", {"accept": "*/*"})
        text = client.answer()
        assert text.status == 200 and text.headers["content-type"].startswith("text/plain")
        assert "/metrics" in text.text and "/live" in text.text
        client.request("GET", "/")
        assert client.answer().text == text.text
        for headers in (page.headers, text.headers):
            assert headers["vary"] == "accept", "a cache may keep both"
        client.request("HEAD", "/", BROWSER)
        assert client.answer(is_head=True).headers["content-length"] == str(len(page.body))


def test_its_policy_names_the_scripts_and_styles_that_it_has_and_nothing_from_elsewhere(gateway):
    with H1(gateway.admin) as client:
        client.request("GET", "/", BROWSER)
        page = client.answer()
    policy = dict(part.strip().split(" ", 1)
                  for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == " ".join(hashes("script", page.text))
    assert policy["style-src"] == " ".join(hashes("style", page.text))
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r'(?:src|href)="(?!#|data:|status"|metrics")', page.text)
    assert not re.search(r'\sstyle="|\son\w+="', page.text), "the policy would not let them act"
    assert page.headers["x-content-type-options"] == "nosniff"


def hashes(element, page):
    found = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
    assert found
    for text in found:
        yield f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# -- the feed --------------------------------------------------------------------------------------


def test_the_feed_is_an_event_stream_with_a_snapshot_at_once_and_one_each_second(gateway):
    with Feed(gateway) as feed:
        assert feed.begun.headers["content-type"] == "text/event-stream"
        assert feed.begun.headers["cache-control"] == "no-cache, no-transform"
        # Before them may be one of the time before, and one that was made for us.
        first, second = feed.snapshot(3), feed.snapshot(4)
        assert feed.sse.raw.startswith(b":\nretry: 1000\ndata: {")
        assert first["state"] == "ready" and first["drain"] is None
        assert first["started_ms"] == second["started_ms"] <= first["at_ms"]
        assert 800 <= second["uptime_ms"] - first["uptime_ms"] <= 3000
        assert first["version"] in gateway.get_admin("/status")[1]


def test_a_snapshot_has_the_figures_of_the_status_page_and_the_load_of_each_worker(start):
    gateway = start(server={"workers": 2})
    with H2(gateway.tls) as client, H1(gateway.clear) as plain:
        client.opened(*[client.subscribe("/events/a") for _ in range(9)])
        plain.subscribe("/events/a")
        gateway.publish("a", "to the ten")
        with Feed(gateway) as feed:
            shown = feed.until(lambda now: now["figures"]["deliveries_total"] == 10, "deliveries")
    figures = shown["figures"]
    status = json.loads(gateway.get_admin("/status")[1])
    assert figures.keys() == status.keys()
    assert figures["streams"] == 10
    assert figures["sessions"]["h2"] == 1 and figures["sessions"]["http/1.1"] >= 1
    assert len(shown["workers"]) == 2
    for name, total in (("streams", 10), ("deliveries", 10)):
        assert sum(worker[name] for worker in shown["workers"]) == total
    for worker in shown["workers"]:
        assert len(worker["turns"]) == len(shown["bounds_seconds"]) + 1
        assert sum(worker["turns"]) > 0 and worker["busy_seconds"] > 0


def test_a_snapshot_tells_of_routes_and_how_their_upstreams_are(start):
    with socket.socket() as closed, Application() as app:
        closed.bind(("127.0.0.1", 0))

        @app.at("/fine")
        async def fine(exchange):
            await exchange.reply(200, b"fine")

        down = f"http://127.0.0.1:{closed.getsockname()[1]}"
        gateway = start(route=[{"path": "/down", "upstream": down},
                               {"path": "/*", "upstream": app.url}])
        with H1(gateway.clear) as client:
            client.request("GET", "/fine")
            assert client.answer().status == 200
            client.request("GET", "/down")
            assert client.answer().status in (502, 503)
        with Feed(gateway) as feed:
            shown = feed.until(lambda now: set(states(now)) > {"well"}, "an upstream that is down")
        assert [route["path"] for route in shown["figures"]["routes"]] == ["/down", "/*"]
        assert sum(shown["figures"]["routes"][0]["failures_total"].values()) == 1


def states(snapshot):
    return [address["state"] for upstream in snapshot["figures"]["upstreams"]
            for address in upstream["addresses"]]


def test_the_feed_tells_of_a_drain_and_ends_with_a_retry_when_the_gateway_does(start):
    # A snapshot comes every second: within three there is one of each stage.
    gateway = start(drain={"delay": "3s", "window": "3s"})
    with H2(gateway.tls) as client, Feed(gateway) as feed:
        client.opened(*[client.subscribe("/events/a") for _ in range(10)])
        feed.until(lambda now: now["figures"]["streams"] == 10, "the streams")
        gateway.terminate()
        delay = feed.until(lambda now: now["state"] == "draining", "the drain")
        assert delay["drain"]["stage"] == "delay" and delay["drain"]["began_with"] == 10
        window = feed.until(lambda now: now["drain"]["stage"] == "window", "its window")
        assert 0 < window["drain"]["left_ms"] <= 3000
        client.pump(lambda: client.eof, "the end of the connection")
        feed.read_stream(lambda: feed.ended, 10, "the end of the feed")
        assert feed.sse.events[-1].type == "end" and feed.sse.ended_at_boundary
        assert feed.sse.retry == 1000
    assert gateway.wait() == 0


def test_a_viewer_beyond_the_bound_is_told_to_come_back(start):
    gateway = start(admin={"viewers": 2})
    with Feed(gateway) as one, Feed(gateway):
        with H1(gateway.admin) as refused:
            refused.request("GET", "/live", {"accept": "text/event-stream"})
            answer = refused.answer()
            assert answer.status == 200, "a browser would not come back from another status"
            refused.sse.feed(answer.body)
            [event] = refused.sse.events
            assert event.type == "full" and "admin.viewers" in event.data
            assert refused.sse.retry == 10_000
        assert gateway.metric("sluice_dashboard_viewers") == 2
        assert gateway.metric("sluice_dashboard_refused_total") == 1
        one.socket.close()
        wait_until(lambda: gateway.metric("sluice_dashboard_viewers") == 1, "a place")
        with Feed(gateway) as again:
            assert again.snapshot()["state"] == "ready"


def test_a_viewer_that_does_not_read_has_no_queue_and_nobody_else_notices(start):
    # With so many routes one snapshot is more than the kernel takes for who does not read.
    routes = [{"path": f"/{n}/*", "upstream": "http://127.0.0.1:9"} for n in range(60)]
    gateway = start(route=routes)
    with connect(gateway.admin, receive_buffer=1024) as deaf, Feed(gateway) as reader:
        deaf.sendall(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        both = reader.until(lambda now: now["figures"]["dashboard_viewers"] == 2, "both viewers")
        later = reader.until(lambda now: now["uptime_ms"] > both["uptime_ms"] + 4_500, "five more")
        assert len(reader.sse.events) >= 6
        read = read_all_that_is_there(deaf)
    moments = [int(n) for n in re.findall(rb'"uptime_ms":(\d+)', read)]
    assert len(moments) <= 4, "those in between are left out"
    assert moments[-1] >= later["uptime_ms"], "the newest comes next"


def read_all_that_is_there(client):
    """Until nothing comes for longer than a snapshot would be on its way."""
    data = b""
    client.settimeout(0.5)
    try:
        while piece := client.recv(65536):
            data += piece
    except TimeoutError:
        pass
    return data


def test_who_only_asks_is_no_viewer(gateway):
    with H1(gateway.admin) as client:
        client.request("HEAD", "/live")
        answer = client.answer(is_head=True)
        assert answer.headers["content-type"] == "text/event-stream"
        client.request("POST", "/live")
        assert client.answer().status == 405
    assert gateway.metric("sluice_dashboard_viewers") == 0


def test_a_second_signal_ends_the_feed_as_well(start):
    gateway = start(drain={"delay": "20s"})
    with H2(gateway.tls) as client, Feed(gateway) as feed:
        client.opened(client.subscribe("/events/a"))
        gateway.terminate()
        feed.until(lambda now: now["state"] == "draining", "the drain")
        gateway.process.send_signal(signal.SIGTERM)
        feed.read_stream(lambda: feed.ended, 10, "the end of the feed")
        assert feed.sse.events[-1].type == "end"
    assert gateway.wait() == 0
