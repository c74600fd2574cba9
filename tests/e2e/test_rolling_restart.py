"""Two instances behind HAProxy, as docs/deploy/haproxy.md sets them up, are replaced one after the
other, again and again, while thousands read and others publish: nobody is refused, nothing is lost or
comes twice, and those who have to come back do not come all at once.

SLUICE_RELEASE_BINARY   the program that the thousands read from
"""

import contextlib
import csv
import socket
import time
from collections import Counter
from dataclasses import dataclass

import pytest

import harness
from balancers import example, haproxy, settings_of
from settings import SECRET
from swarm import Swarm

TOPICS = [f"rolling/{n}" for n in range(20)]
HUB = {"anonymous": True, "publisher_keys": [{"alg": "HS256", "secret": SECRET}]}
RETRY = {"min": "500ms", "max": "1500ms", "parked_min": "500ms", "parked_max": "1500ms"}
TENTHS = 10
AT_MOST = 0.15  # of those who come back, in a tenth of the window
# What HAProxy counts of its servers, and may not have counted: refused connections, broken answers,
# requests that went to another server, and that it gave one up. It may repeat (wretr): what it was
# about to send on a connection when that one's GOAWAY came it sends a second later on another.
FAILURES = ("econ", "eresp", "wredis", "srv_abrt", "chkdown")


@dataclass
class Size:
    clients: int
    upgrades: int
    window: float    # seconds
    interval: float  # seconds between two events of a topic


SMALL = Size(clients=200, upgrades=4, window=2, interval=0.5)
LARGE = Size(clients=2000, upgrades=10, window=4, interval=0.5)


class Site:
    """The instances, the balancer before them, and what it has counted."""

    def __init__(self, start, folder, certificate, size, program):
        self.statistics = folder / "haproxy.sock"
        self.instances = [start(program=program, **settings_of(
            "haproxy-two-histories.toml", hub=HUB, retry=RETRY,
            history={"path": "history"}, server={"workers": 2, "pid_file": "sluice.pid"},
            drain={"delay": "0s", "window": f"{size.window}s", "hard_limit": "30s"}))
            for _ in range(2)]
        self.balancer = haproxy(folder, self.configuration(folder, certificate))

    def configuration(self, folder, certificate):
        """The example's; clients come in clear text, so that this is not about their handshakes.
        What went wrong is in its log."""
        changes = {r"bind :443 .*": "bind FD",
                   "maxconn 100000": f"maxconn 4096\n  stats socket {self.statistics} level admin",
                   "mode http": "mode http\n  log stdout format raw local0\n  option httplog\n"
                                "  option dontlog-normal"}
        for address, instance in zip((r"10\.0\.1\.11", r"10\.0\.1\.12"), self.instances):
            changes[rf"(?<={address}:8080 proto h2 check check-proto h1 port )9090"] = \
                str(instance.admin)
            changes[rf"{address}:8080"] = f"127.0.0.1:{instance.ports[0]}"
        return example("haproxy-two-histories.cfg", changes)

    def counted(self):
        """By server, and of them together: `show stat` of the back end."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self.statistics))
            asked.sendall(b"show stat\n")
            text = b"".join(iter(lambda: asked.recv(65536), b"")).decode()
        rows = csv.DictReader(text.lstrip("# ").splitlines())
        return {row["svname"]: {name: int(value) for name, value in row.items() if value.isdigit()}
                for row in rows if row["pxname"] == "sluice"}


def histogram(attempts, window):
    """How many came in each tenth of a window, from the first of them on."""
    tenth = window / TENTHS
    return Counter(int((at - attempts[0]) / tenth) for at in attempts)


def show(title, tenths, total):
    print(f"{title}: {total} came back")
    for number in range(max(tenths) + 1):
        share = tenths[number] / total
        print(f"  {number:3} {tenths[number]:6} {share:6.1%} {'#' * round(share * 200)}")


def upgrade(swarm, instance, size):
    """Returns how many came back in each tenth of the window."""
    served = int(instance.metric("sluice_streams"))
    before, parked = len(swarm.attempts), swarm.parked
    old = instance.upgrade()
    assert old.wait(60) == 0
    swarm.wait_until(lambda: len(swarm.attempts) - before >= served and swarm.all_are_open(),
                     "all are back")
    attempts = sorted(swarm.attempts[before:])
    assert len(attempts) == served + swarm.parked - parked, "each once, but those sent away"
    return histogram(attempts, size.window)


def roll(site, swarm, size):
    """Upgrades one instance after the other; returns the histograms."""
    for number in range(size.upgrades):
        name, instance = "ab"[number % 2], site.instances[number % 2]
        tenths = upgrade(swarm, instance, size)
        show(f"upgrade {number + 1}, of {name}", tenths, tenths.total())
        yield tenths


@contextlib.contextmanager
def in_service(start, folder, certificate, size, program=None):
    site = Site(start, folder, certificate, size, program)
    with site.balancer as port, Swarm(port, TOPICS, size.clients) as swarm:
        swarm.wait_until_all_are_open()
        swarm.begin_to_publish(size.interval)
        yield site, swarm
        assert not swarm.faults, swarm.faults[:5]


def hold(site, swarm, size):
    """The promises but the spread; returns the histograms."""
    begin = time.monotonic()
    all_tenths = list(roll(site, swarm, size))
    swarm.stop_publishing()
    swarm.wait_until_all_have_everything()
    counts = site.counted()
    served = [counts[name]["stot"] for name in "ab"]
    print(f"{sum(swarm.published().values())} events, {len(swarm.attempts)} connections, "
          f"{swarm.parked} parked, {swarm.deferred} events later, {swarm.unanswered} unanswered, "
          f"{counts['BACKEND']['wretr']} repeated by HAProxy; "
          f"requests of a and b: {served}; {time.monotonic() - begin:.1f} s")
    for name in ("a", "b", "BACKEND"):
        failed = {failure: counts[name][failure] for failure in FAILURES if counts[name].get(failure)}
        assert not failed, name
    assert min(served) > 0, "both serve"
    assert counts["BACKEND"]["hrsp_5xx"] == swarm.deferred, "HAProxy itself refused somebody"
    assert min(swarm.published().values()) >= size.upgrades, "publishing went on"
    return all_tenths


def test_nobody_is_refused_and_nothing_is_lost(start, tmp_path, certificate):
    with in_service(start, tmp_path, certificate, SMALL) as (site, swarm):
        hold(site, swarm, SMALL)


@pytest.mark.limit(300)
def test_two_thousand_come_back_spread_over_the_window(start, tmp_path, certificate):
    program = harness.binary("SLUICE_RELEASE_BINARY")
    with in_service(start, tmp_path, certificate, LARGE, program) as (site, swarm):
        # Of all windows together: a machine that is busy with something else stops everybody here for
        # a tenth of one, and those who were due then come at once.
        tenths = sum(hold(site, swarm, LARGE), Counter())
        show("all upgrades", tenths, tenths.total())
        assert max(tenths.values()) <= AT_MOST * tenths.total()
