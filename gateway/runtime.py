"""What every use case is handed: the open parts of a running gateway. Built once, in gateway.app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from gateway.cache import Cache
from gateway.lane import Lane
from gateway.limits import Limits, LocalLimits
from gateway.plugins import Carriers, Notifiers
from gateway.policies import Policies
from gateway.recent import Recent
from gateway.render import Renderer
from gateway.signals import Signals
from gateway.store.delivery import Notes
from gateway.store.engine import Store, Tx
from gateway.store.reading import Reading
from gateway.words import Words


@dataclass(kw_only=True)
class Runtime:
    """store: the database. carriers, notifiers: rows with their plugins. policies: the documents in force. secret: for
    keyed hashes, coupon codes and tracking links. public_url: how customers reach us. follow: called inside the
    transaction of every change of a shipment, in this order, with all changes that are made together: at most one of
    each shipment. signals: wakes loops and live readers after a commit. limits: tokens per account. cache: rendered
    answers. words: what readers are told for a status. renderer: the templates of messages. recognised: what
    aggregators said lately of whose number it is. lease: how soon a worker that died is replaced. lane: what processes
    share beside the store, None without Redis.
    started_at: what was said before, nobody was here to hear.
    """

    store: Store
    carriers: Carriers
    notifiers: Notifiers
    policies: Policies
    secret: bytes
    public_url: str
    signals: Signals = field(default_factory=Signals)
    limits: Limits = field(default_factory=LocalLimits)
    cache: Cache = field(default_factory=Cache)
    words: Words = field(default_factory=Words)
    renderer: Renderer = field(default_factory=Renderer)
    recognised: Recent[list[str]] = field(default_factory=lambda: Recent(3600, 10_000))
    lane: Lane | None = None
    lease: timedelta = timedelta(seconds=20)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    started_at: datetime | None = None
    follow: Sequence[Callable[[Runtime, Tx, Sequence[Any]], Awaitable[None]]] = ()

    @cached_property
    def reading(self) -> Reading:
        """Questions of readers, put to the store together."""
        return Reading(self.store)

    @cached_property
    def notes(self) -> Notes:
        """Where doers note their steps."""
        return Notes(self.store)
