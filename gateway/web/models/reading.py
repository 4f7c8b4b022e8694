"""What storefronts ask for."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints, field_validator

from gateway.web.models.fields import Language, Model

_MOST = 100


class TrackingQuery(Model):
    """carrier: of whom the number is, where two know it. locale: the reader's language."""

    carrier: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    locale: Language | None = None


class LocaleQuery(Model):
    locale: Language | None = None


class NumbersQuery(TrackingQuery):
    """numbers: up to 100, separated by commas."""

    numbers: str

    @field_validator("numbers")
    @classmethod
    def _some(cls, value: str) -> str:
        if not 0 < len(split(value)) <= _MOST:
            raise ValueError(f"1 to {_MOST} numbers, separated by commas")
        return value


def split(numbers: str) -> list[str]:
    """Each once, in the order given."""
    return list(dict.fromkeys(number for part in numbers.split(",") if (number := part.strip())))
