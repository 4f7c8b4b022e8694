"""Who does which kind of deed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from gateway.cases.announce import EVENT
from gateway.domain import DeedKind
from gateway.messages.follow import NEWS
from gateway.messages.receipts import RECEIPT, look_again
from gateway.messages.send import send_message
from gateway.outcome import Done, End
from gateway.remedies.failover import fail_over
from gateway.remedies.grants import compensate
from gateway.remedies.people import ask, assign
from gateway.remedies.subscribing import subscribe
from gateway.runtime import Runtime
from gateway.store.rows import Row
from gateway.tracking.mappings import do_reread

Doer: TypeAlias = Callable[[Runtime, Row], Awaitable[End]]
Doers: TypeAlias = Mapping[str, Doer]


async def nobody_listens(rt: Runtime, deed: Row) -> End:
    """The doer of events while there are no subscriptions."""
    return Done(result={"subscribers": 0})


DOERS: Doers = {
    DeedKind.FAILOVER: fail_over,
    DeedKind.COUPON: compensate,
    DeedKind.POINTS: compensate,
    DeedKind.REFUND_REQUEST: compensate,
    DeedKind.ASSIGN: assign,
    DeedKind.ASK: ask,
    DeedKind.MESSAGE: send_message,
    NEWS: send_message,
    RECEIPT: look_again,
    "subscribe": subscribe,
    "reread": do_reread,
    EVENT: nobody_listens,
}
