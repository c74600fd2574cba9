"""Many readers that come back, and publishers that keep a rate, against several instances that
share a history; in one thread. What becomes of it all is written into a Ledger.

    with Throng(doors, topics, readers=100, seed=seed) as throng:
        throng.wait_until_all_are_open()
        throng.begin_to_publish(instances, rate=300, publishers=3)
        ...
        throng.stop_publishing()
        throng.wait_until_all_have_everything()
        throng.ledger.assert_all_is_kept()

`doors` and `instances` are ports. A reader comes back through any door, and names the last event
that it has read whole; a connection that breaks is no fault, an answer other than an event stream
is. It asks by HTTP/1.0, so that the body is the stream itself.
A publisher asks again, at any instance, under the same idempotency key, until it knows that its
event is kept; but for every `gives_up`th event it does not, and what it was told has to be true.
"""

import asyncio
import random
import threading
import time

from framing import Framing
from harness import wait_until
from ledger import Ledger
from settings import PUBLISHER

CHUNK = 65536
AT_ONCE = 50       # attempts to connect, at the beginning
COME_BACK = 0.3    # seconds: at most so long is a reader away
PATIENCE = 40      # seconds, for the answer to an event


class Reader(asyncio.Protocol):
    """A reader of some topics, over one connection after the other."""

    def __init__(self, throng, topics):
        self.throng = throng
        self.record = throng.ledger.reader(topics)
        self.path = "/.well-known/mercure?" + "&".join(f"topic={topic}" for topic in topics)
        self.last_id = "earliest"
        self.connections = 0
        self.transport = None
        self._forget()

    def _forget(self):
        self.is_open, self.instance, self.rest = False, None, b""

    async def connect(self):
        self._forget()
        try:
            await self.throng.loop.create_connection(
                lambda: self, "127.0.0.1", self.throng.chance.choice(self.throng.doors))
        except OSError:
            self._come_back()

    def connection_made(self, transport):
        self.transport = transport
        self.connections += 1
        transport.write(f"GET {self.path} HTTP/1.0\r\nhost: localhost\r\n"
                        f"last-event-id: {self.last_id}\r\n\r\n".encode())

    def data_received(self, data):
        *blocks, self.rest = (self.rest + data).split(b"\n\n")
        if not self.is_open:
            head, end, rest = b"\n\n".join([*blocks, self.rest]).partition(b"\r\n\r\n")
            if not end:
                self.rest = head
                return
            self._take_head(head)
            *blocks, self.rest = rest.split(b"\n\n")
        for block in blocks:
            self._take(block)

    def _take_head(self, head):
        self.is_open = True
        if b"\r\nx-instance: " in head:
            self.instance = head.partition(b"\r\nx-instance: ")[2].split(b"\r")[0].decode()
        if b" 200 " not in head.split(b"\r\n")[0] or b"text/event-stream" not in head:
            self.throng.faults.append(f"a reader was answered {head!r}")

    def _take(self, block):
        fields = {}
        for line in block.decode().split("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "data" not in fields:
            return
        self.last_id = fields["id"]
        if fields.get("event") == "gap":
            self.throng.ledger.receive_gap(self.record, self.last_id, fields["data"])
        else:
            self.throng.ledger.receive(self.record, int(fields["data"]), self.last_id)

    def connection_lost(self, _):
        self.is_open = False
        self._come_back()

    def _come_back(self):
        delay = self.throng.chance.uniform(0.05, COME_BACK)
        self.throng.loop.call_later(delay, self.throng.spawn, self.connect)


class Lane:
    """One of a publisher's: one request at a time, at any instance."""

    def __init__(self, throng):
        self.throng = throng
        self.connections = {}

    async def run(self, interval):
        chance, due = self.throng.chance, time.monotonic()
        while not self.throng.has_published:
            await self.publish(chance.choice(self.throng.topics), self.throng.gives_up)
            due = max(due + interval, time.monotonic() - 1)  # What it is late it catches up with.
            await asyncio.sleep(due - time.monotonic())
        self.leave()

    async def publish(self, topic, gives_up=None):
        """Until it is known to be kept, or given up; returns its number."""
        ledger, chance = self.throng.ledger, self.throng.chance
        number = ledger.begin(topic)
        while True:
            status, text = await asyncio.wait_for(self._ask(topic, number), PATIENCE)
            if status == 200:
                ledger.acknowledge(number, text)
                return number
            if not text.startswith("nothing was kept"):
                ledger.attempt_is_lost(number)
            if gives_up and number % gives_up == 0:
                ledger.give_up(number)
                return number
            self.throng.repeated += 1
            await asyncio.sleep(chance.uniform(0.02, 0.2))

    async def _ask(self, topic, number):
        """Status and text; status 0: there was no answer."""
        port = self.throng.chance.choice(self.throng.instances)
        try:
            if port not in self.connections:
                self.connections[port] = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return 0, "nothing was kept: nobody is there"
        reader, writer = self.connections[port]
        body = str(number)
        writer.write(f"POST /events/{topic} HTTP/1.1\r\nhost: localhost\r\n"
                     f"authorization: Bearer {PUBLISHER}\r\nidempotency-key: {number}\r\n"
                     f"content-length: {len(body)}\r\n\r\n{body}".encode())
        answer, text = Framing(), b""
        try:
            while not answer.is_over:
                piece = await reader.read(CHUNK)
                if not piece:
                    raise ConnectionError
                text += answer.feed(piece)
        except ConnectionError:
            self.connections.pop(port)[1].close()
            return 0, ""
        if answer.headers.get("connection") == "close":
            self.connections.pop(port)[1].close()
        if answer.status != 200 and (answer.status != 503 or "retry-after" not in answer.headers):
            self.throng.faults.append(f"a publisher was answered {answer.status} {text!r}")
        return answer.status, text.decode()

    def leave(self):
        for _, writer in self.connections.values():
            writer.close()


class Throng:
    """Use it as a context: leaving ends it."""

    def __init__(self, doors, topics, readers, seed, topics_each=2, gives_up=None):
        self.doors, self.topics, self.gives_up = doors, topics, gives_up
        self.instances = doors   # of publishers
        self.last = {}           # of each topic, when all is published
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.faults = self.ledger.faults
        self.repeated = 0        # requests, beyond the first for an event
        self.has_published = False
        self.is_leaving = False
        self.loop = asyncio.new_event_loop()
        self.readers = [Reader(self, [topics[(n + k) % len(topics)] for k in range(topics_each)])
                        for n in range(readers)]
        self._tasks = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._begin(self._connect_all())
        return self

    def __exit__(self, *_):
        self.is_leaving = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        for reader in self.readers:
            if reader.transport:
                reader.transport.abort()
        for task in (tasks := asyncio.all_tasks(self.loop)):
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def _begin(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def spawn(self, make):
        if self.is_leaving:
            return
        task = self.loop.create_task(make())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect_all(self):
        some = asyncio.Semaphore(AT_ONCE)

        async def connect(reader):
            async with some:
                await reader.connect()

        await asyncio.gather(*(connect(reader) for reader in self.readers))

    # -- for the test, from its thread

    def wait_until(self, predicate, what, seconds=60):
        wait_until(lambda: self.faults or predicate(), what, seconds)
        assert not self.faults, f"{len(self.faults)} before {what}: {self.faults[:5]}"

    def wait_until_all_are_open(self, seconds=60):
        self.wait_until(lambda: all(reader.is_open for reader in self.readers),
                        "every stream is open", seconds)

    def cut_off(self, instance):
        """Who reads there, as the balancer has said in a header, comes back."""
        async def cut():
            for reader in self.readers:
                if reader.is_open and reader.instance == instance:
                    reader.transport.abort()

        self._begin(cut()).result(10)

    def begin_to_publish(self, instances, rate, publishers, lanes=8):
        """`rate` events a second of all publishers, who have `lanes` requests at once, each."""
        self.instances = instances
        count = publishers * lanes

        async def run():
            await asyncio.gather(*(Lane(self).run(count / rate) for _ in range(count)))

        self._publishing = self._begin(run())

    def published(self):
        return len(self.ledger.entries)

    def stop_publishing(self, seconds=60):
        """All have their answers, and each topic has had its last event."""
        self.has_published = True
        self._publishing.result(seconds)

        async def last_words(topics):
            lane = Lane(self)
            for topic in topics:
                self.last[topic] = await lane.publish(topic)
            lane.leave()

        parts = [self._begin(last_words(self.topics[n::8])) for n in range(8)]
        for part in parts:
            part.result(seconds)

    def has_everything(self, reader):
        return all(self.last[topic] in reader.record.numbers for topic in reader.record.topics)

    def wait_until_all_have_everything(self, seconds=60):
        self.wait_until(lambda: all(map(self.has_everything, self.readers)),
                        "every event is everywhere", seconds)
