"""Several processes that share one port: a parent that starts them, passes signals on and replaces one that died."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

log = logging.getLogger(__name__)

#: How a process ends whose settings are wrong: another one would end the same way.
CANNOT_START = 2
#: A process that lived longer was no failed start; so many failed starts in a row, and the parent gives up.
_STEADY, _TRIES = 10.0, 5


def reserve(host: str, port: int) -> socket.socket:
    """The port, held for children that share it: they listen, this socket does not. 0 takes a free one.

    Raise OSError when somebody else has it.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)  # not shared: fails beside a gateway that is none of ours
        address = probe.getsockname()
    held = socket.socket(family, kind, protocol)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(address)
    return held


class Family:
    """`count` processes of one command, until `stopping` is set or they cannot be kept alive."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        count: int,
        stopping: asyncio.Event,
        *,
        grace: float,
        pause: float = 0.5,
    ) -> None:
        """grace: seconds from the signal to stop until a process is killed. pause: before the first new start after a
        failed one; twice as long each time."""
        self._command = command
        self._environ = dict(environ)
        self._count = count
        self._stopping = stopping
        self._grace = grace
        self._pause = pause

    async def live(self) -> int:
        """0: stopped as asked, and every process in good order; 2: the settings are wrong; 1: else."""
        ends = await asyncio.gather(*(self._keep(number) for number in range(1, self._count + 1)))
        return CANNOT_START if CANNOT_START in ends else max(ends)

    async def _keep(self, number: int) -> int:
        failures, first = 0, True
        while not self._stopping.is_set():
            started = asyncio.get_running_loop().time()
            code = await self._one(number)
            if self._stopping.is_set():
                return _end(code)
            lived = asyncio.get_running_loop().time() - started
            failures = failures + 1 if lived < _STEADY else 0
            log.warning("process %d ended with %d after %.0f s", number, code, lived)
            if (first and code == CANNOT_START) or failures >= _TRIES:
                self._stopping.set()
                return code if code == CANNOT_START else 1
            first = False
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause * 2 ** (failures - 1) if failures else 0):
                    await self._stopping.wait()
        return 0

    async def _one(self, number: int) -> int:
        """A process from its start to its end. Its standard input ends when this process does."""
        process = await asyncio.create_subprocess_exec(
            *self._command, env=self._environ, start_new_session=True, stdin=asyncio.subprocess.PIPE
        )
        log.info("process %d is %d", number, process.pid)
        end, stop = asyncio.create_task(process.wait()), asyncio.create_task(self._stopping.wait())
        await asyncio.wait({end, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not end.done():
            process.terminate()
            done, _ = await asyncio.wait({end}, timeout=self._grace)
            if not done:
                log.warning("process %d did not stop within %.0f s and is killed", number, self._grace)
                process.kill()
        return await end


def _end(code: int) -> int:
    """Of one that was told to stop; it may not have got so far as to listen to signals."""
    return 0 if code in {0, -signal.SIGTERM} else 1


async def parent_gone() -> None:
    """Until the parent that started this process has ended, however it did."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
