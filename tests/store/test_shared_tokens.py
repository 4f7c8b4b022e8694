"""Access tokens of an account: encrypted in the store, fetched once for all processes. A store each is a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from adapters.jd import JdAdapter
from adapters.ups import UpsAdapter
from gateway.contract import Refused, Token, TokenCache, Unavailable
from gateway.contract.client import contract_client
from gateway.domain import LegRef
from gateway.seal import Seal
from gateway.shared_tokens import StoredTokens
from gateway.store import tokens
from gateway.store.engine import Store, connect
from gateway.store.migrate import upgrade

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SECRET = b"a secret of the tests"
SETTINGS = {"base_url": "https://ups.test", "client_id": "id", "client_secret": "made-up"}
LEG = LegRef(carrier="ups", tracking_number="1Z999AA10123456784")


class Provider:
    """Gives out one token after another, each only when `go` is set."""

    def __init__(self, life: timedelta = timedelta(hours=1)) -> None:
        self.issued: list[str] = []
        self.life = life
        self.go = asyncio.Event()
        self.go.set()
        self.error: Exception | None = None
        self.now = NOW

    def clock(self) -> datetime:
        return self.now

    async def fetch(self) -> Token:
        self.issued.append(f"secret-token-{len(self.issued)}")
        token = Token(value=self.issued[-1], expires_at=self.now + self.life)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return token


@pytest.fixture
async def processes(database_url: str) -> AsyncIterator[list[Store]]:
    """Two on PostgreSQL; on SQLite the same one before and after a restart."""
    async with AsyncExitStack() as open_:
        found = [connect(database_url) for _ in range(2)]
        for store in found:
            open_.push_async_callback(store.close)
        await upgrade(found[0])
        yield found


def caches(processes: list[Store], provider: Provider, secret: bytes = SECRET) -> list[TokenCache]:
    return [
        TokenCache(
            provider.fetch, provider.clock, shared=StoredTokens(store, Seal(secret, "t"), "acme:1", provider.clock)
        )
        for store in processes
    ]


async def test_one_is_fetched_for_all_and_another_one_at_its_end(processes: list[Store]) -> None:
    provider = Provider()
    provider.go.clear()
    found = [cache for _ in range(4) for cache in caches(processes, provider)]
    asked = [asyncio.create_task(cache.get()) for cache in found]
    while not provider.issued:
        await asyncio.wait(asked, timeout=0.01)
    provider.go.set()
    assert set(await asyncio.gather(*asked)) == {"secret-token-0"}
    provider.now += timedelta(minutes=59)
    assert set(await asyncio.gather(*(cache.get() for cache in found))) == {"secret-token-1"}
    assert len(provider.issued) == 2


async def test_one_that_was_refused_is_replaced_once(processes: list[Store]) -> None:
    provider = Provider()
    one, other = caches(processes, provider)
    assert await one.get() == await other.get() == "secret-token-0"

    async def call(token: str) -> str:
        if token == "secret-token-0":
            raise Refused("no", status=401)
        return token

    assert await one.use(call) == await other.use(call) == "secret-token-1"
    assert len(provider.issued) == 2


async def test_a_fetch_that_fails_leaves_it_to_the_next(processes: list[Store]) -> None:
    provider = Provider()
    one, other = caches(processes, provider)
    provider.error = Unavailable("down")
    with pytest.raises(Unavailable):
        await one.get()
    provider.error = None
    assert await other.get() == await one.get() == "secret-token-1"


async def test_a_process_that_died_fetching_is_replaced_when_its_time_is_over(processes: list[Store]) -> None:
    provider = Provider()
    one, _ = caches(processes, provider)
    async with processes[0].write() as tx:
        assert await tokens.claim(tx, "acme:1:token", "dead", NOW, NOW + timedelta(seconds=45))
    waiting = asyncio.create_task(one.get())
    await asyncio.wait([waiting], timeout=0.3)
    assert not waiting.done()
    provider.now += timedelta(minutes=1)
    assert await waiting == "secret-token-0"


async def test_it_is_not_readable_where_it_lies_and_of_no_use_under_another_secret(processes: list[Store]) -> None:
    provider = Provider()
    one, _ = caches(processes, provider)
    await one.get()
    async with processes[0].read() as tx:
        sealed = await tokens.kept(tx, "acme:1:token")
    assert sealed is not None
    assert b"secret-token" not in sealed
    assert Seal(SECRET, "t").open(sealed, "acme:2:token") is None
    _, stranger = caches(processes, provider, b"another secret of the tests")
    assert await stranger.get() == "secret-token-1"
    assert "secret-token" not in repr(Token(value="secret-token-0", expires_at=NOW))


async def test_without_the_store_a_process_has_its_own() -> None:
    provider = Provider()
    away = connect("postgresql://gateway@127.0.0.1:1/nothing")
    (cache,) = caches([away], provider)
    assert await cache.get() == "secret-token-0"
    await away.close()


async def test_two_processes_of_ups_ask_for_one_token(processes: list[Store]) -> None:
    asked: list[str] = []

    async def ups(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if "oauth" in request.url.path:
            return httpx.Response(200, json={"access_token": "granted", "expires_in": "14399"})
        assert request.headers["authorization"] == "Bearer granted"
        return httpx.Response(200, json={"trackResponse": {"shipment": [{"warnings": [{"code": "TW0001"}]}]}})

    adapters = []
    for store in processes:
        client = contract_client("https://ups.test", httpx.MockTransport(ups))
        adapter = UpsAdapter(UpsAdapter.Settings(**SETTINGS), client, clock=lambda: NOW)
        adapter.shared_tokens = StoredTokens(store, Seal(SECRET, "t"), "ups:1", lambda: NOW)
        adapters.append(adapter)
    await asyncio.gather(*(adapter.poll([LEG]) for adapter in adapters))
    assert sum("oauth" in path for path in asked) == 1


async def test_a_refresh_token_that_was_replaced_outlives_a_restart(processes: list[Store]) -> None:
    good, refreshes = {"fresh"}, ["first", "after first"]

    async def jdl(request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        if "refresh_token" in query:
            (given,) = query["refresh_token"]
            assert given == refreshes.pop(0)
            granted = {"accessToken": "fresh", "refreshToken": f"after {given}", "accessExpire": "2026-12-05 11:56:17"}
            return httpx.Response(200, json={"code": 0, "message": "ok", "data": granted})
        if query["access_token"][0] not in good:
            return httpx.Response(200, json={"error_response": {"code": "19", "zh_desc": "令牌无效", "en_desc": "bad"}})
        return httpx.Response(200, json={"code": 0, "msg": "ok", "data": {"traceDetails": []}})

    given = {"app_key": "k", "app_secret": "s", "access_token": "stale", "refresh_token": "first", "customer_code": "c"}
    for store in processes:
        client = contract_client("https://jd.test", httpx.MockTransport(jdl))
        adapter = JdAdapter(JdAdapter.Settings(base_url="https://jd.test", **given), client, clock=lambda: NOW)
        adapter.shared_tokens = StoredTokens(store, Seal(SECRET, "t"), "jd:1", lambda: NOW)
        await adapter.poll([LegRef(carrier="jd", tracking_number="JDVA00000000001")])
    assert refreshes == ["after first"]  # the second process had the first one's token
