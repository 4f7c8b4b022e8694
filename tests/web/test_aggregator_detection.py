"""Aggregators that are asked whose number it may be: candidates with a reason, never a carrier chosen in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from adapters.kuaidi100 import Kuaidi100Adapter
from adapters.trackingmore import TrackingMoreAdapter
from gateway.contract import CarrierAdapter
from gateway.contract.client import contract_client
from gateway.domain import Confidence, NumberPattern
from gateway.plugins import Carrier
from gateway.settings import CarrierRow
from gateway.tracking.detecting import PACE, detect
from tests.tracking.parts import World, carrier, carriers, runtime
from tests.web.parts import Gate, fits, problem

NUMBER = "268123456789"
TWELVE = NumberPattern(form="[0-9]{12}", note="12 digits")
KUAIDI100 = {"customer": "c", "key": "made-up-key", "salt": "s"}
Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Autonumber:
    """What 快递100 answers: company codes, or the response that a test wants."""

    def __init__(self, *companies: str, instead: Handler | None = None) -> None:
        self.companies = companies
        self.instead = instead
        self.asked: list[str] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/autonumber/auto")
        self.asked.append(request.url.params["num"])
        if self.instead is not None:
            return await self.instead(request)
        return httpx.Response(200, json=[{"comCode": code, "name": code} for code in self.companies])


def aggregator(
    kind: type[CarrierAdapter], handler: Handler, settings: dict[str, Any], code: str = "", **row: Any
) -> Carrier:
    made = kind.Settings(base_url="https://aggregator.test", **settings)
    values = {"adapter": kind.code, "name": {"en": kind.name}, "country": "CN", "settings": settings, **row}
    adapter = kind(made, contract_client("https://aggregator.test", httpx.MockTransport(handler)))
    return Carrier(code=code or kind.code, row=CarrierRow(**values), adapter=adapter)


def shop(handler: Handler, *more: Carrier, **row: Any) -> list[Carrier]:
    """Three carriers with 12-digit numbers, two of which 快递100 has a name for."""
    return [
        carrier("sf", number_forms=(TWELVE,), aliases={"kuaidi100": "shunfeng"}),
        carrier("sto", number_forms=(TWELVE,), aliases={"kuaidi100": "shentong", "trackingmore": "sto"}),
        carrier("ems", number_forms=(NumberPattern(form="E[A-Z][0-9]{9}CN", says=Confidence.CERTAIN, note="EMS"),)),
        aggregator(Kuaidi100Adapter, handler, KUAIDI100, **{"detect": True, **row}),
        *more,
    ]


@pytest.fixture
def rt(store: Any) -> World:
    return runtime(store)


def soon(seconds: float = 1.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_whom_it_names_comes_first_and_nobody_is_chosen(face: Gate) -> None:
    provider = Autonumber("shentong", "tiantian")
    face.rt.carriers = carriers(*shop(provider))
    document = await problem(
        await face.post("/v1/shipments", {"order_id": "1", "tracking_number": NUMBER}), 422, "carrier"
    )
    first, second = document["candidates"]
    assert (first["carrier"], first["confidence"], second["carrier"]) == ("sto", "likely", "sf")
    assert first["reasons"] == ["12 digits", "aggregator kuaidi100 said so"]
    assert document["notes"] == ["kuaidi100 says tiantian, which is no carrier here"]
    batch = {"shipments": [{"order_id": "1", "tracking_number": NUMBER}]}
    answered = await (await face.post("/v1/shipments/batch", batch)).json()
    fits("POST", "/v1/shipments/batch", answered)
    assert [one["carrier"] for one in answered["items"][0]["candidates"]] == ["sto", "sf"]
    assert provider.asked == [NUMBER]  # the second answer was kept


async def test_a_carrier_whose_form_nobody_knows_is_still_a_question(rt: World) -> None:
    rt.carriers = carriers(*shop(Autonumber("shunfeng")))
    told = await detect(rt, "ab-0001", soon())
    assert [(one.carrier, one.number, one.confidence) for one in told.found] == [("sf", "AB0001", "likely")]
    assert told.certain is None


@pytest.mark.parametrize(("number", "row"), [(NUMBER, {"detect": False}), ("EA123456785CN", {})])
async def test_nobody_is_asked_unless_configured_and_needed(rt: World, number: str, row: dict[str, Any]) -> None:
    provider = Autonumber("shunfeng")
    rt.carriers = carriers(*shop(provider, **row))
    told = await detect(rt, number, soon())
    assert (provider.asked, told.notes) == ([], ())


async def _down(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, request=request)


async def _expired(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"result": False, "returnCode": "601", "message": "KEY已过期"})


async def _rubbish(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="<html>")


async def _silent(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("instead", "note", "rests"),
    [
        (_down, "it is unavailable", True),
        (_expired, "it refused, or answered something else", True),
        (_rubbish, "it refused, or answered something else", False),
        (_silent, "it did not answer in time", True),
    ],
)
async def test_without_an_answer_the_local_candidates_stand(
    rt: World, instead: Handler, note: str, *, rests: bool
) -> None:
    provider = Autonumber(instead=instead)
    rt.carriers = carriers(*shop(provider))
    told = await detect(rt, NUMBER, soon(0.2))
    assert [one.carrier for one in told.found] == ["sf", "sto"]
    assert told.notes == (f"kuaidi100 was not heard: {note}",)
    again = await detect(rt, NUMBER, soon(0.2))
    assert again.notes == (f"kuaidi100 was not heard: {'it rests after a failure' if rests else note}",)
    assert len(provider.asked) == (1 if rests else 2)


async def test_it_is_not_asked_faster_than_its_pace(rt: World) -> None:
    provider = Autonumber()
    rt.carriers = carriers(*shop(provider))
    numbers = [f"26812345678{last}" for last in range(PACE.calls + 1)]
    told = [await detect(rt, number, soon()) for number in numbers]
    assert provider.asked == numbers[:-1]
    assert told[-1].notes == ("kuaidi100 was not heard: its account is busy",)


async def test_two_aggregators_are_asked_and_one_account_once(rt: World) -> None:
    async def couriers(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/couriers/detect"
        return httpx.Response(200, json={"meta": {"code": 200}, "data": [{"courier_code": "sto"}]})

    provider = Autonumber("shunfeng")
    other = aggregator(TrackingMoreAdapter, couriers, {"api_key": "k", "webhook_secret": "s"}, detect=True)
    same = aggregator(Kuaidi100Adapter, provider, {**KUAIDI100, "company": "yuantong"}, "yto", detect=True)
    rt.carriers = carriers(*shop(provider, other, same))
    told = await detect(rt, NUMBER, soon())
    assert [(one.carrier, one.reasons[-1]) for one in told.found] == [
        ("sf", "aggregator kuaidi100 said so"),
        ("sto", "aggregator trackingmore said so"),
    ]
    assert provider.asked == [NUMBER]


async def test_the_key_in_its_address_is_not_logged(rt: World, caplog: pytest.LogCaptureFixture) -> None:
    rt.carriers = carriers(*shop(Autonumber()))
    with caplog.at_level("INFO", logger="httpx"):
        await detect(rt, NUMBER, soon())
    assert "autonumber" in caplog.text
    assert KUAIDI100["key"] not in caplog.text
