"""How fast events come to one reader, and what a reader gets that cannot keep up."""

import json
import time

import pytest

from clients import H2
from mercure import BOTH, Room, query

pytestmark = pytest.mark.quick
BEHIND = 4000  # Events, each of some hundred bytes: more than the kernel keeps for a shut window.
PADDING = "x" * 200


# -- rates ---------------------------------------------------------------------------------------


def read_until(client, moment):
    """Reads what comes until that moment."""
    try:
        while (left := moment - time.monotonic()) > 0:
            client.pump(lambda: False, "the next event's moment", left)
    except TimeoutError:
        pass


def arrivals(gateway, path, count=60, over=1.5):
    """What a reader has had of `count` events that were published evenly `over` seconds."""
    with H2(gateway.tls) as client:
        stream = client.opened(client.subscribe(path))[0]
        with gateway.publisher() as publisher:
            begin = time.monotonic()
            for number in range(count):
                publisher.publish("price", str(number))
                read_until(client, begin + over * number / count)
        client.pump(lambda: stream.events and stream.events[-1].data == str(count - 1), "the newest")
        return [int(event.data) for event in stream.events]


def test_a_subscriber_that_asks_for_a_rate_gets_no_more_and_the_newest_in_the_end(start):
    got = arrivals(start(), query(topic="price", max_rate=10))
    assert 5 <= len(got) <= 25 and got == sorted(set(got)) and got[-1] == 59


def test_a_path_takes_a_rate_too(start):
    assert len(arrivals(start(), "/events/price?max_rate=10")) <= 25


def test_the_operator_can_set_a_rate_for_a_topic(start):
    gateway = start(topic=[{"match": "price", "max_rate": 10}])
    assert len(arrivals(gateway, query(topic="price"))) <= 25
    assert len(arrivals(gateway, query(topic="price", max_rate=500))) <= 25, "the lower of both counts"
    assert len(arrivals(gateway, query(topic="*"))) == 60, "a rate is a selector's own"


def test_nobody_gets_a_higher_rate_than_the_hub_allows(start):
    gateway = start(hub={"max_rate": 10})
    assert len(arrivals(gateway, query(topic="price", max_rate=1000))) <= 25


@pytest.mark.parametrize("rate", ["0", "-1", "1.5", "fast", "", "1e3", "99999999999999999999999"])
def test_a_rate_that_is_no_number_of_events_is_refused(gateway, rate):
    with H2(gateway.tls) as client:
        answer = client.answer(client.request("GET", query(topic="price", max_rate=rate)))
    assert answer.status == 400 and "max_rate" in answer.text


# -- policies ------------------------------------------------------------------------------------


class Stalled:
    """A reader whose window is shut while events pass, and then opened."""

    def __init__(self, gateway, path):
        self.client = H2(gateway.tls, window=2000)
        number = self.client.subscribe(path)
        self.stream = self.client.opened(number)[0]
        self.number, self.stream.hold = number, True

    def open_window(self):
        self.stream.hold = False
        self.client.h2.increment_flow_control_window((1 << 30), self.number)
        self.client.flush()


def fall_behind(gateway, path="/.well-known/mercure?topic=t&topic=log"):
    """The events that a stalled reader gets: what went out before, and what came after."""
    stalled = Stalled(gateway, path)
    with gateway.publisher() as publisher:
        for number in range(BEHIND):
            publisher.publish("t", f"{number} {PADDING}")
            if number % 1000 == 0:
                publisher.publish("log", f"log {number}")
    stalled.client.ping()
    stalled.open_window()
    with gateway.publisher() as publisher:
        publisher.publish("log", "end")
    return stalled


def numbers_of(stream):
    return [int(event.data.split()[0]) for event in stream.events if event.data[0].isdigit()]


def policy(name):
    return {"topic": [{"match": "t", "policy": name}], "hub": {**BOTH, "ring_events": 64}}


def wait_for_end(stalled):
    stalled.client.pump(lambda: any(e.data == "end" for e in stalled.stream.events), "the end", 30)
    stalled.client.socket.close()
    return stalled.stream


@pytest.mark.limit(120)
def test_under_replay_a_reader_that_was_stalled_gets_everything(start):
    stream = wait_for_end(fall_behind(start(**policy("replay"))))
    assert numbers_of(stream) == list(range(BEHIND))


@pytest.mark.limit(120)
def test_under_latest_it_gets_the_newest_of_the_topic_and_other_topics_whole(start):
    gateway = start(**policy("latest"))
    stream = wait_for_end(fall_behind(gateway))
    numbers = numbers_of(stream)
    assert numbers[-1] == BEHIND - 1 and len(numbers) < 100 and numbers == sorted(numbers)
    assert [e.data for e in stream.events if e.data.startswith("log")] == [
        f"log {n}" for n in range(0, BEHIND, 1000)]
    assert not [e for e in stream.events if e.type == "gap"]


@pytest.mark.limit(120)
def test_under_drop_it_gets_what_is_new_enough_and_is_told_how_much_it_missed(start):
    gateway = start(**policy("drop"))
    stream = wait_for_end(fall_behind(gateway))
    numbers = numbers_of(stream)
    gaps = [json.loads(e.data) for e in stream.events if e.type == "gap"]
    assert numbers[-1] == BEHIND - 1 and numbers == sorted(set(numbers))
    assert gaps and all(gap["reason"] == "dropped" for gap in gaps)
    assert sum(gap["missed"] for gap in gaps) == BEHIND - len(numbers)
    assert [e.data for e in stream.events if e.data.startswith("log")] == [
        f"log {n}" for n in range(0, BEHIND, 1000)]


@pytest.mark.limit(120)
def test_under_close_its_stream_ends_and_with_its_last_id_it_gets_the_rest(start):
    gateway = start(**policy("close"))
    stalled = fall_behind(gateway)
    stream = stalled.client.answer(stalled.number)
    assert stream.ended and stream.reset is None and stream.sse.ended_at_boundary
    before = numbers_of(stream)
    assert before == list(range(len(before))) and len(before) < 100
    # Behind the ring a stream of `close` is not caught up from history while it is open, but one
    # that comes back is.
    with Room(gateway) as room:
        again = room.reader(query(topic="t"), {"last-event-id": stream.sse.last_id})
        room.client.pump(lambda: len(again.events) >= BEHIND - len(before), "the rest", 30)
        assert numbers_of(again) == list(range(len(before), BEHIND))
    stalled.client.socket.close()
