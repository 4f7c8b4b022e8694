"""What a store is really asked: every statement with its parameters, and which function of gateway.store said it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet
from sqlalchemy import event

import gateway.store
from gateway.store.engine import Store

_FOLDER = str(Path(gateway.store.__file__).parent)
#: They pass on what the topics' modules say.
_CARRIERS = {"engine", "queues", "bulk", "upsert"}
_NUMBER = re.compile(r"\$\d+")
_LIST = re.compile(r"(\([?,\s]+\)|\(\s*(?:\$(?:::\w+)?[,\s]*)+\))")
_READS = re.compile(r"^\s*(SELECT|WITH|UPDATE|DELETE|INSERT\b.*\bSELECT)\b", re.S | re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """statement, parameters: as the driver got them. by: like "shipments.locked"."""

    statement: str
    parameters: Any
    by: str

    @property
    def finds(self) -> bool:
        """Whether it looks for rows; an INSERT of values has nothing to look for."""
        return _READS.match(self.statement) is not None


class Recorder:
    """said: one of each kind of statement, however long its lists were. callers: functions that said something."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], Said] = {}
        self.callers: set[str] = set()

    @property
    def said(self) -> list[Said]:
        return list(self._said.values())

    @contextmanager
    def listening(self, store: Store) -> Iterator[None]:
        engine = store.engine.sync_engine
        event.listen(engine, "before_cursor_execute", self._hear)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", self._hear)

    def _hear(self, conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        names = list(_names())
        by = next((name for name in names if name.split(".")[0] not in _CARRIERS), "elsewhere")
        self.callers |= set(names)
        one = parameters[0] if isinstance(parameters, list) and parameters else parameters
        shape = _LIST.sub("(…)", _NUMBER.sub("$", statement))
        self._said[by, shape] = Said(statement=statement, parameters=one, by=by)


def _names() -> Iterator[str]:
    """The functions of gateway.store that are speaking: SQLAlchemy speaks in a greenlet, its caller is the parent's."""
    parent = greenlet.getcurrent().parent
    frame: FrameType | None = sys._getframe() if parent is None else parent.gr_frame
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_FOLDER):
            yield f"{Path(code.co_filename).stem}.{code.co_name}"
        frame = frame.f_back
