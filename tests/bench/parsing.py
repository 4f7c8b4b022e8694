"""Payloads to scans through the adapters' own readers, against `json.loads` of the very same JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx

from adapters.kuaidi100 import Kuaidi100Adapter
from adapters.ups import UpsAdapter
from adapters.ups.activities import packages
from gateway.contract import CarrierAdapter, CarrierSettings
from gateway.contract.reading import load_object
from gateway.contract.signing import compact
from gateway.domain import LegRef
from tests.bench.figure import Figure
from tests.bench.measure import Plan, in_turn

NAMES: tuple[str, ...] = ("parse_ups", "parse_kuaidi100")
SCANS, PAYLOADS = 10, 200
_CITIES = (("Louisville", "KY"), ("Portland", "OR"), ("San Jose", "CA"), ("Ontario", "CA"), ("Newark", "NJ"))
_STEPS = (("I", "DP", "005", "Departed from Facility"), ("I", "AR", "010", "Arrived at Facility"))
_STATIONS = (("郑州市", "河南,郑州市"), ("武汉市", "湖北,武汉市"), ("长沙市", "湖南,长沙市"), ("深圳市", "广东,深圳市"))


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """Each side reads so many payloads, every one another parcel at other times, and its CPU time is taken."""
    if "parse_ups" in names:
        yield _figure("parse_ups", "a track answer of UPS with ten activities", ups(), _ups, plan)
    if "parse_kuaidi100" in names:
        yield _figure("parse_kuaidi100", "an answer of 快递100 with ten events", kuaidi100(), _kuaidi100, plan)


def ups() -> Callable[[bytes], int]:
    """How many scans UPS's adapter makes of an answer."""
    adapter = _adapter(UpsAdapter, client_id="client", client_secret="secret", credential="credential")
    assert isinstance(adapter, UpsAdapter)
    return lambda raw: len(adapter.told(packages(load_object(raw)), ""))


def kuaidi100() -> Callable[[bytes], int]:
    """How many scans kuaidi100's adapter makes of an answer."""
    adapter = _adapter(Kuaidi100Adapter, customer="customer", key="key", salt="salt")
    assert isinstance(adapter, Kuaidi100Adapter)
    leg = LegRef(carrier="zto", tracking_number="73100000000000", company="zhongtong")
    return lambda raw: len(adapter.told(load_object(raw), leg, "zhongtong"))


def _adapter(kind: type[CarrierAdapter], **settings: str) -> CarrierAdapter:
    made: CarrierSettings = kind.Settings(base_url="http://127.0.0.1:9", **settings)
    return kind(made, httpx.AsyncClient())


def _figure(
    name: str, what: str, read: Callable[[bytes], int], make: Callable[[Random], dict[str, Any]], plan: Plan
) -> Figure:
    chance = Random(7)
    payloads = [compact(make(chance)).encode() for _ in range(PAYLOADS)]
    if any(read(raw) != SCANS for raw in payloads):
        raise RuntimeError(f"{name}: not every payload gave {SCANS} scans")
    mine, raws = in_turn(lambda: _rate(read, payloads, plan), lambda: _rate(json.loads, payloads, plan), plan.rounds)
    title = f"{what} to scans, against `json.loads` of the same bytes"
    return Figure(name=name, title=title, unit="payloads/s", goal=0.2, ours=mine, ceiling=raws)


def _rate(read: Callable[[bytes], Any], payloads: Sequence[bytes], plan: Plan) -> float:
    """Payloads per second of CPU time."""
    done, began = 0, time.thread_time()
    while (took := time.thread_time() - began) < plan.seconds / 5:
        for raw in payloads:
            read(raw)
        done += len(payloads)
    return done / took


def _ups(chance: Random) -> dict[str, Any]:
    """As in carriers/ups.md: the newest first."""
    number = f"1Z999AA1{chance.randrange(10**10):010}"
    at = datetime(2026, 1, 12, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**6))
    activities = []
    for place in range(SCANS):
        at -= timedelta(seconds=chance.randrange(20_000))
        (kind, short, fine, told), (city, state) = _STEPS[place % 2], chance.choice(_CITIES)
        address = {"city": city, "stateProvince": state, "countryCode": "US", "country": "US"}
        activities.append(
            {
                "date": f"{at - timedelta(hours=5):%Y%m%d}",
                "time": f"{at - timedelta(hours=5):%H%M%S}",
                "location": {"slic": "9721", "address": address},
                "status": {"type": kind, "code": short, "statusCode": fine, "description": told},
                "gmtDate": f"{at:%Y%m%d}",
                "gmtTime": f"{at:%H:%M:%S}",
                "gmtOffset": "-05:00",
            }
        )
    package = {
        "trackingNumber": number,
        "currentStatus": {"code": "005", "description": "Departed from Facility"},
        "deliveryDate": [{"type": "SDD", "date": "20260115"}],
        "activity": activities,
    }
    return {"trackResponse": {"shipment": [{"inquiryNumber": number, "package": [package]}]}}


def _kuaidi100(chance: Random) -> dict[str, Any]:
    """As in carriers/kuaidi100.md with resultv2=4: the newest first."""
    at = datetime(2026, 3, 5, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**6))
    events = []
    for place in range(SCANS):
        at -= timedelta(seconds=chance.randrange(20_000))
        city, area = chance.choice(_STATIONS)
        events.append(
            {
                "context": f"【{city}】快件已到达【{city}转运中心】，扫描员：张三，第{place}站",
                "time": f"{at:%Y-%m-%d %H:%M:%S}",
                "ftime": f"{at:%Y-%m-%d %H:%M:%S}",
                "status": "在途",
                "statusCode": "1002",
                "areaCode": "CN410100000000",
                "areaName": area,
                "areaCenter": "113.6,34.7",
                "areaPinYin": "zheng zhou shi",
                "location": "",
            }
        )
    answer = {"message": "ok", "state": "0", "status": "200", "condition": "00", "ischeck": "0", "com": "zhongtong"}
    return answer | {"nu": f"7310{chance.randrange(10**10):010}", "data": events}
