"""The Tracking of api.md: what the storefront and the customer see of a shipment, and its rendered bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from gateway.cache import Rendered
from gateway.domain import Reason, Status
from gateway.rules.history import Held
from gateway.runtime import Runtime
from gateway.store import legs as leg_rows
from gateway.store import mappings
from gateway.store import shipments as shipment_rows
from gateway.store.engine import Tx
from gateway.store.reading import Row
from gateway.store.tables import instant
from gateway.tracking.change import Snapshot
from gateway.tracking.glance import eta, glance, leg_status
from gateway.tracking.journey import Journey, Leg
from gateway.tracking.numbers import normal
from gateway.tracking.reading import read, unread

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a number means. view: the Tracking. shipment: whose it is."""

    shipment: Snapshot
    view: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """The number is known under several carriers. candidates: {carrier, name}."""

    candidates: tuple[Json, ...]


async def load_view(
    rt: Runtime, tx: Tx, number: str, carrier: str | None = None, locale: str | None = None
) -> Found | Ambiguous | None:
    """What a number means, which is unique only within a carrier; None: nobody registered it."""
    number = normal(number)
    every = [Leg.of(row) for row in await leg_rows.around(tx, number)]
    meant = [leg for leg in every if leg.tracking_number == number and carrier in {None, leg.carrier}]
    owners = {leg.shipment_id for leg in meant}
    if not owners:
        return None
    if len(owners) > 1:
        names = sorted((leg.carrier, _name(rt, leg.carrier, locale)) for leg in meant)
        return Ambiguous(candidates=tuple({"carrier": code, "name": name} for code, name in names))
    (found,) = await _views(rt, tx, owners, every, locale)
    return found


async def load_views(rt: Runtime, tx: Tx, ids: Iterable[str], locale: str | None = None) -> list[Found]:
    """The Trackings of shipments, in the order of their registration."""
    wanted = set(ids)
    return await _views(rt, tx, wanted, [Leg.of(row) for row in await leg_rows.of_shipments(tx, wanted)], locale)


async def _views(rt: Runtime, tx: Tx, ids: set[str], legs: Sequence[Leg], locale: str | None) -> list[Found]:
    shipments = [Snapshot.of(row) for row in await shipment_rows.of_ids(tx, ids)]
    meanings = await mappings.of(tx, set().union(*(unread(leg.history) for leg in legs)))
    found = []
    for shipment in sorted(shipments, key=lambda one: (one.created_at, one.id)):
        journey = Journey(shipment, [leg for leg in legs if leg.shipment_id == shipment.id], meanings)
        found.append(Found(shipment=shipment, view=tracking_view(rt, journey, locale)))
    return found


def tracking_view(rt: Runtime, journey: Journey, locale: str | None = None) -> Json:
    """The Tracking of a shipment in a reader's language."""
    shipment = journey.shipment
    return {
        "tracking_number": shipment.tracking_number,
        "carrier": _carrier(rt, shipment.carrier, locale),
        "order_id": shipment.order_id,
        "status": shipment.status,
        "reason": shipment.reason,
        "status_text": rt.words.status(locale, shipment.status),
        "reason_text": rt.words.reason(locale, shipment.reason) if shipment.reason else None,
        "since": _local(shipment.since, journey),
        "promised_at": promised(shipment),
        "eta": eta(promised(shipment), shipment.status, shipment.late),
        "stalled": shipment.stalled,
        "late": shipment.late,
        "delivered_at": _local(shipment.delivered_at, journey),
        "sequence": shipment.sequence,
        "updated_at": shipment.updated_at.isoformat(),
        "legs": [_leg(rt, journey, leg, locale) for leg in journey.legs],
    }


def promised(shipment: Snapshot) -> str | None:
    """The promise with the offset it was given in."""
    given = shipment.document.get("promised_at")
    if isinstance(given, str):
        return given
    return shipment.promised_at.isoformat() if shipment.promised_at else None


def _leg(rt: Runtime, journey: Journey, leg: Leg, locale: str | None) -> Json:
    shipment = journey.shipment
    current = (leg.carrier, leg.tracking_number) == (shipment.carrier, shipment.tracking_number)
    state, late = journey.state(leg), rt.policies.pace.late
    return {
        "carrier": _carrier(rt, leg.carrier, locale),
        "tracking_number": leg.tracking_number,
        "status": leg_status(state.status, leg.closed_why),
        "reason": state.reason,
        "current": current,
        "scans": [scan_view(held, late) for held in reversed(read(leg.history, journey.meanings))],
    }


