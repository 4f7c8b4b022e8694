"""The same parcel told by its carrier and by an aggregator, in any order: one journey, no scan twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import Push
from gateway.contract.suite_play import Script, made
from gateway.domain import Source
from gateway.rules.fold import Held, fold_leg, merge
from tests.compliance import examined, plugin

LEARNED = datetime(2026, 3, 7, tzinfo=UTC)
#: (local time, place, text) of one parcel's way in China, and how each source words it.
WAY = (
    ("2026-03-05 09:55:52", "深圳市", "顺丰速运 已收取快件"),
    ("2026-03-05 12:56:14", "深圳市", "快件在【深圳集散中心】完成分拣"),
    ("2026-03-06 03:10:25", "郑州市", "快件到达【郑州园博中转场】"),
    ("2026-03-06 08:20:00", "郑州市", "快件交给王五，正在派送途中"),
    ("2026-03-06 17:56:46", "郑州市", "您的快件已签收"),
)
SF = ("50", "30", "31", "44", "80")
ZTO = ("GOT", "DEPARTURE", "ARRIVAL", "DISPATCH", "SIGNED")
KUAIDI100 = ("103", "1002", "0", "5", "3")
KDNIAO = ("1", "2", "204", "202", "3")


def body(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def form(**fields: str) -> Push:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Push(headers=headers, body=urlencode(fields).encode(), received_at=LEARNED)


def by_json(value: Any) -> Push:
    headers = {"content-type": "application/json"}
    return Push(headers=headers, body=body(value).encode(), token="secret-path", received_at=LEARNED)


def sf() -> list[Push]:
    """Single events, as pushed."""
    return [
        by_json({"Body": {"WaybillRoute": [
            {"mailno": "SF1234567890123", "acceptTime": at, "acceptAddress": place, "remark": text, "opCode": code,
             "id": f"32601213880000{number}", "reasonCode": "", "reasonName": ""}
        ]}})
        for number, ((at, place, text), code) in enumerate(zip(WAY, SF, strict=True))
    ]  # fmt: skip


def zto() -> list[Push]:
    return [
        form(
            data=body({"billCode": "73100000000001", "actionTime": at, "city": place, "action": action, "desc": text}),
            msg_type="Traces",
            company_id="demoAppKey",
            data_digest="",
        )
        for (at, place, text), action in zip(WAY, ZTO, strict=True)
    ]


def kuaidi100(company: str, number: str) -> list[Push]:
    """The full history in one push, newest first, as 快递100 sends it."""
    data = [
        {"time": at, "ftime": at, "context": f"【{place}】{text}", "status": "", "statusCode": code, "areaName": place}
        for (at, place, text), code in reversed(list(zip(WAY, KUAIDI100, strict=True)))
    ]
    last = {"message": "ok", "state": "3", "status": "200", "com": company, "nu": number, "data": data}
    return [form(param=body({"status": "shutdown", "message": "", "lastResult": last}), sign="")]


def kdniao(company: str, number: str) -> list[Push]:
    traces = [
        {"AcceptTime": at, "AcceptStation": text, "Location": place, "Action": code}
        for (at, place, text), code in zip(WAY, KDNIAO, strict=True)
    ]
    item = {"EBusinessID": "1000001", "ShipperCode": company, "LogisticCode": number, "Success": True, "State": "3",
            "StateEx": "301", "Traces": traces}  # fmt: skip
    told = {"EBusinessID": "1000001", "PushTime": "2026-03-07 08:00:00", "Count": "1", "Data": [item]}
    return [form(RequestData=body(told), RequestType="102", DataSign="")]


UPS_WAY = (
    ("20260113", "010301", "P", "PU", "038", "Pickup Scan", "InTransit", "InTransit_002"),
    ("20260114", "031500", "I", "AR", "005", "Arrived at Facility", "InTransit", "InTransit_003"),
    ("20260115", "161512", "I", "OT", "021", "Out For Delivery Today", "OutForDelivery", "OutForDelivery_001"),
    ("20260115", "223055", "D", "FS", "011", "DELIVERED", "Delivered", "Delivered_001"),
)


def _pacific(day: str, clock: str) -> datetime:
    return datetime.strptime(day + clock, "%Y%m%d%H%M%S") - timedelta(hours=8)  # noqa: DTZ007 - the wall clock there


def ups() -> list[Push]:
    found = []
    for day, clock, kind, code, number, text, _, _ in UPS_WAY:
        local = _pacific(day, clock)
        found.append(by_json({
            "trackingNumber": "1Z999AA10123456784", "localActivityDate": local.strftime("%Y%m%d"),
            "localActivityTime": local.strftime("%H%M%S"), "gmtActivityDate": day, "gmtActivityTime": clock,
            "gmtOffset": "-08.00", "activityLocation": {"city": "PORTLAND", "stateProvince": "OR", "country": "US"},
            "activityStatus": {"type": kind, "code": code, "description": text, "descriptionCode": number},
        }))  # fmt: skip
    return found


def aftership() -> list[Push]:
    """Local times without an offset, oldest first."""
    checkpoints = [
        {"checkpoint_time": _pacific(day, clock).isoformat(), "slug": "ups", "message": text, "city": "PORTLAND",
         "tag": tag, "subtag": subtag, "location": "PORTLAND, OR, US", "raw_tag": None}
        for day, clock, _, _, _, text, tag, subtag in UPS_WAY
    ]  # fmt: skip
    message = {"id": "as1", "tracking_number": "1Z999AA10123456784", "slug": "ups", "tag": "Delivered",
               "subtag": "Delivered_001", "checkpoints": checkpoints}  # fmt: skip
    return [by_json({"event": "tracking_update", "event_id": "e1", "msg": message, "ts": 1768516255})]


PAIRS = {
    "sf + kuaidi100": (("sf", sf()), ("kuaidi100", kuaidi100("shunfeng", "SF1234567890123")), len(WAY)),
    "zto + kdniao": (("zto", zto()), ("kdniao", kdniao("ZTO", "73100000000001")), len(WAY)),
    "ups + aftership": (("ups", ups()), ("aftership", aftership()), len(UPS_WAY)),
}


def told(code: str, pushes: Sequence[Push]) -> list[Held]:
    """What the real adapter reads in these pushes, as it is held."""
    reader = made(examined(plugin("adapters", code)), Script([]))
    return [
        Held(scan=scan, source=Source.WEBHOOK, provider=code, direct=not reader.aggregator, learned_at=LEARNED)
        for push in pushes
        for scan in reader.receive(push)
    ]


@pytest.mark.parametrize("pair", PAIRS)
def test_each_event_is_one_scan_and_the_carriers_own_word_stays(pair: str) -> None:
    (direct, own), (other, theirs), events = PAIRS[pair]
    both = merge(told(direct, own), told(other, theirs))
    assert [held.provider for held in both] == [direct] * events
    assert all([echo.provider for echo in held.echoes] == [other] for held in both)
    assert fold_leg(both).status == "delivered"


@pytest.mark.parametrize("pair", PAIRS)
def test_either_source_alone_tells_the_same_journey(pair: str) -> None:
    (direct, own), (other, theirs), _ = PAIRS[pair]
    one, two = told(direct, own), told(other, theirs)
    assert [held.scan.status for held in merge([], one)] == [held.scan.status for held in merge([], two)]


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("pair", PAIRS)
@given(data=st.data())
def test_any_order_and_repetition_gives_the_same(pair: str, data: st.DataObject) -> None:
    (direct, own), (other, theirs), _ = PAIRS[pair]
    everything = told(direct, own) + told(other, theirs)
    arrivals = data.draw(st.permutations(everything + everything[:3]))
    cut = data.draw(st.integers(0, len(arrivals)))
    assert merge(merge([], arrivals[:cut]), arrivals[cut:]) == merge([], everything)
