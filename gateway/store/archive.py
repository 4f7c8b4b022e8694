"""The file of `gateway export`: gzip'ed JSON lines that other programs and people can read, and that are checked whole.

    {"gateway_export": 1, "schema": "0001", "at": "2026-03-05T12:00:00+00:00", "from": "sqlite", "secret": "9f2c...",
     "tables": {"audit": 2, ...}}
    {"table": "audit", "columns": {"id": "int", "at": "time", "who": "text", ..., "detail": "json"}, "last": 2}
    [1, "2026-03-05T11:58:03.000412+00:00", "ops", ..., {"version": 2}]
    ...
    {"end": true, "rows": 51234, "sha256": "..."}

A row is an array in the order of `columns`. last: the highest id that was ever given where the store counts them.
secret: a fingerprint of the secret key that the keyed hashes in the file were made with, null when there was none.
sha256 is of every line before the last. Kinds: int, float, bool, text, json as JSON has them; time in ISO 8601 to the
microsecond; bytes in base64.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from json.encoder import encode_basestring
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from gateway.store.tables import compact, instant

FORMAT = 1
#: Half the time of the usual 9 for a file that is a tenth larger.
_LEVEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first line. tables: how many rows each has. source: the kind of store it came from."""

    schema: str
    at: str
    source: str
    secret: str | None
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table: its columns with their kinds, and the highest id that was ever given."""

    table: str
    columns: Mapping[str, str]
    last: int | None


def _json_text(text: str) -> str:
    """As the store has it: compact, so it fits into a line."""
    return text if "\n" not in text and "\r" not in text else compact(json.loads(text))


def _time(value: int) -> str:
    return f'"{instant(value).isoformat(timespec="microseconds")}"'


#: A stored value (never None) as JSON, by the kind of its column.
_WRITE: Mapping[str, Callable[[Any], str]] = {
    "int": str,
    "float": lambda value: repr(float(value)),
    "bool": lambda value: "true" if value else "false",
    "text": encode_basestring,
    "json": _json_text,
    "time": _time,
    "bytes": lambda value: f'"{b64encode(value).decode()}"',
}


def _written(write: Callable[[Any], str], value: Any) -> str:
    return "null" if value is None else write(value)


class Writer:
    """Writes beside `path` and takes its place when everything was written; an error leaves nothing behind.

    Readable by its owner alone: the file holds addresses of people.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f"{path.name}.part")
        self._sum = hashlib.sha256()
        self._rows = 0
        self._write: list[Callable[[Any], str]] = []

    def __enter__(self) -> Writer:
        self._part.unlink(missing_ok=True)
        self._file: IO[bytes] = os.fdopen(os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, compresslevel=_LEVEL)
        return self

    def head(self, head: Head) -> None:
        said = asdict(head)
        self._line({"gateway_export": FORMAT, "from": said.pop("source"), **said})

    def section(self, section: Section) -> None:
        self._write = [_WRITE[kind] for kind in section.columns.values()]
        self._line(asdict(section))

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of the section, as the driver gave them."""
        lines = [f"[{','.join([_written(*pair) for pair in zip(self._write, row, strict=True)])}]" for row in rows]
        self._rows += len(lines)
        if lines:
            self._put("\n".join(lines) + "\n")

    def end(self) -> None:
        self._line({"end": True, "rows": self._rows, "sha256": self._sum.hexdigest()})

    def _line(self, value: Any) -> None:
        self._put(compact(value) + "\n")

    def _put(self, text: str) -> None:
        data = text.encode()
        self._sum.update(data)
        self._gzip.write(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._gzip.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self._part.replace(self.path)
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)
