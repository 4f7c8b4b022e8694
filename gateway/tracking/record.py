"""The one door for push, poll and hand: `record`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain import Scan, Source
from gateway.rules.history import Held
from gateway.runtime import Runtime
from gateway.store import health, legs, strays
from gateway.store.engine import Tx
from gateway.store.legs import Key
from gateway.store.text import storable
from gateway.tracking.change import Change
from gateway.tracking.journey import Journey
from gateway.tracking.learn import learn
from gateway.tracking.numbers import LONGEST, normal
from gateway.tracking.register import NewShipment, register

#: How long scans of a number wait for its registration (house.md section 8).
STRAY_LIFE = timedelta(days=30)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=366)
_TEXTS = ("carrier_code", "text", "place", "company", "event_id", "voids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A scan as it was heard. provider: the row of carriers.yaml that told it.

    learned_at: when it came in; much later than `scan.at` means old news. carrier: whose leg it is, when we asked and
    so know it; None: the provider's own, or by the alias it named.
    """

    provider: str
    source: Source
    scan: Scan
    learned_at: datetime
    carrier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """changes: of shipments that moved. strays: how many scans wait for a registration. refused: reasons why not."""

    changes: tuple[Change, ...] = ()
    strays: int = 0
    refused: tuple[str, ...] = ()


async def record(
    rt: Runtime, tx: Tx, scans: Sequence[Heard], journeys: Mapping[str, Journey] | None = None, *, replay: bool = False
) -> Recorded:
    """Take in scans of any number of shipments: dedupe, fold, store, schedule, and write what must follow.

    Everything happens in the caller's transaction. Scans of numbers nobody registered wait, or register themselves
    where the carrier's row says `auto_register`. journeys: every shipment that is spoken of, where the caller has just
    loaded them. replay: history read again, which tells nobody and pays nothing.
    """
    refused = [problem(one) for one in scans]
    sound = [_clean(one) for one, why in zip(scans, refused, strict=True) if why is None]
    by_key: dict[Key, list[Heard]] = defaultdict(list)
    nameless: list[Heard] = []
    for one in sound:
        key = _key(rt, one)
        (nameless if key is None else by_key[key]).append(one)
    found = await _legs(rt, tx, by_key) if journeys is None else _at_hand(journeys, by_key)
    told: dict[str, dict[str, list[Held]]] = defaultdict(dict)
    for key, (shipment_id, leg_id) in found.items():
        told[shipment_id][leg_id] = [_held(rt, one) for one in by_key[key]]
    changes = await learn(rt, tx, told, journeys, replay=replay) if told else []
    unclaimed = nameless + [one for key, ones in by_key.items() if key not in found for one in ones]
    await _keep(rt, tx, unclaimed)
    await _health(tx, by_key, nameless)
    return Recorded(changes=tuple(changes), strays=len(unclaimed), refused=tuple(filter(None, refused)))


def problem(heard: Heard) -> str | None:
    """Why a scan cannot be kept: a name too long for any carrier, or a time no parcel ever had."""
    scan = heard.scan
    if not 0 < len(normal(scan.tracking_number)) <= LONGEST:
        return f"tracking_number: {scan.tracking_number[:80]!r} is empty or longer than {LONGEST}"
    if scan.company is not None and len(scan.company) > 40:
        return f"company: {scan.company[:60]!r} is longer than 40"
    if not _EARLIEST <= scan.at <= heard.learned_at + _AHEAD:
        return f"at: {scan.at.isoformat()} of {scan.tracking_number} lies outside of any parcel's life"
    return None


def _clean(heard: Heard) -> Heard:
    """With the number as we compare it, and without what a database cannot hold (NUL, half a surrogate pair)."""
    scan = heard.scan
    texts: dict[str, Any] = {name: storable(value) for name in _TEXTS if (value := getattr(scan, name))}
    texts["tracking_number"] = normal(storable(scan.tracking_number))
    changed = {name: value for name, value in texts.items() if value != getattr(scan, name)}
    return replace(heard, scan=replace(scan, **changed)) if changed else heard  # nearly always nothing


def _key(rt: Runtime, heard: Heard) -> Key | None:
    """Which leg a scan is about; None when nobody has the name its provider gives the carrier."""
    carrier = heard.carrier or rt.carriers.named(rt.carriers[heard.provider], heard.scan.company)
    return (carrier, heard.scan.tracking_number) if carrier is not None else None


def _held(rt: Runtime, heard: Heard) -> Held:
    return Held(
        scan=heard.scan,
        source=heard.source,
        provider=heard.provider,
        direct=direct(rt, heard.provider, heard.source),
        learned_at=heard.learned_at,
    )


def direct(rt: Runtime, provider: str, source: Source) -> bool:
    """Whether it is the carrier's own word (`Held.direct`)."""
    return source is not Source.FALLBACK and not rt.carriers[provider].adapter.aggregator


async def _legs(rt: Runtime, tx: Tx, keys: Iterable[Key]) -> dict[Key, tuple[str, str]]:
    """(shipment id, leg id) of each name that is registered, or registers itself now."""
    wanted = set(keys)
    found = await legs.named(tx, wanted)
    missing = wanted - found.keys()
    if missing:
        await legs.hold_names(tx, missing)
        for carrier, number in sorted(missing - (await legs.named(tx, missing)).keys()):
            if rt.carriers[carrier].row.auto_register:
                await register(rt, tx, NewShipment(order_id=number, carrier=carrier, tracking_number=number))
        found |= await legs.named(tx, missing)
    return {key: (row.shipment_id, row.id) for key, row in found.items()}


def _at_hand(journeys: Mapping[str, Journey], keys: Collection[Key]) -> dict[Key, tuple[str, str]]:
    """The same of shipments that are loaded."""
    every = ((journey, leg) for journey in journeys.values() for leg in journey.legs)
    named = {(leg.carrier, leg.tracking_number): (journey.shipment.id, leg.id) for journey, leg in every}
    return {key: named[key] for key in keys if key in named}


async def _keep(rt: Runtime, tx: Tx, unclaimed: Iterable[Heard]) -> None:
    waiting: dict[tuple[str, str | None, str], list[Heard]] = defaultdict(list)
    for one in unclaimed:
        waiting[one.provider, one.scan.company, one.scan.tracking_number].append(one)
    for (provider, company, number), ones in waiting.items():
        at = max(one.learned_at for one in ones)
        history = [_held(rt, one) for one in ones]
        until = at + STRAY_LIFE
        await strays.add(tx, carrier=provider, company=company, number=number, history=history, at=at, until=until)


async def _health(tx: Tx, by_key: Mapping[Key, Sequence[Heard]], nameless: Sequence[Heard]) -> None:
    """Whoever spoke and whoever was spoken of was heard. Last of all: these rows are wanted by every worker."""
    spoken_of = [(key[0], one) for key, ones in by_key.items() for one in ones]
    speakers = [(one.provider, one) for ones in (*by_key.values(), nameless) for one in ones]
    at: dict[str, datetime] = {}
    pushed = set()
    for carrier, one in spoken_of + speakers:
        at[carrier] = max(one.learned_at, at.get(carrier, one.learned_at))
        if one.source is Source.WEBHOOK:
            pushed.add(carrier)
    await health.heard(tx, at, pushed)
