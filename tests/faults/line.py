"""A line between the gateway and something it depends on, on which things go wrong when told to."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from types import TracebackType

_CHUNK = 1 << 16
#: Given what the client sends: None to pass it on, else whether to pass it on before the line is cut.
Scissors = Callable[[bytes], bool | None]


class Line:
    """`async with Line(port) as line`: a TCP proxy in front of a local port; `line.port` is where to connect to.

    slow: seconds that each answer is late. trickle: answers go out byte by byte, one a second. scissors: looks at
    everything the client says and decides whether to cut. `hang` swallows without a word; `refuse` cuts and shuts the
    door; `heal` ends both.
    """

    def __init__(self, target: int, *, slow: float = 0, trickle: bool = False) -> None:
        self._target = target
        self.slow = slow
        self.trickle = trickle
        self.scissors: Scissors | None = None
        self.cuts = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._refuses = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Line:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang(self) -> None:
        """Nothing goes through any more, and nobody is told."""
        self._flows.clear()

    def refuse(self) -> None:
        """As if nobody were there."""
        self._refuses = True
        for writer in list(self._open):
            _reset(writer)

    def heal(self) -> None:
        """What is said from now on goes through; lines that were swallowed meanwhile are cut."""
        self._refuses = False
        if not self._flows.is_set():
            for writer in list(self._open):
                _reset(writer)
        self._flows.set()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._refuses:
            _reset(writer)
            return
        self._open.add(writer)
        try:
            await self._flows.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._open.add(back)
            try:
                await asyncio.gather(self._say(reader, writer, back), self._answer(there, writer))
            finally:
                self._open.discard(back)
                back.close()
        except (OSError, EOFError, asyncio.CancelledError):  # the end of it in any case
            _reset(writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _say(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        while said := await reader.read(_CHUNK):
            await self._flows.wait()
            cut = self.scissors(said) if self.scissors is not None else None
            if cut is not None:
                await self._cut(said if cut else b"", writer, back)
            back.write(said)
            await back.drain()
        raise EOFError

    async def _cut(self, last: bytes, writer: asyncio.StreamWriter, back: asyncio.StreamWriter) -> None:
        """Reset towards the client; the server hears the last words, and then that the client has gone."""
        self.cuts += 1
        _reset(writer)
        if last:
            back.write(last)
            await back.drain()
        raise EOFError

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await there.read(_CHUNK):
            await self._flows.wait()
            if self.slow:
                await asyncio.sleep(self.slow)
            for part in _bytes(said) if self.trickle else (said,):
                writer.write(part)
                await writer.drain()
                if self.trickle:
                    await asyncio.sleep(1)
        raise EOFError


def _bytes(said: bytes) -> list[bytes]:
    return [said[at : at + 1] for at in range(len(said))]


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of a goodbye."""
    line = writer.get_extra_info("socket")
    if line is not None and line.fileno() >= 0:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
