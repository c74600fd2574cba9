"""What instances that share a history in Redis tell each other beside events: who is subscribed at
any of them, and whose tokens are revoked."""

import json

import pytest

from clients import H2
from harness import wait_until
from mercure import BOTH, SUBSCRIPTIONS, bearer, query, v0
from redis_server import shared

pytestmark = pytest.mark.quick
ALL = v0("*")
TOPIC = "https://example.com/books/1"


@pytest.fixture
def instances(start, redis):
    def one():
        hub = start(hub={**BOTH, "subscriptions": True},
                    history=shared(redis.url, instance_timeout="2s"))
        wait_until(lambda: hub.get_admin("/readyz")[0] == 200, "it is ready", 20)
        return hub

    return [one() for _ in range(2)]


def ask(hub, path=SUBSCRIPTIONS):
    with H2(hub.tls) as client:
        return client.answer(client.request("GET", path, bearer(ALL)))


def topics_at(hub):
    return sorted(each["topic"] for each in json.loads(ask(hub).body)["subscriptions"])


class Reader:
    """Subscribed to `topic`."""

    def __init__(self, hub, topic=TOPIC, **claims):
        self.client = H2(hub.tls)
        self.number = self.client.subscribe(query(topic=topic), bearer(v0("*", **claims)))
        self.stream = self.client.opened(self.number)[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.close()

    def told(self, count):
        """The subscription events of TOPIC that came first."""
        def of_topic():
            bodies = [json.loads(event.data) for event in self.stream.events]
            return [body["active"] for body in bodies if body["topic"] == TOPIC]
        self.client.pump(lambda: len(of_topic()) >= count, f"{count} subscription events")
        return of_topic()


def test_who_is_subscribed_at_one_instance_is_told_and_listed_at_all(instances):
    here, there = instances
    with Reader(there, topic=SUBSCRIPTIONS + "/{topic}/{subscriber}") as watcher:
        with Reader(here):
            assert watcher.told(1) == [True]
            assert TOPIC in topics_at(there)
            assert topics_at(here) == topics_at(there)
        assert watcher.told(2) == [True, False]
        assert TOPIC not in topics_at(there)


def test_those_of_an_instance_that_is_killed_are_told_to_be_gone(instances):
    here, there = instances
    with Reader(there, topic=SUBSCRIPTIONS + "/{topic}/{subscriber}") as watcher:
        with Reader(here):
            assert watcher.told(1) == [True]
            here.kill()
            assert watcher.told(2) == [True, False]
        assert TOPIC not in topics_at(there)
        assert there.metric("sluice_redis_orphans_total") >= 1
    here.start()


def test_a_list_says_that_it_cannot_be_made_while_redis_is_away(instances, redis):
    here, _ = instances
    redis.kill()
    wait_until(lambda: ask(here).status == 503, "the list is refused", 20)
    answer = ask(here)
    assert answer.headers["retry-after"] == "1"
    assert answer.body.startswith(b"who is subscribed elsewhere cannot be said: Redis is away: ")


def test_a_revocation_reaches_all_instances_and_those_that_start_later(instances, start, redis):
    here, there = instances
    with Reader(there, sub="ann") as ann, Reader(there, sub="bob") as bob:
        status, text = here.post_admin("/revoke?subject=ann")
        assert (status, text) == (
            200, "0 streams are being ended here; the other instances are told too\n")
        ann.client.pump(lambda: ann.stream.ended, "ann's stream ends")
        assert not bob.stream.ended
    third = start(hub={**BOTH, "subscriptions": True}, history=shared(redis.url))
    for hub in (here, there, third):
        def refused(hub=hub):
            with H2(hub.tls) as client:
                return client.answer(client.request(
                    "GET", query(topic=TOPIC), bearer(v0("*", sub="ann")))).status == 401
        wait_until(refused, "ann's token is refused", 20)


def test_a_revocation_waits_for_redis(instances, redis):
    here, _ = instances
    redis.kill()
    wait_until(lambda: here.get_admin("/readyz")[0] == 503, "it knows that Redis is away", 20)
    status, text = here.post_admin("/revoke?subject=ann")
    assert status == 202
    assert text.startswith("0 streams are being ended here; the other instances are told when they "
                           "can be, if this one is there for so long: Redis at ")
