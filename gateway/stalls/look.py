"""One look at one shipment: judge it, open or clear its cases, write its flags. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from gateway.cases.announce import announce
from gateway.cases.closing import clear_each
from gateway.cases.fault import fault_of
from gateway.cases.opening import open_case
from gateway.domain import FINAL, PAPERWORK, Status
from gateway.rules.calendar import Calendar
from gateway.rules.fold import ShipmentState
from gateway.rules.kinds import LATE, PRESUMED_LOST
from gateway.rules.playbook import PlaybookContext
from gateway.rules.stall import Facts, Verdict, judge
from gateway.runtime import Runtime
from gateway.stalls.lanes import Judged, learned, remember
from gateway.store import polls
from gateway.store import shipments as shipment_rows
from gateway.store.engine import Tx
from gateway.store.rows import Row
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg
from gateway.tracking.journey import announce as told
from gateway.tracking.pace import reader


def by_clock(kind: str) -> bool:
    """Whether cases of this kind are opened and cleared by the clock."""
    return kind.startswith("stall_") or kind in (LATE, PRESUMED_LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is read once for many looks. open_cases: by shipment, locked. dwell: see `learned`."""

    open_cases: Mapping[str, Sequence[Row]]
    dwell: Mapping[str, float]

    def cases(self, shipment: Snapshot) -> Sequence[Row]:
        return self.open_cases.get(shipment.id, ())


async def surroundings(
    rt: Runtime, tx: Tx, judged: Sequence[Judged], open_cases: Mapping[str, Sequence[Row]]
) -> Surroundings:
    """For looks at these shipments, all locked. Those that arrived are remembered by their lanes, too."""
    watched = [one for one in judged if one[0].watching]
    await remember(tx, watched, lambda carrier: calendar_of(rt, carrier))
    return Surroundings(open_cases=open_cases, dwell=await learned(tx, watched))


async def look(
    rt: Runtime,
    tx: Tx,
    shipment: Snapshot,
    state: ShipmentState,
    legs: Sequence[Leg],
    around: Surroundings,
    *,
    blind: bool,
    heard_at: datetime | None = None,
    moved: bool,
) -> datetime | None:
    """When to look again; None: not until something changes. The shipment is locked by the caller.

    heard_at: when the carrier was heard just now. moved: whether a change of the flags is a change of its own (a new
    sequence), or part of one that is being written.
    """
    leg = next(leg for leg in legs if leg.ordinal == state.current)
    facts = _facts(rt, shipment, state, leg, blind=blind, heard_at=heard_at)
    if not shipment.watching:
        await _clear(rt, tx, around.cases(shipment), state, Verdict(), "no longer watched")
        return None
    dwell = around.dwell.get(shipment.id)
    verdict = judge(facts, rt.policies.stalls, calendar_of(rt, leg.carrier), rt.clock(), dwell)
    if blind and state.status not in FINAL:
        return verdict.next_at
    if not verdict.confirmed:
        await _ask_now(rt, tx, leg)
        return verdict.next_at
    # A source that gave up mends nothing that we were worried about.
    if state.status is not Status.EXPIRED and not _unread(around.cases(shipment), state, verdict):
        await _flags(rt, tx, shipment, state, verdict, legs, moved=moved)
        await _clear(rt, tx, around.cases(shipment), state, verdict, _why_over(state.status))
    await _open(rt, tx, shipment, state, verdict)
    return verdict.next_at


def _facts(
    rt: Runtime, shipment: Snapshot, state: ShipmentState, leg: Leg, *, blind: bool, heard_at: datetime | None
) -> Facts:
    heard = [at for at in (heard_at, leg.heard_at, leg.polled_at) if at is not None]
    return Facts(
        id=shipment.id,
        carrier=leg.carrier,
        status=state.status,
        progress_at=state.progress_at,
        contact_at=state.contact_at,
        created_at=leg.opened_at,
        promised_at=shipment.promised_at,
        origin=shipment.origin,
        destination=shipment.destination,
        service=shipment.service,
        cross_border=crosses_border(shipment.origin, shipment.destination),
        moved=state.moved,
        newest_unknown=state.newest_unknown,
        heard_at=max(heard, default=None),
        can_poll=reader(rt, leg.carrier) is not None,
        blind=blind,
        delivered_at=state.delivered_earliest,
    )


def crosses_border(origin: str, destination: str) -> bool:
    """Of lane ends ("CN-Guangdong"); what is not known crosses none."""
    ends = [end.partition("-")[0] for end in (origin, destination)]
    return all(ends) and ends[0] != ends[1]


