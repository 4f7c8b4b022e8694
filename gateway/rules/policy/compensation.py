"""compensation.yaml: tiers, caps, budgets, exclusions. Amounts are decimal texts in major units."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from gateway.domain import Fault
from gateway.rules.policy.document import Document


class Tier(Document):
    """What is given. per_cent of the parcel's value, bounded by amount, when given; else the amount."""

    kind: Literal["coupon", "points", "refund_request"] = "coupon"
    amount: Decimal = Field(gt=0, max_digits=12, decimal_places=2)
    per_cent: Decimal | None = Field(default=None, gt=0, le=100)
    currency: str = Field(pattern="^[A-Z]{3}$")
    valid_days: int = Field(default=90, ge=1, le=1095)


class Caps(Document):
    """Numbers of grants, in total over all kinds. None: no cap."""

    per_order: int | None = Field(default=1, ge=0)
    per_customer_30_days: int | None = Field(default=2, ge=0)
    per_address_30_days: int | None = Field(default=3, ge=0)
    per_day: int | None = Field(default=500, ge=0)


class Budget(Document):
    """Money per calendar month (UTC) over all tiers of one currency."""

    currency: str = Field(pattern="^[A-Z]{3}$")
    per_month: Decimal = Field(ge=0, max_digits=14, decimal_places=2)


class Exclusions(Document):
    """Who gets nothing by itself: fault families, destinations (lane patterns), carriers."""

    faults: tuple[Fault, ...] = (Fault.RECIPIENT, Fault.SHIPPER)
    destinations: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()


class Compensation(Document):
    """approval_above: a larger grant waits for a person. withdraw_if_on_time: an unused one is taken back when the
    parcel arrived by its promise after all."""

    tiers: dict[str, Tier]
    caps: Caps = Caps()
    budgets: tuple[Budget, ...] = ()
    exclusions: Exclusions = Exclusions()
    approval_above: dict[str, Decimal] = {}
    withdraw_if_on_time: bool = True

    @model_validator(mode="after")
    def _one_budget(self) -> Compensation:
        currencies = [budget.currency for budget in self.budgets]
        if len(currencies) != len(set(currencies)):
            raise ValueError("a currency has one budget")
        return self
