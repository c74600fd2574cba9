"""Many connections: how they are spread over the workers, and what they leave behind.

SLUICE_RELEASE_BINARY   the program whose memory is measured: a sanitizer keeps what was freed
"""

import contextlib
import resource
import socket
import ssl

import pytest

from harness import binary, wait_until

MANY = 3000
MIB = 1 << 20


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def believing():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def subscribe(gateway, context):
    """A TLS connection of its own with an event stream."""
    plain = socket.create_connection(("127.0.0.1", gateway.tls), timeout=20)
    secure = context.wrap_socket(plain)
    secure.sendall(b"GET /events/news HTTP/1.1\r\nhost: localhost\r\n\r\n")
    return secure


def of_each_worker(gateway):
    return [gateway.metric("sluice_worker_connections", worker=str(n)) for n in range(2)]


@pytest.mark.quick
def test_connections_go_to_the_worker_with_the_fewest(start):
    gateway = start(server={"workers": 2})
    context = believing()
    with contextlib.ExitStack() as open_sockets:
        for count in range(1, 21):
            open_sockets.enter_context(subscribe(gateway, context))
            wait_until(lambda n=count: sum(of_each_worker(gateway)) == n, f"{count} are open")
            fewer, more = sorted(of_each_worker(gateway))
            assert more - fewer <= 1, f"{count} connections: {fewer} and {more}"
    wait_until(lambda: sum(of_each_worker(gateway)) == 0, "all are closed")


@pytest.mark.limit(180)
def test_memory_goes_back_when_all_have_left(start):
    gateway = start(binary("SLUICE_RELEASE_BINARY"))
    context = believing()
    with subscribe(gateway, context):
        wait_until(lambda: gateway.metric("sluice_streams") == 1, "the first stream")
    wait_until(lambda: gateway.metric("sluice_connections") == 0, "it has left")
    before = gateway.rss()
    with contextlib.ExitStack() as open_sockets:
        for _ in range(MANY):
            open_sockets.enter_context(subscribe(gateway, context))
        wait_until(lambda: gateway.metric("sluice_streams") == MANY, "all streams", 30)
        assert gateway.rss() > before + 20 * MIB, "too few to measure anything"
    wait_until(lambda: gateway.rss() < before + 10 * MIB, "the memory is given back", 15)
