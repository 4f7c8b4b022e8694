"""One playing of a journey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.sandbox.records import Event
from gateway.sandbox.script import Journey


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    REACHED = "reached"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Run:
    """One playing of a journey. step: how many steps are done. note: why it failed. adopted: registered by others."""

    journey: Journey
    numbers: list[str]
    orders: list[str]
    recipients: list[Mapping[str, Any]] = field(default_factory=list)
    shipments: list[str] = field(default_factory=list)
    state: State = State.WAITING
    step: int = 0
    note: str = ""
    adopted: bool = False
    events: list[list[Event]] = field(default_factory=list)

    def addresses(self, index: int | None = None) -> set[str]:
        """Where the customers of all parcels, or of one, can be reached, as providers write it."""
        people = self.recipients if index is None else self.recipients[index : index + 1]
        found = {str(person[name]) for person in people for name in ("email", "wechat_openid")}
        return found | {str(person["phone"]).removeprefix("+86") for person in people}