def scan_view(held: Held, late: timedelta) -> Json:
    """A scan as a reader is shown it; `gateway.store.history.lines` writes the same. late: learned so long after."""
    scan = held.scan
    return {
        "at": scan.at.isoformat(),
        "time_basis": scan.basis,
        "status": scan.status,
        "reason": scan.reason,
        "inferred": scan.inferred,
        "text": scan.text,
        "place": scan.place,
        "carrier_code": scan.carrier_code,
        "source": held.source,
        "learned_at": held.learned_at.isoformat(),
        "learned_late": held.learned_after(late),
    }


def _carrier(rt: Runtime, code: str, locale: str | None) -> Json:
    return {"code": code, "name": _name(rt, code, locale)}


def _name(rt: Runtime, code: str, locale: str | None) -> str:
    """A carrier that is no longer configured is shown by its code."""
    carrier = rt.carriers.get(code)
    return carrier.name(rt.words.language(locale) or locale or "en") if carrier is not None else code


def _local(at: datetime | None, journey: Journey) -> str | None:
    """An instant in the local time of the scan it comes from; a time of ours in UTC."""
    if at is None:
        return None
    told = (held.scan.at for leg in journey.legs for held in leg.history if held.scan.at == at)
    return next(told, at.astimezone(UTC)).isoformat()


def render(status: int, value: Any, stamp: Any = None) -> Rendered:
    """An answer as bytes. Its ETag is of the bytes, so that whatever changes them changes it."""
    try:
        body = to_json(value)
    except PydanticSerializationError:  # half a character: no UTF-8 has it
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Rendered(status=status, etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"', body=body, stamp=stamp)


async def read_tracking(
    rt: Runtime, number: str, carrier: str | None = None, locale: str | None = None
) -> Rendered | None:
    """The answer to GET /v1/tracking/{number}: 200, or 300 with the candidates; None: nobody registered it.

    A hit costs no SQL. Where other processes write too, a hit costs one narrow question: each, while they do not tell
    the cache, else one a second.
    """
    number = normal(number)
    key = (carrier, rt.words.language(locale) or locale)
    hit = rt.cache.get(number, key)
    if hit is not None and not _alone(rt) and not rt.cache.trusts(number, key):
        hit = await rt.cache.confirmed(number, key, lambda: _stamp(rt, number))
    if hit is not None:
        return hit
    with rt.cache.loading(number) as place:
        rows = await rt.reading.of_number(number)
        if not rows:
            return None
        rendered = _glance(rt, rows, number, carrier, locale) or await _read(rt, number, carrier, locale)
        if rendered is not None:
            rt.cache.put(place, key, rendered)
    return rendered


def _glance(rt: Runtime, rows: Sequence[Row], number: str, carrier: str | None, locale: str | None) -> Rendered | None:
    """None: one shipment and no more has to be meant, and nothing to be concluded anew."""
    meant = {row.id for row in rows if row.leg_number == number and carrier in {None, row.leg_carrier}}
    if len(meant) != 1:
        return None
    own = [row for row in rows if row.id in meant]

    def words(shipment: Row) -> Json:
        reason = shipment.reason and rt.words.reason(locale, Reason(shipment.reason))
        return {"status_text": rt.words.status(locale, Status(shipment.status)), "reason_text": reason}

    names = {code: _name(rt, code, locale) for row in own for code in (row.carrier, row.leg_carrier)}
    found = glance(own, names, words, rt.policies.pace.late)
    stamp = None if _alone(rt) else sorted({(row.id, row.sequence, instant(row.updated_at)) for row in rows})
    return None if found is None else render(200, found, stamp)


async def _read(rt: Runtime, number: str, carrier: str | None, locale: str | None) -> Rendered | None:
    async with rt.store.read() as tx:
        # The stamp first: one that is older than the answer is noticed, one that is newer would hide a change.
        stamp = None if _alone(rt) else await leg_rows.stamp(tx, number)
        found = await load_view(rt, tx, number, carrier, locale)
    return _rendered(found, stamp) if found is not None else None


def at_hand(rt: Runtime, number: str, language: str) -> Rendered | None:
    """What `read_tracking` would answer without asking anybody. number: as it is kept. language: one of ours."""
    key = (None, language)
    hit = rt.cache.get(number, key)
    return hit if hit is not None and (_alone(rt) or rt.cache.trusts(number, key)) else None


def _rendered(found: Found | Ambiguous, stamp: object) -> Rendered:
    if isinstance(found, Ambiguous):
        return render(300, {"candidates": found.candidates}, stamp)
    return render(200, found.view, stamp)


def _alone(rt: Runtime) -> bool:
    """Whether nobody else writes: SQLite has one process."""
    return rt.store.dialect == "sqlite"


async def _stamp(rt: Runtime, number: str) -> object:
    async with rt.store.read() as tx:
        return await leg_rows.stamp(tx, number)
