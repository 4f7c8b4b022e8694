"""Five processes are one gateway: what one hears all know, what must happen once happens once, whatever breaks."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain import Status
from tests.cluster.conftest import Cluster
from tests.e2e.process import GatewayProcess, eventually
from tests.e2e.test_remedy import STEPS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="module"),
]

#: An SF label made so long ago, that nobody collected, is a stall before hand-over.
UNCOLLECTED = timedelta(days=4)
#: Live readers get a sign of life every 15 seconds. What comes sooner was told by another process.
TOLD = 10.0


class Live:
    """The events of one live reader."""

    def __init__(self) -> None:
        self.statuses: list[str] = []

    async def read(self, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            if line.startswith("data: "):
                self.statuses.append(line.partition('"status":"')[2].partition('"')[0])

    async def says(self, status: str, *, within: float = TOLD) -> None:
        async def said() -> bool:
            return status in self.statuses

        await eventually(said, f"the live reader was never told {status}, only {self.statuses}", seconds=within)


@asynccontextmanager
async def live(web: GatewayProcess, number: str) -> AsyncIterator[Live]:
    reader = Live()
    async with web.http.stream("GET", f"/v1/tracking/{number}/live", timeout=None) as response:
        assert response.status_code == 200
        reading = asyncio.create_task(reader.read(response.aiter_lines()))
        try:
            await reader.says("pre_transit")
            yield reader
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_each_process_knows_how_it_is_and_a_worker_answers_nothing_else(cluster: Cluster) -> None:
    await cluster.are("ok")
    for worker in cluster.workers:
        assert (await worker.http.get("/healthz")).status_code == 200
        assert (await worker.http.get("/v1/carriers")).status_code == 404
    metrics = (await cluster.webs[0].http.get("/metrics")).text
    assert "gateway_processes 5" in metrics
    assert "gateway_redis_up 1" in metrics


async def test_what_one_web_hears_the_other_tells_its_readers(cluster: Cluster) -> None:
    one, other = cluster.webs
    shipment = await cluster.shipment(other)
    number = shipment["tracking_number"]
    assert (await one.get(f"/v1/tracking/{number}"))["status"] == "pre_transit"
    async with live(one, number) as reader:
        assert await cluster.says(other, number, Status.PICKED_UP, ago=timedelta(hours=2), place="深圳市") == 200
        await reader.says("picked_up")
        for web in cluster.webs:
            await cluster.knows(web, number, "picked_up")
        assert await cluster.says(one, number, Status.IN_TRANSIT, ago=timedelta(hours=1), place="广州市") == 200
        await reader.says("in_transit")
        await cluster.knows(other, number, "in_transit")


async def done(cluster: Cluster, shipments: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The cases of these shipments, when every remedy of each has ended."""
    web, found = cluster.webs[0], []
    orders = {shipment["order_id"] for shipment in shipments}
    for brief in (await web.get("/v1/cases", kind="stall_pre_transit", limit="100"))["items"]:
        if brief["order_id"] in orders:
            found.append(await web.get(f"/v1/cases/{brief['id']}"))
    ended = all(remedy["state"] not in {"pending", "doing"} for case in found for remedy in case["remedies"])
    return found if ended and len(found) == len(orders) else None


async def uncollected(cluster: Cluster, number: int) -> list[dict[str, Any]]:
    """So many labels that nobody collected, heard of through one web and the other."""
    shipments = []
    for turn in range(number):
        web = cluster.webs[turn % 2]
        shipment = await cluster.shipment(web)
        assert await cluster.says(web, shipment["tracking_number"], Status.PRE_TRANSIT, ago=UNCOLLECTED) == 200
        shipments.append(shipment)
    return shipments


async def exactly_once(cluster: Cluster, shipments: list[dict[str, Any]]) -> None:
    """The stand-ins' own log and the gateway's API agree: each thing happened for each shipment, and happened once."""
    cases = await eventually(lambda: done(cluster, shipments), f"the remedies did not end: {cluster.logs()}")
    for case in cases:
        states = {remedy["kind"]: remedy["state"] for remedy in case["remedies"]}
        assert states == {"failover": "done", "coupon": "done", "message": "done"}, case["remedies"]
        said = (await cluster.webs[1].get("/v1/messages", case_id=case["id"]))["items"]
        assert Counter(row["channel"] for row in said) == {"wechat": 1, "sms": 1, "email": 1}
    coupons = (await cluster.webs[0].get("/v1/coupons", limit="100"))["items"]
    owners = Counter(coupon["order_id"] for coupon in coupons)
    assert all(owners[shipment["order_id"]] == 1 for shipment in shipments)
    keys = {step: Counter(call.key for call in cluster.world.effective(step)) for step in STEPS}
    assert all(set(found.values()) == {1} for found in keys.values()), keys
    assert len(keys["zto.book"]) == len(keys["sf.cancel"]) == sum(owners.values()), keys


