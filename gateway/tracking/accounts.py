"""Accounts at providers: how often each may be asked, and who is asked while a carrier's own API is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from gateway import plugins
from gateway.contract import Rate
from gateway.domain import LegRef
from gateway.plugins import Carrier
from gateway.runtime import Runtime
from gateway.store import health
from gateway.store.polls import About
from gateway.tracking.pace import fallback, reader

#: Polls failed in a row after which the fallback is read.
FALLBACK_AFTER = 3
#: Seconds an account rests when the provider refuses all of its calls, until somebody mends it.
CONFIG_PAUSE = 1800.0
#: Seconds an account rests at most while polls fail: the pace's backoff, doubling up to this.
MOST_PAUSE = 900.0


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a carrier's numbers are read now. own: by its own row, not the fallback. probe: it failed when last asked.

    Without slots: what every question asks for is worked out once.
    """

    provider: Carrier
    own: bool
    probe: bool = False

    @cached_property
    def account(self) -> str:
        return account(self.provider)

    @cached_property
    def rate(self) -> Rate:
        return rate(self.provider)


def account(carrier: Carrier) -> str:
    """The key of its account."""
    return plugins.account(carrier.row.adapter, carrier.row.settings)


def rate(carrier: Carrier) -> Rate:
    """The pace of an account: the contract's where the row names one, else the adapter's."""
    agreed = carrier.adapter.settings.calls_per_second
    if agreed is None:
        return carrier.adapter.rate
    calls = max(1, int(agreed))
    return Rate(calls, calls / agreed)


async def way(rt: Runtime, carrier: str) -> Way | None:
    """Whom to ask about a carrier's numbers now; None: nobody at the moment.

    The carrier itself, unless its account rests; then its fallback, once the failures are no accident.
    """
    provider = reader(rt, carrier)
    if provider is None:
        return None
    failures = await _failures(rt, carrier)
    rest = await rt.limits.paused(account(provider))
    if not rest:
        return Way(provider=provider, own=provider.code == carrier, probe=failures > 0)
    other = fallback(rt, carrier)
    serious = failures >= FALLBACK_AFTER or rest > MOST_PAUSE
    if other is None or other.code == provider.code or not serious or await rt.limits.paused(account(other)):
        return None
    return Way(provider=other, own=False)


async def _failures(rt: Runtime, carrier: str) -> int:
    async with rt.store.read() as tx:
        row = await health.of(tx, carrier)
    return row.failures if row is not None else 0


async def rest(rt: Runtime, way: Way, failures: int, retry_after: float | None) -> None:
    """An account that fails is left alone for a while; for so long as the provider said, when it did."""
    if retry_after is not None:
        await rt.limits.pause(way.account, retry_after)
    elif failures >= FALLBACK_AFTER:
        pace = rt.policies.pace
        wait = pace.backoff_first_minutes * 60 * 2 ** min(failures - FALLBACK_AFTER, 10)
        await rt.limits.pause(way.account, min(wait, pace.backoff_most_hours * 3600, MOST_PAUSE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A leg to ask about, and the lease we hold on it."""

    leg: About
    fence: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Legs of one carrier, read one way."""

    carrier: str
    way: Way
    asked: Sequence[Asked]

    @property
    def provider(self) -> str:
        return self.way.provider.code

    def only(self, asked: Sequence[Asked]) -> Questions:
        return replace(self, asked=asked)


def leg_ref(rt: Runtime, leg: About, provider: Carrier) -> LegRef:
    """A leg as its provider's adapter wants to be told of it."""
    return LegRef(
        carrier=leg.carrier,
        tracking_number=leg.tracking_number,
        company=rt.carriers.company(leg.carrier, provider),
        phone=_phone(leg.document),
        reference=leg.reference,
        service=leg.service,
        origin=leg.origin,
        destination=leg.destination,
        extra=dict(leg.extra),
    )


def _phone(document: Mapping[str, Any]) -> str:
    """Of the recipient, else of the sender: some carriers want its last four digits."""
    for party in ("recipient", "sender"):
        phone = (document.get(party) or {}).get("phone")
        if phone:
            return str(phone)
    return ""
