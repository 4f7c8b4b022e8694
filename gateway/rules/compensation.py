"""What a case is worth, and to whom: amounts, caps, budgets, exclusions; the code of a coupon."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from gateway.domain import Fault, Money
from gateway.rules.lane import covers
from gateway.rules.policy import Compensation, Tier

Kind = Literal["coupon", "points", "refund_request"]
_CENT = Decimal("0.01")
#: Letters and digits that nobody confuses (no 0, O, 1, I, L).
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFacts:
    """What is known when a grant is decided.

    value: of the parcel. fault: whose it is; None: not known. destination: lane end. currency: the order's, "" when not
    known. granted_*: grants so far of this order, this customer and this address (30 days), all of today (UTC).
    spent_month: granted this month (UTC) in the tier's currency. approved: a person has said yes.
    """

    value: Money | None = None
    fault: Fault | None = None
    destination: str = ""
    carrier: str = ""
    currency: str = ""
    granted_order: int = 0
    granted_customer: int = 0
    granted_address: int = 0
    granted_day: int = 0
    spent_month: Decimal = Decimal(0)
    approved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    kind: Kind
    amount: Decimal
    currency: str
    expires_in_days: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A person decides: "approval" (above the limit) or "value_unknown" (a share of a value nobody told us)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing is granted. reason: no_tier, excluded_*, cap_*, currency, too_small or budget."""

    reason: str


def grant(tier: str, policy: Compensation, facts: GrantFacts) -> Grant | Hold | Refusal:
    """What the tier gives in this case. A person's approval lifts the limit of amount, never a cap or the budget."""
    chosen = policy.tiers.get(tier)
    if chosen is None:
        return Refusal("no_tier")
    refused = next(_refusals(policy, facts, chosen), None)
    if refused is not None:
        return Refusal(refused)
    amount = _amount(chosen, facts.value)
    if amount is None:
        return Hold("value_unknown")
    if amount <= 0:
        return Refusal("too_small")
    budget = next((one.per_month for one in policy.budgets if one.currency == chosen.currency), None)
    if budget is not None and facts.spent_month + amount > budget:
        return Refusal("budget")
    limit = policy.approval_above.get(chosen.currency)
    if limit is not None and amount > limit and not facts.approved:
        return Hold("approval")
    return Grant(kind=chosen.kind, amount=amount, currency=chosen.currency, expires_in_days=chosen.valid_days)


def to_withdraw(policy: Compensation, promised_at: datetime | None, delivered_at: datetime | None) -> bool:
    """Whether an unused grant is taken back: the parcel arrived by its promise after all."""
    kept = promised_at is not None and delivered_at is not None and delivered_at <= promised_at
    return policy.withdraw_if_on_time and kept


def coupon_code(secret: bytes, text: str, prefix: str = "SORRY") -> str:
    """A code that belongs to a claim: the same claim gives the same code, so that a repeat collides at the shop instead
    of paying twice. 31^12 is about 2^59: not to be guessed. Source: notifiers/coupons.md, "What is common"."""
    if not secret:
        raise ValueError("coupon codes need a secret")
    number = int.from_bytes(hmac.digest(secret, text.encode(), hashlib.sha256), "big")
    letters = []
    for _ in range(12):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    word = "".join(letters)
    return "-".join((prefix, word[:4], word[4:8], word[8:]))


def _refusals(policy: Compensation, facts: GrantFacts, tier: Tier) -> Iterator[str]:
    out, caps = policy.exclusions, policy.caps
    if facts.fault in out.faults:
        yield "excluded_fault"
    if any(covers(pattern, facts.destination) for pattern in out.destinations):
        yield "excluded_destination"
    if facts.carrier in out.carriers:
        yield "excluded_carrier"
    counted = (
        ("cap_order", caps.per_order, facts.granted_order),
        ("cap_customer", caps.per_customer_30_days, facts.granted_customer),
        ("cap_address", caps.per_address_30_days, facts.granted_address),
        ("cap_day", caps.per_day, facts.granted_day),
    )
    yield from (name for name, cap, count in counted if cap is not None and count >= cap)
    foreign = facts.value is not None and tier.per_cent is not None and facts.value.currency != tier.currency
    if foreign or (tier.kind != "points" and facts.currency not in ("", tier.currency)):
        yield "currency"


def _amount(tier: Tier, value: Money | None) -> Decimal | None:
    if tier.per_cent is None:
        return tier.amount
    if value is None:
        return None
    share = (value.amount * tier.per_cent / 100).quantize(_CENT, ROUND_HALF_UP)
    return min(share, tier.amount)
