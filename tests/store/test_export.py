"""A store moves to the other kind whole, as of one moment, or not at all."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from gateway.store import census, inbox, strays
from gateway.store.archive_reader import BadArchive
from gateway.store.engine import Store, connect
from gateway.store.export import count, export, tables
from gateway.store.inbox import Raw
from gateway.store.load import CannotLoad, load
from gateway.store.migrate import pending, upgrade
from gateway.store.tables import inbox as pushes
from tests.servers import Postgres
from tests.store.files import FINGERPRINT, contents, lost, quiet, stored
from tests.store.life import empty_tables, live
from tests.store.release import RELEASED
from tests.tracking.parts import NOW

LIFE = RELEASED / "0001.jsonl"


@pytest.fixture
async def other(store: Store, postgres: Postgres, tmp_path: Path) -> AsyncIterator[Store]:
    """A database of the other kind, without a schema."""
    name = f"t{secrets.token_hex(6)}"
    postgres.create(name)
    opened = connect(postgres.url(name) if store.dialect == "sqlite" else f"sqlite:///{tmp_path / 'other.db'}")
    yield opened
    await opened.close()
    postgres.drop(name)


async def push(store: Store) -> int:
    """A push is kept under the next id."""
    async with store.write() as tx:
        (given,) = await inbox.add(tx, [Raw(carrier="sf", received_at=NOW, request={}, body=b"\x00\xff")])
    return given


async def test_there_and_back_every_row_is_as_it_was(store: Store, other: Store, tmp_path: Path) -> None:
    await live(store)
    assert await empty_tables(store) == []
    last = await push(store)
    async with store.write() as tx:
        await tx.conn.execute(delete(pushes).where(pushes.c.id == last))
    before = await stored(store, tmp_path)
    head = await load(other, tmp_path / "now.jsonl.gz", secret=FINGERPRINT, told=quiet)
    assert head.source == store.dialect
    assert await pending(other) is None
    assert await stored(other, tmp_path) == before
    assert await push(other) == last + 1  # an id is never given twice, not even that of a row that is gone
    async with other.write() as tx:
        until = {"at": NOW, "until": NOW}
        await strays.add(tx, carrier="sf", company=None, number="X", history=[], **until)
        assert max(one.id for one in await strays.of_number(tx, "X")) > max(key[0] for key in before["strays"])


async def test_it_is_as_of_one_moment_while_others_write(
    store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await load(store, LIFE, secret=FINGERPRINT, told=quiet)

    def told(table: str, done: int, of: int) -> None:
        """Half-way through, somebody takes what was promised."""
        if table == "legs" and store.file is not None:
            with sqlite3.connect(store.file) as writer:
                writer.execute("DELETE FROM shipments")
            writer.close()
        elif table == "legs":
            request.getfixturevalue("postgres").run_sql("DELETE FROM shipments", store.engine.url.database)

    await export(store, tmp_path / "file.gz", secret=None, told=told)
    async with store.read() as tx:
        assert [await count(tx, table) for table in tables() if table.name == "shipments"] == [0]
    found = contents(tmp_path / "file.gz")
    assert {row["shipment_id"] for row in found["legs"].values()} == {key[0] for key in found["shipments"]} != set()


async def test_the_file_is_read_by_people_and_by_nobody_else(store: Store, tmp_path: Path) -> None:
    await load(store, LIFE, secret=FINGERPRINT, told=quiet)
    path = tmp_path / "file.gz"
    await export(store, path, secret=FINGERPRINT, told=quiet)
    assert path.stat().st_mode & 0o077 == 0
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert (lines[0]["gateway_export"], lines[0]["from"], lines[-1]["end"]) == (1, store.dialect, True)
    at = next(number for number, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "inbox")
    row = dict(zip(lines[at]["columns"], lines[at + 1], strict=True))
    assert (row["received_at"], row["request"]["method"]) == ("2026-03-05T12:00:00.123457+00:00", "POST")


async def test_who_goes_on_elsewhere_leaves_no_half_a_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(b"an older one")
    await load(store, LIFE, secret=FINGERPRINT, told=quiet)

    def told(table: str, done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await export(store, path, secret=None, told=told)
    assert not path.with_name("file.gz.part").exists()
    assert path.read_bytes() == b"an older one"


def cut(lines: list[bytes]) -> bytes:
    return b"".join(lines)[:-3000]


def without_its_end(lines: list[bytes]) -> bytes:
    return b"".join(lines[:-1])


def altered(lines: list[bytes]) -> bytes:
    return b"".join(lines).replace(b"SF0000000002", b"SF0000000007")


def without_a_row(lines: list[bytes]) -> bytes:
    return b"".join(line for line in lines if b'"SO-9"' not in line)


def doubled(lines: list[bytes]) -> bytes:
    return b"".join([*lines, lines[-1]])


def newer(lines: list[bytes]) -> bytes:
    return b"".join(lines).replace(b'"schema":"0001"', b'"schema":"9999"')


def of_another_format(lines: list[bytes]) -> bytes:
    return b"".join(lines).replace(b'"gateway_export":1', b'"gateway_export":2')


def something_else(lines: list[bytes]) -> bytes:
    return b'{"rows": []}\n'


def a_picture(lines: list[bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n"


def nothing(lines: list[bytes]) -> bytes:
    return b""


BAD: dict[Callable[[list[bytes]], bytes], str] = {
    cut: "cut off",
    without_its_end: "cut off",
    altered: "altered",
    without_a_row: "altered",
    doubled: "goes on after its end",
    newer: "schema 9999; this version of the gateway knows up to",
    of_another_format: "format 2; this version of the gateway reads format 1",
    something_else: "no file of `gateway export`",
    a_picture: "no file of `gateway export`",
    nothing: "no file of `gateway export`",
}


async def test_a_file_that_is_not_sound_leaves_the_store_as_it_was(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for harm, told in BAD.items():
        path.write_bytes(harm(LIFE.read_bytes().splitlines(keepends=True)))
        with pytest.raises(BadArchive, match=re.escape(told)):
            await load(store, path, secret=FINGERPRINT, told=quiet)
        assert len(await empty_tables(store)) == len(tables()), harm
    packed = gzip.compress(LIFE.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(BadArchive, match="cut off"):
        await load(store, path, secret=FINGERPRINT, told=quiet)
    with pytest.raises(BadArchive, match="No such file"):
        await load(store, tmp_path / "nowhere", secret=FINGERPRINT, told=quiet)
    path.write_bytes(packed)
    await load(store, path, secret=FINGERPRINT, told=quiet)
    assert lost(contents(LIFE), await stored(store, tmp_path)) == []


async def test_tables_of_somebody_else_are_left_alone(other: Store) -> None:
    async with other.write() as tx:
        await tx.conn.exec_driver_sql("CREATE TABLE keys (door text)")
    with pytest.raises(CannotLoad, match="not the gateway's: keys"):
        await load(other, LIFE, secret=FINGERPRINT, told=quiet)


async def test_a_store_that_is_in_use_or_has_something_is_left_alone(store: Store, database_url: str) -> None:
    for secret in (None, "fedcba9876543210"):
        with pytest.raises(CannotLoad, match="GATEWAY_SECRET_KEY"):
            await load(store, LIFE, secret=secret, told=quiet)
    if store.file is not None:
        with census.hold(store.file), pytest.raises(CannotLoad, match="stop it first"):
            await load(store, LIFE, secret=FINGERPRINT, told=quiet)
    else:
        second = connect(database_url)
        async with second.read() as tx:
            await tx.conn.execute(select(1))
            with pytest.raises(CannotLoad, match="use the database: 1"):
                await load(store, LIFE, secret=FINGERPRINT, told=quiet)
        await second.close()
    await push(store)
    with pytest.raises(CannotLoad, match=re.escape("not empty (inbox 1)")):
        await load(store, LIFE, secret=FINGERPRINT, told=quiet)


async def test_who_starts_during_an_import_waits_for_it(other: Store, tmp_path: Path) -> None:
    """The second finds the store whole, whichever of both is first."""
    second = connect(other.engine.url.render_as_string(hide_password=False))
    first = asyncio.create_task(load(other, LIFE, secret=FINGERPRINT, told=quiet))
    try:
        await upgrade(second)
        await first
    except CannotLoad:  # the one that started was there before: nothing was done
        assert other.dialect == "postgresql"
        assert len(await empty_tables(second)) == len(tables())
    else:
        assert lost(contents(LIFE), await stored(second, tmp_path)) == []
    await second.close()