async def test_remedies_are_carried_out_once(cluster: Cluster) -> None:
    await exactly_once(cluster, await uncollected(cluster, 4))


async def test_a_worker_that_is_killed_is_replaced_by_the_others(cluster: Cluster) -> None:
    killed: list[object] = []

    async def kill(call: object) -> None:
        if not killed:
            killed.append(call)
            cluster.workers[0].kill()

    cluster.world.after("zto.book", kill)
    shipments = await uncollected(cluster, 2)
    await exactly_once(cluster, shipments)
    cluster.world.hooks.clear()
    if killed:
        await cluster.workers[0].ended()
        await cluster.workers[0].start()
    await cluster.are("ok")


async def test_a_tick_happens_once(cluster: Cluster) -> None:
    seconds = 2  # of the chore `carriers`
    began = int(time.time() // seconds)
    before = [await cluster.ticks(worker) for worker in cluster.workers]

    async def several() -> int:
        after = [await cluster.ticks(worker) for worker in cluster.workers]
        count = sum((now - then)["carriers"] for now, then in zip(after, before, strict=True))
        return count if count >= 3 else 0

    count = await eventually(several, "nothing ticks")
    assert count <= int(time.time() // seconds) - began + 1
    for web in cluster.webs:
        assert not await cluster.ticks(web)


async def test_a_policy_is_in_force_everywhere(cluster: Cluster) -> None:
    one, other = cluster.webs
    document = await one.get("/v1/policies/stalls")
    version = document["version"]
    document["thresholds"]["picked_up"] = {"domestic": {"warn": 1, "stall": 2}}
    written = await one.http.put("/v1/policies/stalls", json=document, headers={"If-Match": f'"{version}"'})
    assert written.status_code == 200, written.text
    assert (await other.get("/v1/policies/stalls"))["version"] == version + 1
    # And the workers judge by it: picked up five hours ago is a stall now.
    shipment = await cluster.shipment(other)
    assert await cluster.says(other, shipment["tracking_number"], Status.PICKED_UP, ago=timedelta(hours=5)) == 200

    async def judged() -> bool:
        cases = (await other.get("/v1/cases", kind="stall_picked_up", limit="100"))["items"]
        return any(case["order_id"] == shipment["order_id"] for case in cases)

    await eventually(judged, f"no worker knows the new policy: {cluster.logs()}")


async def test_a_revoked_key_is_refused_by_the_other_web(cluster: Cluster) -> None:
    one, other = cluster.webs
    made = await one.post("/v1/keys", {"role": "storefront", "label": "window"})
    mine = {"Authorization": f"Bearer {made['key']}"}
    assert (await other.http.get("/v1/tracking/SF404", headers=mine)).status_code == 404
    assert (await one.http.delete(f"/v1/keys/{made['id']}")).status_code == 204

    async def refused() -> bool:
        return (await other.http.get("/v1/tracking/SF404", headers=mine)).status_code == 401

    await eventually(refused, "the other web still knows a revoked key", seconds=TOLD)


async def test_redis_is_killed_and_comes_back(cluster: Cluster) -> None:
    one, other = cluster.webs
    shipment = await cluster.shipment(one)
    number = shipment["tracking_number"]
    async with live(one, number) as reader:
        cluster.redis.process.kill()
        cluster.redis.process.wait()
        await cluster.are("degraded")
        for web in cluster.webs:  # answers that may be kept, to be found old afterwards
            await cluster.knows(web, number, "pre_transit")
        assert await cluster.says(other, number, Status.PICKED_UP, ago=timedelta(hours=1), place="深圳市") == 200
        await reader.says("picked_up")
        for web in cluster.webs:
            await cluster.knows(web, number, "picked_up")
        # Nothing that was known by one web is older at the other.
        assert await cluster.says(one, number, Status.IN_TRANSIT, ago=timedelta(minutes=30), place="广州市") == 200
        await cluster.knows(other, number, "in_transit")
        assert (await one.get(f"/v1/tracking/{number}"))["status"] == "in_transit"
        await exactly_once(cluster, await uncollected(cluster, 2))
        cluster.redis.start()
        await cluster.are("ok")
        arrived = await cluster.says(other, number, Status.OUT_FOR_DELIVERY, ago=timedelta(minutes=5), place="北京市")
        assert arrived == 200
        await reader.says("out_for_delivery")
        await cluster.knows(one, number, "out_for_delivery")
    for process in cluster.processes:
        assert process.log().count("Redis is lost") == process.log().count("Redis is back")


class Pushing:
    """Pushes and reads at both webs without a pause. kept: what was acknowledged, by the place it names."""

    def __init__(self, cluster: Cluster, numbers: list[str]) -> None:
        self.cluster = cluster
        self.numbers = numbers
        self.kept: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.stopping = False

    def start(self) -> None:
        webs = self.cluster.webs
        parts = (self._run(web, self.numbers[turn :: len(webs)]) for turn, web in enumerate(webs))
        self.running = asyncio.gather(*parts)

    async def stop(self) -> None:
        self.stopping = True
        await self.running

    async def _run(self, web: GatewayProcess, mine: list[str]) -> None:
        turn = 0
        while not self.stopping:
            turn += 1
            number, ago = mine[turn % len(mine)], timedelta(minutes=60 * 24 - turn)
            place = f"{number}-{turn}站"
            status = await self.cluster.says(web, number, Status.IN_TRANSIT, ago=ago, place=place)
            self.kept |= {place} if status == 200 else set()
            read = await web.http.get(f"/v1/shipments?q={number}")
            assert read.status_code == 200 or "Retry-After" in read.headers
            self.answers.update([status, read.status_code])

    async def more(self, number: int) -> None:
        wanted = len(self.kept) + number

        async def reached() -> bool:
            return len(self.kept) >= wanted or self.running.done()

        await eventually(reached, f"pushes are not taken: {self.answers} {self.cluster.logs()}")

    async def refused(self) -> bool:
        return self.answers[503] >= 2 or self.running.done()

    async def all_read(self) -> bool:
        places = set()
        for number in self.numbers:
            tracking = await self.cluster.webs[0].get(f"/v1/tracking/{number}")
            places |= {scan["place"] for leg in tracking["legs"] for scan in leg["scans"]}
        return self.kept <= places


async def test_postgresql_is_killed_and_comes_back(cluster: Cluster) -> None:
    shipments = [await cluster.shipment(cluster.webs[turn % 2]) for turn in range(6)]
    pushing = Pushing(cluster, [shipment["tracking_number"] for shipment in shipments])
    pushing.start()
    await pushing.more(10)
    await asyncio.to_thread(cluster.postgres.stop, signal.SIGQUIT)
    await eventually(pushing.refused, f"nobody noticed: {pushing.answers}")
    ready = await cluster.workers[1].http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["status"] == "degraded"
    await asyncio.to_thread(cluster.postgres.start)
    await pushing.more(10)
    await pushing.stop()
    assert set(pushing.answers) == {200, 503}, pushing.answers
    await eventually(pushing.all_read, f"an acknowledged push was lost: {cluster.logs()}")
    await cluster.are("ok")
    for process in cluster.processes:
        assert process.log().count("the store is away") == process.log().count("the store is back") <= 2


async def test_an_account_is_not_asked_more_often_by_several(cluster: Cluster) -> None:
    """ZTO allows five questions a second of one number each; three workers would ask three times as often."""
    started = len(cluster.world.calls)
    for turn in range(30):
        await cluster.shipment(cluster.webs[turn % 2], "zto")

    def asked() -> list[float]:
        calls = cluster.world.calls[started:]
        return [call.at.timestamp() for call in calls if (call.provider, call.operation) == ("zto", "query")]

    async def all_asked() -> bool:
        return len(asked()) >= 40

    await eventually(all_asked, f"nobody asks: {len(asked())}")
    seconds, rate, late = 3.0, 5, 5
    most = max(sum(start <= at < start + seconds for at in asked()) for start in asked())
    assert most <= seconds * rate + late, most


async def test_a_graceful_stop_is_one_in_time(cluster: Cluster) -> None:
    started = time.monotonic()
    assert await asyncio.gather(*(process.stop() for process in cluster.processes)) == [0] * 5
    assert time.monotonic() - started < 20
