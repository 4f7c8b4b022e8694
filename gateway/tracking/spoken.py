"""What an answer says of the legs it was asked about: nearly all of it was said before."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from gateway.domain import Scan, Source, Status
from gateway.rules.history import Held, Telling, unheard
from gateway.runtime import Runtime
from gateway.tracking.accounts import Questions
from gateway.tracking.journey import Journey
from gateway.tracking.numbers import normal
from gateway.tracking.reading import LONGEST_CODE, Code
from gateway.tracking.record import Heard, direct, problem

log = logging.getLogger(__name__)


def unknown(questions: Questions, scans: Iterable[Scan]) -> set[Code]:
    """The codes in an answer that its adapter did not know."""
    return {(questions.provider, scan.carrier_code[:LONGEST_CODE]) for scan in scans if scan.status is Status.UNKNOWN}


def heard(
    rt: Runtime, questions: Questions, scans: Sequence[Scan], journeys: Mapping[str, Journey], now: datetime
) -> list[Heard]:
    """What is new, and of each leg that was spoken of something. A provider may answer more than it was asked."""
    told = _by_number(scans)
    others = told.keys() - {one.leg.tracking_number for one in questions.asked}
    if others:
        log.info("%s also spoke of %d numbers it was not asked about", questions.provider, len(others))
    provider, source = questions.provider, Source.POLL if questions.way.own else Source.FALLBACK
    telling = Telling(provider=provider, direct=direct(rt, provider, source), learned_at=now)
    each = partial(Heard, provider=provider, source=source, learned_at=now, carrier=questions.carrier)
    found = []
    for one in questions.asked:
        leg = journeys[one.leg.shipment_id].leg(one.leg.id)
        found += _of_leg(each, leg.history, told.get(leg.tracking_number, ()), telling)
    return found


def _of_leg(each: Callable[..., Heard], known: Sequence[Held], scans: Sequence[Scan], telling: Telling) -> list[Heard]:
    new = unheard(known, scans, telling)
    found = [each(scan=scan) for scan in new]
    if len(new) < len(scans) and all(problem(one) is not None for one in found):
        found.append(each(scan=next(scan for scan in scans if scan not in new)))  # at least it was spoken of
    return found


def _by_number(scans: Iterable[Scan]) -> dict[str, list[Scan]]:
    """With the numbers as we compare them."""
    names: dict[str, str] = {}
    told = defaultdict(list)
    for scan in scans:
        written = scan.tracking_number
        name = names.get(written)
        if name is None:
            name = names[written] = normal(written)
        told[name].append(scan if name == written else replace(scan, tracking_number=name))
    return told
