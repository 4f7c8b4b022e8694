"""A shop, its carrier and its customers: parcels are registered, pushed to the end and read, at a given pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import aiohttp

from gateway.contract.signing import compact, md5_base64
from gateway.sandbox.accounts import Accounts
from gateway.sandbox.people import customer, registration
from tests.e2e.process import KEY

#: What happens to every parcel, hour by hour, in the carrier's words: none stands still for long enough to be a case.
ACTIONS = ("GOT", "DEPARTURE", "ARRIVAL", "DEPARTURE", "ARRIVAL", "DEPARTURE", "DISPATCH", "SIGNED")
#: Parcels in one call of the order system, and of how many parcels one customer gave an address.
TOGETHER, TOLD = 50, 25
#: Parcels that begin together.
_WAVE = 500
#: Requests under way at most.
_AT_ONCE = 64


@dataclass(slots=True)
class Tally:
    """What was done. times: seconds until each push was answered, since last taken. wrong: other answers, by status."""

    registered: int = 0
    pushed: int = 0
    read: int = 0
    busy: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)


class Life:
    """Pushes so many a second (None: as many as are answered); registers and reads what belongs to that."""

    def __init__(self, url: str, first: int = 0) -> None:
        self.tally = Tally()
        self._url = url
        self._number = first
        self._accounts = Accounts()

    async def run(self, seconds: float, rate: float | None) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self._url, headers=headers, connector=connector) as self._http:
            self._end = time.monotonic() + seconds
            deeds = self._deeds()
            paced = _paced(rate, self._end)
            turn = asyncio.Lock()
            await asyncio.gather(*(self._worker(deeds, paced, turn) for _ in range(_AT_ONCE)))

    async def _worker(
        self, deeds: Iterator[Callable[[], Awaitable[None]]], paced: Callable[[], Awaitable[bool]], turn: asyncio.Lock
    ) -> None:
        while True:
            async with turn:
                if not await paced():
                    return
                deed = next(deeds)
            await deed()

    def _deeds(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """Wave after wave of parcels, each through its whole life; a push is never sent before its registration."""
        while True:
            wave = range(self._number, self._number + _WAVE)
            self._number = wave.stop
            known = asyncio.Event()
            left = [len(wave) // TOGETHER]
            for low in range(wave.start, wave.stop, TOGETHER):
                yield lambda low=low, left=left, known=known: self._register(range(low, low + TOGETHER), left, known)
            began = datetime.now(UTC)
            for step, action in enumerate(ACTIONS):
                for number in wave:
                    at = began - timedelta(hours=len(ACTIONS) - step) + timedelta(seconds=number % 3600)
                    yield lambda number=number, action=action, at=at, known=known: self._push(number, action, at, known)

    async def _register(self, numbers: range, left: list[int], known: asyncio.Event) -> None:
        body = {"shipments": [_registration(number) for number in numbers]}
        async with self._http.post("/v1/shipments/batch", json=body) as answer:
            await answer.read()
            if self._right(answer.status, "batch"):
                self.tally.registered += len(numbers)
        left[0] -= 1
        if not left[0]:
            known.set()

    async def _push(self, number: int, action: str, at: datetime, known: asyncio.Event) -> None:
        if not await self._in_time(known):
            return
        began = time.perf_counter()
        async with self._http.post("/webhooks/zto", data=self._signed(number, action, at), headers=_FORM) as answer:
            await answer.read()
        self.tally.times.append(time.perf_counter() - began)
        if self._right(answer.status, "push"):
            self.tally.pushed += 1
        if action in {"GOT", "SIGNED"}:
            async with self._http.get(f"/v1/tracking/{tracking_number(number)}") as answer:
                await answer.read()
            self.tally.read += self._right(answer.status, "read")

    async def _in_time(self, known: asyncio.Event) -> bool:
        """Whether the parcels of a wave were registered before the end."""
        try:
            async with asyncio.timeout(max(0.0, self._end - time.monotonic())):
                await known.wait()
        except TimeoutError:
            return False
        return True

    def _right(self, status: int, what: str) -> bool:
        if status == 503:
            self.tally.busy += 1
        elif status >= 300:
            told = f"{what} {status}"
            self.tally.wrong[told] = self.tally.wrong.get(told, 0) + 1
        return status < 300

    def _signed(self, number: int, action: str, at: datetime) -> str:
        """A trace push as the carrier signs it (carriers/zto.md)."""
        china = at + timedelta(hours=8)
        event = {
            "billCode": tracking_number(number),
            "actionTime": f"{china:%Y-%m-%d %H:%M:%S}",
            "city": "郑州市",
            "action": action,
            "facilityCode": "37131",
            "facilityName": "郑州高新区",
            "desc": f"【郑州市】快件 {action}【郑州高新区】",
        }
        data = compact(event)
        account = self._accounts
        digest = md5_base64(data + account.zto_app_secret)
        form = {"msg_type": "Traces", "company_id": account.zto_app_key, "data_digest": digest, "data": data}
        return urlencode(form)


_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}


def tracking_number(number: int) -> str:
    return f"{78_100_000_000_000 + number}"


def _registration(number: int) -> dict[str, object]:
    order = f"SO-SOAK-{number}"
    person = customer(number, 12, datetime.now(UTC)) if number % TOLD == 0 else {"locale": "zh-CN"}
    return registration(order, "zto", tracking_number(number), person, {})


def _paced(rate: float | None, end: float) -> Callable[[], Awaitable[bool]]:
    """Answers True at each moment of the pace, False when time is up."""
    began, sent = time.monotonic(), 0

    async def next_one() -> bool:
        nonlocal sent
        if rate is not None:
            wait = began + sent / rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
        sent += 1
        return time.monotonic() < end

    return next_one
