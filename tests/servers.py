"""PostgreSQL and Redis as child processes on free ports, with their data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Until something accepts on the port. Raise RuntimeError when the process ends or time runs out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not listen on {port} within {seconds} s")


class Postgres:
    """A server of its own: as root it runs as the user the Debian package made."""

    def __enter__(self) -> Postgres:
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
        self.port = free_port()
        self._bin = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self.folder, "postgres")
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()
        return self

    def start(self) -> None:
        options = (
            "-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}", "-c", "max_connections=200",
            "-c", f"unix_socket_directories={self.folder}", "-c", "shared_buffers=128MB",
        )  # fmt: skip
        command = [*self._as, str(self._bin / "postgres"), "-D", str(self.folder / "data"), *options]
        log = (self.folder / "log").open("ab") if not self._as else subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_for_port(self.port, self.process)
        self._wait_until_it_answers()

    def _wait_until_it_answers(self, seconds: float = 30) -> None:
        """It listens before it answers ("the database system is starting up"), longest after a crash."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._sql("SELECT 1")
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast shutdown; SIGQUIT: as if it crashed."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, how)
        self.process.wait(30)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql://gateway@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> None:
        self._sql(f'CREATE DATABASE "{name}"')

    def drop(self, name: str) -> None:
        self._sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _sql(self, statement: str) -> None:
        self.run_sql(statement, "postgres")

    def run_sql(self, statement: str, name: str) -> None:
        """In the database of this name, by a client that is none of ours."""
        self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "gateway", "-d", name, "-qc", statement)

    def _run(self, tool: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / tool), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{tool}: {done.stderr}")


class Redis:
    """A Redis server without persistence."""

    def __enter__(self) -> Redis:
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-redis-"))
        self.port = free_port()
        self.start()
        return self

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
