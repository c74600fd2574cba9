"""A TCP relay that fails as networks do: it cuts connections in the midst of a command or an
answer, goes silent, and leads to another server than before.

    with FaultyRelay(redis.port, seed) as relay:
        relay.faults = (1, 5000)     # each connection is cut after so many bytes, either way
        ...
        relay.faults = None

Where it cuts is drawn from `seed`; what was read up to there is passed on before. A thread of its
own does the work; what a method does is done when it returns.
"""

import asyncio
import random
import threading

CHUNK = 65536
WAYS = ("commands", "answers")


class FaultyRelay:
    def __init__(self, target, seed):
        self.target = target    # the port that a new connection leads to
        self.faults = None      # (least, most) bytes
        self.cuts = 0
        self.lie = None         # (part, answer): what has the part is not passed, but answered
        self.pace = None        # bytes a second, of the answers on each connection
        self.port = None
        self._chance = random.Random(seed)
        self._connections = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._do(self._open())
        return self

    def __exit__(self, *_):
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def hold(self, *ways):
        """"commands" or "answers" pass no more, or neither; what comes waits here."""
        self._do(self._set_gates(ways or WAYS, False))

    def sever(self):
        """Cuts all connections. What waits here is lost."""
        self._do(self._sever())

    def go_on(self):
        self._do(self._set_gates(WAYS, True))

    # -- its thread's

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in (tasks := asyncio.all_tasks(self._loop)):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _open(self):
        self._gates = {way: asyncio.Event() for way in WAYS}
        await self._set_gates(WAYS, True)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self):
        self._server.close()
        await self._sever()

    async def _set_gates(self, ways, are_open):
        for way in ways:
            gate = self._gates[way]
            (gate.set if are_open else gate.clear)()

    async def _sever(self):
        for connection in list(self._connections):
            connection.cut()

    async def _serve(self, reader, writer):
        try:
            theirs = await asyncio.open_connection("127.0.0.1", self.target, limit=CHUNK)
        except OSError:
            return writer.transport.abort()
        connection = Connection([writer, theirs[1]])
        self._connections.add(connection)
        await asyncio.gather(self._pass("commands", reader, theirs[1], connection),
                             self._pass("answers", theirs[0], writer, connection))
        self._connections.discard(connection)

    def _draw(self, least, most):
        """Small numbers as often as large ones: greetings are cut as well as long answers."""
        return int(least * (most / least) ** self._chance.random())

    async def _pass(self, way, reader, writer, connection):
        """Until either side ends or the connection is cut."""
        left = None  # bytes, until it is cut
        try:
            while data := await reader.read(CHUNK):
                await self._gates[way].wait()
                if connection.is_cut:
                    return
                if way == "commands" and self.lie and self.lie[0] in data:
                    connection.writers[0].write(self.lie[1])
                    continue
                if way == "answers" and self.pace:
                    await asyncio.sleep(len(data) / self.pace)
                if faults := self.faults:
                    left = self._draw(*faults) if left is None else left
                    if len(data) >= left:
                        self.cuts += 1
                        writer.write(data[:left])
                        break
                    left -= len(data)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()  # What was written leaves yet.
        connection.cut(but=writer)


class Connection:
    def __init__(self, writers):
        self.writers = writers
        self.is_cut = False

    def cut(self, but=None):
        self.is_cut = True
        for writer in self.writers:
            if writer is not but:
                writer.transport.abort()
