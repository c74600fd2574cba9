"""An application behind the gateway, with full control of every byte that it answers.

    with Application() as app:
        @app.at("/events")
        async def events(exchange):
            await exchange.head(200, {"content-type": "text/event-stream"})
            await exchange.send(b"data: 1\n\n")      # one chunk, or one DATA frame
            await exchange.gone.wait()               # the gateway has ended it
        ... app.port, app.requests

It runs in a thread of its own. `Application(wire="h2")` speaks HTTP/2 by prior knowledge, and with
`streams=n` takes so many requests at once on a connection: those beyond it are refused.
"""

import asyncio
import concurrent.futures
import inspect
import threading
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

MAX_CONCURRENT_STREAMS = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS
REFUSED_STREAM = h2.errors.ErrorCodes.REFUSED_STREAM


@dataclass
class Request:
    method: str
    target: str
    headers: list
    body: bytes = b""
    at: float = field(default_factory=time.monotonic)
    gone_at: float | None = None
    connection: int = 0

    def header(self, name):
        """The only field of that name; None: there is none."""
        values = [value for field_name, value in self.headers if field_name == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def path(self):
        return self.target.split("?")[0]


class Application:
    def __init__(self, wire="http/1.1", port=0, streams=None):
        self.wire = wire
        self.streams = streams
        self.speakers = set()
        self.handlers = {}
        self.requests = []
        self.connections = 0       # Accepted so far.
        self.open_connections = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, args=(port,), daemon=True)
        self.started = concurrent.futures.Future()
        self.writers = set()

    def __enter__(self):
        self.thread.start()
        self.port = self.started.result(10)
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def at(self, path):
        """Registers what answers a path, or all that begin like it when it ends in `*`."""
        def register(handler):
            self.handlers[path] = handler
            return handler
        return register

    def requests_of(self, path):
        return [one for one in self.requests if one.path == path]

    def run(self, coroutine):
        """Runs something in the application's thread and returns its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def allow(self, streams):
        """From now on so many requests at once on a connection."""
        async def tell():
            self.streams = streams
            for speaker in self.speakers:
                await speaker.tell_limit()
        self.run(tell())

    def call(self, function, *arguments):
        self.loop.call_soon_threadsafe(function, *arguments)

    def kill(self):
        """Ends it as kill -9 would: all sockets are closed, whatever they were sending."""
        if not self.thread.is_alive():
            return

        def stop():
            self.server.close()
            for writer in list(self.writers):
                writer.transport.abort()
            self.loop.call_later(0.05, self.loop.stop)
        self.loop.call_soon_threadsafe(stop)
        self.thread.join(10)

    def _run(self, port):
        asyncio.set_event_loop(self.loop)
        try:
            self.server = self.loop.run_until_complete(asyncio.start_server(
                self._serve, "127.0.0.1", port, backlog=4096, limit=1 << 20, reuse_address=True))
            self.started.set_result(self.server.sockets[0].getsockname()[1])
            self.loop.run_forever()
        except BaseException as error:
            if not self.started.done():
                self.started.set_exception(error)
            raise
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        self.open_connections += 1
        self.writers.add(writer)
        speaker = (Http1 if self.wire == "http/1.1" else Http2)(self, reader, writer)
        self.speakers.add(speaker)
        try:
            await speaker.run(self.connections)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            self.speakers.discard(speaker)
            self.writers.discard(writer)
            writer.close()

    async def answer(self, exchange):
        path = exchange.request.path
        handler = self.handlers.get(path)
        if handler is None:
            for pattern, one in self.handlers.items():
                if pattern.endswith("*") and path.startswith(pattern[:-1]):
                    handler = one
                    break
        if handler is None:
            await exchange.reply(404, b"no such page")
            return
        try:
            result = handler(exchange)
            if inspect.isawaitable(result):
                await result
        except ConnectionError:
            pass


class Exchange:
    """What an application's handler gets."""

    def __init__(self, request):
        self.request = request
        self.gone = asyncio.Event()

    def leave(self):
        if not self.gone.is_set():
            self.request.gone_at = time.monotonic()
            self.gone.set()

    async def reply(self, status, body=b"", headers=()):
        await self.head(status, {"content-length": str(len(body)), **dict(headers)})
        if body:
            await self.send(body)
        await self.end()

    async def events(self, headers=()):
        await self.head(200, {"content-type": "text/event-stream", **dict(headers)})

    async def count(self, pause, until):
        """A stream that counts in small events, one by one, until that asyncio.Event is set.
        Returns how many there were."""
        await self.events()
        number = 0
        while not until.is_set():
            await self.send(b"data: %d\n\n" % number)
            number += 1
            await asyncio.sleep(pause)
        return number


