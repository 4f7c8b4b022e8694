"""The scripts, their conditions, and the runner against a small gateway that answers what it is told to."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from aiohttp import web

from gateway.domain import Status
from gateway.sandbox.client import Gateway
from gateway.sandbox.conditions import Condition
from gateway.sandbox.environment import variables
from gateway.sandbox.journeys import Runner
from gateway.sandbox.page import Page
from gateway.sandbox.people import customer, zone_where_it_is
from gateway.sandbox.run import State
from gateway.sandbox.script import Happening, Journey, ScriptError, See, journeys, read, span
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from gateway.web.models.shipments import ShipmentIn

CONFIG = Path(__file__).parents[2] / "gateway" / "sandbox" / "config"


class SmallGateway:
    """Keeps what was registered and pushed; its tracking says the status of the newest push."""

    def __init__(self) -> None:
        self.shipments: list[dict[str, Any]] = []
        self.pushes: list[str] = []
        self.status = "pre_transit"
        self.app = web.Application()
        self.app.add_routes(
            [
                web.post("/v1/shipments", self.register),
                web.get("/v1/shipments", self.listed),
                web.get("/v1/shipments/{id}", self.one),
                web.get("/v1/tracking/{number}", self.tracking),
                web.get("/v1/tracking", self.trackings),
                web.get("/v1/{list}", self.empty),
                web.post("/webhooks/{carrier}", self.push),
                web.post("/webhooks/{carrier}/{token}", self.push),
            ]
        )

    async def register(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key"
        body = await request.json()
        ShipmentIn.model_validate(body)
        self.shipments.append({"id": f"s{len(self.shipments)}", **body})
        return web.json_response(self.shipments[-1], status=201)

    async def listed(self, request: web.Request) -> web.Response:
        wanted = [row for row in self.shipments if row["tracking_number"] == request.query.get("q")]
        return web.json_response({"items": wanted, "next_cursor": None})

    async def one(self, request: web.Request) -> web.Response:
        return web.json_response(next(row for row in self.shipments if row["id"] == request.match_info["id"]))

    def _tracking(self, number: str) -> dict[str, Any]:
        leg = {"carrier": {"code": "zto", "name": "中通快递"}, "tracking_number": number, "current": True, "scans": []}
        return {"tracking_number": number, "status": self.status, "stalled": False, "legs": [leg]}

    async def tracking(self, request: web.Request) -> web.Response:
        return web.json_response(self._tracking(request.match_info["number"]))

    async def trackings(self, request: web.Request) -> web.Response:
        numbers = request.query["numbers"].split(",")
        return web.json_response({"items": [self._tracking(number) for number in numbers], "not_found": []})

    async def empty(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [], "next_cursor": None})

    async def push(self, request: web.Request) -> web.Response:
        self.pushes.append(await request.text())
        self.status = "delivered"
        return web.json_response({"status": True, "statusCode": "200", "message": "", "result": ""})


@pytest.fixture
async def small() -> SmallGateway:
    return SmallGateway()


@pytest.fixture
async def gateway(small: SmallGateway) -> AsyncIterator[Gateway]:
    runner = web.AppRunner(small.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Gateway(f"http://127.0.0.1:{runner.addresses[0][1]}", "key") as client:
        yield client
    await runner.cleanup()


def journey(*, wanted: str = "delivered") -> Journey:
    return Journey(
        id="short",
        title={"zh": "短", "en": "Short"},
        about={"zh": "短", "en": "Short"},
        carrier="zto",
        prefix="73999",
        digits=9,
        history=(Happening(status=Status.PICKED_UP, ago=timedelta(hours=20), text="已揽收"),),
        steps=(
            See(condition=Condition(about="tracking", where={"status": "pre_transit"})),
            Happening(status=Status.DELIVERED, text="已签收", push=True),
        ),
        expect=(Condition(about="tracking", where={"status": wanted}),),
    )


async def test_a_journey_registers_pushes_and_reaches_its_end(
    sandbox: Sandbox, gateway: Gateway, small: SmallGateway
) -> None:
    runner = Runner(sandbox, gateway, (journey(),), run=7)
    runner.start()
    (run,) = await runner.finish()
    assert (run.state, run.note) == (State.REACHED, "")
    assert [row["tracking_number"] for row in small.shipments] == [journey().number(7, 0)]
    assert len(small.pushes) == 1
    events = sandbox.world.waybills["zto", run.numbers[0]].events
    assert [event.status for event in events] == [Status.PICKED_UP, Status.DELIVERED]


async def test_a_journey_that_is_not_reached_says_why(sandbox: Sandbox, gateway: Gateway) -> None:
    runner = Runner(sandbox, gateway, (journey(wanted="returned"),), run=7, patience=0)
    runner.start()
    (run,) = await runner.finish()
    assert run.state is State.FAILED
    assert "returned" in run.note


async def test_a_test_number_that_somebody_else_registers_plays_its_journey(
    sandbox: Sandbox, gateway: Gateway, small: SmallGateway, world: World
) -> None:
    runner = Runner(sandbox, gateway, (journey(),), run=7)
    runner.runs.clear()
    body = {"order_id": "SHOP-1", "carrier": "zto", "tracking_number": "73999123456789"}
    await gateway.post("/v1/shipments", body)
    assert world.find("zto", "73999123456789") is not None
    assert world.find("zto", "73111123456789") is None
    (run,) = await runner.finish()
    assert (run.state, run.orders) == (State.REACHED, ["SHOP-1"])
    assert world.waybills["zto", "73999123456789"].reference == "SHOP-1"


async def test_the_page_shows_the_journeys_and_loads_nothing_from_elsewhere(
    world: World, gateway: Gateway, small: SmallGateway
) -> None:
    sandbox = serve(world)
    runner = Runner(sandbox, gateway, (journey(),), run=7)
    sandbox.app.add_routes(Page(runner, gateway.url).routes())
    async with sandbox, httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as browser:
        runner.start()
        await runner.finish()
        state = (await browser.get("/sandbox/state.json")).json()
        assert [one["state"] for one in state["journeys"]] == ["reached"]
        assert state["journeys"][0]["parcels"][0]["tracking"]["status"] == "delivered"
        for path in ("/", "/sandbox/sandbox.js", "/sandbox/sandbox.css", "/sandbox/words.json"):
            page = await browser.get(path)
            assert page.status_code == 200
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert "//" not in page.text.replace("https?:\\/\\/", "").replace("// The live page", "")
        assert (await browser.get("/sandbox/__init__.py")).status_code == 404


def test_both_languages_have_the_same_words() -> None:
    words = json.loads((CONFIG.parent / "pages" / "words.json").read_text(encoding="utf-8"))
    assert words["zh"].keys() == words["en"].keys()
    assert {status.value for status in Status} - {"info"} <= words["en"].keys()


def test_the_scripts_can_be_read_and_differ_in_their_numbers() -> None:
    known = journeys()
    assert len(known) >= 9
    for one in known:
        number = one.number(123456789, 0)
        assert [other.id for other in known if other.carrier == one.carrier and other.plays(number)] == [one.id]
        assert set(one.title) == set(one.about) == {"zh", "en"}
        assert one.expect


def test_a_script_that_is_wrong_says_where(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("id: x\nsteps: [{jump: {}}]\nexpect: []\n", encoding="utf-8")
    with pytest.raises(ScriptError, match=r"wrong\.yaml"):
        read(path)


@pytest.mark.parametrize(
    ("condition", "rows", "met"),
    [
        (Condition(about="tracking", where={"legs.length": 2}), [{"legs": [1, 2]}], True),
        (Condition(about="tracking", where={"status": "x"}), [], False),
        (Condition(about="tracking", where={"incident": None}), [{"incident": None}], True),
        (Condition(about="cases", some={"state": ["open", "acting"]}), [{"state": "acting"}], True),
        (Condition(about="cases", some={"kind": "a"}, count=1), [{"kind": "a"}, {"kind": "a"}], False),
        (Condition(about="cases", none={"kind": "a"}), [{"kind": "b"}], True),
        (Condition(about="cases", none={"kind": "*"}), [{"kind": "b"}], False),
        (Condition(about="tracking", where={"legs.0.carrier.code": "zto"}), [{"legs": []}], False),
    ],
)
def test_conditions(condition: Condition, rows: list[Any], met: bool) -> None:
    assert condition.met(rows) is met


@pytest.mark.parametrize("hour", range(24))
def test_a_zone_is_found_for_every_hour(hour: int) -> None:
    now = datetime(2026, 3, 5, 17, 40, tzinfo=UTC)
    assert now.astimezone(ZoneInfo(zone_where_it_is(hour, now))).hour == hour


def test_customers_differ() -> None:
    now = datetime(2026, 3, 5, tzinfo=UTC)
    people = [customer(serial, 12, now) for serial in range(17_953_400_000, 17_953_440_000)]
    assert len({person["phone"] for person in people}) == len(people)


def test_spans() -> None:
    assert (span("26h"), span("13d"), span("0.5s")) == (
        timedelta(hours=26),
        timedelta(days=13),
        timedelta(seconds=0.5),
    )
    with pytest.raises(ValueError, match="span of time"):
        span("soon")


def test_the_environment_names_every_variable_of_the_configuration() -> None:
    used = {name for path in CONFIG.glob("*.yaml") for name in re.findall(r"\$\{(\w+)\}", path.read_text("utf-8"))}
    used -= set(re.findall(r"\$\{(\w+)\}", (CONFIG / "approved.yaml").read_text("utf-8")))
    assert used == set(variables(1, 2, 3))
