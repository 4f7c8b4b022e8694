"""Which carrier takes a parcel: the ranked choice for a new one, the backups of one whose carrier failed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.rules.candidates import Candidate, Circuit, ParcelFacts, abroad, hindrances, larger
from gateway.rules.chance import chance
from gateway.rules.lane import covers
from gateway.rules.policy import Backup, Route, Routes, When
from gateway.rules.rings import ring

__all__ = [
    "Candidate",
    "Choice",
    "Circuit",
    "ParcelFacts",
    "Ranked",
    "Skipped",
    "backups",
    "choose",
    "ring",
    "route_for",
]

_ASKED, _COUNTRY = "asked_for", "same_country"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One that may take it. reasons: machine words: "asked_for", "backup:<route>" or "same_country", then
    "on_time:0.97" where it is known, and "probe" through a half-open circuit."""

    carrier: str
    service: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """One that may not. why: same_carrier, tried, other_country, unknown_carrier, disabled, cannot_book, incident,
    circuit_open, circuit_half_open, too_heavy, too_valuable or past_cut_off."""

    carrier: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """route: the one that matched; None when none did."""

    ranked: tuple[Ranked, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    route: Route | None = None

    @property
    def mode(self) -> Literal["auto", "ask", "off"]:
        return self.route.mode if self.route else "off"


def choose(parcel: ParcelFacts, routes: Routes, candidates: Sequence[Candidate], now: datetime) -> Choice:
    """Carriers for a new parcel, best first: the one asked for, then its backups (of a route that is not off), then
    those that pick up in the country of origin, by on time. `parcel.carrier` is the one asked for, if any."""
    route = route_for(parcel, routes)
    listed: list[tuple[Backup, str]] = []
    if parcel.carrier:
        listed.append((Backup(carrier=parcel.carrier, service=parcel.service), _ASKED))
    listed += _of_route(route, parcel)
    by_on_time = sorted(candidates, key=lambda one: (-(one.on_time or 0), one.carrier))
    listed += [(Backup(carrier=one.carrier), _COUNTRY) for one in by_on_time]
    return _sifted(_distinct(listed), parcel, candidates, now, route)


def backups(parcel: ParcelFacts, routes: Routes, candidates: Sequence[Candidate], now: datetime) -> Choice:
    """Who may take over from `parcel.carrier`, in the order of the first route that matches; who may not, and why."""
    route = route_for(parcel, routes)
    return _sifted(_of_route(route, parcel), parcel, candidates, now, route)


def route_for(parcel: ParcelFacts, routes: Routes) -> Route | None:
    """The first route that matches."""
    return next((route for route in routes.routes if _matches(route.when, parcel)), None)


def _matches(when: When, parcel: ParcelFacts) -> bool:
    return (
        when.carrier in ("*", parcel.carrier)
        and when.service in ("*", parcel.service)
        and covers(when.origin, parcel.origin)
        and covers(when.destination, parcel.destination)
        and not larger(parcel.weight_g, when.max_weight_g)
        and not larger(parcel.value, when.max_value)
    )


def _of_route(route: Route | None, parcel: ParcelFacts) -> list[tuple[Backup, str]]:
    if route is None or route.mode == "off":
        return []
    return [(backup, f"backup:{route.id}") for backup in _arranged(route, parcel)]


def _arranged(route: Route, parcel: ParcelFacts) -> list[Backup]:
    """As listed; by cost, unknown costs last; or by rendezvous hashing, in which each backup is first for its share of
    all keys, and taking one away moves only the parcels that were its own."""
    if route.order == "cheapest":
        return sorted(route.backups, key=lambda one: (one.cost is None, one.cost or 0))
    if route.order == "weighted":
        return sorted(route.backups, key=lambda one: _score(parcel.key, one))
    return list(route.backups)


def _score(key: str, backup: Backup) -> float:
    drawn = chance(key, backup.carrier, backup.service)
    return -math.log1p(-drawn) / backup.weight


def _distinct(listed: Iterable[tuple[Backup, str]]) -> list[tuple[Backup, str]]:
    """Each carrier once, where it stands first."""
    first: dict[str, tuple[Backup, str]] = {}
    for backup, reason in listed:
        first.setdefault(backup.carrier, (backup, reason))
    return list(first.values())


def _sifted(
    listed: Iterable[tuple[Backup, str]],
    parcel: ParcelFacts,
    candidates: Sequence[Candidate],
    now: datetime,
    route: Route | None,
) -> Choice:
    by_code = {one.carrier: one for one in candidates}
    ranked, skipped = [], []
    for backup, reason in listed:
        candidate = by_code.get(backup.carrier)
        why = next(_hindrances(backup, reason, parcel, candidate, now), None)
        if why is not None or candidate is None:
            skipped.append(Skipped(carrier=backup.carrier, why=why or "unknown_carrier"))
        else:
            ranked.append(Ranked(carrier=backup.carrier, service=backup.service, reasons=_reasons(reason, candidate)))
    return Choice(ranked=tuple(ranked), skipped=tuple(skipped), route=route)


def _hindrances(
    backup: Backup, reason: str, parcel: ParcelFacts, candidate: Candidate | None, now: datetime
) -> Iterator[str]:
    """A backup is another carrier than the one that failed; one that nobody named picks up where the parcel is."""
    if backup.carrier == parcel.carrier and reason != _ASKED:
        yield "same_carrier"
    if backup.carrier in parcel.tried:
        yield "tried"
    if reason == _COUNTRY and candidate is not None and abroad(parcel, candidate):
        yield "other_country"
    yield from hindrances(backup, parcel, candidate, now)


def _reasons(reason: str, candidate: Candidate) -> tuple[str, ...]:
    on_time = () if candidate.on_time is None else (f"on_time:{candidate.on_time:.2f}",)
    probe = ("probe",) if candidate.circuit == "half_open" else ()
    return (reason, *on_time, *probe)
