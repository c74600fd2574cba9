"""Instances, Redis and the way between them are hurt, one after the other, under load: what was
acknowledged reaches every reader once and in one order, and what publishers are told is true. A
fail-over that loses what was acknowledged is told to every reader.

    SLUICE_CHAOS_ROUNDS=20 SLUICE_CHAOS_READERS=200 SLUICE_CHAOS_RATE=500 SLUICE_CHAOS_FREEZE=10 \\
        SLUICE_BINARY=… python3 -m pytest -s tests/e2e/test_redis_chaos.py
"""

import contextlib
import json
import os
import pathlib
import random
import time

import pytest

from clients import H1
from faulty_relay import FaultyRelay
from harness import adopt_orphans, wait_until
from publishing import authorized
from redis_server import DURABLE, Redis, fixed_listeners, shared
from throng import Throng

READERS = int(os.environ.get("SLUICE_CHAOS_READERS", 40))
RATE = int(os.environ.get("SLUICE_CHAOS_RATE", 150))
FREEZE = float(os.environ.get("SLUICE_CHAOS_FREEZE", 3))
SEED = int(os.environ.get("SLUICE_CHAOS_SEED", random.randrange(1 << 32)))
TOPICS = [f"chaos/{n}" for n in range(8)]
GIVES_UP = 3               # Of so many events one is not sent again.
PUBLISH_TIMEOUT = 1        # seconds: who is held up for longer is told something else
CUT_AFTER = (10, 100_000)  # bytes
SCRIPT = pathlib.Path(__file__).parents[2] / "gateway/redis/journal.lua"


class Scene:
    """Three instances, each with its own way to Redis."""

    def __init__(self, start, redis, stack):
        self.redis = redis
        self.relays = [stack.enter_context(FaultyRelay(redis.port, SEED + n)) for n in range(3)]
        self.instances = [
            start(listen=fixed_listeners(), hub={"ring_events": 64}, server={"workers": 2},
                  history=shared(f"redis://127.0.0.1:{relay.port}", window_events=300,
                                 publish_timeout=f"{PUBLISH_TIMEOUT}s"))
            for relay in self.relays]

    @property
    def ports(self):
        return [instance.clear for instance in self.instances]

    def is_well(self):
        return all(instance.get_admin("/readyz")[0] == 200 for instance in self.instances)


# -- what is done to it ----------------------------------------------------------------------------


def kill_an_instance(scene, chance):
    instance = chance.choice(scene.instances)
    instance.kill()
    instance.assert_no_report()
    instance.start()


def kill_redis(scene, chance):
    scene.redis.kill()
    time.sleep(chance.uniform(0, 1))
    scene.redis.start()


def freeze_redis(scene, _):
    scene.redis.freeze()
    time.sleep(FREEZE)
    scene.redis.thaw()


def cut_connections(scene, chance):
    before = sum(relay.cuts for relay in scene.relays)
    for relay in scene.relays:
        relay.faults = CUT_AFTER
    time.sleep(chance.uniform(1, 3))
    for relay in scene.relays:
        relay.faults = None
    cuts = sum(relay.cuts for relay in scene.relays) - before
    print(f"{cuts} cuts")
    assert cuts > 0


KINDS = (freeze_redis, kill_redis, cut_connections, kill_an_instance)
ROUNDS = int(os.environ.get("SLUICE_CHAOS_ROUNDS", len(KINDS)))


