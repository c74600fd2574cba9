"""HTTP/2 frames by hand: whatever bytes a test wants, in whatever order. It keeps no state that
could forbid anything, and reads fast enough to be a hundred readers at once."""

import struct

import hpack

from clients import connect
from harness import Deadline

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 6, 7, 8, 9
ENHANCE_YOUR_CALM = 11
INITIAL_WINDOW_SIZE = 4
LARGEST_WINDOW = 2**31 - 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def header_block(fields):
    """HPACK without the dynamic table, so that blocks may be sent in any order, or never."""
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    return encoder.encode([hpack.NeverIndexedHeaderTuple(name, value) for name, value in fields],
                          huffman=False)


def request_block(method="GET", path="/events/wire", extra=(), authority="localhost"):
    return header_block([(":method", method), (":scheme", "https"), (":authority", authority),
                         (":path", path), *extra])


def settings(**values):
    names = {"header_table_size": 1, "enable_push": 2, "initial_window_size": 4}
    return frame(SETTINGS, 0, 0, b"".join(
        struct.pack(">HI", names[name], value) for name, value in values.items()))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


class Wire:
    """One connection. `read()` yields (kind, flags, stream, payload)."""

    def __init__(self, port, tls=True, initial_window=None, start=True, receive_buffer=None,
                 source=None):
        self.socket = connect(port, tls, receive_buffer=receive_buffer, source=source)
        self.decoder = hpack.Decoder()
        self.buffer, self.at = b"", 0
        self.next_stream = 1
        self.goaway = None
        self.eof = False
        if start:
            values = {} if initial_window is None else {"initial_window_size": initial_window}
            self.send(PREFACE + settings(enable_push=0, **values)
                      + window_update(0, LARGEST_WINDOW - 65535))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """True when the gateway took it; false when the connection is gone."""
        try:
            self.socket.sendall(data)
            return True
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            return False

    def new_stream(self):
        self.next_stream += 2
        return self.next_stream - 2

    def get(self, path, extra=()):
        stream = self.new_stream()
        block = request_block("GET", path, [("accept", "text/event-stream"), *extra])
        self.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block))
        return stream

    def read(self, seconds, what):
        """The next frame; None at the connection's end. Notes GOAWAY; answers SETTINGS and
        PING as an honest client does."""
        deadline = None
        while (size := self._size_of_next()) is None:
            deadline = deadline or Deadline(seconds, what)
            if not self._receive(deadline):
                return None
        start, self.at = self.at, self.at + size
        head, flags, stream = struct.unpack_from(">IBI", self.buffer, start)
        kind, stream = head & 0xFF, stream & LARGEST_WINDOW
        payload = self.buffer[start + 9:self.at]
        if kind == GOAWAY:
            self.goaway = struct.unpack(">I", payload[4:8])[0]
        elif kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        return kind, flags, stream, payload

    def _size_of_next(self):
        """Bytes of the next frame with its head; None when it is not here as a whole."""
        there = len(self.buffer) - self.at
        if there < 9:
            return None
        size = 9 + (struct.unpack_from(">I", self.buffer, self.at)[0] >> 8)
        return size if there >= size else None

    def _receive(self, deadline):
        self.socket.settimeout(deadline.left())
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            deadline.left()
            raise TimeoutError(f"not within {deadline.seconds} s: {deadline.what}") from None
        except OSError:  # reset, or cut inside a TLS record
            data = b""
        self.buffer, self.at = self.buffer[self.at:] + data, 0
        self.eof = self.eof or not data
        return bool(data)

    def read_until(self, enough, what, seconds=10.0):
        """Reads until `enough(frame)` is true, and returns that frame; None at the end."""
        deadline = Deadline(seconds, what)
        while (got := self.read(deadline.left(), what)) is not None:
            if enough(*got):
                return got
        return None

    def status(self, wanted, seconds=10.0):
        """The status of the answer on stream `wanted`, or ("reset", code), or None at the end."""
        got = self.read_until(lambda kind, _, stream, __: stream == wanted
                              and kind in (HEADERS, RST_STREAM), "an answer", seconds)
        if got is None:
            return None
        if got[0] == RST_STREAM:
            return "reset", struct.unpack(">I", got[3])[0]
        return int(dict(self.decoder.decode(got[3]))[":status"])

    def ended_by_peer(self, seconds):
        """Reads to the end; returns the code of the GOAWAY that came before it, None without one.
        Raises when the gateway leaves the connection open."""
        deadline = Deadline(seconds, "the connection's end")
        while self.read(deadline.left(), deadline.what) is not None:
            pass
        return self.goaway
