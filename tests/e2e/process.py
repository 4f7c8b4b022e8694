"""`gateway serve` as a process of its own, with its own configuration, that tests may kill and start again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.servers import free_port

ROOT = Path(__file__).parents[2]
KEY = "an admin key for the tests only"
#: How soon another worker takes over from one that died. Long enough for the stand-ins, which answer at once.
LEASE_SECONDS = "3"
#: Of our own environment. A gateway keeps what it compiled, as everywhere else, and is up twice as soon the next time.
NOT_HANDED_DOWN = ("GATEWAY_", "SANDBOX_", "PYTHONDONTWRITEBYTECODE")


class GatewayProcess:
    """One gateway on a free port that stays the same over restarts. Its log is in `folder`/gateway.log."""

    def __init__(
        self,
        folder: Path,
        config: Path,
        database_url: str,
        variables: Mapping[str, str],
        port: int,
        arguments: Sequence[str] = (),
    ) -> None:
        """variables: of its environment, over what is set here. arguments: of `gateway serve`."""
        self.folder = folder
        self._arguments = arguments
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(NOT_HANDED_DOWN)},
            "GATEWAY_DATABASE_URL": database_url,
            "GATEWAY_CONFIG": str(config),
            "GATEWAY_PORT": str(port),
            "GATEWAY_ADMIN_KEY": KEY,
            "GATEWAY_SECRET_KEY": "a secret key for the tests only",
            "GATEWAY_PUBLIC_URL": self.url,
            "GATEWAY_LEASE_SECONDS": LEASE_SECONDS,
            **variables,
        }
        self._process: asyncio.subprocess.Process | None = None
        headers = {"Authorization": f"Bearer {KEY}"}
        self.http = httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=30)

    async def start(self, seconds: float = 120) -> None:
        """Until /readyz says yes. Raise RuntimeError with the log when it ends instead."""
        await self.spawn()
        await eventually(self._ready, f"the gateway did not start: {self.log()[-3000:]}", seconds=seconds)

    async def spawn(self) -> None:
        """Begin, and wait for nothing."""
        with (self.folder / "gateway.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "serve", *self._arguments),
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    async def _ready(self) -> bool:
        if self._process is None or self._process.returncode is not None:
            raise RuntimeError(f"the gateway ended: {self.log()[-3000:]}")
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def change(self, variables: Mapping[str, str]) -> None:
        """Of the environment, for the next start."""
        self._environment |= variables

    def log(self) -> str:
        path = self.folder / "gateway.log"
        return path.read_text() if path.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def ended(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM, and how it ended."""
        if self._process is None or self._process.returncode is not None:
            return 0
        self._process.terminate()
        return await self.ended()

    async def close(self) -> None:
        self.kill()
        if self._process is not None:
            await self._process.wait()
        await self.http.aclose()

    async def get(self, path: str, **params: str) -> Any:
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    async def post(self, path: str, body: Any) -> Any:
        answer = await self.http.post(path, json=body)
        assert answer.status_code in {200, 201}, (path, answer.status_code, answer.text)
        return answer.json()


async def eventually(condition: Any, otherwise: str, *, seconds: float = 45) -> Any:
    """What `condition()` answers as soon as that is true. Raise AssertionError when it never is."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while loop.time() < deadline:
        found = await condition()
        if found:
            return found
        await _moment()
    raise AssertionError(otherwise)


async def _moment() -> None:
    """A short while of waiting for another process: there is nothing here to be woken by."""
    loop = asyncio.get_running_loop()
    later = loop.create_future()
    loop.call_later(0.1, later.set_result, None)
    await later


def free_ports() -> tuple[int, int, int]:
    return free_port(), free_port(), free_port()
