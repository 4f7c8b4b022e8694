"""Coupons, points and refund requests: decided and written in one transaction, at most once per claim.

The built-in generator makes coupon codes out of the claim itself, so that the same claim always has the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.cases.announce import announce
from gateway.cases.fault import fault_of
from gateway.domain import Channel, DeedKind, Money, Reason
from gateway.outcome import Again, Done, Drop, End, No
from gateway.privacy import person_key
from gateway.remedies.ground import Ground, ground, hindrance, said_yes
from gateway.remedies.view import grant_view
from gateway.rules.compensation import Grant, GrantFacts, Hold, coupon_code, grant
from gateway.runtime import Runtime
from gateway.store import ledger, shipments
from gateway.store.engine import Tx
from gateway.store.ids import new_id
from gateway.store.rows import Row

_MONTH = timedelta(days=30)


async def compensate(rt: Runtime, deed: Row) -> End:
    """The doer of coupon, points and refund_request. A second run finds what the first wrote, and answers the same."""
    async with rt.store.write() as tx:
        here = await ground(rt, tx, deed)
        claim = claim_of(here.case.order_id, here.case.kind, deed.payload["versions"]["compensation"])
        await ledger.alone(tx)
        known = await ledger.by_claim(tx, claim)
        if known is not None and known.state != "refused":
            if (known.case_id, known.kind, known.tier) == (here.case.id, deed.kind, deed.payload["plan"]["tier"]):
                return Done(result=_result(known))
            return Drop(reason=f"the order has {known.kind} {known.id} for this already")
        hindered = hindrance(rt, deed, here)
        if hindered is not None:
            return hindered
        decided = grant(deed.payload["plan"]["tier"], rt.policies.compensation, await _facts(rt, tx, deed, here))
        if isinstance(decided, Hold):
            return Again(due_at=None, reason=decided.reason)
        if isinstance(decided, Grant):
            return Done(result=_result(await _issue(rt, tx, deed, here, claim, decided)))
        await _refuse(rt, tx, deed, here, claim, decided.reason)
        return No(reason=decided.reason)


def claim_of(order_id: str, kind: str, version: int) -> str:
    """At most one grant per order, kind of case and version of the policy that was in force when it was decided."""
    return f"{order_id}|{kind}|{version}"


async def _facts(rt: Runtime, tx: Tx, deed: Row, here: Ground) -> GrantFacts:
    now, shipment = rt.clock(), here.parcel.shipment if here.parcel else None
    who = await _who(rt, tx, deed, here)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    given = await ledger.given(tx, order_id=here.case.order_id, **who, month_ago=now - _MONTH, today=today)
    tier = rt.policies.compensation.tiers.get(deed.payload["plan"]["tier"])
    spent = await ledger.spent(tx, tier.currency, today.replace(day=1)) if tier else Decimal(0)
    value = _value(shipment.document.get("value") if shipment else None)
    return GrantFacts(
        value=value,
        fault=fault_of(here.case.kind, Reason(shipment.reason) if shipment and shipment.reason else None),
        destination=shipment.destination if shipment else "",
        carrier=here.case.carrier or "",
        currency=value.currency if value else "",
        granted_order=given.order,
        granted_customer=given.customer,
        granted_address=given.address,
        granted_day=given.day,
        spent_month=spent,
        approved=said_yes(deed, "approval"),
    )


def _value(given: Any) -> Money | None:
    return Money(amount=Decimal(given["amount"]), currency=given["currency"]) if given else None


async def _who(rt: Runtime, tx: Tx, deed: Row, here: Ground) -> dict[str, str]:
    """Keyed hashes of the customer and of the address; "" where nothing is known, which no cap counts.

    A case of an order alone is about the customer whom the report names, else about the one of the order's parcels.
    """
    document = here.parcel.shipment.document if here.parcel else await _of_order(tx, here.case.order_id)
    person = document.get("recipient") or {}
    if here.parcel is None:
        person = {**person, **(deed.payload.get("customer") or {})}
    known = (("phone", Channel.SMS), ("email", Channel.EMAIL), ("wechat_openid", Channel.WECHAT))
    customer = next((person_key(rt.secret, channel, person[name]) for name, channel in known if person.get(name)), "")
    place = document.get("destination") or {}
    parts = [str(place.get(name) or "") for name in ("country", "region", "city", "district", "postcode", "address")]
    address = person_key(rt.secret, "address", "|".join(parts)) if place.get("address") else ""
    return {"customer": customer, "address": address}


async def _of_order(tx: Tx, order_id: str) -> Mapping[str, Any]:
    """As the newest parcel of an order was registered; empty when it has none."""
    parcels = await shipments.of_order(tx, order_id)
    return parcels[-1].document if parcels else {}


async def _issue(rt: Runtime, tx: Tx, deed: Row, here: Ground, claim: str, decided: Grant) -> Row:
    now, kind = rt.clock(), DeedKind(decided.kind)
    until = None if kind is DeedKind.REFUND_REQUEST else now + timedelta(days=decided.expires_in_days)
    row = await _write(
        rt,
        tx,
        deed,
        here,
        claim,
        kind=kind,
        code=coupon_code(rt.secret, claim) if kind is DeedKind.COUPON else None,
        amount=str(decided.amount),
        currency=decided.currency,
        state="issued",
        reason=None,
        expires_at=until,
    )
    await announce(rt, tx, "coupon.issued", row.id, grant_view(row))
    return row


async def _refuse(rt: Runtime, tx: Tx, deed: Row, here: Ground, claim: str, reason: str) -> None:
    """A refusal is in the books too: who asks why there was no coupon finds the answer."""
    tier = rt.policies.compensation.tiers.get(deed.payload["plan"]["tier"])
    worth = {"amount": str(tier.amount), "currency": tier.currency} if tier else {"amount": "0", "currency": ""}
    more = {"kind": deed.kind, "code": None, "reason": reason, "expires_at": None}
    await _write(rt, tx, deed, here, claim, state="refused", **worth, **more)


async def _write(rt: Runtime, tx: Tx, deed: Row, here: Ground, claim: str, **values: Any) -> Row:
    """The row of this claim: a new one, or the one that was refused before."""
    row = {
        **values,
        "order_id": here.case.order_id,
        "case_id": here.case.id,
        "shipment_id": deed.shipment_id,
        "tier": deed.payload["plan"]["tier"],
        "policy_version": deed.payload["versions"]["compensation"],
        "issued_at": rt.clock(),
        **await _who(rt, tx, deed, here),
    }
    if not await ledger.add(tx, id=new_id("gr"), claim=claim, **row):
        refused = await ledger.by_claim(tx, claim)
        if refused is None or not await ledger.change(tx, refused.id, states=("refused",), **row):
            raise RuntimeError(f"the ledger does not take {claim}")
    written = await ledger.by_claim(tx, claim)
    if written is None:
        raise RuntimeError(f"the ledger lost {claim}")
    return written


def _result(row: Row) -> dict[str, Any]:
    """What the case shows, and a message speaks of."""
    until: datetime | None = row.expires_at
    worth = {"amount": row.amount, "currency": row.currency}
    return {"grant_id": row.id, "code": row.code, **worth, "expires_at": until.isoformat() if until else None}
