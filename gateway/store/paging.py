"""Where a page of a list ended, as a condition that an index can walk from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, tuple_


def below(at: Column[Any], row_id: Column[Any], cursor: tuple[datetime, str]) -> ColumnElement[bool]:
    """Rows older than the cursor, in a list ordered by (at, id). As a row value: an OR would be read from the start."""
    ended_at, ended_id = cursor
    end = tuple_(bindparam(None, ended_at, type_=at.type), bindparam(None, ended_id, type_=row_id.type))
    return tuple_(at, row_id) < end
