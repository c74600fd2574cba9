"""What stands between the gateway and Redis passes little, or answers nonsense."""

import pytest

from clients import H1
from faulty_relay import FaultyRelay
from harness import wait_until
from publishing import authorized
from redis_server import Redis, shared


@pytest.fixture
def way(tmp_path):
    with Redis(tmp_path / "redis") as server, FaultyRelay(server.port, 1) as relay:
        yield relay


def instance(start, way, **history):
    gateway = start(history=shared(f"redis://127.0.0.1:{way.port}", **history))
    wait_until(lambda: gateway.get_admin("/readyz")[0] == 200, "it is ready", 20)
    return gateway


@pytest.mark.parametrize("answer", [b"+OK\r\n", b"*0\r\n", b":1\r\n", b"$-1\r\n",
                                    b"*2\r\n$1\r\na\r\n$1\r\n1\r\n"], ids=repr)
def test_an_answer_that_says_too_little_is_none(start, way, answer):
    gateway = instance(start, way, publish_timeout="500ms")
    way.lie = (b"\r\nappend\r\n", answer)
    with H1(gateway.clear) as client:
        client.request("POST", "/events/a", authorized(content_type="text/plain"), b"x")
        refused = client.answer()
    assert refused.status == 503 and "may have" in refused.text
    way.lie = None
    wait_until(lambda: gateway.get_admin("/readyz")[0] == 200, "it is ready again", 20)
    gateway.publish("a", "y")


def test_a_state_that_is_no_answer_is_no_other_history(start, way):
    gateway = instance(start, way)
    gateway.publish("a", "x")
    way.lie = (b"$5\r\nHMGET\r\n", b"+OK\r\n")
    wait_until(lambda: gateway.get_admin("/readyz")[0] == 503, "it is away", 20)
    way.lie = None
    wait_until(lambda: gateway.get_admin("/readyz")[0] == 200, "it is ready again", 20)
    gateway.publish("a", "y")
    assert gateway.metric("sluice_redis_breaks_total") == 0


@pytest.mark.limit(120)
def test_a_slow_link_is_asked_for_less(start, way):
    """Much waits there, and comes in pieces that pass in time."""
    slow = instance(start, way, answer_timeout="1s")
    other = start(history=shared(f"redis://127.0.0.1:{way.target}"))
    wait_until(lambda: other.get_admin("/readyz")[0] == 200, "it is ready", 20)
    with H1(slow.clear) as client:
        client.subscribe("/events/a")
        other.publish("a", "first")
        assert client.events(1)[0].data == "first"
        way.hold()
        for number in range(150):
            other.publish("a", f"{number} " + 10_000 * "x")
        way.pace = 400_000
        way.go_on()
        events = client.events(151, 60)
        assert [event.data.split(" ")[0] for event in events[1:]] == [str(n) for n in range(150)]
