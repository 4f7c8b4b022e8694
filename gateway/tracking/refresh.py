"""Ask the carrier about one shipment now, because somebody wants to know."""

from __future__ import annotations

import logging
from dataclasses import replace

from gateway.contract import ContractError, Rate, Refused
from gateway.domain import Scan
from gateway.runtime import Runtime
from gateway.store import legs, polls, shipments
from gateway.store.polls import About
from gateway.tracking.accounts import Asked, Questions, Way, account, way
from gateway.tracking.answers import refused, told, unanswered, write_down
from gateway.tracking.asking import answer, fallback_way, note_failure
from gateway.tracking.change import Snapshot
from gateway.tracking.pace import reader
from gateway.tracking.poll import may_ask
from gateway.tracking.register import UnknownShipment

log = logging.getLogger(__name__)

#: Seconds somebody who waits for an answer waits for a token.
_WITHIN = 3.0


class CannotAsk(Exception):
    """This carrier cannot be polled, by itself or through another."""


class TooSoon(Exception):
    """The carrier must not be asked yet. retry_after: seconds; age: seconds since it last answered, None: never."""

    def __init__(self, retry_after: float, age: float | None) -> None:
        super().__init__(f"not before {retry_after:.0f} s")
        self.retry_after = retry_after
        self.age = age


async def refresh(rt: Runtime, shipment_id: str) -> Snapshot:
    """The shipment after asking about its current leg. Raise UnknownShipment, CannotAsk, TooSoon, ContractError."""
    asked = await _asked(rt, shipment_id)
    carrier = asked.leg.carrier
    if reader(rt, carrier) is None:
        raise CannotAsk(carrier)
    by = await way(rt, carrier)
    if by is None:
        raise TooSoon(await _rest(rt, carrier), _age(rt, asked.leg))
    await _pace(rt, asked.leg, by)
    questions = Questions(carrier=carrier, way=by, asked=[await _taken(rt, asked)])
    try:
        scans = await answer(rt, questions)
    except ContractError as error:
        questions, scans = await _otherwise(rt, questions, error)
    await write_down(rt, [told(questions, scans)])
    async with rt.store.read() as tx:
        return Snapshot.of(await shipments.get(tx, shipment_id))


async def _asked(rt: Runtime, shipment_id: str) -> Asked:
    async with rt.store.read() as tx:
        row = await shipments.get(tx, shipment_id)
        if row is None:
            raise UnknownShipment(shipment_id)
        (leg_row,) = await legs.of_number(tx, row.tracking_number, row.carrier)
        (leg,) = await polls.about(tx, [leg_row.id])
    return Asked(leg=leg)


async def _pace(rt: Runtime, leg: About, by: Way) -> None:
    """Raise TooSoon unless the provider allows a question about this leg, and one more question at all."""
    least = by.provider.adapter.min_interval
    soonest = may_ask(leg, by)
    wait = (soonest - rt.clock()).total_seconds() if soonest is not None else 0.0
    if wait > 0:
        raise TooSoon(wait, _age(rt, leg))
    # A question that failed or is still under way left no answer to go by: this bucket remembers it.
    each = (f"leg:{leg.id}", Rate(1, least))
    if least and not await rt.limits.acquire(*each):
        raise TooSoon(await rt.limits.wait(*each), _age(rt, leg))
    if not await rt.limits.acquire(by.account, by.rate, within=_WITHIN):
        raise TooSoon(await rt.limits.wait(by.account, by.rate), _age(rt, leg))


async def _taken(rt: Runtime, asked: Asked) -> Asked:
    """With the lease, whoever had it: a poll of the same leg that is under way writes nothing more."""
    leg = asked.leg
    async with rt.store.write() as tx:
        fence = await polls.take(tx, leg.id, leg.carrier, rt.clock() + rt.lease)
    return replace(asked, fence=fence)


async def _otherwise(rt: Runtime, questions: Questions, error: ContractError) -> tuple[Questions, list[Scan]]:
    """The fallback's answer, where there is one. Raise what went wrong else."""
    if isinstance(error, Refused) and not error.config:
        await write_down(rt, [refused(questions)])
        raise error
    failures = await note_failure(rt, questions.way, error)
    other = await fallback_way(rt, questions.carrier, questions.way)
    if other is None or not await rt.limits.acquire(other.account, other.rate, within=_WITHIN):
        log.info("refresh: %s failed %d times in a row", questions.provider, failures)
        await write_down(rt, [unanswered(questions, getattr(error, "retry_after", None))])
        raise error
    again = replace(questions, way=other)
    try:
        return again, await answer(rt, again)
    except ContractError as second:
        await note_failure(rt, other, second)
        await write_down(rt, [unanswered(again, None)])
        raise


async def _rest(rt: Runtime, carrier: str) -> float:
    """Seconds until somebody may be asked about this carrier's numbers."""
    provider = reader(rt, carrier)
    return await rt.limits.paused(account(provider)) if provider is not None else 0.0


def _age(rt: Runtime, leg: About) -> float | None:
    return (rt.clock() - leg.polled_at).total_seconds() if leg.polled_at is not None else None
