"""`gateway backup` while pushes come in, and the command line of export, import and backup."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.app import CannotStart
from gateway.moving import read_import, write_backup, write_export
from gateway.settings import Environment
from gateway.store.backup import CannotBackUp, backup
from gateway.store.engine import Store
from gateway.store.export import tables
from gateway.store.load import load
from tests.store.files import contents, lost, quiet
from tests.store.release import RELEASED
from tests.web.parts import SIGNED, gate

LIFE = RELEASED / "0001.jsonl"
SECRET = "a secret key for the tests only"


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> Iterator[str]:
    """What is said here is said of SQLite."""
    yield f"sqlite:///{tmp_path / 'gateway.db'}"


def pushes(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [row[0] for row in copy.execute("SELECT id FROM inbox ORDER BY id")]


def no_word(done: int, of: int) -> None:
    """Nobody watches."""


async def test_a_copy_has_what_was_acknowledged_before_it_began_and_holds_up_nobody(
    store: Store, tmp_path: Path
) -> None:
    loop, steps, target = asyncio.get_running_loop(), list[int](), tmp_path / "copy.db"
    target.write_bytes(b"an older one")
    assert store.file is not None
    async with gate(store) as face:

        async def push() -> None:
            body = [["SF1", 0, "in_transit", "x" * 3000]]
            answer = await face.client.post("/webhooks/sf", json=body, headers=SIGNED)
            assert answer.status == 200

        def told(done: int, of: int) -> None:
            """After each step of the copy another push is acknowledged."""
            steps.append(done)
            assert target.read_bytes() == b"an older one"
            asyncio.run_coroutine_threadsafe(push(), loop).result(20)

        for _ in range(20):
            await push()
        size = await asyncio.to_thread(backup, store.file, target, told=told, pages=16)
        assert pushes(target) == list(range(1, 21))
        assert pushes(store.file) == list(range(1, 21 + len(steps)))
    assert len(steps) > 5
    assert (size, target.stat().st_mode & 0o077) == (target.stat().st_size, 0)
    assert not target.with_name("copy.db.part").exists()


async def test_what_cannot_be_copied_is_said_and_nothing_is_touched(store: Store, tmp_path: Path) -> None:
    assert store.file is not None
    before = store.file.read_bytes()
    for target, why in (
        (store.file, "the database itself"),
        (store.file.with_name("gateway.db-wal"), "the database itself"),
        (tmp_path / "nowhere" / "copy.db", "No such file"),
    ):
        with pytest.raises(CannotBackUp, match=why):
            backup(store.file, target, told=no_word)
    (tmp_path / "open.db-wal").write_bytes(b"")
    with pytest.raises(CannotBackUp, match="somebody has"):
        backup(store.file, tmp_path / "open.db", told=no_word)
    with pytest.raises(CannotBackUp, match="there is no database"):
        backup(tmp_path / "absent.db", tmp_path / "copy.db", told=no_word)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE things (id)")
    with pytest.raises(CannotBackUp, match="no database of a gateway"):
        backup(tmp_path / "other.db", tmp_path / "copy.db", told=no_word)
    assert not (tmp_path / "copy.db").exists()
    assert store.file.read_bytes() == before
    with pytest.raises(CannotStart, match="pg_dump"):
        await write_backup(Environment(database_url="postgresql://nobody@127.0.0.1:1/none"), tmp_path / "copy.db")


async def test_a_copy_that_is_damaged_does_not_take_the_place_of_a_good_one(store: Store, tmp_path: Path) -> None:
    await load(store, LIFE, secret="0123456789abcdef", told=quiet)
    assert store.file is not None
    target, part = tmp_path / "copy.db", tmp_path / "copy.db.part"
    target.write_bytes(b"an older one")

    def told(done: int, of: int) -> None:
        """The disk is a bad one: after the last step the copy loses a page."""
        if done == of:
            with part.open("r+b") as file:
                file.seek(8 * 4096)
                file.write(b"\xff" * 4096)

    with pytest.raises(CannotBackUp):
        backup(store.file, target, told=told)
    assert target.read_bytes() == b"an older one"
    assert not part.exists()


async def run(url: str, *arguments: str) -> tuple[int, str, str]:
    environment = {**os.environ, "GATEWAY_DATABASE_URL": url, "GATEWAY_SECRET_KEY": SECRET}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_line(store: Store, database_url: str, tmp_path: Path) -> None:
    await load(store, LIFE, secret="0123456789abcdef", told=quiet)
    file, elsewhere = tmp_path / "file.gz", f"sqlite:///{tmp_path / 'new.db'}"
    code, out, err = await run(database_url, "export", str(file))
    assert (code, err) == (0, "")
    assert f"{sum(map(len, contents(LIFE).values()))} rows of {len(tables())} tables" in out
    assert lost(contents(LIFE), contents(file)) == []
    assert await read_import(environment(elsewhere), file) == 0
    code, out, err = await run(elsewhere, "import", str(file))
    assert (code, out) == (2, "")
    assert "not empty (audit 7" in err
    absent = tmp_path / "absent.db"
    with pytest.raises(CannotStart, match="there is no database"):
        await write_export(environment(f"sqlite:///{absent}"), file)
    assert not absent.exists()
    assert await write_backup(environment(elsewhere), tmp_path / "copy.db") == 0
    assert len(pushes(tmp_path / "copy.db")) == 4


def environment(url: str) -> Environment:
    return Environment(database_url=url, secret_key=SecretStr(SECRET))
