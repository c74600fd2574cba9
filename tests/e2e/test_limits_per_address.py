"""What one client's address may hold: connections, TLS handshakes, event streams. Clients come from
loopback addresses of their own; by default those would be exempt."""

import contextlib
import socket
import ssl
import time

import pytest

from application import Application
from clients import H1
from harness import tls_context, wait_until

HERE, THERE = "127.0.1.1", "127.0.1.2"


def limits(**values):
    return {"exempt": [], "handshakes_per_address": 0, **values}


def connect(port, source=HERE, timeout=10):
    return socket.create_connection(("127.0.0.1", port), timeout, (source, 0))


def shake_hands(plain):
    return tls_context(("http/1.1",)).wrap_socket(plain, server_hostname="localhost")


def ask(to, path="/events/news", **fields):
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    to.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{head}\r\n".encode())


def receive(connection, mark=b"\r\n\r\n"):
    """Until `mark` has come, or the end."""
    text = b""
    while mark not in text and (chunk := connection.recv(65536)):
        text += chunk
    return text


def is_quiet(plain, seconds=0.3):
    """Nothing comes, and it does not end."""
    plain.settimeout(seconds)
    try:
        return plain.recv(1, socket.MSG_PEEK) == b"?"
    except TimeoutError:
        return True
    finally:
        plain.settimeout(10)


@pytest.mark.quick
def test_a_connection_too_many_waits_until_another_of_its_address_ends(start):
    gateway = start(limits=limits(connections_per_address=2))
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(shake_hands(connect(gateway.tls))) for _ in "12")
        for connection in (first, second):
            ask(connection)
            assert b"200 OK" in receive(connection)
        third = stack.enter_context(connect(gateway.clear))
        ask(third)
        assert is_quiet(third)
        assert gateway.metric("sluice_connections_waiting") == 1
        assert gateway.metric("sluice_connections_put_off_total", reason="address") == 1
        with shake_hands(connect(gateway.tls, THERE)) as another:
            ask(another)
            assert b"200 OK" in receive(another)
        first.close()
        assert b"200 OK" in receive(third)
        assert gateway.metric("sluice_connections_waiting") == 0
    wait_until(lambda: gateway.metric("sluice_addresses") == 0, "nobody is remembered")
    assert f"{HERE} has too many connections" in gateway.stderr()


@pytest.mark.quick
def test_who_waits_too_long_or_for_whom_others_need_the_room_is_closed_without_a_reset(start):
    # An eighth of the connections may wait: two.
    gateway = start(limits=limits(connections_per_address=1, connections=16),
                    timeouts={"waiting": "2s"}, server={"workers": 1})
    with contextlib.ExitStack() as stack:
        stack.enter_context(connect(gateway.clear))
        wait_until(lambda: gateway.metric("sluice_connections") == 1, "the first is there")
        waiting = []
        for count in range(1, 4):
            waiting.append(stack.enter_context(connect(gateway.tls)))
            waiting[-1].sendall(b"\x16\x03\x01 a ClientHello that nobody reads")
            wait_until(lambda n=count: gateway.metric("sluice_connections_put_off_total",
                                                      reason="address") == n, "it waits")
        oldest, second, third = waiting
        assert receive(oldest) == b""  # A FIN; a reset would raise.
        assert gateway.metric("sluice_connections_closed_total", reason="waiting_room") == 1
        begin = time.monotonic()
        assert receive(second) == receive(third) == b""
        assert time.monotonic() - begin < 6
        assert gateway.metric("sluice_connections_closed_total", reason="waiting_timeout") == 2


@pytest.mark.quick
def test_handshakes_too_many_wait_for_their_turn(start):
    gateway = start(limits=limits(handshakes_per_address=2, handshake_burst=3))
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connect(gateway.tls)) for _ in range(8)]
        for plain in opened:
            stack.enter_context(shake_hands(plain))
        assert time.monotonic() - begin >= 2.4, "five of them had to wait for half a second each"
        assert gateway.metric("sluice_connections_put_off_total", reason="handshakes") >= 3
        # A client's is over before the gateway has had its last word (RFC 8446 §4.4.4).
        wait_until(lambda: gateway.metric("sluice_tls_handshakes_total", result="full") == 8,
                   "all eight have shaken hands")
        # In clear text there are none.
        with connect(gateway.clear) as clear:
            ask(clear)
            assert b"200 OK" in receive(clear)


