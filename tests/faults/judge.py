"""What was lost and what happened twice, by the stand-ins' own logs and by the gateway's API."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from gateway.domain import Channel
from tests.e2e.process import eventually
from tests.faults.finding import Finding
from tests.faults.load import Load
from tests.faults.town import Town

#: Where a customer is reached on each channel.
ADDRESS = {Channel.WECHAT: "wechat_openid", Channel.SMS: "phone", Channel.EMAIL: "email"}
_ENDED = frozenset({"done", "refused", "dead", "dropped"})


async def judged(load: Load, finding: Finding, *, seconds: float = 240) -> Finding:
    """Wait until what this load began has come to its end, then count."""
    await _quiet(load, seconds)
    complaints = _complaints(load.town.gateway.log()[load.log_from :])
    finding.expect(not complaints, f"{len(complaints)} tracebacks in the log, as {complaints[:1]}")
    town = load.town
    numbers = {parcel.number for parcel in load.troubled}
    orders = {parcel.order for parcel in load.troubled}
    cases = await _cases(load)
    ids = {case["id"] for case in cases}
    cancelled = Counter(call.number for call in town.world.effective("sf.cancel"))
    booked = Counter(call.key.rpartition("-")[0] for call in town.world.effective("zto.book"))
    coupons = Counter(row["order_id"] for row in await town.all("/v1/coupons") if row["state"] == "issued")
    _count(finding, "cancel", cancelled, numbers)
    _count(finding, "booking", booked, {case.replace("_", "-") for case in ids})
    _count(finding, "coupon", coupons, orders)
    for channel, field in ADDRESS.items():
        addresses = {parcel.person[field].removeprefix("+86") for parcel in load.troubled}
        _count(finding, f"{channel} message", _messages(town, channel), addresses)
    await _pushes(load, finding)
    return finding


def _complaints(log: str) -> list[str]:
    """Of each traceback the last line of the gateway's own, and what was raised."""
    found = re.findall(r"^Traceback .*\n((?:[ \t].*\n|\n)*)(\S.*)$", log, re.M)
    ours = [re.findall(r"gateway/\S+\.py\", line \d+", frames)[-1:] for frames, _ in found]
    return [f"{where}: {raised}" for where, (_, raised) in zip(ours, found, strict=True)]


async def _quiet(load: Load, seconds: float) -> None:
    """Every push is read, and every remedy of every parcel in trouble has ended."""
    town = load.town

    async def read() -> bool:
        return not (await town.gauge("gateway_inbox")).get('{state="waiting"}')

    async def ended() -> bool:
        cases = await _cases(load)
        return len(cases) >= len(load.troubled) and all(
            remedy["state"] in _ENDED for case in cases for remedy in case["remedies"]
        )

    await eventually(read, f"pushes are not read: {town.gateway.log()[-3000:]}", seconds=seconds)
    await eventually(ended, f"work is left over: {town.gateway.log()[-3000:]}", seconds=seconds)


async def _cases(load: Load) -> list[dict[str, Any]]:
    """Those of the parcels in trouble, whole."""
    orders = {parcel.order for parcel in load.troubled}
    briefs = [one for one in await load.town.all("/v1/cases", kind="stall_pre_transit") if one["order_id"] in orders]
    return [await load.town.gateway.get(f"/v1/cases/{one['id']}") for one in briefs]


def _messages(town: Town, channel: Channel) -> Counter[str]:
    """Address -> how many messages it got, by the provider. Aliyun writes a phone number without its country."""
    return Counter(message.to.removeprefix("+86") for message in town.world.received(channel))


def _count(finding: Finding, what: str, found: Counter[str], of: set[str]) -> None:
    finding.doubled += [f"{what} {key} x{found[key]}" for key in sorted(of) if found[key] > 1]
    finding.lost += [f"{what} {key}" for key in sorted(of) if not found[key]]


async def _pushes(load: Load, finding: Finding) -> None:
    """What was acknowledged is seen, and seen once."""
    for parcel in [*load.moving, *load.troubled]:
        tracking = await load.town.gateway.get(f"/v1/tracking/{parcel.number}")
        texts = Counter(scan["text"] for leg in tracking["legs"] for scan in leg["scans"])
        finding.lost += [f"push {text}" for text in parcel.acknowledged if not texts[text]]
        finding.doubled += [f"push {text} x{texts[text]}" for text in parcel.acknowledged if texts[text] > 1]