@pytest.mark.limit(120 + 15 * ROUNDS + int(FREEZE) * ROUNDS)
def test_nothing_that_was_acknowledged_is_lost_or_repeated(start, redis):
    print(f"\nseed {SEED}, {ROUNDS} rounds, {RATE} events a second, {READERS} readers")
    chance = random.Random(SEED)
    rounds = (KINDS * ROUNDS)[:ROUNDS]
    with contextlib.ExitStack() as stack:
        scene = Scene(start, redis, stack)
        throng = stack.enter_context(
            Throng(scene.ports, TOPICS, READERS, SEED, gives_up=GIVES_UP))
        throng.wait_until_all_are_open()
        throng.begin_to_publish(scene.ports, RATE, publishers=3)
        for hurt in chance.sample(rounds, ROUNDS):
            time.sleep(chance.uniform(0.3, 1.5))
            print(f"{throng.published()} events: {hurt.__name__}")
            hurt(scene, chance)
            throng.wait_until(scene.is_well, f"all are ready behind {hurt.__name__}", 60)
        throng.stop_publishing()
        throng.wait_until_all_have_everything()
        throng.ledger.assert_all_is_kept()
        counts = throng.ledger.counts()
        assert counts["acknowledged"] > 0 and throng.repeated > 0
        if freeze_redis in rounds:
            assert counts["unknown"] > 0 and counts["refused"] > 0
        if kill_an_instance in rounds:
            assert sum(reader.connections for reader in throng.readers) > READERS
        for instance in scene.instances:
            assert instance.metric("sluice_redis_breaks_total") == 0


# -- a fail-over -----------------------------------------------------------------------------------


class Client:
    """A reader that says where it goes on."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.http, self.last_id = None, "earliest"
        self.connect()

    def connect(self):
        self.http = H1(self.gateway.clear)
        self.http.subscribe("/events/a", {"last-event-id": self.last_id})

    def read(self, count):
        events = self.http.events(count, 20)
        self.last_id = events[-1].id
        return [event.data for event in events]

    def come_back(self):
        """When its stream has ended."""
        self.http.read_stream(lambda: self.http.ended, 30, "the end of the stream")
        self.http.socket.close()
        self.connect()


def publish_until_kept(gateway, data):
    def is_kept():
        with H1(gateway.clear) as client:
            client.request("POST", "/events/a", authorized(content_type="text/plain"), data)
            answer = client.answer(seconds=20)
            assert answer.status == 200 or answer.text.startswith("nothing was kept"), answer
            return answer.status == 200

    wait_until(is_kept, f"{data} is kept", 20)


def append_at(server, data):
    """As an application does that has only a client of Redis."""
    server.ask("EVAL", SCRIPT.read_text(), 1, "sluice", "append", "", "",
               4, "topic", "a", "data", data)


@pytest.mark.limit(120)
@pytest.mark.parametrize("are_given_again", [False, True],
                         ids=["events are gone", "their positions are given again"])
def test_a_failover_to_a_replica_that_lags_is_told_to_all(start, tmp_path, are_given_again):
    adopt_orphans()
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(Redis(tmp_path / "master", *DURABLE))
        replication = stack.enter_context(FaultyRelay(master.port, SEED))
        replica = stack.enter_context(
            Redis(tmp_path / "replica", "--replicaof", "127.0.0.1", str(replication.port)))
        way = stack.enter_context(FaultyRelay(master.port, SEED))
        instances = [start(history=shared(f"redis://127.0.0.1:{way.port}")) for _ in range(2)]
        clients = [Client(instance) for instance in instances * 3]
        for n in range(5):
            instances[n % 2].publish("a", f"kept {n}")
        wait_until(lambda: replica.ask("XLEN", "sluice") == "5", "the replica has them", 20)
        replication.hold()
        for n in range(3):
            instances[n % 2].publish("a", f"lost {n}")
        kept, lost = [f"kept {n}" for n in range(5)], [f"lost {n}" for n in range(3)]
        for client in clients:
            assert client.read(8) == kept + lost

        master.kill()
        replication.sever()
        replica.ask("REPLICAOF", "NO", "ONE")
        if are_given_again:
            kept += [f"other {n}" for n in range(4)]
            for data in kept[5:]:
                append_at(replica, data)
        way.target = replica.port
        way.sever()

        for old in [instance.wait_for_successor() for instance in instances]:
            assert old.wait(30) == 0
        publish_until_kept(instances[0], b"after")
        for client in clients:
            before = client.last_id
            client.come_back()
            gap, *events = client.http.events(2 + len(kept), 20)
            assert gap.type == "gap"
            assert json.loads(gap.data)["reason"] == "epoch"
            assert json.loads(gap.data)["last_event_id"] == before
            assert [event.data for event in events] == [*kept, "after"]
            assert {event.id.split("-")[0] for event in events}.isdisjoint({before.split("-")[0]})