@pytest.mark.quick
def test_a_stream_too_many_is_parked(start):
    gateway = start(limits=limits(streams_per_address=2))
    with contextlib.ExitStack() as stack:
        for _ in "12":
            stream = stack.enter_context(connect(gateway.clear))
            ask(stream)
            assert b"200 OK" in receive(stream)
        third = stack.enter_context(connect(gateway.clear))
        ask(third, connection="close")
        answer = receive(third, b"never")
        assert b"200 OK" in answer and b"\nretry: " in answer, answer
        assert gateway.metric("sluice_refused_total", reason="address") == 1
        other = stack.enter_context(connect(gateway.clear, THERE))
        ask(other)
        assert b"200 OK" in receive(other)


@pytest.mark.quick
def test_behind_a_trusted_proxy_streams_count_for_whom_it_names_and_its_connections_for_nobody(start):
    gateway = start(server={"trusted_proxies": [HERE]},
                    limits=limits(streams_per_address=1, connections_per_address=1))
    client, other = "198.51.100.7", "2001:db8::7"
    with contextlib.ExitStack() as stack:
        def open_stream(name):
            stream = stack.enter_context(connect(gateway.clear))
            ask(stream, x_forwarded_for=name, connection="close")
            return receive(stream, b"\nretry: ")

        assert b"content-length" not in open_stream(client)
        assert b"content-length" in open_stream(client)  # Parked: a finite answer.
        assert b"content-length" not in open_stream(other)
        assert b"content-length" in open_stream("2001:db8::8")  # Of the same /64.
        # Others cannot say who they are.
        spoofing = stack.enter_context(connect(gateway.clear, THERE))
        ask(spoofing, x_forwarded_for="198.51.100.8")
        assert b"content-length" not in receive(spoofing, b"\nretry: ")
        assert gateway.metric("sluice_refused_total", reason="address") == 2
        assert gateway.metric("sluice_connections_waiting") == 0


@pytest.mark.quick
def test_behind_a_proxy_protocol_connections_count_for_whom_it_names(start):
    gateway = start(server={"trusted_proxies": [HERE]}, limits=limits(connections_per_address=1),
                    listen=[{"address": "127.0.0.1:0", "proxy_protocol": True, "tls": False}])
    with contextlib.ExitStack() as stack:
        def come(name):
            caller = stack.enter_context(connect(gateway.clear))
            caller.sendall(f"PROXY TCP4 {name} 127.0.0.1 1 2\r\n".encode())
            ask(caller)
            return caller

        assert b"200 OK" in receive(come("198.51.100.7"))
        assert is_quiet(come("198.51.100.7"))
        assert b"200 OK" in receive(come("198.51.100.8"))


@pytest.mark.quick
def test_routes_park_who_comes_back_by_itself_and_tell_others(start):
    with Application() as app:
        @app.at("/*")
        async def events(exchange):
            await exchange.events()
            await exchange.send(b":\n\n")
            await exchange.gone.wait()

        gateway = start(limits=limits(streams_per_address=1),
                        route=[{"path": "/app/*", "upstream": app.url}])
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(connect(gateway.clear))
            ask(first, "/app/a", accept="text/event-stream")
            assert b"200 OK" in receive(first)
            second = stack.enter_context(connect(gateway.clear))
            ask(second, "/app/a", accept="text/event-stream", connection="close")
            assert b"\nretry: " in receive(second, b"never")
            third = stack.enter_context(connect(gateway.clear))
            third.sendall(b"POST /app/a HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n"
                          b"accept: text/event-stream\r\nconnection: close\r\n\r\n")
            answer = receive(third, b"never")
            assert b" 503 " in answer and b"retry-after: 5" in answer, answer
            assert gateway.metric("sluice_refused_total", reason="address") == 2


@pytest.mark.quick
def test_this_machine_is_exempt_unless_somebody_says_otherwise(start):
    gateway = start(limits={"connections_per_address": 1, "streams_per_address": 1,
                            "handshakes_per_address": 1, "handshake_burst": 1})
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stream = stack.enter_context(H1(gateway.tls, tls=True))
            stream.request("GET", "/events/news")
            assert stream.head().status == 200
        assert gateway.metric("sluice_streams") == 4


def test_what_is_no_network_is_told_with_its_place(start):
    with pytest.raises(AssertionError) as ended:
        start(limits={"exempt": ["10.0.0.0/33"]})
    assert 'limits.exempt: "10.0.0.0/33" is no network' in str(ended.value)


def test_the_handshake_of_who_waits_is_served_when_its_turn_comes(start):
    """A browser sends its ClientHello at once, and waits for the answer for as long as it takes."""
    gateway = start(limits=limits(connections_per_address=1))
    first = connect(gateway.clear)
    wait_until(lambda: gateway.metric("sluice_connections") == 1, "the first is there")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = connect(gateway.tls)
    wait_until(lambda: gateway.metric("sluice_connections_waiting") == 1, "the second waits")
    first.close()
    with context.wrap_socket(plain) as secure:
        ask(secure)
        assert b"200 OK" in receive(secure)
