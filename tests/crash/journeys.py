"""What happens to parcels in a campaign: each kind is a short script, and many of them are under way at any time."""

from __future__ import annotations

import random
from datetime import timedelta

from gateway.domain import Status
from tests.crash.moment import pause
from tests.crash.shop import Parcel, Shop, until

#: Longer ago than any threshold, whatever the lane's own history will say.
LONG_AGO = timedelta(days=16)
#: How often a walking parcel is told of, and the seconds between.
STEPS, BETWEEN = 25, (0.2, 1.0)

#: kind of case -> what is done about it. `all`: the same on three channels.
PLAYBOOKS = {
    "stall_pre_transit": {
        "severity": "high",
        "remedies": [
            {"do": "failover", "when": "before_handover"},
            {"do": "coupon", "tier": "sorry_small"},
            {"do": "message", "template": "stall_sorry", "send": "all", "channels": ["wechat", "sms", "email"]},
        ],
    },
    "stall_in_transit": {
        "severity": "high",
        "remedies": [
            {"do": "message", "template": "stall_sorry", "send": "all", "channels": ["wechat", "sms", "email"]},
            {"do": "coupon", "tier": "sorry_large"},
            {
                "do": "message",
                "template": "coupon_gift",
                "category": "promotional",
                "channels": ["sms", "email"],
                "needs": "done",
            },
        ],
    },
}


async def uncollected(shop: Shop, chance: random.Random) -> None:
    """Nobody collects it: cancelled, booked with another carrier, a coupon, three messages. Then that one moves it."""
    parcel = await shop.register("uncollected")
    await shop.says(parcel, Status.PRE_TRANSIT, ago=LONG_AGO, pushed=_either(chance))
    await shop.told(parcel, wechat=1, sms=1, email=1)
    await _compensated(shop, parcel)

    async def booked() -> bool:
        return bool(shop.booked(parcel))

    await until(booked, lambda: f"{parcel}: no booking with the backup")
    parcel.backup = shop.booked(parcel)[0]
    await shop.says(parcel, Status.PICKED_UP, pushed=_either(chance))
    await shop.told(parcel, wechat=1)
    await shop.says(parcel, Status.IN_TRANSIT, pushed=True, place="广州市")
    await _arrives(shop, parcel, chance)


async def stuck(shop: Shop, chance: random.Random) -> None:
    """It stands still between two places: three messages, a coupon, a message about the coupon. Then it arrives."""
    parcel = await shop.register("stuck")
    pushed = _either(chance)
    await shop.says(parcel, Status.IN_TRANSIT, ago=LONG_AGO, pushed=pushed, place="广州市")
    # Said last, though it happened first: the other way round it might stand still as picked up for a moment.
    await shop.says(parcel, Status.PICKED_UP, ago=LONG_AGO + timedelta(days=1), pushed=pushed)
    await shop.told(parcel, wechat=1, sms=2, email=1)
    await _compensated(shop, parcel)
    await _arrives(shop, parcel, chance)


async def walking(shop: Shop, chance: random.Random) -> None:
    """Nothing is wrong with it: pushed again and again on its way."""
    parcel = await shop.register("walking")
    for step in range(STEPS):
        ago = timedelta(minutes=10 * (STEPS - step))
        await shop.says(parcel, Status.IN_TRANSIT, ago=ago, pushed=True, place=f"第{step}站")
        await pause(chance.uniform(*BETWEEN))
    await _arrives(shop, parcel, chance)


JOURNEYS = (uncollected, uncollected, stuck, walking)


async def _compensated(shop: Shop, parcel: Parcel) -> None:
    async def issued() -> bool:
        return await shop.coupons(parcel) > 0

    await until(issued, lambda: f"{parcel}: no coupon")


async def _arrives(shop: Shop, parcel: Parcel, chance: random.Random) -> None:
    await shop.says(parcel, Status.DELIVERED, pushed=_either(chance), place="北京市")
    await shop.told(parcel, wechat=1)
    parcel.over = True


def _either(chance: random.Random) -> bool:
    return chance.random() < 0.5
