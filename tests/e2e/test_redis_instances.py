"""Three instances that share a Redis, behind HAProxy: half of all readers are pushed to another
instance every few seconds, while publishers send thousands of events to whichever instance. Every
reader gets every event of its topics, once, and all in the same order.

    SLUICE_RELEASE_BINARY   the program of the large test, from which a thousand read
"""

import contextlib
import socket
import time
from dataclasses import dataclass

import pytest

import harness
from balancers import example, haproxy
from redis_server import Redis, shared
from throng import Throng

NAMES = "abc"
PUBLISHERS = 3


@dataclass
class Size:
    readers: int
    topics: int      # Each reader has two.
    rate: int        # events a second, of all publishers
    seconds: int
    every: float     # seconds between two pushes


SMALL = Size(readers=100, topics=40, rate=200, seconds=9, every=1.5)
LARGE = Size(readers=1000, topics=400, rate=2000, seconds=20, every=3)


class Site:
    """The instances, and the balancer before them."""

    def __init__(self, start, folder, url, program):
        self.control = folder / "haproxy.sock"
        # Windows that some who come back have fallen out of: they are served from Redis.
        history = shared(url, window_events=1000, answer_timeout="10s")
        self.instances = [start(program=program, history=history, hub={"ring_events": 256})
                          for _ in NAMES]
        servers = "".join(
            f"  server {name} 127.0.0.1:{instance.clear} proto h2 check check-proto h1 "
            f"port {instance.admin} inter 1s fall 2\n"
            for name, instance in zip(NAMES, self.instances))
        self.balancer = haproxy(folder, example("haproxy-http2.cfg", {
            # In clear text, and no client is too slow: this is not about them.
            r"bind :443 .*": "bind FD", r"(?<=timeout http-request )10s": "60s",
            r"^  default_backend": "  http-response set-header x-instance %s\n  default_backend",
            "maxconn 100000": f"maxconn 8192\n  stats socket {self.control} level admin",
            r"^  server a .*\n  server b .*\n": servers}))

    @property
    def ports(self):
        return [instance.clear for instance in self.instances]

    def tell_balancer(self, command):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self.control))
            asked.sendall(f"{command}\n".encode())
            answer = b"".join(iter(lambda: asked.recv(65536), b"")).decode().strip()
        assert answer == "", f"{command}: {answer}"

    def push_away_from(self, name, throng):
        """Who reads there is cut off, and comes back elsewhere: with one of three always empty,
        that is half of them."""
        for other in NAMES:
            state = "drain" if other == name else "ready"
            self.tell_balancer(f"set server sluice/{other} state {state}")
        throng.cut_off(name)

    def streams(self):
        return [int(instance.metric("sluice_streams")) for instance in self.instances]


def push_about(site, throng, size):
    """Until the time is over, and half of what was to be published is; how often. A machine that
    is busy with something else takes longer."""
    begin, pushes = time.monotonic(), 0
    least = size.rate * size.seconds / 2
    while time.monotonic() < begin + size.seconds or throng.published() < least:
        site.push_away_from(NAMES[pushes % 3], throng)
        pushes += 1
        due = begin + pushes * size.every
        throng.wait_until(lambda: time.monotonic() >= due, "the next push")  # noqa: B023
    return pushes


def hold(start, folder, size, program=None):
    topics = [f"topic/{n}" for n in range(size.topics)]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Redis(folder / "redis"))
        site = Site(start, folder, server.url, program)
        port = stack.enter_context(site.balancer)
        throng = stack.enter_context(Throng([port], topics, size.readers, seed=1))
        throng.wait_until_all_are_open()
        begin = time.monotonic()
        throng.begin_to_publish(site.ports, size.rate, PUBLISHERS)
        pushes = push_about(site, throng, size)
        throng.stop_publishing()
        rate = throng.published() / (time.monotonic() - begin)
        throng.wait_until_all_have_everything()
        came_back = sum(reader.connections for reader in throng.readers) - size.readers
        print(f"{pushes} pushes, {came_back} came back, {rate:.0f} events a second, "
              f"streams of {NAMES}: {site.streams()}")
        throng.ledger.assert_all_is_kept()
        counts = throng.ledger.counts()
        assert counts["acknowledged"] == throng.published(), "nothing was refused to anybody"
        assert throng.repeated == 0
        assert came_back >= (pushes - 1) * size.readers / 3, "readers were pushed about"
        for instance in site.instances:
            assert instance.metric("sluice_redis_followed_total") == throng.published()
            assert instance.metric("sluice_redis_breaks_total") == 0


@pytest.mark.limit(120)
def test_every_reader_gets_every_event_once_wherever_it_is_pushed(start, tmp_path):
    hold(start, tmp_path, SMALL)


@pytest.mark.limit(180)
def test_a_thousand_readers_and_two_thousand_events_a_second(start, tmp_path):
    hold(start, tmp_path, LARGE, harness.binary("SLUICE_RELEASE_BINARY"))
