"""A copy of a SQLite file while a gateway serves it: SQLite's own backup, checked before it takes its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

#: Pages copied between two words to whoever watches (16 MiB). The snapshot is held all the while.
_PAGES = 4096
#: What SQLite keeps beside a file.
_BESIDE = ("-wal", "-shm", "-journal")


class CannotBackUp(Exception):
    """There is no copy. Says why; what was at its place before is still there."""


def backup(source: Path, target: Path, *, told: Callable[[int, int], None], pages: int = _PAGES) -> int:
    """Copy `source` as it is now: bytes of the copy. What was committed before the call is in it.

    It takes the place of an older copy only when it is complete and sound. Readable by its owner alone. Writers are not
    held up; the write-ahead log grows until the copy is done. told: hears (pages done, pages in all) every so many
    `pages`. Raise CannotBackUp. Blocks: not for the event loop.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        _check(source, target)
        with suppress(FileNotFoundError):
            part.unlink()
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, part, told, pages)
        _sound(part)
        return _settle(part, target)
    except (OSError, sqlite3.Error) as error:
        raise CannotBackUp(f"{target}: {error}") from error
    finally:
        for name in ("", *_BESIDE):
            part.with_name(part.name + name).unlink(missing_ok=True)


def _check(source: Path, target: Path) -> None:
    if not source.is_file():
        raise CannotBackUp(f"there is no database at {source}")
    own = [source, *(source.with_name(source.name + name) for name in (*_BESIDE, ".lock"))]
    if target.resolve() in [one.resolve() for one in own]:
        raise CannotBackUp(f"{target} is the database itself")
    for name in _BESIDE:
        beside = target.with_name(target.name + name)
        if beside.exists():
            raise CannotBackUp(f"{beside} is there: somebody has {target} open. Choose another name")


def _copy(source: Path, part: Path, told: Callable[[int, int], None], pages: int) -> None:
    """In steps, from one read transaction: without it each commit of the gateway would begin the copy anew."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)) as old,
        closing(sqlite3.connect(part, isolation_level=None)) as new,
    ):
        old.execute("BEGIN")
        if not old.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            raise CannotBackUp(f"{source} is no database of a gateway")
        old.backup(new, pages=pages, progress=lambda status, left, of: told(of - left, of))


def _sound(part: Path) -> None:
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        said = [row[0] for row in copy.execute("PRAGMA integrity_check(5)")]
    if said != ["ok"]:
        raise CannotBackUp(f"the copy is not sound: {'; '.join(map(str, said))}")


def _settle(part: Path, target: Path) -> int:
    """On the disk, then under its name."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size
