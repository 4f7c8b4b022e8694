"""The governor of messages: whether, when, where and in which language one event is told to one reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.domain import Channel, MessageKind, Status, rank
from gateway.rules.language import speak
from gateway.rules.policy import MessagePolicy, QuietHours

Drop = Literal["superseded", "stale", "no_consent", "no_address", "suppressed", "shipment_cap", "address_cap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What shall be said. channels: empty for the policy's chain. news_at: the instant of the event it tells of.

    status_rank: `rank` of the status it tells of; None when it tells of none.
    """

    kind: MessageKind = MessageKind.TRANSACTIONAL
    template: str
    channels: tuple[Channel, ...] = ()
    send: Literal["chain", "all"] = "chain"
    urgent: bool = False
    news_at: datetime
    status_rank: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads it. timezone: IANA name, None when not known. marketing: consents to promotion.

    suppressed: channels on which this reader is not written to (opted out, dead address).
    """

    locale: str = ""
    timezone: str | None = None
    addresses: Mapping[Channel, str] = field(default_factory=dict)
    marketing: bool = False
    suppressed: frozenset[Channel] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Messages of the last day: to this reader's address by channel, and about this shipment."""

    address: Mapping[Channel, int] = field(default_factory=dict)
    shipment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """channels: in order; `chain` takes the first that works, `all` every one. drop: why nothing is said at all."""

    channels: tuple[Channel, ...] = ()
    locale: str
    hold_until: datetime | None = None
    drop: Drop | None = None


def plan(
    decision: Decision,
    reader: Reader,
    policy: MessagePolicy,
    counts: Counts,
    now: datetime,
    *,
    superseded: bool = False,
) -> Plan:
    """One plan per decision; asked again when a hold ends. superseded: as `left_behind` finds for the shipment.

    A room of operators (channel ops) knows neither quiet hours nor caps, and hears old news too.
    """
    locale = speak(reader.locale, policy.languages)
    channels = decision.channels or policy.chain
    operators = set(channels) == {Channel.OPS}
    drop = None if operators else _unsaid(decision, reader, policy, counts, now, superseded)
    if drop is not None:
        return Plan(locale=locale, drop=drop)
    known = tuple(channel for channel in channels if reader.addresses.get(channel))
    allowed = tuple(channel for channel in known if channel not in reader.suppressed)
    open_channels = tuple(channel for channel in allowed if _below_cap(channel, policy, counts))
    if not open_channels:
        return Plan(locale=locale, drop="address_cap" if allowed else "suppressed" if known else "no_address")
    wakes = decision.urgent and decision.kind is MessageKind.TRANSACTIONAL
    quiet = None if operators or wakes else quiet_until(policy.quiet_hours, _zone(reader, policy), now)
    return Plan(channels=open_channels, locale=locale, hold_until=quiet)


def left_behind(decision: Decision, current: Status) -> bool:
    """Whether the shipment has gone on since: the status it tells of is no longer the shipment's, or it tells of
    trouble and the parcel has arrived (never "delayed" after "delivered"). A gift is still a gift then."""
    if decision.status_rank is not None:
        return decision.status_rank != rank(current)
    arrived = current in (Status.DELIVERED, Status.RETURNED)
    return arrived and decision.kind is MessageKind.TRANSACTIONAL


def quiet_until(quiet: QuietHours | None, zone: tzinfo, now: datetime) -> datetime | None:
    """The end (UTC) of the quiet hours that `now` lies in, by the clock of `zone`; None outside of them."""
    if quiet is None or quiet.first == quiet.last:
        return None
    local = now.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    over_midnight = quiet.first > quiet.last
    evening = clock >= quiet.first
    morning = clock < quiet.last
    if not (evening or morning if over_midnight else evening and morning):
        return None
    day = local.date() + timedelta(days=1 if over_midnight and evening else 0)
    return datetime.combine(day, quiet.last, tzinfo=zone).astimezone(UTC)


def _unsaid(
    decision: Decision, reader: Reader, policy: MessagePolicy, counts: Counts, now: datetime, superseded: bool
) -> Drop | None:
    if superseded:
        return "superseded"
    if now - decision.news_at > timedelta(hours=policy.stale_after_hours):
        return "stale"
    if decision.kind is MessageKind.PROMOTIONAL and not reader.marketing:
        return "no_consent"
    if policy.per_shipment_day is not None and counts.shipment >= policy.per_shipment_day:
        return "shipment_cap"
    return None


def _below_cap(channel: Channel, policy: MessagePolicy, counts: Counts) -> bool:
    cap = policy.per_address_day
    return channel is Channel.OPS or cap is None or counts.address.get(channel, 0) < cap


def _zone(reader: Reader, policy: MessagePolicy) -> tzinfo:
    """The reader's zone; the policy's for readers whose zone we do not know, or who gave one that there is not."""
    try:
        return ZoneInfo(reader.timezone or policy.timezone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(policy.timezone)
