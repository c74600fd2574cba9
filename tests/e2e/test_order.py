"""Many publishers, several workers: every subscriber sees the same events in the same order."""

import concurrent.futures

import pytest

from clients import H1, H2

PUBLISHERS, EACH = 6, 150
TOTAL = PUBLISHERS * EACH


@pytest.mark.quick
@pytest.mark.limit(120)
def test_all_subscribers_of_all_workers_see_one_order_without_gaps_or_repeats(start):
    gateway = start(server={"workers": 2})
    over_h2 = [H2(gateway.tls) for _ in range(8)]
    over_h1 = [H1(gateway.clear) for _ in range(4)]
    streams = []
    for client in over_h2:
        numbers = [client.subscribe("/.well-known/mercure?topic=*") for _ in range(3)]
        client.opened(*numbers)
        streams.append((client, numbers))
    for client in over_h1:
        client.subscribe("/.well-known/mercure?topic=*")

    with concurrent.futures.ThreadPoolExecutor(PUBLISHERS + len(over_h2) + len(over_h1)) as pool:
        read = [pool.submit(lambda c=client: c.events(TOTAL, 60)) for client in over_h1]
        read += [pool.submit(read_all, client, numbers) for client, numbers in streams]
        answered = [pool.submit(publish, gateway, name) for name in range(PUBLISHERS)]
        ids = {id for future in answered for id in future.result()}
        orders = [orders_of(future.result()) for future in read]

    orders = [order for several in orders for order in several]
    assert len(orders) == 28
    first = orders[0]
    assert len(first) == TOTAL
    assert {id for id, _ in first} == ids, "what was acknowledged is what was delivered"
    positions = [int(id.split("-")[1]) for id, _ in first]
    assert positions == list(range(positions[0], positions[0] + TOTAL)), "no gap, no repeat"
    assert all(order == first for order in orders)
    for name in range(PUBLISHERS):
        own = [data for _, data in first if data.startswith(f"{name}:")]
        assert own == [f"{name}:{n}" for n in range(EACH)], "a publisher's own order is kept"
    for client in over_h1 + over_h2:
        client.socket.close()


def publish(gateway, name):
    with gateway.publisher() as publisher:
        return [publisher.publish(f"topic/{n % 3}", f"{name}:{n}") for n in range(EACH)]


def read_all(client, numbers):
    for number in numbers:
        client.events(number, TOTAL, 60)
    return [client.streams[number].events for number in numbers]


def orders_of(result):
    several = result if isinstance(result[0], list) else [result]
    return [[(event.id, event.data) for event in events] for events in several]
