"""A journey as data: what happens to a parcel, and what the gateway must say in the end. Read from scripts/*.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import yaml

from gateway.domain import Reason, Status
from gateway.sandbox.conditions import Condition

FOLDER = Path(__file__).with_name("scripts")
_SPAN = re.compile(r"([0-9.]+)(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ScriptError(Exception):
    """A journey that cannot be read; says which file and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something at the carrier. ago: before the step. push: it is told to the gateway. leg: of which leg."""

    status: Status = Status.UNKNOWN
    reason: Reason | None = None
    code: str = ""
    text: str = ""
    place: str = ""
    ago: timedelta = timedelta()
    push: bool = False
    leg: Literal["first", "current"] = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Push events that happened before once more, by their number in the history, in this order."""

    events: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The provider's operations fail this way until `heal`."""

    provider: str
    operation: str = "*"
    how: str = "http503"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heal:
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """POST /v1/shipments/{id}/refresh: somebody asks the carrier now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class See:
    """Wait until the gateway says so."""

    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The gateway must go on saying so for this long."""

    seconds: float
    condition: Condition


Step = Happening | Again | Fail | Heal | Refresh | See | Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """prefix, digits: its test numbers, any of which plays it. hour: the recipient's wall clock, roughly.

    history: what had happened before the shop told the gateway. destination, sender...: of the registration.
    """

    id: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    carrier: str
    prefix: str
    digits: int
    parcels: int = 1
    hour: int = 12
    shipment: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Happening, ...] = ()
    steps: tuple[Step, ...] = ()
    expect: tuple[Condition, ...] = ()

    def number(self, run: int, index: int) -> str:
        """The test number of a run's `index`-th parcel."""
        width = self.digits - 1
        return f"{self.prefix}{run % 10**width:0{width}d}{index}"

    def plays(self, number: str) -> bool:
        return bool(re.fullmatch(rf"{re.escape(self.prefix)}[0-9]{{{self.digits}}}", number))


def journeys(folder: Path = FOLDER) -> tuple[Journey, ...]:
    """All of them in the order of their file names. Raise ScriptError."""
    return tuple(read(path) for path in sorted(folder.glob("*.yaml")))


def read(path: Path) -> Journey:
    """One journey. Raise ScriptError naming the file."""
    try:
        raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        parts: dict[str, Any] = {
            "history": tuple(_happening(row) for row in raw.pop("history", ())),
            "steps": tuple(_step(row) for row in raw.pop("steps", ())),
            "expect": tuple(Condition(**row) for row in raw.pop("expect")),
        }
        return Journey(**raw, **parts)
    except (KeyError, TypeError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise ScriptError(f"{path.name}: {error}") from error


def _step(row: Mapping[str, Any]) -> Step:
    ((verb, given),) = row.items()
    step: Step = _VERBS[verb](given or {})
    return step


def _happening(row: Mapping[str, Any]) -> Happening:
    known = dict(row)
    known["status"] = Status(known.get("status", Status.UNKNOWN))
    known["reason"] = Reason(known["reason"]) if "reason" in known else None
    known["ago"] = span(known.get("ago", "0s"))
    return Happening(**known)


def _hold(row: Mapping[str, Any]) -> Hold:
    rest = {name: value for name, value in row.items() if name != "span"}
    return Hold(seconds=span(row["span"]).total_seconds(), condition=Condition(**rest))


_VERBS: Mapping[str, Any] = {
    "scan": _happening,
    "again": lambda row: Again(events=tuple(row["events"])),
    "fail": lambda row: Fail(**row),
    "heal": lambda row: Heal(**row),
    "refresh": lambda row: Refresh(**row),
    "see": lambda row: See(condition=Condition(**row)),
    "hold": _hold,
}


def span(text: str) -> timedelta:
    """ "90s", "26h", "4d". Raise ValueError for anything else."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a span of time like 26h")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})
