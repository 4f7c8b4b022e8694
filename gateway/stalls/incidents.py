"""Incidents: one alarm, not a thousand. Silence is found by us, a strike or a flood is declared by an operator."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from gateway.cases.announce import announce
from gateway.cases.closing import clear_case
from gateway.cases.keys import open_key
from gateway.cases.opening import open_case
from gateway.rules.choose import Circuit as State
from gateway.rules.kinds import CARRIER_INCIDENT
from gateway.rules.playbook import PlaybookContext
from gateway.runtime import Runtime
from gateway.stalls.circuits import enough, too_many, turned
from gateway.stalls.hearing import DECLARED, SILENT, doubtful, unheard
from gateway.store import audit, cases, health, incidents, polls
from gateway.store.engine import Tx
from gateway.store.ids import new_id
from gateway.store.incidents import Live
from gateway.store.rows import Row

log = logging.getLogger(__name__)


#: How long a gateway that was just started listens and asks before silence is an incident.
_GRACE = timedelta(minutes=10)


class NoSuchIncident(LookupError):
    """No declared incident of this carrier is open."""


async def check_carriers(rt: Runtime) -> int:
    """A look at every carrier: open or close its silent incident, turn its circuit. How many things changed."""
    async with rt.store.write() as tx:
        await incidents.alone(tx)
        rows, live = await health.every(tx), await incidents.live(tx, partial(enough, rt.policies.stalls))
        return sum([await _check(rt, tx, code, rows.get(code), live.get(code)) for code in rt.carriers])


async def declare(rt: Runtime, carrier: str, *, who: str, cause: str) -> str:
    """An operator says that a carrier is out (a strike, a flood): its circuit opens. The id of the incident; the open
    one when there is one already."""
    async with rt.store.write() as tx:
        await incidents.alone(tx)
        incident_id = await _open(rt, tx, carrier, DECLARED, cause, who, {})
        if incident_id is None:
            return str((await _standing(tx, carrier, DECLARED)).id)
        await audit.add(tx, rt.clock(), who, "incident.declare", carrier, {"cause": cause})
        await _turn(rt, tx, carrier, (await health.every(tx)).get(carrier), sick=True)
    return incident_id


async def end_declared(rt: Runtime, carrier: str, *, who: str) -> None:
    """An operator says that it is over; the circuit lets a few through and closes by itself. Raise NoSuchIncident."""
    async with rt.store.write() as tx:
        await incidents.alone(tx)
        await _close(rt, tx, await _standing(tx, carrier, DECLARED), f"ended by {who}")
        await audit.add(tx, rt.clock(), who, "incident.end", carrier)
        rows, live = await health.every(tx), await incidents.live(tx, partial(enough, rt.policies.stalls))
        await _check(rt, tx, carrier, rows.get(carrier), live.get(carrier))


async def _standing(tx: Tx, carrier: str, kind: str) -> Row:
    found = await incidents.under(tx, f"{carrier}:{kind}")
    if found is None:
        raise NoSuchIncident(carrier)
    return found


async def _check(rt: Runtime, tx: Tx, carrier: str, row: Row | None, live: Live | None) -> int:
    policy = rt.policies.stalls
    changed = 0
    several = live is not None and live.legs >= policy.blindness.min_live
    since = live.since if live else None
    why = unheard(row, since, policy.blindness, rt.clock()) if several and not _just_came(rt, row) else None
    if several and doubtful(row, since, policy.blindness, rt.clock()):
        await polls.hasten(tx, carrier, rt.clock())
        tx.after_commit(lambda: rt.signals.wake("polls"))
    silent = await incidents.under(tx, f"{carrier}:{SILENT}")
    if silent is None and why is not None:
        evidence = _evidence(row, (await incidents.live_legs(tx, carrier))[carrier], live.stalled if live else 0)
        changed += await _open(rt, tx, carrier, SILENT, why, "gateway", evidence) is not None
    elif silent is not None and _heard_again(row, silent, live, why):
        await _close(rt, tx, silent, "heard again" if live else "nothing of it is under way")
        changed += 1
    ill = bool(await incidents.open_ones(tx, carrier))
    crowded = live is not None and too_many(live.stalled, live.legs, policy.circuit)
    return changed + await _turn(rt, tx, carrier, row, sick=ill or crowded)


def _just_came(rt: Runtime, row: Row | None) -> bool:
    """While nobody was here it may have spoken: until questions fail it is given some minutes to answer them."""
    failing = row is not None and row.failures >= rt.policies.stalls.blindness.failures
    return not failing and rt.started_at is not None and rt.clock() < rt.started_at + _GRACE


def _heard_again(row: Row | None, silent: Row, live: Live | None, why: str | None) -> bool:
    """It spoke since the incident opened; or nobody waits for its word any more."""
    spoke = row is not None and row.heard_at is not None and row.heard_at > silent.opened_at
    return why is None and (spoke or live is None)


async def _turn(rt: Runtime, tx: Tx, carrier: str, row: Row | None, *, sick: bool) -> int:
    now = rt.clock()
    state: State = row.circuit if row is not None else "closed"
    after = turned(state, row.circuit_since if row is not None else None, sick, rt.policies.stalls.circuit, now)
    if after == state:
        return 0
    log.info("the circuit of %s is %s", carrier, after)
    await incidents.set_circuit(tx, carrier, after, now)
    return 1


async def _open(
    rt: Runtime, tx: Tx, carrier: str, kind: str, cause: str, who: str, evidence: dict[str, Any]
) -> str | None:
    """The id, None when one of this kind is open. Its case tells the operators; one case for all its causes."""
    now, incident_id = rt.clock(), new_id("in")
    opened = await incidents.open_incident(
        tx,
        id=incident_id,
        carrier=carrier,
        open_key=f"{carrier}:{kind}",
        kind=kind,
        cause=cause,
        who=who,
        opened_at=now,
        evidence=evidence,
    )
    if not opened:
        return None
    log.warning("incident at %s (%s): %s", carrier, kind, cause)
    await open_case(
        rt,
        tx,
        kind=CARRIER_INCIDENT,
        order_id=_subject(carrier),
        shipment_id=None,
        carrier=carrier,
        cause=cause,
        evidence={"rule": kind, **evidence, "incident_id": incident_id},
        context=PlaybookContext(),
    )
    await announce(rt, tx, "carrier.incident_opened", incident_id, _told(incident_id, carrier, kind, cause, now))
    return incident_id


async def _close(rt: Runtime, tx: Tx, incident: Row, why: str) -> None:
    now = rt.clock()
    await incidents.close(tx, incident.id, now)
    log.info("incident at %s (%s) is over: %s", incident.carrier, incident.kind, why)
    data = _told(incident.id, incident.carrier, incident.kind, incident.cause, incident.opened_at)
    await announce(rt, tx, "carrier.incident_closed", incident.id, {**data, "closed_at": now.isoformat(), "why": why})
    if not await incidents.open_ones(tx, incident.carrier):
        case = await cases.open_under(tx, open_key(CARRIER_INCIDENT, None, _subject(incident.carrier)))
        if case is not None:
            await clear_case(rt, tx, case.id, why)


def _told(incident_id: str, carrier: str, kind: str, cause: str, opened_at: datetime) -> dict[str, Any]:
    known = {"incident_id": incident_id, "carrier": carrier, "kind": kind}
    return {**known, "cause": cause, "opened_at": opened_at.isoformat()}


def _subject(carrier: str) -> str:
    """What stands for the order of a case that is about a carrier."""
    return f"carrier:{carrier}"


def _evidence(row: Row | None, legs: int, stalled: int) -> dict[str, Any]:
    heard = row.heard_at if row is not None else None
    return {
        "failures": row.failures if row is not None else 0,
        "last_heard": heard.isoformat() if heard else None,
        "last_error": row.last_error if row is not None else None,
        "live_legs": legs,
        "stalled": stalled,
    }
