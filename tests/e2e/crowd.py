"""Many event streams at once: so many HTTP/2 connections, each from an address of its own, with so
many streams each. A thread for every connection notes what comes, and how each stream ends."""

import struct
import threading

from harness import wait_until
from wire import DATA, END_STREAM, HEADERS, RST_STREAM, Wire


class Member(threading.Thread):
    """One connection and its streams."""

    def __init__(self, port, source, paths):
        super().__init__(daemon=True)
        self.wire = Wire(port, source=source)
        self.bodies = {self.wire.get(path): bytearray() for path in paths}
        self.statuses = {}
        self.endings = []       # (stream, how)
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            try:
                frame = self.wire.read(0.1, "a frame")
            except TimeoutError:
                continue
            if frame is None:
                self.endings += [(stream, "the connection ended") for stream in self.bodies]
                return
            self.take(*frame)

    def take(self, kind, flags, stream, payload):
        if kind == HEADERS:
            fields = dict(self.wire.decoder.decode(payload))
            self.statuses[stream] = int(fields[":status"])
        if stream not in self.bodies:
            return
        if kind == DATA:
            self.bodies[stream] += payload
        if kind == RST_STREAM:
            self.endings.append((stream, f"reset, {struct.unpack('>I', payload)[0]}"))
        elif kind in (DATA, HEADERS) and flags & END_STREAM:
            self.endings.append((stream, "ended"))


class Crowd:
    """Use it as a context: leaving ends it."""

    def __init__(self, port, sources, streams, path):
        self.members = [Member(port, source, [path] * streams) for source in sources]
        self.size = len(sources) * streams

    def __enter__(self):
        for member in self.members:
            member.start()
        return self

    def __exit__(self, *_):
        for member in self.members:
            member.is_over.set()
        for member in self.members:
            member.join(10)
            member.wire.socket.close()

    @property
    def endings(self):
        return [ending for member in self.members for ending in member.endings]

    def count(self, text):
        """Streams on which that has come."""
        return sum(text in body for member in self.members for body in list(member.bodies.values()))

    def wait_for(self, text, what, seconds=20.0):
        """Until it has come on every stream."""
        wait_until(lambda: self.endings or self.count(text) == self.size, what, seconds)
        assert self.endings == [], f"{len(self.endings)} of {self.size} before: {what}"

    def heartbeats(self):
        """The fewest that any stream has got; the comment that each begins with is none."""
        return min(body.split(b"\n").count(b":") - 1 for member in self.members
                   for body in list(member.bodies.values()))
