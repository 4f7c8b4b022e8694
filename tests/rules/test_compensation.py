"""Who gets how much."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Fault, Money
from gateway.rules.compensation import Grant, GrantFacts, Hold, Refusal, coupon_code, grant, to_withdraw
from gateway.rules.policy import Compensation
from tests.rules.scans import NOON

POLICY = Compensation.model_validate(
    {
        "tiers": {
            "small": {"amount": "10", "currency": "CNY", "valid_days": 30},
            "large": {"amount": "80", "currency": "CNY"},
            "share": {"kind": "refund_request", "per_cent": "15", "amount": "30", "currency": "CNY"},
            "points": {"kind": "points", "amount": "500", "currency": "PTS"},
        },
        "caps": {"per_order": 1, "per_customer_30_days": 2, "per_address_30_days": 3, "per_day": 4},
        "budgets": [{"currency": "CNY", "per_month": "100"}],
        "exclusions": {"faults": ["recipient"], "destinations": ["CN-Xizang"], "carriers": ["slow"]},
        "approval_above": {"CNY": "50"},
    }
)


def _value(amount: str, currency: str = "CNY") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def test_a_grant() -> None:
    expected = Grant(kind="coupon", amount=Decimal("10"), currency="CNY", expires_in_days=30)
    assert grant("small", POLICY, GrantFacts(currency="CNY", fault=Fault.CARRIER)) == expected


@pytest.mark.parametrize(("value", "amount"), [("100", "15.00"), ("99.99", "15.00"), ("33.33", "5.00"), ("1000", "30")])
def test_a_share_of_the_value_up_to_the_amount(value: str, amount: str) -> None:
    given_ = grant("share", POLICY, GrantFacts(value=_value(value)))
    assert isinstance(given_, Grant)
    assert given_.amount == Decimal(amount)


REFUSED = [
    ("nothing", {}, "no_tier"),
    ("small", {"fault": Fault.RECIPIENT}, "excluded_fault"),
    ("small", {"destination": "CN-Xizang"}, "excluded_destination"),
    ("small", {"carrier": "slow"}, "excluded_carrier"),
    ("small", {"granted_order": 1}, "cap_order"),
    ("small", {"granted_customer": 2}, "cap_customer"),
    ("small", {"granted_address": 3}, "cap_address"),
    ("small", {"granted_day": 4}, "cap_day"),
    ("small", {"currency": "EUR"}, "currency"),
    ("share", {"value": _value("10", "EUR")}, "currency"),
    ("share", {"value": _value("0.01")}, "too_small"),
    ("small", {"spent_month": Decimal("90.01")}, "budget"),
    ("large", {"spent_month": Decimal("20.01"), "approved": True}, "budget"),
]


@pytest.mark.parametrize(("tier", "facts", "reason"), REFUSED)
def test_refusals(tier: str, facts: dict[str, Any], reason: str) -> None:
    assert grant(tier, POLICY, GrantFacts(**facts)) == Refusal(reason)


@pytest.mark.parametrize(
    ("tier", "facts"),
    [
        ("small", {"granted_customer": 1, "granted_address": 2, "granted_day": 3}),
        ("small", {"spent_month": Decimal("90")}),
        ("points", {"currency": "EUR"}),
        ("large", {"approved": True}),
    ],
)
def test_up_to_the_limit_is_granted(tier: str, facts: dict[str, Any]) -> None:
    assert isinstance(grant(tier, POLICY, GrantFacts(**facts)), Grant)


def test_a_person_decides_about_much_and_about_what_is_not_known() -> None:
    assert grant("large", POLICY, GrantFacts()) == Hold("approval")
    assert grant("share", POLICY, GrantFacts()) == Hold("value_unknown")


@given(st.sampled_from(sorted(POLICY.tiers)), st.decimals(0, 10**6, places=2), st.decimals(0, 200, places=2))
def test_never_above_the_tier_nor_the_budget(tier: str, value: Decimal, spent: Decimal) -> None:
    found = grant(tier, POLICY, GrantFacts(value=_value(str(value)), spent_month=spent))
    if isinstance(found, Grant):
        assert 0 < found.amount <= POLICY.tiers[tier].amount
        assert found.currency != "CNY" or spent + found.amount <= 100


@pytest.mark.parametrize(
    ("promised", "delivered", "withdrawn"),
    [(NOON, NOON, True), (NOON, NOON + timedelta(seconds=1), False), (None, NOON, False), (NOON, None, False)],
)
def test_an_unused_grant_is_taken_back_when_the_promise_was_kept(
    promised: datetime | None, delivered: datetime | None, withdrawn: bool
) -> None:
    assert to_withdraw(POLICY, promised, delivered) is withdrawn
    keeps = POLICY.model_copy(update={"withdraw_if_on_time": False})
    assert not to_withdraw(keeps, promised, delivered)


def test_the_code_of_the_fact_sheet() -> None:
    assert coupon_code(b"coupon-code-key-example", "tenant1|claim_000123") == "SORRY-XAJH-5KQ5-QE7N"
    assert coupon_code(b"coupon-code-key-example", "tenant1|claim_000123", "OOPS").startswith("OOPS-XAJH")


def test_a_code_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="secret"):
        coupon_code(b"", "claim")
