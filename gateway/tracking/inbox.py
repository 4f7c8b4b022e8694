"""The inbox: pushes are kept raw in a durable commit before they are answered. Read them: tracking.pushes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from types import TracebackType

from gateway.contract import Push
from gateway.runtime import Runtime
from gateway.store import inbox as rows
from gateway.store.away import StoreAway
from gateway.store.inbox import Raw
from gateway.tracking.pushes import StillWaiting, UnknownPush, read_inbox, replay

__all__ = ["Busy", "Inbox", "StillWaiting", "UnknownPush", "read_inbox", "replay"]

log = logging.getLogger(__name__)

#: Headers that prove who sent a push; it was verified at the door, and they are secrets.
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


class Busy(Exception):
    """Could not be kept now: the sender shall try again. retry_after: seconds."""

    retry_after = 5


class Inbox:
    """Keeps pushes. Whatever waits is committed together, and each sender is answered after the commit.

    Use it as `async with Inbox(rt) as inbox`; leaving the block commits what is waiting and takes no more.
    """

    def __init__(self, rt: Runtime, *, most: int = 2000, group: int = 200) -> None:
        """most: pushes that may wait; more are turned away. group: pushes in one commit."""
        self._rt = rt
        self._group = group
        self._most = most
        self._waiting: list[tuple[Raw, asyncio.Future[int]]] = []
        self._work = asyncio.Event()
        self._open = False

    async def __aenter__(self) -> Inbox:
        self._open = True
        self._task = asyncio.create_task(self._run(), name="inbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._work.set()
        await self._task

    async def accept(self, carrier: str, push: Push) -> int:
        """Keep a verified push of this row; its id, once it is durable. Raise Busy."""
        if not self._open or len(self._waiting) >= self._most:
            raise Busy
        kept: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((_raw(self._rt, carrier, push), kept))
        self._work.set()
        return await kept

    async def _run(self) -> None:
        while self._open or self._waiting:
            if not self._waiting:
                self._work.clear()
                await self._work.wait()
            group, self._waiting = self._waiting[: self._group], self._waiting[self._group :]
            if group:
                await self._commit(group)

    async def _commit(self, group: Sequence[tuple[Raw, asyncio.Future[int]]]) -> None:
        try:
            async with self._rt.store.write() as tx:
                ids = await rows.add(tx, [raw for raw, _ in group])
                tx.after_commit(lambda: self._rt.signals.wake("inbox"))
        except Exception as error:
            log.warning("%d pushes could not be kept", len(group), exc_info=not isinstance(error, StoreAway))
            for _, kept in group:
                if not kept.done():
                    kept.set_exception(Busy())
            return
        for number, (_, kept) in zip(ids, group, strict=True):
            if not kept.done():  # a sender that has hung up is answered by nobody
                kept.set_result(number)


def _raw(rt: Runtime, carrier: str, push: Push) -> Raw:
    hidden = push.token or ""
    request = {
        "method": push.method,
        "path": push.path.replace(hidden, "-") if hidden else push.path,
        "query": dict(push.query),
        "headers": {name: value for name, value in push.headers.items() if name not in _SECRET},
        "token": push.token is not None,
    }
    return Raw(carrier=carrier, received_at=push.received_at or rt.clock(), request=request, body=push.body)
