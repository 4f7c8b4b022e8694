"""The stand-ins' own logs and the gateway's answers held against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.domain import Channel
from gateway.sandbox.records import ReceivedMessage
from tests.crash.moment import DEEDS
from tests.crash.report import Report
from tests.crash.shop import Parcel, Shop


async def judge(shop: Shop, report: Report, parcels: Iterable[Parcel]) -> None:
    """parcels: those whose journey is over."""
    report.doubles(_same_key_twice(shop))
    for parcel in parcels:
        _messages(shop, report, parcel)
        await _coupons(shop, report, parcel)
        await _scans(shop, report, parcel)
        if parcel.kind == "uncollected":
            _failover(shop, report, parcel)


def _same_key_twice(shop: Shop) -> list[str]:
    """Deeds that a provider did twice under one key."""
    done = [call for call in shop.world.calls if call.effective and call.operation in DEEDS and call.key]
    keys = Counter((call.provider, call.operation, call.key) for call in done)
    return [f"{provider}.{what} {key} x{number}" for (provider, what, key), number in keys.items() if number > 1]


def _messages(shop: Shop, report: Report, parcel: Parcel) -> None:
    for channel in (Channel.WECHAT, Channel.SMS, Channel.EMAIL):
        said = shop.said(parcel, channel)
        wanted = parcel.wanted.get(channel, 0)
        words = Counter(_words(message) for message in said)
        report.doubles(f"{parcel}: {channel} {text} x{number}" for text, number in words.items() if number > 1)
        if len(said) + parcel.unsure[channel] < wanted:
            report.loses([f"{parcel}: {len(said)} of {wanted} {channel} messages"])
        if len(words) > wanted:
            report.doubles([f"{parcel}: {len(words)} {channel} messages instead of {wanted}: {sorted(words)}"])


def _words(message: ReceivedMessage) -> str:
    return f"{message.template} {message.title} {message.text[:80]}".strip()


def _failover(shop: Shop, report: Report, parcel: Parcel) -> None:
    """Counted by parcel, not by key: a second decision would have another key."""
    number = parcel.label.number
    cancelled = sum(call.number == number for call in shop.world.effective("sf.cancel"))
    _exactly_one(report, f"{parcel}: cancel", cancelled)
    _exactly_one(report, f"{parcel}: booking", len(shop.booked(parcel)))


async def _coupons(shop: Shop, report: Report, parcel: Parcel) -> None:
    rows = await shop.fleet.all("/v1/coupons", order_id=parcel.order)
    if parcel.kind == "walking":
        report.doubles(f"{parcel}: a coupon for nothing, {row['id']}" for row in rows)
    else:
        _exactly_one(report, f"{parcel}: coupon", len(rows))


async def _scans(shop: Shop, report: Report, parcel: Parcel) -> None:
    tracking = (await shop.fleet.insist("GET", f"/v1/tracking/{parcel.label.number}", params={"carrier": "sf"})).json()
    texts = Counter(scan["text"] for leg in tracking["legs"] for scan in leg["scans"])
    report.loses(f"{parcel}: acknowledged push {text}" for text in parcel.acknowledged if not texts[text])
    report.loses(f"{parcel}: {text}, which was to be polled" for text in parcel.told if not texts[text])
    said = {*parcel.acknowledged, *parcel.told}
    report.doubles(f"{parcel}: scan {text} x{texts[text]}" for text in said if texts[text] > 1)


def _exactly_one(report: Report, what: str, number: int) -> None:
    if number < 1:
        report.loses([what])
    elif number > 1:
        report.doubles([f"{what} x{number}"])