# -- HTTP/1.1 --------------------------------------------------------------------------------------


class Http1:
    def __init__(self, app, reader, writer):
        self.app, self.reader, self.writer = app, reader, writer
        self.first = b""  # Of the next request; read while nobody expected it yet.

    async def run(self, number):
        while True:
            try:
                text = self.first + await self.reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            self.first = b""
            lines = text.decode("latin-1").split("\r\n")[:-2]
            method, target, version = lines[0].split(" ")
            assert version == "HTTP/1.1"
            fields = [(name.lower(), value.strip())
                      for name, _, value in (line.partition(":") for line in lines[1:])]
            request = Request(method, target, fields, connection=number)
            self.app.requests.append(request)
            exchange = Http1Exchange(request, self)
            if not await exchange.run():
                return


class Http1Exchange(Exchange):
    def __init__(self, request, speaker):
        super().__init__(request)
        self.speaker = speaker
        self.reader, self.writer, self.app = speaker.reader, speaker.writer, speaker.app
        self.is_chunked = False
        self.is_over = False
        self.watch = None
        length = request.header("content-length")
        self.rest = int(length) if length is not None else 0
        self.body_is_chunked = request.header("transfer-encoding") == "chunked"
        self.body_ended = not self.rest and not self.body_is_chunked

    async def run(self):
        """True: the connection is good for another request."""
        work = asyncio.ensure_future(self.app.answer(self))
        if self.body_ended:
            self.watch = asyncio.ensure_future(self._watch())
        gone = asyncio.ensure_future(self.gone.wait())
        await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():  # It may want to see that it is left.
            await asyncio.wait([work], timeout=5)
        for task in (work, gone, self.watch):
            if task:
                task.cancel()
                await asyncio.wait([task])
        if not work.cancelled() and work.exception():
            raise work.exception()
        return self.is_over and self.body_ended and not self.gone.is_set()

    async def _watch(self):
        """Notices that the gateway has closed the connection."""
        try:
            self.speaker.first = await self.reader.read(1)
        except ConnectionError:
            pass
        if self.speaker.first:
            await asyncio.sleep(3600)  # The next request: there is no answer to be cut short.
        self.leave()

    async def read(self):
        """The next piece of the request's body; empty at its end. A ConnectionError where it is
        broken off."""
        if self.body_ended:
            return b""
        try:
            piece = await self._read()
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.leave()
            raise ConnectionError("the request's body was broken off") from error
        self.request.body += piece
        if self.body_ended:
            self.watch = asyncio.ensure_future(self._watch())
        return piece

    async def _read(self):
        if self.body_is_chunked:
            size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            piece = (await self.reader.readexactly(size + 2))[:-2]
            self.body_ended = size == 0
        else:
            piece = await self.reader.read(min(self.rest, 65536))
            if not piece:
                raise ConnectionError("the client closed")
            self.rest -= len(piece)
            self.body_ended = self.rest == 0
        return piece

    async def read_all(self):
        while await self.read():
            pass
        return self.request.body

    async def head(self, status, headers=()):
        fields = dict(headers)
        if "content-length" not in fields and "connection" not in fields and status not in (
                204, 304):
            fields["transfer-encoding"] = "chunked"
            self.is_chunked = True
        text = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await self.raw(f"HTTP/1.1 {status} Status\r\n{text}\r\n".encode("latin-1"))

    async def raw(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, data):
        if not data:
            return
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self.is_chunked else data)

    async def end(self):
        self.is_over = True
        if self.is_chunked:
            await self.raw(b"0\r\n\r\n")

    def cut(self):
        """The connection is gone, in the midst of whatever it was sending."""
        self.writer.transport.abort()


