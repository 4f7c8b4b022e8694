"""Whose number it may be: by the forms of our carriers, then by the aggregators whose rows say `detect: true`.

What an aggregator says makes a candidate, never a carrier. It is only asked where no form is certain, within the pace
of its account and a few seconds; while it rests, fails or takes too long, the local candidates stand, with a note.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway.contract import ContractError, Detector, Rate, Refused, Unavailable
from gateway.plugins import Carrier
from gateway.rules.detect import Candidate, candidates, decided, plain, seconded
from gateway.runtime import Runtime
from gateway.tracking.accounts import CONFIG_PAUSE, account, rate

log = logging.getLogger(__name__)

#: Seconds for everything that is asked about the numbers of one request.
WITHIN = 3.0
#: So many of them are left for the answer, after the wait for a token.
_FOR_ANSWER = 1.5
#: The least that is published for such calls (AfterShip); the account's own pace holds besides.
PACE = Rate(3, 1)
#: Seconds for which one that failed is not asked, unless it said how long.
REST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """found: best first. notes: who could not be asked, and names that are no carrier of ours."""

    found: list[Candidate]
    notes: tuple[str, ...] = ()

    @property
    def certain(self) -> Candidate | None:
        return decided(self.found)


class NotSaid(Exception):
    """An aggregator said nothing. Says why, for whoever asked."""


async def detect(rt: Runtime, number: str, deadline: float) -> Detected:
    """Never raises for what an aggregator does. deadline: of the event loop's clock."""
    found = candidates(number, rt.carriers.number_forms())
    asked = [] if decided(found) else _aggregators(rt)
    answers = await asyncio.gather(*(_says(rt, one, plain(number), deadline) for one in asked), return_exceptions=True)
    said: dict[str, list[str]] = {}
    notes = []
    for one, names in zip(asked, answers, strict=True):
        if isinstance(names, NotSaid):
            notes.append(f"{one.code} was not heard: {names}")
        elif isinstance(names, BaseException):
            raise names
        else:
            ours = [(name, rt.carriers.named(one, name)) for name in names]
            said[one.code] = [carrier for _, carrier in ours if carrier is not None]
            notes += [f"{one.code} says {name}, which is no carrier here" for name, carrier in ours if carrier is None]
    return Detected(found=seconded(found, number, said), notes=tuple(notes))


def _aggregators(rt: Runtime) -> list[Carrier]:
    """Rows that differ only in their company share an account, which is asked once."""
    rows: dict[str, Carrier] = {}
    for one in rt.carriers.values():
        if one.row.detect:
            rows.setdefault(account(one), one)
    return list(rows.values())


async def _says(rt: Runtime, one: Carrier, number: str, deadline: float) -> list[str]:
    """Its names for the companies, best first. Raise NotSaid."""
    key = (account(one), number)
    if (known := rt.recognised.get(key)) is not None:
        return known
    try:
        async with asyncio.timeout_at(deadline):
            await _its_turn(rt, one, deadline)
            names = await _asked(one, number)
    except TimeoutError as error:
        await rt.limits.pause(_bucket(one), REST)
        raise NotSaid("it did not answer in time") from error
    except Unavailable as error:
        await rt.limits.pause(_bucket(one), REST if error.retry_after is None else error.retry_after)
        raise NotSaid("it is unavailable") from error
    except ContractError as error:
        log.warning("%s does not tell whose number it is: %s %s", one.code, error.code, error.detail)
        if isinstance(error, Refused) and error.config:
            await rt.limits.pause(_bucket(one), CONFIG_PAUSE)
        raise NotSaid("it refused, or answered something else") from error
    rt.recognised.put(key, names)
    return names


async def _its_turn(rt: Runtime, one: Carrier, deadline: float) -> None:
    """Raise NotSaid where the account is not free in time."""
    for bucket, pace in ((_bucket(one), PACE), (account(one), rate(one))):
        if await rt.limits.paused(bucket):
            raise NotSaid("it rests after a failure")
        left = deadline - _FOR_ANSWER - asyncio.get_running_loop().time()
        if not await rt.limits.acquire(bucket, pace, within=max(0.0, left)):
            raise NotSaid("its account is busy")


async def _asked(one: Carrier, number: str) -> list[str]:
    if not isinstance(one.adapter, Detector):
        raise NotSaid("it cannot tell")
    try:
        return await one.adapter.detect(number)
    except (ContractError, TimeoutError):
        raise
    except Exception as error:
        log.exception("%s: the adapter failed", one.code)
        raise Unavailable(f"internal: {error!r}") from error


def _bucket(one: Carrier) -> str:
    return f"detect:{account(one)}"
