"""Redis out of reach of an instance for long: its streams are left to the others."""

import pytest

from clients import H2
from harness import wait_until
from redis_server import shared

pytestmark = pytest.mark.quick


def is_ready(gateway):
    return gateway.get_admin("/readyz")[0] == 200


def test_streams_end_by_a_retry_and_newcomers_stay(start, redis):
    gateway = start(history=shared(redis.url, away_limit="1s"), drain={"window": "500ms"})
    wait_until(lambda: is_ready(gateway), "it is ready", 20)
    with H2(gateway.tls) as client:
        streams = [client.opened(client.subscribe("/events/a"))[0] for _ in range(3)]
        redis.kill()
        client.pump(lambda: all(stream.ended for stream in streams), "the streams are ended")
        assert all(stream.reset is None and "retry: " in stream.text for stream in streams)
        assert gateway.metric("sluice_streams_cut_off_total") == 3
        newcomer = client.opened(client.subscribe("/events/a"))[0]
        redis.start()
        wait_until(lambda: is_ready(gateway), "Redis is back", 20)
        assert not newcomer.ended


def test_without_a_limit_they_stay_and_wait(start, redis):
    gateway = start(history=shared(redis.url), drain={"window": "500ms"})
    wait_until(lambda: is_ready(gateway), "it is ready", 20)
    with H2(gateway.tls) as client:
        stream = client.opened(client.subscribe("/events/a"))[0]
        redis.kill()
        wait_until(lambda: not is_ready(gateway), "Redis is away", 20)
        redis.start()
        wait_until(lambda: is_ready(gateway), "Redis is back", 20)
        assert not stream.ended
    assert gateway.metric("sluice_streams_cut_off_total") == 0
