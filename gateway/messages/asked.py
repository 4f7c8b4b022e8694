"""What a deed asks to be said, whichever way it was decided: by a playbook for a case, or because a status is news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain import FINAL, CaseState, Channel, DeedState, Reason, Status, rank
from gateway.messages.facts import Subject, recipient
from gateway.messages.follow import NEWS
from gateway.privacy import person_key
from gateway.rules.governor import Counts, Decision, Reader
from gateway.rules.kinds import ORDER_KINDS, exception_kind
from gateway.rules.policy import News, RemedyPlan
from gateway.runtime import Runtime
from gateway.store import cases, ledger, legs, messages, outbox, shipments
from gateway.store.engine import Tx
from gateway.store.history import decode
from gateway.tracking.change import Snapshot

DAY = timedelta(days=1)
_DAMAGED = exception_kind(Reason.DAMAGED)
_CLOSED = (CaseState.CLEARED, CaseState.RESOLVED)
_ADDRESS = {Channel.WECHAT: "wechat_openid", Channel.SMS: "phone", Channel.EMAIL: "email"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A decision with everything needed to carry it out. keys: channel -> keyed hash of the address.

    counts: of what was said besides. unfounded: it would tell of a remedy that did not happen.
    """

    decision: Decision
    reader: Reader
    counts: Counts
    about: Subject
    superseded: bool
    unfounded: bool
    keys: dict[Channel, str]


async def asked(rt: Runtime, tx: Tx, deed: Any, now: datetime) -> Asked:
    """Read what the deed is about. deed: a row of `outbox` of kind "message" or "news"."""
    row = await shipments.get(tx, deed.shipment_id) if deed.shipment_id else None
    shipment = Snapshot.of(row) if row else None
    case = await cases.get(tx, deed.case_id) if deed.case_id else None
    coupon = next((grant for grant in await ledger.of_case(tx, deed.case_id) if grant.code), None) if case else None
    decision = _decision(deed, case, now)
    operators = decision.channels == (Channel.OPS,)
    person = recipient(shipment) or deed.payload.get("customer") or await _of_order(tx, shipment, case)
    addresses = {Channel.OPS: "-"} if operators else _addresses(person)
    keys = {channel: person_key(rt.secret, channel, address) for channel, address in addresses.items()}
    gone = await messages.suppressed(tx, list(keys.values()))
    said = await messages.said_to(tx, list(keys.values()), now - DAY, besides=deed.key)
    told = await messages.said_about(tx, shipment.id, now - DAY, besides=deed.key) if shipment else 0
    reader = _reader(rt, person, addresses, {channel for channel, key in keys.items() if (channel, key) in gone})
    return Asked(
        decision=decision,
        reader=reader,
        counts=Counts(address={channel: said.get(key, 0) for channel, key in keys.items()}, shipment=told),
        about=Subject(
            shipment=shipment,
            person=person,
            place=await _place(tx, shipment),
            case=case,
            coupon=coupon,
            cause=deed.payload.get("cause"),
            carrier=deed.payload.get("carrier"),
        ),
        superseded=not operators and _superseded(deed, decision, shipment, case),
        unfounded=await _unfounded(tx, deed),
        keys=keys,
    )


async def _of_order(tx: Tx, shipment: Snapshot | None, case: Any) -> Mapping[str, Any]:
    """A case of an order of several parcels: its customer is the recipient of the newest one."""
    parcels = await shipments.of_order(tx, case.order_id) if shipment is None and case is not None else []
    return recipient(Snapshot.of(parcels[-1])) if parcels else {}


def _decision(deed: Any, case: Any, now: datetime) -> Decision:
    if deed.kind == NEWS:
        entry = News.model_validate(deed.payload["news"])
        return Decision(
            template=entry.template,
            channels=entry.channels,
            send=entry.send,
            urgent=entry.urgent,
            news_at=datetime.fromisoformat(deed.payload["at"]),
            status_rank=rank(Status(deed.payload["status"])),
        )
    plan = RemedyPlan.model_validate(deed.payload["plan"])
    return Decision(
        kind=plan.category,
        template=plan.template or "",
        channels=plan.channels or ((Channel.OPS,) if plan.to == "operators" else ()),
        send=plan.send,
        news_at=max(case.opened_at, deed.created_at) if case else now,
    )


def _superseded(deed: Any, decision: Decision, shipment: Snapshot | None, case: Any) -> bool:
    """News of a status that is over, word of a trouble that went away, anything more about a parcel at its end."""
    if deed.kind == NEWS:
        return shipment is None or shipment.status != deed.payload["status"]
    if decision.kind != "transactional":
        return False
    if case is not None and case.state in _CLOSED:
        return True
    ended = shipment is not None and shipment.status in FINAL - {Status.EXPIRED}
    return ended and not _outlives(shipment, case)


def _outlives(shipment: Snapshot | None, case: Any) -> bool:
    """A trouble that the end of the journey does not end: the parcel arrived damaged, or the order system reported it
    when the parcel had come to its end already."""
    if shipment is None or case is None:
        return False
    if shipment.status is Status.DELIVERED and case.kind == _DAMAGED:
        return True
    return case.kind in ORDER_KINDS and shipment.since is not None and shipment.since <= case.opened_at


async def _unfounded(tx: Tx, deed: Any) -> bool:
    """It would tell of a remedy that did not happen."""
    if deed.kind == NEWS or not deed.after or RemedyPlan.model_validate(deed.payload["plan"]).needs != "done":
        return False
    told_of = await outbox.get(tx, deed.after)
    return told_of is None or told_of.state != DeedState.DONE


def _addresses(person: Mapping[str, Any]) -> dict[Channel, str]:
    return {channel: person[field] for channel, field in _ADDRESS.items() if person.get(field)}


def _reader(rt: Runtime, person: Mapping[str, Any], addresses: dict[Channel, str], suppressed: set[Channel]) -> Reader:
    return Reader(
        locale=person.get("locale") or rt.policies.messages.languages[0],
        timezone=person.get("timezone"),
        addresses=addresses,
        marketing=bool((person.get("consent") or {}).get("marketing")),
        suppressed=frozenset(suppressed),
    )


async def _place(tx: Tx, shipment: Snapshot | None) -> str:
    """Where the current leg was last seen."""
    if shipment is None:
        return ""
    rows = await legs.of_number(tx, shipment.tracking_number, shipment.carrier)
    places = [held.scan.place for row in rows for held in decode(row.history) if held.scan.place]
    return places[-1] if places else ""
