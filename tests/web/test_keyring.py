"""Keys are remembered for a while, and no longer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.store import keys
from gateway.store.engine import Store
from gateway.web.auth import Keyring, Role, new_key
from gateway.web.problem import Problem

_NOW = datetime(2026, 11, 20, tzinfo=UTC)


async def _key(store: Store) -> tuple[str, str]:
    async with store.write() as tx:
        key_id, key = await new_key(tx, Role.STOREFRONT, "shop", _NOW)
    return key_id, f"Bearer {key}"


async def _revoke(store: Store, key_id: str) -> None:
    async with store.write() as tx:
        await keys.revoke(tx, key_id, _NOW)


async def test_a_key_revoked_elsewhere_is_refused_when_its_time_is_up(store: Store) -> None:
    key_id, header = await _key(store)
    ring = Keyring(store, seconds=5)
    assert await ring.caller(header, 0)
    await _revoke(store, key_id)
    assert await ring.caller(header, 3.9)
    for now in (5, 5.1):
        with pytest.raises(Problem, match="not known"):
            await ring.caller(header, now)


async def test_before_the_time_is_up_one_asks_and_the_others_go_on(store: Store) -> None:
    key_id, header = await _key(store)
    ring = Keyring(store, seconds=5)
    await ring.caller(header, 0)
    await _revoke(store, key_id)
    one = asyncio.create_task(ring.caller(header, 4))
    await asyncio.sleep(0)  # it is with the store
    assert await ring.caller(header, 4)
    with pytest.raises(Problem, match="not known"):
        await one
    with pytest.raises(Problem, match="not known"):
        await ring.caller(header, 4)


async def test_a_look_up_that_was_under_way_does_not_bring_a_revoked_key_back(store: Store) -> None:
    key_id, header = await _key(store)
    ring = Keyring(store, seconds=5)
    under_way = asyncio.create_task(ring.caller(header, 0))
    await asyncio.sleep(0)
    ring.forget()
    await under_way
    await _revoke(store, key_id)
    with pytest.raises(Problem, match="not known"):
        await ring.caller(header, 0)
