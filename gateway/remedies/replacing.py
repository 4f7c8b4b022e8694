"""Failover after hand-over: stop the parcel where the carrier can, and ask the order system for another one."""

from __future__ import annotations

from typing import Any

from gateway.cases.announce import announce
from gateway.cases.keys import deed_key
from gateway.contract import Can, OutcomeUnknown, Refused
from gateway.domain import DeedKind, DeedState
from gateway.outcome import Done, End
from gateway.remedies.cancelling import may_go
from gateway.remedies.ground import Ground, Parcel, hindrance
from gateway.remedies.parcel import leg_ref
from gateway.remedies.work import REPLACEMENT, Stop, Work
from gateway.rules.policy import RemedyPlan
from gateway.store import outbox
from gateway.store.engine import Tx
from gateway.store.outbox import Deed

#: The message template that asks whether there is stock (config/messages).
_QUESTION = "ops_case"


async def ask_for_replacement(work: Work) -> End:
    """Ends done: the question and the booking that may follow are deeds of their own, which clearing can take back."""
    if "intercept" not in work.progress:
        await _intercept(work)
    async with work.standing() as (tx, here, parcel):
        result = {"replacement": "requested", "intercept": work.progress["intercept"]}
        work.set(requested=result)
        told = {"case_id": here.case.id, "shipment_id": parcel.shipment.id, "order_id": parcel.shipment.order_id}
        items = (parcel.shipment.document.get("parcel") or {}).get("items") or []
        more = {"carrier": parcel.leg.carrier, "tracking_number": parcel.leg.tracking_number, "items": items}
        await announce(work.rt, tx, "replacement.requested", work.deed.id, {**told, **more})
        await _write_questions(work, tx)
    return Done(result=result)


async def _intercept(work: Work) -> None:
    """One call at most: a carrier that gave no answer is not told twice to stop a parcel. Raise Stop, ContractError."""
    lost = work.progress.get("begun") == "intercept"
    async with work.standing() as (tx, here, parcel):
        if lost:
            work.set(begun=None, intercept={"state": "unknown"})
            return
        await _may_begin(work, tx, here, parcel)
        adapter = work.rt.carriers[parcel.leg.carrier].adapter
        if Can.INTERCEPT not in adapter.can:
            work.set(intercept={"state": "impossible"})
            return
        work.set(begun="intercept")
    try:
        reference = await adapter.intercept(leg_ref(work.rt, parcel.shipment, parcel.leg))
        outcome: dict[str, Any] = {"state": "asked", "reference": reference}
    except OutcomeUnknown as error:
        outcome = {"state": "unknown", "reason": str(error)}
    except Refused as error:
        outcome = {"state": "refused", "reason": str(error)}
    await work.noted(begun=None, intercept=outcome)


async def _may_begin(work: Work, tx: Tx, here: Ground, parcel: Parcel) -> None:
    await work.alone(tx, here, parcel)
    hindered = hindrance(work.rt, work.deed, here)
    if hindered is not None:
        raise Stop(hindered)
    await may_go(work, tx, parcel)


async def _write_questions(work: Work, tx: Tx) -> None:
    """Is there stock? And on a yes, leg B."""
    deed, now = work.deed, work.rt.clock()
    ask = RemedyPlan(do=DeedKind.ASK, question=_QUESTION, within_hours=24).model_dump(mode="json")
    about = {name: deed.payload[name] for name in ("kind", "phase", "versions")}
    where: dict[str, Any] = {"case_id": deed.case_id, "shipment_id": deed.shipment_id, "ordinal": deed.ordinal}
    key = deed_key(deed.case_id, deed.ordinal, "replacement")
    asked = Deed(
        kind=DeedKind.ASK, key=f"{key}:ask", payload={**about, "plan": ask, "step": "stock"}, due_at=now, **where
    )
    ask_id = await outbox.add(tx, asked, now)
    if ask_id is not None:
        payload = {**about, "plan": deed.payload["plan"], "step": REPLACEMENT}
        follows = Deed(kind=DeedKind.FAILOVER, key=f"{key}:book", payload=payload, due_at=None, after=ask_id, **where)
        await outbox.add(tx, follows, now)


async def confirmed(work: Work) -> bool:
    """Whether a person said that there is stock for a replacement."""
    async with work.rt.store.read() as tx:
        asked = await outbox.get(tx, work.deed.after)
    return asked is not None and asked.state == DeedState.DONE and bool((asked.result or {}).get("yes"))
