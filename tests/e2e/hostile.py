"""What the tests of hostile clients share: the gateway they attack, the neighbour that must not
notice, and what counts as an answer in time.

One gateway serves all attacks of a file, one after another, as a real one would have to.
"""

import threading
import time

import pytest

from clients import H2
from harness import wait_until
from settings import PUBLISHER

LIMIT = 2.0    # what the configuration says, for every time limit
SLACK = 3.0    # a loaded machine, and timers that are at most a tick late
ENOUGH = LIMIT + SLACK
RSS_BOUND = 48 << 20
AUTHORIZATION = ("authorization", f"Bearer {PUBLISHER}")

SETTINGS_OF_THE_GATEWAY = {
    "timeouts": {name: "2s" for name in (
        "handshake", "first_bytes", "settings", "settings_ack", "headers", "body",
        "first_request", "keep_alive", "stalled_stream", "write")},
    "hub": {"max_event_bytes": "64KiB", "max_body_bytes": "256KiB"},
}


class Neighbour:
    """A well-behaved reader on a connection of its own, and the longest time it had to wait."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.stop = threading.Event()
        self.worst = 0.0
        self.received = 0
        self.fault = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            with H2(self.gateway.tls) as reader, self.gateway.publisher() as publisher:
                stream = reader.subscribe("/events/neighbour")
                reader.opened(stream)
                while not self.stop.wait(0.02):
                    sent = time.monotonic()
                    publisher.publish("neighbour", str(self.received))
                    reader.events(stream, self.received + 1)
                    self.worst = max(self.worst, time.monotonic() - sent)
                    self.received += 1
                numbers = [int(event.data) for event in reader.streams[stream].events]
                assert numbers == list(range(self.received))
        except Exception as fault:  # told by the test, in its own thread
            self.fault = fault

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.received or self.fault, "the neighbour's first event")
        return self

    def __exit__(self, kind, *_):
        before = self.received
        if kind is None and not self.fault:
            wait_until(lambda: self.received > before or self.fault, "an event after the attack")
        self.stop.set()
        self.thread.join(15)
        if kind is None:
            assert self.fault is None, f"the neighbour noticed: {self.fault!r}"
            assert self.worst < 1.5, f"the neighbour waited {self.worst:.2f} s for an event"


@pytest.fixture(scope="module")
def target(start_for_module):
    """The gateway that is attacked; its time limits are two seconds."""
    return start_for_module(**SETTINGS_OF_THE_GATEWAY)


@pytest.fixture
def nobody_else_notices(target):
    """Around every attack: a neighbour that gets its events, bounded memory, nothing left open."""
    open_before = wait_until(lambda: target.metric("sluice_connections") <= 2
                             and target.metrics(), "quiet", ENOUGH + 5)
    rss_before = target.rss()
    with Neighbour(target):
        yield
    assert target.rss() - rss_before < RSS_BOUND, "the attack took memory that was not given back"
    wait_until(lambda: target.metric("sluice_connections")
               <= open_before.get("sluice_connections"), "all connections closed", ENOUGH + 5)


def fell(client, within=ENOUGH):
    """The code of the GOAWAY with which the gateway ended the connection."""
    return client.ended_by_peer(within)


def flood(client, packet, times, batch=50):
    """Sends `packet` until the gateway hangs up; what it answers is read only afterwards."""
    for _ in range(times // batch):
        if not client.send(packet * batch):
            return
