"""Thousands of SSE clients and some publishers, in one thread: they come over HTTP/1.1, come back
as a browser would, and hold whoever serves them to what it promises.

    with Swarm(port, topics=["a", "b"], clients=2000) as swarm:
        swarm.wait_until_all_are_open()
        swarm.begin_to_publish(interval=0.5)
        ...
        swarm.stop_publishing()
        swarm.wait_until_all_have_everything()
        assert swarm.faults == []

A client reads one topic. Its events are numbered by their publisher, so that a client knows which one
comes next: another one, a `gap`, an attempt to connect that fails, an answer other than an event
stream, a stream that ends without its last chunk, or in the midst of an event, is a fault. A publisher
asks again until it has its answer, with the same idempotency key.
"""

import asyncio
import threading
import time
from dataclasses import dataclass

from framing import Framing, Unframed
from harness import wait_until
from settings import PUBLISHER
from sse import SseParser

FLOOR = 0.5        # seconds: no browser comes back sooner (Firefox; Chromium has no floor)
AT_ONCE = 100      # attempts to connect, at the beginning
PATIENCE = 20      # seconds, for the answer to an event


class Client(asyncio.Protocol):
    """A reader of one topic, over one connection after the other."""

    def __init__(self, swarm, topic):
        self.swarm, self.topic = swarm, topic
        self.next = 0          # the number of the event that is due
        self.last_id = ""
        self.retry = 3.0       # seconds, as Chromium's
        self.is_open = False
        self.transport = None
        self.is_gone = False   # for ever
        self._forget()

    def _forget(self):
        self.answer, self.parser, self.seen, self.is_open = Framing(), SseParser(), 0, False

    async def connect(self):
        self._forget()
        self.swarm.attempts.append(time.monotonic())
        try:
            await self.swarm.loop.create_connection(lambda: self, "127.0.0.1", self.swarm.port)
        except OSError as error:
            self.fail(f"an attempt to connect failed: {error!r}")

    def connection_made(self, transport):
        self.transport = transport
        last_id = f"last-event-id: {self.last_id}\r\n" if self.last_id else ""
        transport.write(f"GET /events/{self.topic} HTTP/1.1\r\nhost: localhost\r\n"
                        f"accept: text/event-stream\r\n{last_id}\r\n".encode())

    def data_received(self, data):
        if self.is_gone or self.answer.is_over:
            return
        try:
            body = self.answer.feed(data)
        except (Unframed, ValueError) as error:
            return self.fail(repr(error))
        if self.answer.status is None:
            return
        if self.answer.status != 200 or self.answer.headers["content-type"] != "text/event-stream":
            return self.fail(f"answered {self.answer.status} {self.answer.headers}")
        self.parser.feed(body)
        self.is_open = self.parser.retry is not None and not self.answer.is_over
        for event in self.parser.events[self.seen:]:
            self.take(event)
        self.seen = len(self.parser.events)
        if self.answer.is_over:
            self.come_back()

    def take(self, event):
        if event.type != "message":
            return self.fail(f"{event} instead of event {self.next}")
        if event.data != str(self.next):
            return self.fail(f"event {event.data} instead of event {self.next}")
        self.next += 1
        self.last_id = event.id

    def come_back(self):
        if not self.parser.ended_at_boundary:
            return self.fail("the stream ended in the midst of an event")
        self.retry = (self.parser.retry or self.retry * 1000) / 1000
        self.swarm.parked += "content-length" in self.answer.headers
        self.transport.close()
        self.swarm.loop.call_later(max(self.retry, FLOOR), self.swarm.spawn, self.connect)

    def connection_lost(self, error):
        self.is_open = False
        if not self.answer.is_over and not self.is_gone and not self.swarm.is_leaving:
            self.fail(f"the connection ended at {self.answer.status}, event {self.next}: {error!r}")

    def fail(self, what):
        self.is_gone, self.is_open = True, False
        self.swarm.faults.append(f"a client of {self.topic}: {what}")
        if self.transport:
            self.transport.abort()


