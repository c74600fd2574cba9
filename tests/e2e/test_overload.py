"""More than the gateway can bear: it sends away whom that hurts least, loses nothing of those who
stay, keeps to its budget of memory, and is as before when the others have left.

SLUICE_RELEASE_BINARY   the program whose memory is measured: a sanitizer needs more for itself
"""

import contextlib
import random
import selectors
import socket
import threading
import time

import pytest

from clients import H1, H2
from harness import binary, wait_until
from settings import PUBLISHER
from sse import SseParser

MIB = 1 << 20
CALM, NO_REPLAY, SHED, PARK, FULL = range(5)
BOUNDS = [0, 85, 92, 95, 98]  # Per cent of the budget: server/memory_budget.h
BUDGET = 40  # MiB, of `short`


def connect(port, source="127.0.0.1", receive_buffer=None):
    plain = socket.socket()
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    plain.bind((source, 0))
    plain.settimeout(10)
    plain.connect(("127.0.0.1", port))
    return plain


def receive(plain, mark):
    text = b""
    while mark not in text and (chunk := plain.recv(65536)):
        text += chunk
    return text


class Readers(threading.Thread):
    """Well-behaved readers of one topic, and its publisher; `pause` is between two events."""

    def __init__(self, gateway, count, pause=0.02, size=10):
        super().__init__(daemon=True)
        self.gateway, self.pause, self.size = gateway, pause, size
        self.parsers = [SseParser() for _ in range(count)]
        self.published = 0
        self.is_over = threading.Event()
        self.fault = None
        self.sockets = [connect(gateway.clear) for _ in range(count)]
        for plain in self.sockets:
            plain.sendall(b"GET /events/good HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"200 OK" in receive(plain, b"\nretry: ")
        self.start()

    def run(self):
        try:
            self._publish_and_read()
        except Exception as fault:  # told by the test, in its own thread
            self.fault = fault

    def _publish_and_read(self):
        with selectors.DefaultSelector() as selector, self.gateway.publisher() as publisher:
            for plain, parser in zip(self.sockets, self.parsers):
                plain.setblocking(False)
                selector.register(plain, selectors.EVENT_READ, (plain, Chunks(parser)))
            last = None
            while last is None or time.monotonic() < last:
                if self.is_over.is_set() and last is None:
                    last = time.monotonic() + 20
                if last is None:
                    publisher.publish("good", f"{self.published} " + "x" * self.size)
                    self.published += 1
                elif all(len(parser.events) == self.published for parser in self.parsers):
                    return
                until = time.monotonic() + self.pause
                while (left := until - time.monotonic()) > 0:
                    for key, _ in selector.select(left):
                        plain, chunks = key.data
                        data = plain.recv(1 << 20)
                        assert data, "a good reader's stream was ended"
                        chunks.feed(data)

    def finish(self):
        """All of them have had everything, once and in order."""
        self.is_over.set()
        self.join(40)
        for plain in self.sockets:
            plain.close()
        if self.fault:
            raise self.fault
        for parser in self.parsers:
            numbers = [int(event.data.split()[0]) for event in parser.events]
            assert numbers == list(range(self.published))


class Chunks:
    """The chunks of an HTTP/1.1 answer whose head was read."""

    def __init__(self, parser):
        self.parser, self.rest = parser, b""

    def feed(self, data):
        self.rest += data
        while b"\r\n" in self.rest:
            size, body = self.rest.split(b"\r\n", 1)
            if size and len(body) < int(size, 16) + 2:
                return
            self.parser.feed(body[:int(size, 16)] if size else b"")
            self.rest = body[int(size, 16) + 2:] if size else body


def frame(kind, flags, stream, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
            + payload)


def half_queries(streams=8, size=64_000):
    """HTTP/2 in clear text: QUERYs whose bodies do not end."""
    def literal(index, text):
        return index + bytes([len(text)]) + text

    # RFC 7541 §6: :scheme http, and names of the static table with values of their own.
    head = (literal(b"\x02", b"QUERY") + b"\x86" + literal(b"\x04", b"/.well-known/mercure")
            + literal(b"\x01", b"localhost")
            + literal(b"\x0f\x10", b"application/x-www-form-urlencoded"))
    words = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
    for stream in range(1, 2 * streams, 2):
        words += frame(1, 4, stream, head)
        words += b"".join(frame(0, 0, stream, b"a" * 16_000) for _ in range(size // 16_000))
    return words


class Attackers(threading.Thread):
    """Hostile clients from 200 addresses: they hold what they can get, and come again when they
    are sent away."""

    HEAD = b"host: localhost\r\n"
    UNREAD = 4
    KINDS = [
        ("tls", b""),
        ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00"),
        ("clear", b"GET /events/good HTTP/1.1\r\n" + HEAD + b"x-more: " + b"a" * 28_000),
        ("clear", half_queries()),
        ("clear", b"GET /events/good HTTP/1.1\r\n" + HEAD + b"last-event-id: earliest\r\n\r\n"),
        ("clear", b"GET /events/good HTTP/1.1\r\n" + HEAD + b"x-more: " + b"b" * 28_000),
    ]

    def __init__(self, gateway, count):
        super().__init__(daemon=True)
        self.ports = {"tls": gateway.tls, "clear": gateway.clear}
        self.count = count
        self.attempts = 0
        self.is_over = threading.Event()
        self.start()

    def run(self):
        with selectors.DefaultSelector() as self.selector:
            vacant = list(range(self.count))
            random.shuffle(vacant)
            next_wave = 0
            while not self.is_over.is_set():
                # Not faster than memory is looked at, of which the budget here is tiny.
                if vacant and time.monotonic() >= next_wave:
                    next_wave = time.monotonic() + 0.02
                    for number in vacant[:20]:
                        self._come(number)
                    del vacant[:20]
                for key, events in self.selector.select(0.02):
                    if not self._go_on(key.fileobj, key.data, events):
                        self.selector.unregister(key.fileobj)
                        key.fileobj.close()
                        vacant.append(key.data["number"])
            for key in list(self.selector.get_map().values()):
                key.fileobj.close()

    def _come(self, number):
        listener, words = self.KINDS[number % len(self.KINDS)]
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        plain.setsockopt(socket.IPPROTO_IP, 24, 1)
        plain.bind((f"127.0.1.{number % 200 + 1}", 0))
        plain.setblocking(False)
        plain.connect_ex(("127.0.0.1", self.ports[listener]))
        self.attempts += 1
        self.selector.register(plain, selectors.EVENT_WRITE, {"number": number, "words": words})

    def _go_on(self, plain, one, events):
        """False: it was sent away. Who reads nothing sees the end alone."""
        try:
            if events & selectors.EVENT_WRITE:
                if one["words"]:
                    one["words"] = one["words"][plain.send(one["words"]):]
                if not one["words"]:
                    # One that is answered with a stream never reads, and so never hears of its end.
                    reads = one["number"] % len(self.KINDS) != self.UNREAD
                    self.selector.modify(plain, selectors.EVENT_READ if reads else 0, one)
                return True
            return bool(plain.recv(65536))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def finish(self):
        self.is_over.set()
        self.join(20)


class Watch(threading.Thread):
    """The most memory that the gateway had, and the highest level that it was at."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway = gateway
        self.peak = 0
        self.level = 0
        self.is_over = threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(0.05):
            self.peak = max(self.peak, self.gateway.rss("RssAnon"))
            self.level = max(self.level, self.gateway.metric("sluice_memory_level"))

    def finish(self):
        self.is_over.set()
        self.join(10)


class Filling:
    """Publishers whose events do not end: they fill memory, and give it back when they leave."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.sockets = []
        self.sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for plain in self.sockets:
            plain.close()

    def add(self, size):
        self.sockets.append(connect(self.gateway.clear))
        self.sockets[-1].sendall(b"POST /events/large HTTP/1.1\r\nhost: localhost\r\n"
                                 b"content-length: 4000000\r\nauthorization: Bearer "
                                 + PUBLISHER.encode() + b"\r\n\r\n" + b"x" * size)
        self.sent += size

    def up_to(self, level):
        """Not beyond it: memory is looked at only now and then, and so after each step."""
        for _ in range(400):
            while self.gateway.rss("RssAnon") * 100 >= BOUNDS[level] * BUDGET * MIB:
                if self.gateway.metric("sluice_memory_level") >= level:
                    return
            self.add(200_000)
            wait_until(self.all_has_come, "what was sent")
        raise AssertionError("it never came to that level")

    def all_has_come(self):
        return self.gateway.metric("sluice_body_room_bytes") >= self.sent


@pytest.mark.limit(240)
def test_under_attack_the_good_ones_lose_nothing_and_memory_keeps_to_its_budget(start):
    budget = 128
    gateway = start(
        binary("SLUICE_RELEASE_BINARY"), server={"workers": 1},
        limits={"exempt": ["127.0.0.1"], "connections": 1600, "connections_per_address": 12,
                "streams": 300, "streams_per_address": 1, "handshakes_per_address": 5,
                "handshake_burst": 10, "memory": f"{budget}MiB", "bodies": "88MiB"},
        history={"max_bytes": "16MiB"},
        # However slow the machine is that they come from, they are all there for some time.
        timeouts={name: "60s" for name in ("headers", "body", "handshake", "first_bytes")})
    with gateway.publisher() as publisher:
        for number in range(40):
            publisher.post("/events/good", f"old {number} " + "x" * 100_000, "text/plain")
    # Of the budget most is in use by those who may: what is left is what the attack is for.
    filling = Filling(gateway)
    for _ in range(21):
        filling.add(3_990_000)
    wait_until(filling.all_has_come, "what fills memory", 40)
    readers = Readers(gateway, 40)
    watch = Watch(gateway)
    attackers = Attackers(gateway, 4800)
    try:
        wait_until(lambda: watch.level >= NO_REPLAY or readers.fault, "memory is short", 80)
        before = readers.published
        wait_until(lambda: readers.published > before + 100 or readers.fault,
                   "good readers go on", 80)
    finally:
        attackers.finish()
        watch.finish()
        filling.close()
        print(f"peak {watch.peak / MIB:.0f} MiB of {budget}, level {watch.level:.0f}, "
              f"{attackers.attempts} attempts, {readers.published} events")
    readers.finish()
    refused = gateway.metrics()
    assert watch.peak <= budget * MIB
    assert refused.get("sluice_connections_put_off_total", reason="address") > 0
    assert refused.get("sluice_refused_total", reason="bodies") > 0
    assert refused.get("sluice_refused_total", reason="address") > 0
    wait_until(lambda: gateway.metric("sluice_memory_level") == CALM, "it is calm again", 30)
    assert gateway.get_admin("/readyz") == (200, "ready\n")
    with connect(gateway.clear, "127.0.2.1") as newcomer:
        newcomer.sendall(b"GET /events/good HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert b"content-length" not in receive(newcomer, b"\nretry: ")


@pytest.fixture
def short(start):
    """A gateway whose memory one publisher can fill."""
    return start(binary("SLUICE_RELEASE_BINARY"), server={"workers": 1},
                 limits={"memory": f"{BUDGET}MiB", "bodies": "100MiB"}, timeouts={"body": "10m"})


@pytest.mark.limit(60)
def test_without_room_nobody_is_accepted_newcomers_are_parked_and_it_recovers_by_itself(short):
    readers = Readers(short, 3)
    with contextlib.ExitStack() as stack:
        with Filling(short) as filling:
            filling.up_to(NO_REPLAY)
            here = stack.enter_context(H1(short.clear))
            here.request("GET", "/")  # Who has been served goes on to be read.
            here.answer()
            asking = stack.enter_context(H2(short.tls))
            asking.answer(asking.request("GET", "/"))
            filling.up_to(FULL)
            here.request("GET", "/events/news")
            parked = here.answer()
            assert parked.status == 200 and "\nretry: " in parked.text
            query = asking.request("QUERY", "/.well-known/mercure", [
                ("content-type", "application/x-www-form-urlencoded")], b"topic=news")
            refused = asking.answer(query)
            assert (refused.status, refused.headers["retry-after"]) == (503, "5")
            assert short.get_admin("/readyz") == (503, "overloaded\n")
            newcomer = stack.enter_context(connect(short.clear))
            newcomer.sendall(b"GET /events/news HTTP/1.1\r\nhost: localhost\r\n\r\n")
            newcomer.settimeout(0.3)
            with pytest.raises(TimeoutError):
                newcomer.recv(1)
        newcomer.settimeout(20)
        assert b"200 OK" in receive(newcomer, b"\r\n\r\n"), "let in when there was room again"
    wait_until(lambda: short.metric("sluice_memory_level") == CALM, "it is calm again", 20)
    assert short.get_admin("/readyz") == (200, "ready\n")
    readers.finish()
    assert short.metric("sluice_refused_total", reason="memory") == 2
    assert short.metric("sluice_memory_bytes") < short.metric("sluice_memory_budget_bytes")
    wait_until(lambda: "are in use (full): no connection is accepted" in short.stderr()
               and "all is as usual again" in short.stderr(), "the log says both")


@pytest.mark.limit(60)
def test_short_of_memory_who_is_far_behind_is_parked_and_live_streams_are_opened(short):
    with short.publisher() as publisher:
        for _ in range(4):
            publisher.post("/events/history", "x" * 500_000, "text/plain")
    with Filling(short) as filling, H1(short.clear) as behind, H1(short.clear) as live:
        filling.up_to(NO_REPLAY)
        behind.request("GET", "/events/history", {"last-event-id": "earliest"})
        parked = behind.answer()
        assert parked.status == 200 and parked.text.count("retry: ") == 2
        live.request("GET", "/events/news")
        assert live.head().status == 200
    assert short.metric("sluice_refused_total", reason="replay") == 1


def test_a_limit_that_the_open_files_do_not_allow_is_told_at_the_start(start):
    gateway = start(limits={"connections": 10_000_000})
    said = gateway.stderr()
    assert "limits.connections is 10000000, but the limit of open files" in said
    assert "LimitNOFILE=" in said
    room = gateway.metric("sluice_connection_limit")
    assert 0 < room < gateway.metric("sluice_descriptor_limit") < 10_000_000
