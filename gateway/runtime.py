"""What every use case is handed: the open parts of a running gateway. Built once, in gateway.app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.plugins import Carriers, Notifiers
from gateway.policies import Policies
from gateway.signals import Signals
from gateway.store.engine import Store, Tx


@dataclass(kw_only=True)
class Runtime:
    """store: the database. carriers, notifiers: rows with their plugins. policies: the documents in force. secret: for
    keyed hashes, coupon codes and tracking links. public_url: how customers reach us. follow: called inside the
    transaction of every change of a shipment, in this order. signals: wakes loops and live readers after a commit.
    """

    store: Store
    carriers: Carriers
    notifiers: Notifiers
    policies: Policies
    secret: bytes
    public_url: str
    signals: Signals = field(default_factory=Signals)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    follow: Sequence[Callable[[Runtime, Tx, Any], Awaitable[None]]] = ()
