"""`python -m tests.picture docs/demo.png`: plays the demonstration and takes its picture in a real browser."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers import free_port

ROOT = Path(__file__).parents[1]
#: every scripted journey reaches its end within 60 s of the start
PATIENCE = 60.0
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """The demonstration as `make run` starts it, on free ports; the address of its page."""
    port = _three_free_ports()
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _three_free_ports() -> int:
    """The demonstration takes a port and the two after it."""
    for _ in range(50):
        port = free_port()
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for number in (port, port + 1, port + 2):
                stack.enter_context(_taken(number))
            return port
    raise RuntimeError("no three ports in a row are free")


@contextlib.contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        yield


def states(address: str) -> dict[str, str]:
    """journey -> state, as the page itself is told; empty while it is not up."""
    try:
        with urllib.request.urlopen(f"{address}/sandbox/state.json", timeout=5) as answer:  # noqa: S310 - loopback
            told: dict[str, Any] = json.load(answer)
    except OSError:
        return {}
    return {journey["id"]: journey["state"] for journey in told["journeys"]}


def played(address: str) -> dict[str, str]:
    """The states once nothing runs any more, or when `PATIENCE` is over."""
    deadline = time.monotonic() + PATIENCE
    found: dict[str, str] = {}
    while time.monotonic() < deadline:
        found = states(address)
        if found and not set(found.values()) & {"waiting", "running"}:
            break
        time.sleep(0.5)
    return found


def browse(address: str, *arguments: str, width: int = 1500, height: int = 1720) -> bytes:
    """What headless Chromium says on standard output."""
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", *_QUIET, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        command += ["--virtual-time-budget=6000", *arguments, address]
        return subprocess.run(command, capture_output=True, check=True, timeout=90).stdout


def main(target: str) -> int:
    with demo() as address:
        found = played(address)
        browse(f"{address}/", f"--screenshot={Path(target).resolve()}")
    print(found)  # noqa: T201 - a command
    return 0 if set(found.values()) == {"reached"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "docs/demo.png"))
