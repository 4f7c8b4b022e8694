"""The live page of the sandbox: journeys, the customers' phones and mailboxes, and what the gateway says of it all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.domain import Channel
from gateway.sandbox.client import Gateway, GatewayError
from gateway.sandbox.conditions import Condition
from gateway.sandbox.journeys import Runner
from gateway.sandbox.records import Call, ReceivedMessage
from gateway.sandbox.run import Run
from gateway.sandbox.script import Again, Fail, Happening, Heal, Hold, Refresh, See, Step
from gateway.sandbox.world import World

PAGES = Path(__file__).with_name("pages")
_FILES = ("sandbox.css", "sandbox.js", "words.json")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
#: seconds an answer to the page is good for: however many watch, the gateway is asked once
_FRESH = 0.8
_SHOWN = 60


class Page:
    """public_url: how a browser reaches the gateway."""

    def __init__(self, runner: Runner, public_url: str) -> None:
        self._runner, self._public_url = runner, public_url
        self._states: dict[str, tuple[float, dict[str, Any]]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/sandbox/state.json", self.state),
            web.get("/sandbox/{file}", self.file),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        return _file("index.html")

    async def file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        if name not in _FILES:
            raise web.HTTPNotFound
        return _file(name)

    async def state(self, request: web.Request) -> web.StreamResponse:
        language = "en" if request.query.get("lang") == "en" else "zh"
        at, state = self._states.get(language, (0.0, {}))
        if not state or time.monotonic() - at > _FRESH:
            state = await self._compose(language)
            self._states[language] = (time.monotonic(), state)
        return web.json_response(state, headers=_HEADERS)

    async def _compose(self, language: str) -> dict[str, Any]:
        runner = self._runner
        told = await _told(runner.gateway, runner.runs, language)
        world = runner.world
        return {
            "gateway": self._public_url,
            "answers": told["answers"],
            "journeys": [_journey(run, told, world.messages) for run in runner.runs],
            "carriers": told["carriers"],
            "sms": _inbox(world, Channel.SMS),
            "wechat": _inbox(world, Channel.WECHAT),
            "email": _inbox(world, Channel.EMAIL),
            "ops": _inbox(world, Channel.OPS),
            "calls": [_call(call) for call in reversed(world.calls[-_SHOWN:])],
        }


def _file(name: str) -> web.StreamResponse:
    return web.FileResponse(PAGES / name, headers=_HEADERS)


async def _told(gateway: Gateway, runs: Sequence[Run], language: str) -> dict[str, Any]:
    """What the gateway says; `answers` is false while it is away."""
    numbers = [number for run in runs for number in run.numbers][-100:]
    told: dict[str, Any] = {"answers": True, "tracking": [], "cases": [], "coupons": [], "messages": [], "carriers": []}
    try:
        locale = {"zh": "zh-CN"}.get(language, language)
        told["tracking"] = (await gateway.get("/v1/tracking", numbers=",".join(numbers), locale=locale))["items"]
        for name in ("cases", "coupons", "messages", "carriers"):
            told[name] = await gateway.items(f"/v1/{name}")
    except GatewayError:
        told["answers"] = False
    return told


def _journey(run: Run, told: dict[str, Any], messages: Sequence[ReceivedMessage]) -> dict[str, Any]:
    journey = run.journey
    return {
        "id": journey.id,
        "title": journey.title,
        "about": journey.about,
        "carrier": journey.carrier,
        "numbers": f"{journey.prefix}{'0' * journey.digits}",
        "state": run.state,
        "done": run.step,
        "note": run.note,
        "steps": [_step(step) for step in journey.steps],
        "parcels": [_parcel(run, index, told["tracking"], messages) for index in range(len(run.numbers))],
        "cases": _of(told["cases"], "order_id", run.orders),
        "coupons": _of(told["coupons"], "order_id", run.orders),
        "messages": _of(told["messages"], "shipment_id", run.shipments),
    }


def _of(rows: Sequence[dict[str, Any]], field: str, mine: Sequence[str]) -> list[dict[str, Any]]:
    return [row for row in rows if row.get(field) in mine]


def _parcel(
    run: Run, index: int, trackings: Sequence[dict[str, Any]], messages: Sequence[ReceivedMessage]
) -> dict[str, Any]:
    """link: the tracking page, as the customer got it."""
    number, addresses = run.numbers[index], run.addresses(index)
    mine = (one for one in trackings if any(leg["tracking_number"] == number for leg in one["legs"]))
    person = run.recipients[index] if index < len(run.recipients) else {}
    return {
        "number": number,
        "order": run.orders[index],
        "link": next((one.link for one in messages if one.link and one.to in addresses), ""),
        "customer": {name: person.get(name, "") for name in ("name", "phone", "timezone")},
        "tracking": next(mine, None),
    }


def _step(step: Step) -> dict[str, Any]:
    match step:
        case Happening():
            told = "push" if step.push else "quiet"
            return {"kind": "scan", "status": step.status, "code": step.code, "text": step.text, "told": told}
        case Again():
            return {"kind": "again", "text": " ".join(str(position + 1) for position in step.events)}
        case Fail() | Heal():
            return {"kind": "fail" if isinstance(step, Fail) else "heal", "text": step.provider}
        case Refresh():
            return {"kind": "refresh", "text": ""}
        case See() | Hold():
            kind = "see" if isinstance(step, See) else "hold"
            return {"kind": kind, "text": "", "about": step.condition.about, "words": _wanted(step.condition)}


def _wanted(condition: Condition) -> list[str]:
    """The words that a condition waits for, to be shown in the reader's language."""
    values = [*condition.where.values(), *condition.some.values(), *condition.none.values()]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [one for one in flat if isinstance(one, str) and one != "*"]


def _inbox(world: World, channel: Channel) -> list[dict[str, Any]]:
    return [_message(message) for message in reversed(world.received(channel)[-_SHOWN:])]


def _message(message: ReceivedMessage) -> dict[str, Any]:
    return {
        "at": message.at.isoformat(),
        "to": message.to,
        "title": message.title,
        "text": message.text,
        "html": message.html,
        "link": message.link,
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "at": call.at.isoformat(),
        "provider": call.provider,
        "operation": call.operation,
        "key": call.key,
        "number": call.number,
        "effective": call.effective,
        "outcome": call.outcome,
    }
