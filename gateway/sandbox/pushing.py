"""Which webhooks a carrier sends about an event, and the receipts that message providers send by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.contract.carrier import Push
from gateway.sandbox.client import Gateway, deliver
from gateway.sandbox.records import Call, Event, ReceivedMessage
from gateway.sandbox.server import Sandbox

Accepted = Callable[[int, bytes], bool]


def pushes(sandbox: Sandbox, carrier: str, number: str, event: Event) -> list[tuple[Push, Accepted]]:
    """The webhook of one event, as this carrier sends it. A carrier without pushes of its own goes by 快递100."""
    own: dict[str, Callable[[], tuple[Push, Accepted]]] = {
        "sf": lambda: (sandbox.sf.push(number, event), sandbox.sf.accepted),
        "zto": lambda: (sandbox.zto.push(number, event), sandbox.zto.accepted),
        "ups": lambda: (sandbox.ups.push(number, event), sandbox.ups.accepted),
        "usps": lambda: (sandbox.easypost.push(number, row="usps"), sandbox.easypost.accepted),
    }
    aggregated = sandbox.kuaidi100
    return [own[carrier]() if carrier in own else (aggregated.push(carrier, number), aggregated.accepted)]


class Receipts:
    """Pushes a delivery receipt for every SMS and WeChat message, a moment after it was accepted.

    rows: the gateway's notifier rows, by provider. Keep it as long as the world; `close` ends what is under way.
    """

    def __init__(self, sandbox: Sandbox, gateway: Gateway, rows: dict[str, str], *, after: float = 0.3) -> None:
        self._sandbox, self._gateway, self._rows, self._after = sandbox, gateway, rows, after
        self._tasks: set[asyncio.Task[bool]] = set()
        for provider in rows:
            sandbox.world.answered(f"{provider}.send", self._answered)

    async def _answered(self, call: Call) -> None:
        if not call.effective:
            return
        message = next(one for one in reversed(self._sandbox.world.messages) if one.provider == call.provider)
        task = asyncio.create_task(self._report(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report(self, message: ReceivedMessage) -> bool:
        await asyncio.sleep(self._after)
        row, sandbox = self._rows[message.provider], self._sandbox
        if message.provider == "aliyun":
            return await deliver(self._gateway, sandbox.aliyun.receipt(message, row=row), sandbox.aliyun.accepted)
        return await deliver(self._gateway, sandbox.wechat.receipt(message, row=row), sandbox.wechat.accepted)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
