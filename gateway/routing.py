"""Who takes a parcel: the routes in force, over the carriers as they are now (house.md, Failover kinds 2 and 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.contract import Can
from gateway.plugins import Carrier
from gateway.rules import choose as rules
from gateway.rules.choose import Candidate, Choice, ParcelFacts
from gateway.rules.policy import Route, Routes
from gateway.rules.rings import ring
from gateway.rules.zones import zone_of
from gateway.runtime import Runtime
from gateway.store import health, incidents
from gateway.store.engine import Tx
from gateway.store.rows import Row

Where = tuple[str | int, ...]


class BadRoutes(ValueError):
    """Routes that cannot be used. problems: (path in the document, reason), all of them."""

    def __init__(self, problems: list[tuple[Where, str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, where))}: {reason}" for where, reason in problems))
        self.problems = problems


async def choose(rt: Runtime, tx: Tx, parcel: ParcelFacts) -> Choice:
    """Carriers for a new parcel, best first, with the reasons, and those that were passed over."""
    return rules.choose(parcel, rt.policies.routes, await candidates(rt, tx), rt.clock())


async def backups(rt: Runtime, tx: Tx, parcel: ParcelFacts) -> Choice:
    """Who may take over from `parcel.carrier`, first the one to ask first."""
    return rules.backups(parcel, rt.policies.routes, await candidates(rt, tx), rt.clock())


async def candidates(rt: Runtime, tx: Tx) -> list[Candidate]:
    """Every carrier as it is at this moment."""
    rows = await health.every(tx)
    troubled = {incident.carrier for incident in await incidents.open_ones(tx)}
    return [_candidate(carrier, rows.get(code), code in troubled) for code, carrier in rt.carriers.items()]


def _candidate(carrier: Carrier, row: Row | None, troubled: bool) -> Candidate:
    return Candidate(
        carrier=carrier.code,
        country=carrier.row.country,
        timezone=carrier.row.timezone or zone_of(carrier.row.country),
        can_book=Can.BOOK in carrier.can,
        circuit=row.circuit if row is not None else "closed",
        incident=troubled,
    )


def routes_problems(routes: Routes, able: Mapping[str, Can]) -> list[tuple[Where, str]]:
    """What is wrong with routes: (path in the document, reason). able: what each enabled carrier can do."""
    found = [problem for number, route in enumerate(routes.routes) for problem in _route_problems(number, route, able)]
    handed_round = ring(routes)
    if handed_round is not None:
        found.append((("routes",), f"a ring: a parcel would go {' to '.join(handed_round)}"))
    return found


def _route_problems(number: int, route: Route, able: Mapping[str, Can]) -> Iterator[tuple[Where, str]]:
    here: Where = ("routes", number)
    if route.when.carrier != "*" and route.when.carrier not in able:
        yield (*here, "when", "carrier"), f"there is no carrier {route.when.carrier}"
    if route.mode != "off" and not route.backups:
        yield (*here, "backups"), "at least one backup is needed"
    for place, backup in enumerate(route.backups):
        where: Where = (*here, "backups", place, "carrier")
        if backup.carrier not in able:
            yield where, f"there is no carrier {backup.carrier}"
        elif Can.BOOK not in able[backup.carrier]:
            yield where, f"{backup.carrier} cannot book"
        elif backup.carrier == route.when.carrier:
            yield where, f"{backup.carrier} cannot take over from itself"


async def write_routes(rt: Runtime, tx: Tx, routes: Routes, *, expected: int, who: str) -> int:
    """A new version of the routes, audited, in force when the transaction commits: its number.

    Raise BadRoutes, gateway.policies.StaleVersion.
    """
    problems = routes_problems(routes, {code: carrier.can for code, carrier in rt.carriers.items()})
    if problems:
        raise BadRoutes(problems)
    return await rt.policies.put(tx, "routes", routes, expected=expected, who=who, now=rt.clock())
