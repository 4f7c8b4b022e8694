"""`gateway demo`: the real gateway on SQLite, and beside it the sandbox as a process of its own on loopback."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from pathlib import Path

from gateway.sandbox.environment import variables

_ROOT = Path(__file__).parent
_DATABASE = Path("var/demo.db")


async def demo(arguments: argparse.Namespace) -> int:
    """Start both as processes, pass their words on, and stop both when one ends or a signal comes.

    Every start begins anew: the sandbox's world is in memory, so the database of the last run is put away first.
    """
    page, port = arguments.port, arguments.port + 1
    smtp = arguments.port + 2
    for old in _DATABASE.parent.glob(f"{_DATABASE.name}*"):
        old.unlink()
    key = f"gw_{secrets.token_urlsafe(24)}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
        **variables(page, smtp, port),
        "GATEWAY_DATABASE_URL": f"sqlite:///{_DATABASE}",
        "GATEWAY_CONFIG": str(_ROOT / "sandbox" / "config"),
        "GATEWAY_PORT": str(port),
        "GATEWAY_ADMIN_KEY": key,
        "GATEWAY_SECRET_KEY": secrets.token_hex(16),
        "GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    sandbox = await _python(
        [
            "-m",
            "gateway.sandbox",
            "--port",
            str(page),
            "--smtp-port",
            str(smtp),
            "--gateway",
            f"http://127.0.0.1:{port}",
        ],
        {**environment, "SANDBOX_GATEWAY_KEY": key},
    )
    gateway = await _python(["-m", "gateway", "serve"], environment)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    print(f"\nOpen http://127.0.0.1:{page}/  (API: http://127.0.0.1:{port}/docs, admin key: {key})\n", flush=True)  # noqa: T201
    ends = [asyncio.create_task(process.wait()) for process in (sandbox, gateway)]
    await asyncio.wait([*ends, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
    for process in (gateway, sandbox):
        if process.returncode is None:
            process.terminate()
    codes = await asyncio.gather(*ends)
    return 0 if stopping.is_set() else next((code for code in codes if code), 1)


async def _python(arguments: list[str], environment: dict[str, str]) -> asyncio.subprocess.Process:
    """A child in its own session group: signals to us are passed on by us, once."""
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, start_new_session=True, stdin=asyncio.subprocess.DEVNULL
    )
