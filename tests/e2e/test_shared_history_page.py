"""What docs/scaling.md shows for Redis and for the balancer before the instances, as it stands there."""

import csv
import json
import pathlib
import re
import socket

import pytest
from balancers import example, haproxy, settings_of
from clients import H2
from harness import wait_until
from publishing import authorized
from redis_server import DURABLE, Redis, redis, shared  # noqa: F401
from settings import SECRET

PAGE = (pathlib.Path(__file__).parents[2] / "docs/scaling.md").read_text()
HUB = {"anonymous": True, "publisher_keys": [{"alg": "HS256", "secret": SECRET}]}


def users():
    """The two lines of the page, by the names of the users."""
    lines = re.findall(r"^ACL SETUSER (\w+) (.*)$", PAGE, re.MULTILINE)
    assert [name for name, _ in lines] == ["sluice", "publisher"]
    return {name: ["ACL", "SETUSER", name, *rest.split()] for name, rest in lines}


@pytest.fixture
def guarded(redis):  # noqa: F811
    """A Redis that lets in nobody but these two; its own test is still logged in by a password."""
    for words in users().values():
        redis.ask(*words)
    redis.ask("ACL", "SETUSER", "default", "resetpass", ">the-test")
    redis.password = "the-test"
    return redis


def url_of(user, server):
    return f"redis://{user}:PASSWORD@127.0.0.1:{server.port}"


def test_the_user_of_the_page_may_do_all_that_an_instance_does(start, guarded):
    """Read from far, look for an id, remember repeats, forget what is too old: on two instances."""
    history = shared(url_of("sluice", guarded), window_events=2, max_events=400, max_age="1h")
    a, b = (start(history=history) for _ in range(2))
    first = a.publish("t", "first", id="mine")
    for n in range(20):
        a.publish("t", str(n))
    with H2(b.tls) as client:
        stream = client.subscribe(f"/events/t?lastEventID={first}")
        assert [event.data for event in client.events(stream, 20)] == [str(n) for n in range(20)]
    assert b.publish("t", "again", id="mine") == first
    for turn in range(9):  # Not more at once than is kept: both have to see them before they go.
        batch = [{"topic": "t", "data": "x", "id": f"{turn}-{n}"} for n in range(100)]
        with a.publisher() as publisher:
            assert publisher.post("/events", json.dumps(batch).encode(), "application/json")[0] == 200
        wait_until(lambda: b.metric("sluice_redis_followed_total") == 121 + 100 * turn, "b saw them")
    wait_until(lambda: int(guarded.ask("XLEN", "sluice")) < 600, "what is too much was removed")
    assert b.get_admin("/readyz")[0] == 200
    assert "cannot go on" not in a.stderr() + b.stderr()
    refused = set(re.findall(r"^object\n(.*)$", guarded.ask("ACL", "LOG"), re.MULTILINE))
    assert refused <= {"config|get", "cluster|slots"}, "what is beside this it needs; the page says why not this"


@pytest.mark.parametrize("user", ["sluice", "publisher"])
def test_another_history_on_the_same_server_is_not_for_them(guarded, user):
    for key in ("other", "{other}:state"):
        refused = guarded.ask("ACL", "DRYRUN", user, "HSET", key, "epoch", "x")
        assert "no permissions to access" in refused, refused
    for words in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["SHUTDOWN"], ["KEYS", "*"]):
        refused = guarded.ask("ACL", "DRYRUN", user, *words)
        assert "no permissions to run" in refused, refused


class Site:
    """Two instances, and HAProxy before them, by the example's two files."""

    def __init__(self, start, folder, server):
        self.statistics = folder / "haproxy.sock"
        self.instances = [start(**settings_of(
            "haproxy-shared-history.toml", hub=HUB, history=shared(server.url),
            drain={"delay": "0s", "window": "0s"})) for _ in range(2)]
        changes = {"bind :443": "bind FD",
                   "maxconn 100000": f"maxconn 1000\n  stats socket {self.statistics} level admin"}
        for address, instance in zip((r"10\.0\.1\.11", r"10\.0\.1\.12"), self.instances):
            changes[rf"(?<={address}:8443 send-proxy-v2 check port )9090"] = str(instance.admin)
            changes[rf"{address}:8443"] = f"127.0.0.1:{instance.ports[0]}"
        self.balancer = haproxy(folder, example("haproxy-shared-history.cfg", changes))

    def states(self, proxy):
        """What HAProxy thinks of the two servers of a back end: `show stat`."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self.statistics))
            asked.sendall(b"show stat\n")
            text = b"".join(iter(lambda: asked.recv(65536), b"")).decode()
        return {row["status"] for row in csv.DictReader(text.lstrip("# ").splitlines())
                if row["pxname"] == proxy and row["svname"] in "ab"}


def test_while_redis_is_away_a_newcomer_is_served_all_the_same(start, tmp_path):
    """A balancer that has nobody to send him to would break his connection, or answer 503, and
    browsers would never come back."""
    with Redis(tmp_path / "redis", *DURABLE) as server:
        site = Site(start, tmp_path, server)
        with site.balancer as port:
            wait_until(site.statistics.exists, "HAProxy has started")
            wait_until(lambda: site.states("ready") == {"UP"}, "HAProxy has found both", 20)
            with H2(port) as early, H2(port) as publisher:
                streams = [(early, early.subscribe("/events/news"))]
                early.opened(streams[0][1])
                server.kill()
                wait_until(lambda: site.states("ready") == {"DOWN"}, "none is ready", 20)
                assert site.states("alive") == {"UP"}
                with H2(port) as newcomer:
                    streams.append((newcomer, newcomer.subscribe("/events/news")))
                    newcomer.opened(streams[1][1])
                    server.start()
                    wait_until(lambda: site.states("ready") == {"UP"}, "both are ready", 20)
                    post = publisher.request("POST", "/events/news", authorized(), b"it is back")
                    assert publisher.answer(post).status == 200
                    for client, stream in streams:
                        assert client.events(stream, 1)[0].data == "it is back"
