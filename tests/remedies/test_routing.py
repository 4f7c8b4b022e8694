"""Backups that can take a parcel, by routes an operator wrote; rings and carriers that cannot book are refused."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import routing
from gateway.contract import Can
from gateway.policies import StaleVersion
from gateway.routing import BadRoutes, routes_problems, write_routes
from gateway.rules.choose import ParcelFacts
from gateway.rules.policy import Routes
from gateway.stalls.incidents import declare
from gateway.store import audit
from gateway.store.engine import Store
from tests.remedies.world import Deaf, route, world

ABLE = {"sf": Can.POLL | Can.BOOK, "zto": Can.BOOK, "jd": Can.BOOK, "ems": Can.POLL}


def routes(*given: dict[str, Any]) -> Routes:
    return Routes.model_validate({"routes": list(given)})


@pytest.mark.parametrize(
    "given, where, reason",
    [
        (route("sf", "dhl"), ("routes", 0, "backups", 0, "carrier"), "there is no carrier dhl"),
        (route("sf", "zto", "ems"), ("routes", 0, "backups", 1, "carrier"), "ems cannot book"),
        (route("dhl", "zto"), ("routes", 0, "when", "carrier"), "there is no carrier dhl"),
        (route("sf", "sf"), ("routes", 0, "backups", 0, "carrier"), "sf cannot take over from itself"),
        (route("sf"), ("routes", 0, "backups"), "at least one backup is needed"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(given: dict[str, Any], where: tuple[Any, ...], reason: str) -> None:
    assert (where, reason) in routes_problems(routes(given), ABLE)


def test_a_ring_is_found() -> None:
    found = routes_problems(routes(route("sf", "zto"), route("zto", "jd"), route("jd", "sf")), ABLE)
    assert found == [(("routes",), "a ring: a parcel would go sf to zto to jd to sf")]
    assert routes_problems(routes(route("sf", "zto"), route("zto", "jd")), ABLE) == []


async def test_a_new_version_is_in_force_at_once_and_audited(store: Store) -> None:
    rt = world(store)
    async with store.write() as tx:
        await rt.policies.load(tx, rt.clock())
        assert await write_routes(rt, tx, routes(route("sf", "jd")), expected=1, who="ops") == 2
    async with store.write() as tx:
        choice = await routing.backups(rt, tx, ParcelFacts(key="k", carrier="sf"))
        assert [one.carrier for one in choice.ranked] == ["jd"]
        assert (await audit.listing(tx, limit=1))[0].who == "ops"
        with pytest.raises(StaleVersion):
            await write_routes(rt, tx, routes(route("sf", "zto")), expected=1, who="ops")
        with pytest.raises(BadRoutes, match=r"routes\.0\.backups\.0\.carrier: there is no carrier dhl"):
            await write_routes(rt, tx, routes(route("sf", "dhl")), expected=2, who="ops")


async def test_a_backup_in_trouble_is_passed_over(store: Store) -> None:
    rt = world(store, kinds={"jd": Deaf})
    await declare(rt, "zto", who="ops", cause="flood")
    async with store.read() as tx:
        choice = await routing.backups(rt, tx, ParcelFacts(key="k", carrier="sf"))
    assert choice.ranked == ()
    assert [(one.carrier, one.why) for one in choice.skipped] == [("zto", "incident"), ("jd", "cannot_book")]
