"""The type of a row, for those upstairs who are handed one but never speak SQL."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import Row as _Row

Row: TypeAlias = _Row[Any]
