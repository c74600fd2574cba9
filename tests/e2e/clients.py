"""Clients with full control: HTTP/1.1 on a bare socket, and HTTP/2 by python-h2, an implementation
that shares nothing with the gateway's own."""

import contextlib
import socket
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

import harness
from harness import Deadline
from sse import SseParser


# -- HTTP/1.1 ------------------------------------------------------------------------------------


def connect(port, tls=False, alpn=("h2",), timeout=10.0, receive_buffer=None, source=None):
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if source:
        plain.bind((source, 0))
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.settimeout(timeout)
    plain.connect(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not tls:
        return plain
    wrapped = harness.tls_context(alpn).wrap_socket(plain, server_hostname="localhost")
    if alpn == ("h2",):
        assert wrapped.selected_alpn_protocol() == "h2", "the gateway did not choose h2"
    return wrapped


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes = b""

    @property
    def text(self):
        return self.body.decode()


class H1:
    """One HTTP/1.1 connection. Bytes go out as they are given; answers are read strictly."""

    def __init__(self, port, tls=False, timeout=10.0):
        self.socket = connect(port, tls, ("http/1.1",), timeout)
        self.timeout = timeout
        self.buffer = b""
        self.sse = SseParser()
        self.chunked = False
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, method, path, headers=(), body=b""):
        fields = {"host": "localhost", **dict(headers)}
        if body:
            fields.setdefault("content-length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)

    def _read(self, deadline):
        self.socket.settimeout(deadline.left())
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            deadline.left()
            raise TimeoutError(f"not within {deadline.seconds} s: {deadline.what}") from None
        self.buffer += data
        return data

    def _until(self, mark, deadline):
        while mark not in self.buffer:
            if not self._read(deadline):
                raise ConnectionError(f"closed while waiting for {mark!r}; had {self.buffer!r}")
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def head(self, seconds=None):
        """The status line and the fields of the next answer."""
        deadline = Deadline(seconds or self.timeout, "an answer's head")
        lines = self._until(b"\r\n\r\n", deadline).decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ")
        assert version == "HTTP/1.1", lines[0]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.chunked = headers.get("transfer-encoding") == "chunked"
        return Answer(int(status), headers)

    def answer(self, is_head=False, seconds=None):
        """The next answer with its whole body."""
        answer = self.head(seconds)
        deadline = Deadline(seconds or self.timeout, "an answer's body")
        if is_head or answer.status in (204, 304):
            return answer
        if self.chunked:
            while chunk := self._chunk(deadline):
                answer.body += chunk
            return answer
        if "content-length" not in answer.headers:
            while self._read(deadline):
                pass
            answer.body, self.buffer = self.buffer, b""
            return answer
        wanted = int(answer.headers["content-length"])
        while len(self.buffer) < wanted:
            assert self._read(deadline), "closed inside a body"
        answer.body, self.buffer = self.buffer[:wanted], self.buffer[wanted:]
        return answer

    def _chunk(self, deadline):
        size = int(self._until(b"\r\n", deadline).split(b";")[0], 16)
        while len(self.buffer) < size + 2:
            assert self._read(deadline), "closed inside a chunk"
        chunk, end = self.buffer[:size], self.buffer[size:size + 2]
        assert end == b"\r\n", f"a chunk ends in {end!r}"
        self.buffer = self.buffer[size + 2:]
        return chunk

    def subscribe(self, path, headers=()):
        self.request("GET", path, {"accept": "text/event-stream", **dict(headers)})
        answer = self.head()
        assert answer.status == 200, answer
        assert self.chunked, answer
        return answer

    def events(self, count, seconds=10.0):
        """The first `count` events of the stream, as soon as they are there."""
        self.read_stream(lambda: len(self.sse.events) >= count, seconds, f"{count} events")
        return self.sse.events

    def read_stream(self, enough, seconds, what):
        deadline = Deadline(seconds, what)
        while not enough() and not self.ended:
            chunk = self._chunk(deadline)
            self.ended = not chunk
            self.sse.feed(chunk)
        assert enough() or self.ended, what

    def closed_by_peer(self, seconds=10.0):
        """Reads to the end of the connection; true when the gateway ended it in time."""
        deadline = Deadline(seconds, "the connection's end")
        try:
            while self._read(deadline):
                pass
        except (ConnectionError, OSError) as error:
            return not isinstance(error, TimeoutError)
        return True


# -- HTTP/2 --------------------------------------------------------------------------------------


@dataclass
class Stream:
    """What came on one stream of an H2 connection."""

    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    sse: SseParser = field(default_factory=SseParser)
    data_frames: int = 0
    ended: bool = False
    reset: int | None = None
    hold: bool = False  # give no window back

    @property
    def over(self):
        return self.ended or self.reset is not None

    @property
    def events(self):
        return self.sse.events

    @property
    def text(self):
        return bytes(self.body).decode()


class _Connection(h2.connection.H2Connection):
    """python-h2 takes any GOAWAY for the end; RFC 9113 §6.8 lets the open streams go on."""

    def _receive_goaway_frame(self, frame):
        state = self.state_machine.state
        result = super()._receive_goaway_frame(frame)
        self.state_machine.state = state
        return result


class H2:
    """One HTTP/2 connection. python-h2 raises on anything that the RFC forbids the gateway."""

    def __init__(self, port, tls=True, window=None, timeout=10.0, receive_buffer=None):
        self.socket = connect(port, tls, timeout=timeout, receive_buffer=receive_buffer)
        self.timeout = timeout
        self.streams = {}
        self.goaways = []
        self.pongs = []
        self.settings_acked = False
        self.eof = False
        self.h2 = _Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_inbound_headers=True))
        if window is not None:
            self.h2.local_settings = h2.settings.Settings(client=True, initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 65536})
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(8 << 20)
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def request(self, method, path, headers=(), body=None, end=True):
        """Sends a request and returns its stream's number."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https"), (":authority", "localhost"),
                  (":path", path), *dict(headers).items()]
        self.streams[stream] = Stream()
        self.h2.send_headers(stream, fields, end_stream=end and body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def send_all(self, stream, data, seconds=None):
        """More of a request's body, as fast as the gateway gives room for it."""
        while data:
            self.pump(lambda: self.h2.local_flow_control_window(stream) > 0, "room", seconds)
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            self.h2.send_data(stream, data[:room])
            data = data[room:]
            self.flush()

    def end(self, stream):
        self.h2.end_stream(stream)
        self.flush()

    def reset(self, stream, code=8):
        self.h2.reset_stream(stream, code)
        self.flush()

    def subscribe(self, path, headers=()):
        return self.request("GET", path, {"accept": "text/event-stream", **dict(headers)})

    def pump(self, enough, what, seconds=None):
        """Reads frames until `enough()`; a closed connection ends it as well."""
        deadline = Deadline(seconds or self.timeout, what)
        while not enough() and not self.eof:
            self.socket.settimeout(deadline.left())
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                deadline.left()
                continue
            except ConnectionError:
                data = b""
            self.eof = not data
            for event in self.h2.receive_data(data) if data else []:
                self._on(event)
            self.flush_quietly()
        assert enough(), f"the connection ended before: {what} (goaway {self.goaways})"

    def listen(self, seconds):
        """Takes what comes within that time; nothing may."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            have = sum(len(one.body) for one in self.streams.values())
            with contextlib.suppress(TimeoutError):
                self.pump(lambda: sum(len(one.body) for one in self.streams.values()) > have,
                          "anything", left)

    def flush_quietly(self):
        try:
            self.flush()
        except (ConnectionError, BrokenPipeError):
            self.eof = True

    def _on(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, h2.events.ResponseReceived):
            stream.headers = dict(event.headers)
            stream.status = int(stream.headers[":status"])
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            stream.data_frames += 1
            stream.sse.feed(event.data)
            if not stream.hold and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append((int(event.error_code), event.last_stream_id))
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs.append(event.ping_data)
        elif isinstance(event, h2.events.SettingsAcknowledged):
            self.settings_acked = True

    def answer(self, stream, seconds=None):
        """The whole answer on `stream`."""
        state = self.streams[stream]
        self.pump(lambda: state.over, f"the end of stream {stream}", seconds)
        return state

    def opened(self, *numbers, seconds=None):
        """Waits until each of the streams has its head and its first bytes."""
        states = [self.streams[n] for n in numbers]
        self.pump(lambda: all(s.body or s.over for s in states), "first bytes of streams", seconds)
        return states

    def events(self, stream, count, seconds=None):
        state = self.streams[stream]
        self.pump(lambda: len(state.events) >= count or state.over,
                  f"{count} events on stream {stream}", seconds)
        assert len(state.events) >= count, f"ended after {len(state.events)} of {count} events"
        return state.events

    def ping(self, seconds=5.0):
        """A round trip: everything that the gateway had sent before it was read when it returns."""
        token = len(self.pongs).to_bytes(8, "big")
        self.h2.ping(token)
        self.flush()
        self.pump(lambda: token in self.pongs, "the answer to a PING", seconds)
