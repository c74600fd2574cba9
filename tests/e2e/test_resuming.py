"""A client that comes back gets exactly what it missed, or is told that it has a gap."""

import json

import pytest

from clients import H1, H2

pytestmark = pytest.mark.quick


def publish_many(gateway, topic, count):
    with gateway.publisher() as publisher:
        return [publisher.publish(topic, str(n)) for n in range(count)]


def data_of(events):
    return [event.data for event in events]


def in_query(name):
    return lambda id: (f"/.well-known/mercure?topic=a&{name}={id}", {})


WAYS = {
    "header": lambda id: ("/.well-known/mercure?topic=a", {"last-event-id": id}),
    "lastEventID": in_query("lastEventID"),
    "last_event_id": in_query("last_event_id"),
    "Last-Event-ID": in_query("Last-Event-ID"),
    "header on a path": lambda id: ("/events/a", {"last-event-id": id}),
    "query on a path": lambda id: (f"/events/a?lastEventID={id}", {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_names_its_last_event_gets_exactly_what_came_after(gateway, way):
    ids = publish_many(gateway, "a", 5)
    gateway.publish("other", "not for it")
    path, headers = WAYS[way](ids[1])
    with H2(gateway.tls) as client:
        stream = client.subscribe(path, headers)
        client.events(stream, 3)
        gateway.publish("a", "live")
        events = client.events(stream, 4)
    assert data_of(events) == ["2", "3", "4", "live"]
    assert [event.id for event in events[:3]] == ids[2:]


def test_the_header_wins_over_the_query(gateway):
    ids = publish_many(gateway, "a", 3)
    with H2(gateway.tls) as client:
        stream = client.subscribe(f"/events/a?lastEventID={ids[0]}", {"last-event-id": ids[1]})
        assert data_of(client.events(stream, 1)) == ["2"]


def test_earliest_gives_all_that_is_held(gateway):
    publish_many(gateway, "a", 3)
    with H1(gateway.clear) as client:
        client.subscribe("/events/a?lastEventID=earliest")
        assert data_of(client.events(3)) == ["0", "1", "2"]


def test_without_a_cursor_a_client_gets_only_what_is_published_from_now_on(gateway):
    publish_many(gateway, "a", 3)
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a")
        client.opened(stream)
        gateway.publish("a", "live")
        assert data_of(client.events(stream, 1)) == ["live"]


def test_the_last_id_of_another_topic_is_a_cursor_too(gateway):
    ids = publish_many(gateway, "other", 2)
    gateway.publish("a", "after")
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a", {"last-event-id": ids[-1]})
        assert data_of(client.events(stream, 1)) == ["after"]


def test_an_id_that_the_publisher_gave_is_a_cursor(gateway):
    gateway.publish("a", "first", id="urn:x:1")
    gateway.publish("a", "second", id="urn:é:2")
    gateway.publish("a", "third")
    with H2(gateway.tls) as client:
        first = client.subscribe("/events/a", {"last-event-id": "urn:x:1"})
        second = client.subscribe("/events/a", {"last-event-id": "urn:é:2"})
        assert data_of(client.events(first, 2)) == ["second", "third"]
        assert data_of(client.events(second, 1)) == ["third"]


def gap_of(event):
    assert event.type == "gap", event
    return json.loads(event.data)


def test_a_client_whose_events_were_evicted_is_told_of_a_gap_and_gets_what_is_left(start):
    gateway = start(history={"max_events": 10})
    ids = publish_many(gateway, "a", 30)
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a", {"last-event-id": ids[0]})
        gap, *rest = client.events(stream, 2)
        client.events(stream, 11)
        rest = client.streams[stream].events[1:]
    assert gap_of(gap)["reason"] == "evicted"
    assert gap_of(gap)["last_event_id"] == ids[0]
    assert [event.id for event in rest] == ids[-10:]
    assert gap.id, "a gap carries an id, so that every browser keeps it"


def test_an_id_of_another_journal_is_a_gap(start):
    before = start()
    old = before.publish("a", "in the first life")
    before.stop()
    gateway = start()
    publish_many(gateway, "a", 3)
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a", {"last-event-id": old})
        gap = client.events(stream, 1)[0]
    assert gap_of(gap) == {"reason": "epoch", "last_event_id": old} | gap_of(gap)
    assert gap_of(gap)["reason"] == "epoch"


@pytest.mark.parametrize("id", ["nobody-gave-this", "urn:uuid:unknown", "x" * 300, "é€😀"])
def test_an_id_that_nobody_knows_is_a_gap_and_never_an_error(gateway, id):
    publish_many(gateway, "a", 2)
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a", {"last-event-id": id})
        gap = client.events(stream, 1)[0]
        assert client.streams[stream].status == 200
    assert gap_of(gap)["reason"] in ("unknown", "epoch")


def test_the_id_of_a_gap_is_a_cursor_that_leads_to_no_second_gap(start):
    gateway = start(history={"max_events": 10})
    ids = publish_many(gateway, "a", 30)
    with H2(gateway.tls) as client:
        first = client.subscribe("/events/a", {"last-event-id": ids[0]})
        gap = client.events(first, 11)[0]
        second = client.subscribe("/events/a", {"last-event-id": gap.id})
        assert data_of(client.events(second, 10)) == [str(n) for n in range(20, 30)]


def test_a_client_that_missed_nothing_gets_nothing_twice(gateway):
    ids = publish_many(gateway, "a", 3)
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a", {"last-event-id": ids[-1]})
        client.opened(stream)
        gateway.publish("a", "new")
        assert data_of(client.events(stream, 1)) == ["new"]


@pytest.mark.limit(90)
def test_clients_that_come_and_go_while_events_pass_miss_nothing_and_see_nothing_twice(start):
    gateway = start(server={"workers": 2})
    seen, last, total = [], "earliest", 400
    with gateway.publisher() as publisher:
        publisher.publish("a", "0")
        published = 1
        while len(seen) < total:
            with H2(gateway.tls) as client:
                stream = client.subscribe("/events/a", {"last-event-id": last})
                client.opened(stream)
                for _ in range(min(23, total - published)):
                    publisher.publish("a", str(published))
                    published += 1
                # Leaves at once with whatever it has read, in the middle of the events.
                events = client.events(stream, 1)
                seen += events
                last = events[-1].id
    assert [int(event.data) for event in seen] == list(range(total))


def test_nobody_who_publishes_can_move_the_cursor_of_another_reader(gateway):
    ids = publish_many(gateway, "a", 4)
    with gateway.publisher() as publisher:
        status, text = publisher.form([("topic", "other"), ("data", "x"), ("id", ids[1])])
    assert status == 400 and "the gateway's own" in text
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/a", {"last-event-id": ids[1]})
        assert data_of(client.events(stream, 2)) == ["2", "3"]
