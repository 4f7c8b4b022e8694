"""A real browser, driven over its debugging socket: opens pages and asks them things."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class Page:
    """One tab."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            said: dict[str, Any] = await self._socket.receive_json()
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]  # type: ignore[no-any-return]

    async def open(self, address: str) -> None:
        await self._call("Page.navigate", url=address)

    async def ask(self, expression: str) -> Any:
        """The value of an expression; promises are awaited."""
        found = await self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression is true: asked again at each frame of the page."""
        waiting = (
            f"new Promise(done => {{ const look = () => ({condition}) ? done(true) : setTimeout(look, 20); look(); }})"
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    assert await self.ask(waiting)
                    return
                except AssertionError:
                    # The page was left for another one while it waited.
                    await asyncio.wait_for(self.ask("document.readyState"), 20)


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A browser with one empty tab; it can reach nothing but this machine."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: bash tests/services.sh"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            program,
            *_FLAGS,
            f"--user-data-dir={folder}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            port = await _port(process)
            async with ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as response:
                    tab = next(one for one in await response.json() if one["type"] == "page")
                async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            process.terminate()
            await process.communicate()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async with asyncio.timeout(30):
        async for line in process.stderr:
            if b"DevTools listening on ws://" in line:
                return int(line.decode().split("ws://", 1)[1].split("/")[0].rsplit(":", 1)[1])
    raise AssertionError("the browser did not start")
