"""routes.yaml: who takes over from whom."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from gateway.rules.policy.document import Document, LocalTime


class When(Document):
    """What a route is for. Patterns: "*", a country "CN", a region "CN-Guangdong", or "CN-*"."""

    carrier: str = "*"
    origin: str = "*"
    destination: str = "*"
    service: str = "*"
    max_weight_g: int | None = Field(default=None, gt=0)
    max_value: Decimal | None = Field(default=None, gt=0)


class Backup(Document):
    """A carrier that may take over. before: local cut-off time of its pickup. cost: for choosing the cheapest.
    max_weight_g, max_value: what this carrier takes."""

    carrier: str
    service: str = ""
    weight: float = Field(default=1, gt=0)
    before: LocalTime | None = None
    cost: Decimal | None = Field(default=None, ge=0)
    max_weight_g: int | None = Field(default=None, gt=0)
    max_value: Decimal | None = Field(default=None, gt=0)


class Route(Document):
    """mode: auto books, ask opens a question to a person, off does nothing. order: as listed, by weight, by cost."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    when: When = When()
    mode: Literal["auto", "ask", "off"] = "ask"
    order: Literal["ordered", "weighted", "cheapest"] = "ordered"
    backups: tuple[Backup, ...] = ()


class Routes(Document):
    """The first route that matches is the one."""

    routes: tuple[Route, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Routes:
        ids = [route.id for route in self.routes]
        if len(ids) != len(set(ids)):
            raise ValueError("route ids must differ")
        return self