def calendar_of(rt: Runtime, carrier: str) -> Calendar:
    """Of a carrier that is switched off: one on which every day counts. It is not heard, so nobody is accused by it."""
    found = rt.carriers.get(carrier)
    if found is None:
        return _built("CN", "mon-sun", "UTC", frozenset())
    row = found.row
    return _built(row.country, row.works, row.timezone or "", frozenset(row.closed))


@lru_cache(maxsize=512)
def _built(country: str, works: str, tz: str, closed: frozenset[date]) -> Calendar:
    return Calendar(country, works, tz, closed)


def _why_over(status: Status) -> str:
    return f"the carrier says {status}" if status in PAPERWORK else f"the parcel moved: {status}"


def _unread(open_cases: Sequence[Row], state: ShipmentState, verdict: Verdict) -> bool:
    """Whether a stall is over only because nobody has read the newest scan yet: contact is no progress."""
    if not state.newest_unknown or verdict.phase is not None:
        return False
    last_scan = state.progress_at.isoformat() if state.progress_at else None
    return any(by_clock(case.kind) and case.evidence.get("last_scan") == last_scan for case in open_cases)


async def _ask_now(rt: Runtime, tx: Tx, leg: Leg) -> None:
    """Nobody is accused unheard: the carrier is asked first, as soon as it lets itself be asked."""
    asked = reader(rt, leg.carrier)
    if asked is None:
        return
    pause = timedelta(seconds=asked.adapter.min_interval)
    due_at = rt.clock() if leg.polled_at is None else max(rt.clock(), leg.polled_at + pause)
    await polls.schedule(tx, leg.id, leg.carrier, due_at)
    tx.after_commit(lambda: rt.signals.wake("polls"))


async def _flags(
    rt: Runtime,
    tx: Tx,
    shipment: Snapshot,
    state: ShipmentState,
    verdict: Verdict,
    legs: Sequence[Leg],
    *,
    moved: bool,
) -> None:
    """Write stalled and late where they changed, and say so."""
    stalled = verdict.phase == "stall"
    if (stalled, verdict.late) == (shipment.stalled, shipment.late):
        return
    values = {"stalled": stalled, "late": verdict.late, "updated_at": rt.clock()}
    after = Snapshot.of(await shipment_rows.put(tx, shipment.id, values, moved=moved))
    told(rt, tx, after, legs)
    happened = {
        "shipment.stalled": stalled and not shipment.stalled,
        "shipment.recovered": shipment.stalled and not stalled and state.status not in PAPERWORK,
        "shipment.late": verdict.late and not shipment.late,
    }
    for event in (name for name, true in happened.items() if true):
        data = {"shipment_id": after.id, "order_id": after.order_id, "carrier": after.carrier}
        more = {"tracking_number": after.tracking_number, "status": after.status, "evidence": verdict.evidence}
        await announce(rt, tx, event, f"{after.id}:{after.sequence}", {**data, **more})


async def _clear(
    rt: Runtime, tx: Tx, open_cases: Sequence[Row], state: ShipmentState, verdict: Verdict, cause: str
) -> None:
    """Clear what the clock opened and no longer holds."""
    standing = {verdict.kind, verdict.late_case}
    final = state.status in FINAL and state.status not in PAPERWORK
    await clear_each(
        rt, tx, open_cases, cause, which=lambda case: by_clock(case.kind) and case.kind not in standing, final=final
    )


async def _open(rt: Runtime, tx: Tx, shipment: Snapshot, state: ShipmentState, verdict: Verdict) -> None:
    hours = f"{verdict.counted_hours:.1f} h without progress"
    limit = "" if verdict.threshold_hours is None else f", more than {verdict.threshold_hours:.1f} h ({verdict.rule})"
    promised = shipment.promised_at.isoformat(timespec="minutes") if shipment.promised_at else ""
    found = (
        (verdict.kind, verdict.phase, f"{hours}{limit}"),
        (verdict.late_case, None, f"promised for {promised}, not delivered"),
    )
    for kind, phase, cause in found:
        if kind is not None:
            await open_case(
                rt,
                tx,
                kind=kind,
                phase=phase,
                order_id=shipment.order_id,
                shipment_id=shipment.id,
                carrier=shipment.carrier,
                cause=cause,
                evidence=verdict.evidence,
                context=_context(shipment, state, kind),
            )


def _context(shipment: Snapshot, state: ShipmentState, kind: str) -> PlaybookContext:
    return PlaybookContext(
        moved=state.moved,
        newest_unknown=state.newest_unknown,
        inferred=state.inferred,
        fault=fault_of(kind, state.reason),
        country=shipment.destination.partition("-")[0],
    )
