"""Reading the file of `gateway export` (gateway/store/archive.py) back, some rows at a time, and checking it whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from gateway.store.archive import FORMAT, Head, Section
from gateway.store.tables import compact, micros

#: Rows handed over together, and about how many bytes of them: what is in memory stays small.
_ROWS, _BYTES = 1000, 4 << 20
_GZIP = b"\x1f\x8b"
Row = tuple[Any, ...]


class BadArchive(Exception):
    """The file is none of ours, newer, cut off or altered. Says which, and where."""


def _same(value: Any) -> Any:
    return value


#: What a line holds (never None) as the store keeps it, by the kind of its column.
_READ: Mapping[str, Callable[[Any], Any]] = {
    "int": _same,
    "float": float,
    "bool": _same,
    "text": _same,
    "json": compact,
    "time": lambda value: micros(datetime.fromisoformat(value)),
    "bytes": lambda value: b64decode(value, validate=True),
}


class Reader:
    """Reads a file of `gateway.store.archive.Writer`, packed or not. Raise BadArchive when it is not sound."""

    head: Head

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0
        self._line = b""
        self._sum = hashlib.sha256()

    def __enter__(self) -> Reader:
        try:
            self._raw = self.path.open("rb")
            self._file: IO[bytes] | gzip.GzipFile = self._raw
            if self._raw.peek(2)[:2] == _GZIP:
                self._file = gzip.GzipFile(fileobj=self._raw)
        except OSError as error:
            raise BadArchive(f"{self.path}: {error.strerror}") from error
        try:
            self.head = self._head(self._next())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def batches(self) -> Iterator[tuple[Section, list[Row]]]:
        """Each table in turn: its rows as the store keeps them, some at a time, and an empty batch at its end.

        Counts and checksum are compared last: what was handed over before that may be wrong.
        """
        seen: dict[str, int] = {}
        said = self._next()
        while isinstance(said, dict) and "table" in said:
            section, count = self._section(said), 0
            read = [_READ[kind] for kind in section.columns.values()]
            said = self._next()
            while isinstance(said, list):
                batch, said = self._batch(read, said)
                count += len(batch)
                yield section, batch
            yield section, []
            seen[section.table] = count
        self._ended(said, seen)

    def _batch(self, read: Sequence[Callable[[Any], Any]], said: Any) -> tuple[list[Row], Any]:
        """Some rows, and the line after them."""
        batch: list[Row] = []
        size = 0
        while isinstance(said, list) and len(batch) < _ROWS and size < _BYTES:
            batch.append(self._row(read, said))
            size += len(self._line)
            said = self._next()
        return batch, said

    def _row(self, read: Sequence[Callable[[Any], Any]], said: list[Any]) -> Row:
        try:
            return tuple([None if value is None else one(value) for one, value in zip(read, said, strict=True)])
        except (ValueError, TypeError) as error:
            raise self._bad(str(error)) from error

    def _head(self, said: Any) -> Head:
        if not isinstance(said, dict) or "gateway_export" not in said:
            raise BadArchive(f"{self.path} is no file of `gateway export`")
        if said["gateway_export"] != FORMAT:
            number = said["gateway_export"]
            raise BadArchive(f"{self.path} is of format {number}; this version of the gateway reads format {FORMAT}")
        named = {"source": said.pop("from", None), **said}
        try:
            return Head(**{name: named[name] for name in Head.__slots__})
        except KeyError as error:
            raise self._bad(f"{error} is missing") from error

    def _section(self, said: Mapping[str, Any]) -> Section:
        try:
            section = Section(**{name: said[name] for name in Section.__slots__})
        except KeyError as error:
            raise self._bad(f"{error} is missing") from error
        unknown = sorted(set(section.columns.values()) - _READ.keys())
        if unknown:
            raise self._bad(f"{section.table} has columns of an unknown kind: {', '.join(unknown)}")
        return section

    def _ended(self, said: Any, seen: Mapping[str, int]) -> None:
        """The line that should be the last."""
        if not isinstance(said, dict) or said.get("end") is not True:
            raise self._bad("neither a table, nor a row, nor the end")
        if said.get("rows") != sum(seen.values()) or said.get("sha256") != self._sum.hexdigest():
            raise self._bad("the file was altered: rows or checksum do not fit")
        if seen != dict(self.head.tables):
            raise self._bad("the file was altered: it does not hold what its head promises")
        if self._file.read(1):
            raise self._bad("the file goes on after its end")

    def _next(self) -> Any:
        """The next line. The checksum is then that of all lines before it."""
        self._sum.update(self._line)
        self._number += 1
        try:
            self._line = self._file.readline()
        except (EOFError, OSError, zlib.error) as error:
            raise self._bad("the file is cut off or damaged") from error
        if self._number > 1 and not self._line.endswith(b"\n"):
            raise self._bad("the file is cut off")
        try:
            return json.loads(self._line)
        except ValueError as error:
            why = "no line of JSON" if self._number > 1 else "this is no file of `gateway export`"
            raise self._bad(why) from error

    def _bad(self, why: str) -> BadArchive:
        return BadArchive(f"{self.path}, line {self._number}: {why}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._raw.close()
