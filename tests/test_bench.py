"""The bench measures what it says and tells what falls short. How fast anything is, is not tested: machines differ."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from adapters.zto import ZtoAdapter, ZtoSettings
from gateway.contract import BadSignature, Push
from tests.bench import report, wire
from tests.bench.load import Job, Tally, WrongAnswer, run
from tests.bench.measure import Plan, Result
from tests.bench.pairs import PAIRS

_JOB = Job(port=0, requests=[], expect=200, connections=3, seconds=0.2, warm=0.05)


@asynccontextmanager
async def serving(body: bytes, *, status: int = 200, close: bool = False) -> AsyncIterator[tuple[int, list[str]]]:
    """A server on loopback: its port, and what it was asked for."""
    asked: list[str] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append(request.path_qs)
        response = web.Response(status=status, body=body)
        if close:
            response.force_close()
        return response

    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1], asked
    await runner.cleanup()


async def test_load_counts_answers_and_sends_its_requests_in_turn() -> None:
    async with serving(b"x" * 200_000) as (port, asked):  # comes in several pieces
        tally = await run(replace(_JOB, port=port, requests=[wire.read("/a", {}), wire.read("/b", {})]))
    assert tally.body == 200_000
    assert 0 < tally.rate * _JOB.seconds <= len(asked) + 1
    assert 0 < tally.p50_ms <= tally.p99_ms
    assert asked.count("/a") - asked.count("/b") in (0, 1)


@pytest.mark.parametrize(("status", "close"), [(503, False), (200, True)])
async def test_load_does_not_count_wrong_answers(status: int, close: bool) -> None:
    async with serving(b"no", status=status, close=close) as (port, _):
        with pytest.raises(WrongAnswer):
            await run(replace(_JOB, port=port, requests=[wire.read("/", {})]))


async def test_load_takes_a_304_without_a_body() -> None:
    async with serving(b"", status=304) as (port, _):
        tally = await run(replace(_JOB, port=port, requests=[wire.read("/", {})], expect=304))
    assert tally.body == 0


def test_pushes_are_signed_for_the_account_under_test() -> None:
    settings = ZtoSettings(base_url="http://127.0.0.1:9", app_key=wire.APP_KEY, app_secret=wire.APP_SECRET)
    adapter = ZtoAdapter(settings, httpx.AsyncClient())
    pushes = [Push(body=raw.split("\r\n\r\n", 1)[1].encode()) for raw in wire.pushes("/webhooks/zto", 3)]
    for push in pushes:
        adapter.verify(push)
    assert len({scan.tracking_number for push in pushes for scan in adapter.receive(push)}) == 3
    with pytest.raises(BadSignature):
        adapter.verify(replace(pushes[0], body=pushes[0].body.replace(b"billCode", b"billcode")))


def _result(ours: list[float], ceiling: list[float], busy: float = 0.3) -> Result:
    def tally(rate: float) -> Tally:
        return Tally(rate=rate, p50_ms=1, p99_ms=2, body=3, busy=busy)

    return Result(pair=PAIRS[0], ours=[tally(rate) for rate in ours], ceiling=[tally(rate) for rate in ceiling])


def test_a_result_is_medians_and_says_when_it_falls_short() -> None:
    good, short = _result([90, 95, 10], [100, 100, 200]), _result([50, 50, 50], [100, 100, 100])
    assert report.document([good]) == {
        "read_hot": {"ours": 90, "ceiling": 100, "ratio": 0.9, "unit": "requests/s", "goal": 0.85}
    }
    assert good.spread == (0.05, 0.95)
    assert good.reached and "reached" in report.line(good)
    assert not short.reached and "FALLS SHORT" in report.line(short)
    assert "Falls short of its goal: `read_hot`" in report.page([good, short], Plan())


def test_a_load_that_was_the_limit_is_told() -> None:
    assert "may be the limit" in report.line(_result([90], [100], busy=0.97))
    assert "may be the limit" not in report.line(_result([90], [100]))


def test_each_name_is_measured_end_to_end(tmp_path: Path) -> None:
    """The short form: real servers, a real load, both stores; a wrong answer anywhere would end it."""
    command = [sys.executable, "-m", "tests.bench", "--rounds", "1", "--seconds", "0.2", "--connections", "4"]
    names = [pair.name for pair in PAIRS]
    done = subprocess.run([*command, "--out", str(tmp_path), *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measured = json.loads((tmp_path / "bench.json").read_text())
    assert list(measured) == names
    for name, row in measured.items():
        assert set(row) == {"ours", "ceiling", "ratio", "unit", "goal"}
        assert row["ours"] > 0 and row["ratio"] == pytest.approx(row["ours"] / row["ceiling"], rel=0.02)
        assert re.search(rf"^{name} .*(reached|FALLS SHORT)$", done.stdout, re.MULTILINE)
    assert not any((tmp_path / "bench").iterdir())  # the databases are gone


def test_an_unknown_name_is_refused() -> None:
    command = [sys.executable, "-m", "tests.bench", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not measured here: nonsense" in done.stderr
