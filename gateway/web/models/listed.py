"""What every list and every amount of an answer looks like."""

from __future__ import annotations

from pydantic import BaseModel


class Money(BaseModel):
    """A decimal text in major units, and its ISO 4217 currency."""

    amount: str
    currency: str


class Listed(BaseModel):
    """next_cursor: null on the last page."""

    next_cursor: str | None
