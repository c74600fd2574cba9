"""The gateway with the tools that strangers try it with: curl and h2load."""

import os
import re
import subprocess
import threading

import pytest

import harness
import settings
from harness import run, tool, wait_until


class Curl:
    """A running `curl -N`; its output is read line by line as it comes."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [tool("curl"), "-sSNk", "--max-time", "20", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.text = b""
        os.set_blocking(self.process.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def wait_for(self, words, seconds):
        def arrived():
            self.text += self.process.stdout.read() or b""
            return words in self.text
        wait_until(arrived, f"{words!r} from curl", seconds)
        return self.text


@pytest.mark.quick
@pytest.mark.parametrize("version, listener", [
    ("--http2", "tls"), ("--http1.1", "tls"),
    ("--http2-prior-knowledge", "clear"), ("--http1.1", "clear"),
])
def test_curl_gets_an_event_within_a_second_of_sluice_publish(gateway, version, listener):
    scheme = "https" if listener == "tls" else "http"
    url = f"{scheme}://localhost:{getattr(gateway, listener)}/events/news"
    with Curl(version, "--resolve", f"localhost:{getattr(gateway, listener)}:127.0.0.1",
              url) as curl:
        curl.wait_for(b"retry:", 5)
        done = run("publish", f"http://127.0.0.1:{gateway.clear}", "--topic", "news", "--data",
                   "hello", env={"SLUICE_TOKEN": settings.PUBLISHER})
        assert done.returncode == 0, done.stderr
        text = curl.wait_for(b"data: hello\n\n", 1)
    assert f"id: {done.stdout.strip()}\n".encode() in text


@pytest.mark.quick
def test_curl_publishes_a_form(gateway):
    done = subprocess.run(
        [tool("curl"), "-sSk", "--max-time", "10", "--http2",
         f"https://127.0.0.1:{gateway.tls}/.well-known/mercure",
         "-H", f"Authorization: Bearer {settings.PUBLISHER}",
         "-d", "topic=news", "--data-urlencode", "data=hello & good bye", "-w", "\n%{http_code}"],
        capture_output=True, text=True, timeout=20)
    id, status = done.stdout.split()
    assert status == "200"
    with Curl(f"https://127.0.0.1:{gateway.tls}/events/news?lastEventID=earliest") as curl:
        text = curl.wait_for(b"data: hello & good bye\n\n", 5)
    assert f"id: {id}\n".encode() in text


@pytest.mark.quick
def test_curl_sends_a_body_only_after_100_continue(gateway):
    done = subprocess.run(
        [tool("curl"), "-sSv", "--max-time", "10", "--http1.1",
         f"http://127.0.0.1:{gateway.clear}/events/news", "-H", "Expect: 100-continue",
         "-H", f"Authorization: Bearer {settings.PUBLISHER}", "-d", "hello"],
        capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    assert re.search(r"< HTTP/1.1 100 .*< HTTP/1.1 200 ", done.stderr, re.DOTALL)


@pytest.mark.quick
@pytest.mark.parametrize("attempt", range(5))
def test_curl_over_http2_reads_why_its_publish_was_refused(gateway, attempt):
    done = subprocess.run(
        [tool("curl"), "-sSk", "--max-time", "10", "--http2",
         f"https://127.0.0.1:{gateway.tls}/events/news", "-d", f"attempt {attempt}"],
        capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert "a token is needed to publish" in done.stdout


# -- h2load ----------------------------------------------------------------------------------------


class Background:
    """Publishes to `topic` in a thread until the end of the block."""

    def __init__(self, gateway, topic):
        self.gateway, self.topic, self.stop = gateway, topic, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.count = 0

    def run(self):
        with self.gateway.publisher() as publisher:
            while not self.stop.wait(0.01):
                publisher.publish(self.topic, f"{self.count} " + "x" * 100)
                self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(10)


def test_h2load_measures_what_the_gateway_says_it_sent(start):
    gateway = start(program=harness.binary("SLUICE_RELEASE_BINARY"))
    before = gateway.metrics()
    with Background(gateway, "bench") as publisher:
        done = subprocess.run(
            [tool("h2load"), "-D", "3", "-c", "10", "-m", "100", "-w17", "-W24",
             f"https://127.0.0.1:{gateway.tls}/events/bench"],
            capture_output=True, text=True, timeout=40)
        assert done.returncode == 0, done.stderr + done.stdout
    wait_until(lambda: gateway.metric("sluice_streams") == 0, "the streams' end")
    after = gateway.metrics()
    print(done.stdout)
    assert publisher.count > 50
    assert "ALPN" in done.stdout or "h2" in done.stdout
    statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
    assert [int(n) for n in statuses.groups()] == [1000, 0, 0, 0]
    total, data = map(int, re.search(
        r"traffic: .*?\((\d+)\) total,.*?\((\d+)\) data", done.stdout).groups())
    sent = grown(before, after, "sluice_sent_bytes_total")
    body = grown(before, after, "sluice_body_bytes_total")
    print(f"h2load: {total} bytes, {data} of data; the gateway: {sent:.0f} and {body:.0f}")
    assert abs(data - body) <= 0.01 * body
    assert abs(total - sent) <= 0.01 * sent


def grown(before, after, name):
    return after.get(name) - before.get(name)