# -- HTTP/2 ----------------------------------------------------------------------------------------


class Http2:
    def __init__(self, app, reader, writer):
        self.app, self.reader, self.writer = app, reader, writer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="latin-1"))
        self.exchanges = {}
        self.room = asyncio.Event()

    async def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def tell_limit(self):
        if self.app.streams is not None:
            self.h2.update_settings({MAX_CONCURRENT_STREAMS: self.app.streams})
        await self.flush()

    async def run(self, number):
        self.h2.initiate_connection()
        await self.tell_limit()
        try:
            while data := await self.reader.read(65536):
                for event in self.h2.receive_data(data):
                    self._take(event, number)
                await self.flush()
        except h2.exceptions.ProtocolError as error:
            raise ConnectionError(str(error)) from error
        finally:
            for exchange in self.exchanges.values():
                exchange.leave()
            self._wake()

    def _take(self, event, number):
        if isinstance(event, h2.events.RequestReceived):
            fields = [(str(name), str(value)) for name, value in event.headers]
            pseudo = dict(fields[:4])
            request = Request(pseudo[":method"], pseudo[":path"],
                              [("host", pseudo[":authority"]), *fields[4:]], connection=number)
            is_open = [not one.has_ended for one in self.exchanges.values()]
            if self.app.streams is not None and sum(is_open) >= self.app.streams:
                self.h2.reset_stream(event.stream_id, REFUSED_STREAM)
                return
            self.app.requests.append(request)
            exchange = Http2Exchange(request, self, event.stream_id)
            exchange.body_ended = event.stream_ended is not None
            self.exchanges[event.stream_id] = exchange
            exchange.task = asyncio.ensure_future(self.app.answer(exchange))
        elif isinstance(event, h2.events.DataReceived):
            exchange = self.exchanges.get(event.stream_id)
            if exchange:
                exchange.pieces.append((event.data, event.flow_controlled_length))
                exchange.wake.set()
        elif isinstance(event, h2.events.StreamEnded):
            exchange = self.exchanges.get(event.stream_id)
            if exchange:
                exchange.body_ended = True
                exchange.wake.set()
        elif isinstance(event, h2.events.StreamReset):
            exchange = self.exchanges.pop(event.stream_id, None)
            if exchange:
                exchange.leave()
                exchange.wake.set()
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            pass
        self._wake()

    def _wake(self):
        self.room.set()
        self.room = asyncio.Event()


class Http2Exchange(Exchange):
    def __init__(self, request, speaker, stream):
        super().__init__(request)
        self.speaker, self.stream = speaker, stream
        self.pieces, self.wake, self.body_ended = [], asyncio.Event(), False
        self.has_ended = False

    async def read(self):
        while not self.pieces and not self.body_ended and not self.gone.is_set():
            self.wake.clear()
            await self.wake.wait()
        if not self.pieces:
            return b""
        piece, size = self.pieces.pop(0)
        self.speaker.h2.acknowledge_received_data(size, self.stream)
        await self.speaker.flush()
        self.request.body += piece
        return piece if piece else await self.read()

    async def read_all(self):
        while await self.read():
            pass
        return self.request.body

    async def head(self, status, headers=()):
        fields = [(":status", str(status)),
                  *((name, value) for name, value in dict(headers).items()
                    if name != "connection")]
        self._check()
        self.speaker.h2.send_headers(self.stream, fields)
        await self.speaker.flush()

    def _check(self):
        if self.gone.is_set() or self.speaker.writer.is_closing():
            raise ConnectionError("the gateway has gone")

    async def send(self, data):
        while data:
            self._check()
            room = min(self.speaker.h2.local_flow_control_window(self.stream),
                       self.speaker.h2.max_outbound_frame_size)
            if room <= 0:
                await self.speaker.room.wait()
                continue
            self.speaker.h2.send_data(self.stream, data[:room])
            data = data[room:]
            await self.speaker.flush()

    async def end(self):
        self._check()
        self.speaker.h2.end_stream(self.stream)
        self.has_ended = True
        await self.speaker.flush()

    def cut(self):
        """This stream alone breaks off."""
        self.speaker.h2.reset_stream(self.stream, 2)
        asyncio.ensure_future(self.speaker.flush())
