"""What every policy document is: strict about unknown fields, frozen once read."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _written(value: Any) -> Any:
    """YAML reads an unquoted 18:00 as the number 1080 (sixty times eighteen), which would be eighteen past midnight."""
    if not isinstance(value, str | time):
        raise ValueError('a time of day is a text like "18:00", in YAML with its quotes')
    return value


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day is local: it has no offset")
    return value


#: A time of day by a local clock.
LocalTime = Annotated[time, BeforeValidator(_written), AfterValidator(_local)]

#: Working hours, hours and days that arithmetic over calendars can bear: nobody waits for longer.
Hours = Annotated[float, Field(gt=0, le=50_000)]
Days = Annotated[float, Field(ge=0, le=2_000)]
