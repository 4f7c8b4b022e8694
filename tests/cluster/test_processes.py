"""A parent and its processes on one port: one that dies is replaced, all stop together, none is left behind."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from gateway.processes import Family, reserve
from gateway.sandbox.environment import variables
from tests.e2e.process import ROOT, GatewayProcess, eventually
from tests.servers import Postgres, free_port

pytestmark = pytest.mark.timeout(180)

CONFIG = ROOT / "gateway" / "sandbox" / "config"


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    name = f"t{secrets.token_hex(6)}"
    postgres.create(name)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
async def parent(tmp_path: Path, postgres_url: str) -> AsyncIterator[GatewayProcess]:
    port = free_port()
    found = GatewayProcess(tmp_path, CONFIG, postgres_url, variables(1, 2, port), port, ["--processes", "2"])
    await found.start()
    yield found
    children = pids(found)
    await found.close()
    for child in children:
        await gone(child)


def pids(parent: GatewayProcess) -> list[int]:
    """Of every child that was ever started, by the parent's log."""
    return [int(pid) for pid in re.findall(r"process \d+ is (\d+)", parent.log())]


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def gone(pid: int) -> None:
    async def ended() -> bool:
        return not alive(pid)

    await eventually(ended, f"{pid} is still there")


async def test_one_that_dies_is_replaced_and_a_stop_is_in_good_order(parent: GatewayProcess) -> None:
    async def three() -> bool:
        return len(pids(parent)) == 3

    first, second = pids(parent)
    os.kill(first, signal.SIGKILL)
    await eventually(three, parent.log())
    assert "ended with -9" in parent.log()
    assert (await parent.http.get("/healthz")).status_code == 200
    assert await parent.stop() == 0
    assert not any(alive(pid) for pid in pids(parent))
    assert alive(second) is False


async def test_children_do_not_outlive_their_parent(parent: GatewayProcess) -> None:
    children = pids(parent)
    parent.kill()
    await parent.ended()
    for child in children:
        await gone(child)


def serve(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environ |= {**variables(1, 2, 3), "GATEWAY_CONFIG": str(CONFIG), "GATEWAY_PORT": "0", **more}
    return subprocess.run(
        [sys.executable, "-m", "gateway", "serve", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["--role", "web"], ["--role", "worker"], ["--processes", "2"]])
def test_sqlite_is_for_one_process(arguments: list[str], tmp_path: Path) -> None:
    ended = serve(*arguments, GATEWAY_DATABASE_URL=f"sqlite:///{tmp_path / 'gateway.db'}")
    assert ended.returncode == 2
    assert ended.stderr.startswith("GATEWAY_DATABASE_URL: SQLite is for one process")


async def test_a_second_gateway_on_the_same_sqlite_file_does_not_start(tmp_path: Path) -> None:
    port = free_port()
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    first = GatewayProcess(tmp_path, CONFIG, url, variables(1, 2, port), port)
    await first.start()
    try:
        ended = await asyncio.to_thread(serve, GATEWAY_DATABASE_URL=url)
    finally:
        await first.close()
    assert ended.returncode == 2
    assert ended.stderr.startswith("GATEWAY_DATABASE_URL: another gateway serves")


def test_an_address_of_redis_that_is_none_stops_the_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    ended = serve(GATEWAY_DATABASE_URL=url, GATEWAY_REDIS_URL="http://127.0.0.1:6379")
    assert ended.returncode == 2
    assert ended.stderr.startswith("GATEWAY_REDIS_URL: ")


async def test_without_redis_it_starts_degraded_and_says_so_once(tmp_path: Path) -> None:
    port = free_port()
    known = {**variables(1, 2, port), "GATEWAY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    gateway = GatewayProcess(tmp_path, CONFIG, f"sqlite:///{tmp_path / 'gateway.db'}", known, port)
    await gateway.start()
    try:
        ready = await gateway.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"], ready.json()["checks"]["redis"]) == (200, "degraded", "lost")
        assert await gateway.stop() == 0
        assert gateway.log().count("Redis is lost") == 1
    finally:
        await gateway.close()


def test_a_port_that_somebody_has_is_not_shared() -> None:
    with reserve("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            reserve("127.0.0.1", port)


def family(script: str, stopping: asyncio.Event, count: int = 2) -> Family:
    return Family((sys.executable, "-c", script), os.environ, count, stopping, grace=5, pause=0.01)


async def test_wrong_settings_end_it_at_once_with_their_code() -> None:
    assert await family("raise SystemExit(2)", asyncio.Event()).live() == 2


async def test_processes_that_keep_dying_end_it() -> None:
    assert await family("raise SystemExit(7)", asyncio.Event(), 1).live() == 1


async def test_one_that_does_not_stop_is_killed() -> None:
    stopping = asyncio.Event()
    deaf = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.stdin.read(); signal.pause()"
    living = Family((sys.executable, "-c", deaf), os.environ, 1, stopping, grace=0.5)
    running = asyncio.create_task(living.live())

    async def started() -> bool:
        return len(asyncio.all_tasks()) > 3

    await eventually(started, "nothing was started")
    stopping.set()
    assert await running == 1


async def test_requests_go_on_while_processes_die(parent: GatewayProcess) -> None:
    """Whoever is connected to the one that dies asks again; the port is answered all the time."""
    os.kill(pids(parent)[0], signal.SIGKILL)
    answered = 0
    async with httpx.AsyncClient(base_url=parent.url, trust_env=False) as http:
        for _ in range(20):
            with suppress(httpx.TransportError):
                answered += (await http.get("/healthz")).status_code == 200
    assert answered >= 10