@dataclass
class Connection:
    """A publisher's, kept alive."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_new: bool = True


class Publisher:
    def __init__(self, swarm, topic):
        self.swarm, self.topic = swarm, topic
        self.count = 0         # events that were answered with 200
        self.connection = None

    async def run(self, interval):
        while not self.swarm.has_published.is_set():
            try:
                await asyncio.wait_for(self.publish(str(self.count)), PATIENCE)
            except (TimeoutError, asyncio.TimeoutError, AssertionError, OSError, EOFError) as error:
                self.swarm.faults.append(f"a publisher of {self.topic}: {error!r}")
                return
            self.count += 1
            await asyncio.sleep(interval)
        if self.connection:
            self.connection.writer.close()

    async def publish(self, data):
        """Until it is known to be kept."""
        while (answer := await self.ask(data)) is None or answer.status != 200:
            if answer is None:
                self.swarm.unanswered += 1
                continue
            assert answer.status == 503 and "retry-after" in answer.headers, vars(answer)
            self.swarm.deferred += 1
            await asyncio.sleep(int(answer.headers["retry-after"]))

    async def ask(self, data):
        """None: nothing came back, of which the balancer is allowed as much on a connection that it
        had kept for us (RFC 9112 §9.3.1)."""
        if self.connection is None:
            self.connection = Connection(
                *await asyncio.open_connection("127.0.0.1", self.swarm.port))
        connection = self.connection
        connection.writer.write(
            f"POST /events/{self.topic} HTTP/1.1\r\nhost: localhost\r\n"
            f"authorization: Bearer {PUBLISHER}\r\nidempotency-key: {self.topic}-{data}\r\n"
            f"content-length: {len(data)}\r\n\r\n{data}".encode())
        answer = Framing()
        while not answer.is_over:
            try:
                piece = await connection.reader.read(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                assert not connection.is_new and answer.status is None, "no answer"
                self.connection = None
                return None
            answer.feed(piece)
        connection.is_new = False
        if answer.headers.get("connection") == "close":
            connection.writer.close()
            self.connection = None
        return answer


class Swarm:
    """Use it as a context: leaving ends it."""

    def __init__(self, port, topics, clients):
        self.port = port
        self.loop = asyncio.new_event_loop()
        self.clients = [Client(self, topics[n % len(topics)]) for n in range(clients)]
        self.publishers = [Publisher(self, topic) for topic in topics]
        self.attempts = []     # when each of them was made
        self.faults = []
        self.parked = 0        # answers that were a `retry` and nothing else
        self.deferred = 0      # events that were to be published later
        self.unanswered = 0
        self.is_leaving = False
        self.has_published = threading.Event()
        self._tasks = set()
        self._publishing = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._connect_all(), self.loop)
        return self

    def __exit__(self, *_):
        self.is_leaving = True
        self.has_published.set()
        self.loop.call_soon_threadsafe(self._leave)
        self._thread.join(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        for task in (tasks := asyncio.all_tasks(self.loop)):
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def _leave(self):
        for client in self.clients:
            if client.transport:
                client.transport.abort()
        self.loop.call_soon(self.loop.stop)

    def spawn(self, make):
        if self.is_leaving:
            return
        task = self.loop.create_task(make())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect_all(self):
        some = asyncio.Semaphore(AT_ONCE)

        async def connect(client):
            async with some:
                await client.connect()

        for client in self.clients:
            self.spawn(lambda client=client: connect(client))

    # -- for the test, from its thread

    def wait_until(self, predicate, what, seconds=60):
        wait_until(lambda: self.faults or predicate(), what, seconds)
        assert not self.faults, f"{len(self.faults)} before {what}: {self.faults[:5]}"

    def all_are_open(self):
        return all(client.is_open for client in self.clients)

    def wait_until_all_are_open(self, seconds=60):
        self.wait_until(self.all_are_open, "every stream is open", seconds)

    def begin_to_publish(self, interval):
        """Each topic gets an event every `interval` seconds; everybody has had one."""
        async def begin():
            return await asyncio.gather(*(one.run(interval) for one in self.publishers))

        self._publishing = asyncio.run_coroutine_threadsafe(begin(), self.loop)
        # Who has had none does not know where to go on.
        self.wait_until(lambda: all(client.next for client in self.clients), "a first event")

    def stop_publishing(self):
        self.has_published.set()
        self._publishing.result(PATIENCE + 10)

    def published(self):
        return {one.topic: one.count for one in self.publishers}

    def wait_until_all_have_everything(self, seconds=60):
        counts = self.published()
        self.wait_until(lambda: all(one.next >= counts[one.topic] for one in self.clients),
                        "every event is everywhere", seconds)
