"""The bench measures what it says and tells what falls short. How fast anything is, is not tested: machines differ."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from aiohttp import web

from adapters.zto import ZtoAdapter
from gateway.contract import BadSignature, Push
from tests import plot
from tests.bench import pairs, report, wire
from tests.bench.figure import Figure, Missing
from tests.bench.load import Job, Tally, Target, WrongAnswer, run
from tests.bench.measure import Plan
from tests.bench.rows import measured, modules


async def load(port: int, *requests: str, expect: int = 200) -> Tally:
    """What comes of a short load of three connections, two rounds."""
    target = Target(port=port, requests=requests, expect=expect)
    (tally,) = await run(Job(targets=[target], connections=3, rounds=2, seconds=0.1, warm=0.05))
    return tally


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
        tally = await load(port, wire.read("/a", {}), wire.read("/b", {}))
    assert tally.body == 200_000
    assert len(tally.rates) == 2
    assert 0 < sum(tally.rates) * 0.1 <= len(asked)
    assert 0 < tally.p50_ms <= tally.p99_ms
    assert asked.count("/a") - asked.count("/b") in (0, 1)


@pytest.mark.parametrize(("status", "close"), [(503, False), (200, True)])
async def test_load_does_not_count_wrong_answers(status: int, close: bool) -> None:
    async with serving(b"no", status=status, close=close) as (port, _):
        with pytest.raises(WrongAnswer):
            await load(port, wire.read("/", {}))


async def test_load_takes_a_304_without_a_body() -> None:
    async with serving(b"", status=304) as (port, _):
        tally = await load(port, wire.read("/", {}), expect=304)
    assert tally.body == 0


def test_pushes_are_signed_for_the_account_under_test() -> None:
    settings = ZtoAdapter.Settings(base_url="http://127.0.0.1:9", app_key=wire.APP_KEY, app_secret=wire.APP_SECRET)
    adapter = ZtoAdapter(settings, httpx.AsyncClient())
    pushes = [Push(body=raw.split("\r\n\r\n", 1)[1].encode()) for raw in wire.pushes("/webhooks/zto", 3)]
    for push in pushes:
        adapter.verify(push)
    assert len({scan.tracking_number for push in pushes for scan in adapter.receive(push)}) == 3
    with pytest.raises(BadSignature):
        adapter.verify(replace(pushes[0], body=pushes[0].body.replace(b"billCode", b"billcode")))


async def test_two_targets_take_turns() -> None:
    async with serving(b"a") as (first, asked_a), serving(b"b") as (second, asked_b):
        targets = [Target(port=port, requests=[wire.read("/", {})]) for port in (first, second)]
        tallies = await run(Job(targets=targets, connections=2, rounds=3, seconds=0.05, warm=0.02))
    assert [len(tally.rates) for tally in tallies] == [3, 3]
    assert asked_a and asked_b


def _figure(ours: list[float], ceiling: list[float], *, name: str = "row", **more: Any) -> Figure:
    return Figure(name=name, title="this", unit="requests/s", ours=ours, ceiling=ceiling, **{"goal": 0.85, **more})


def test_a_figure_is_the_round_in_the_middle() -> None:
    disturbed = _figure([90, 95, 10], [100, 100, 200])
    assert report.document([disturbed]) == {
        "row": {"ours": 90, "ceiling": 100, "ratio": 0.9, "unit": "requests/s", "goal": 0.85}
    }


@pytest.mark.parametrize(
    ("figure", "reached"),
    [
        (_figure([90], [100]), True),
        (_figure([50], [100]), False),
        (_figure([2.9], [1], less=True, goal=3), True),
        (_figure([3.1], [1], less=True, goal=3), False),
        (_figure([2400], [2500], limit=True, goal=2500), True),
        (_figure([2600], [2500], limit=True, goal=2500), False),
    ],
)
def test_what_falls_short_is_told_as_falling_short(figure: Figure, reached: bool) -> None:
    assert figure.reached is reached
    assert ("FALLS SHORT" in report.line(figure)) is not reached
    assert ("Falls short of its goal: `row`" in report.page([figure], [], Plan())) is not reached
    assert ("Every goal was reached" in report.page([figure], [], Plan())) is reached


def test_a_server_that_was_not_the_limit_is_told() -> None:
    tally = Tally(rates=[90], p50_ms=1, p99_ms=2, body=3)
    assert "was the limit" in report.line(pairs.figure(pairs.PAIRS[0], tally, tally, server=0.4))
    assert "was the limit" not in report.line(pairs.figure(pairs.PAIRS[0], tally, tally, server=1))


def test_rounds_in_which_the_machine_stood_still_are_left_out_and_told() -> None:
    def tally(*rates: float) -> Tally:
        return Tally(rates=rates, p50_ms=1, p99_ms=2, body=3)

    figure = pairs.figure(pairs.PAIRS[0], tally(90, 50, 0), tally(100, 100, 100), server=1)
    assert (figure.ours, figure.middle[0]) == ([90, 50], 0.9)
    assert "1 rounds were left out" in report.line(figure)
    with pytest.raises(ValueError, match="in 2 of 3 rounds"):
        pairs.figure(pairs.PAIRS[0], tally(90, 0, 0), tally(100, 100, 100), server=1)


class Shaky(ModuleType):
    """Measures what it is asked for, but for one row."""

    NAMES = ("a", "b", "c")

    def measure(self, names: tuple[str, ...], plan: Plan, folder: Path) -> Iterator[Figure]:
        for name in names:
            if name == "b":
                raise RuntimeError("the disk is full")
            yield _figure([1], [1], name=name)


def test_a_row_that_fails_is_told_and_the_others_are_measured(tmp_path: Path) -> None:
    told = list(measured(dict.fromkeys(Shaky.NAMES, Shaky("shaky")), Shaky.NAMES, Plan(), tmp_path))
    assert [row.name for row in told] == ["a", "b", "c"]
    figures = [row for row in told if isinstance(row, Figure)]
    missing = [row for row in told if isinstance(row, Missing)]
    assert list(report.document(figures)) == ["a", "c"]
    assert "b               COULD NOT BE MEASURED: RuntimeError: the disk is full" in report.line(missing[0])
    assert "Could not be measured: `b`" in report.page(figures, missing, Plan())


def test_the_page_comes_with_a_picture_of_its_own(tmp_path: Path) -> None:
    rows = [_figure([90], [100], name="good"), _figure([50], [100], name="bad")]
    report.publish(tmp_path, rows, [], Plan())
    assert "(bench.svg)" in (tmp_path / "performance.md").read_text()
    picture = (tmp_path / "bench.svg").read_text()
    assert "bad  0.59 FALLS SHORT" in picture and "good  1.06<" in picture
    plot.lines(tmp_path / "lines.svg", "Memory", "minutes", {"MB": [(0, 100), (20, 101)]})
    for file in ("bench.svg", "lines.svg"):
        drawn = (tmp_path / file).read_text()
        assert "<script" not in drawn
        assert set(re.findall(r"//([\w.]+)", drawn)) == {"www.w3.org"}


#: Every module, as small as it gets.
_SMALL = (
    "--rounds",
    "1",
    "--seconds",
    "0.2",
    "--connections",
    "4",
    "--shipments",
    "40",
    "--many",
    "200",
    "--few",
    "40",
)


def test_each_name_is_measured_end_to_end(tmp_path: Path) -> None:
    """The short form: real servers, a real load, both stores; a wrong answer anywhere would end it."""
    names = [name for name in modules() if not name.endswith("_pg") or name in pairs.NAMES]  # PostgreSQL starts once
    command = [sys.executable, "-m", "tests.bench", *_SMALL, "--out", str(tmp_path), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "bench.json").read_text())
    assert list(found) == names
    for name, row in found.items():
        assert set(row) == {"ours", "ceiling", "ratio", "unit", "goal"}
        assert row["ours"] > 0 and row["ratio"] == pytest.approx(row["ours"] / row["ceiling"], rel=0.02, abs=0.001)
        assert re.search(rf"^{name} .*(reached|FALLS SHORT)$", done.stdout, re.MULTILINE)
    assert not any((tmp_path / "bench").iterdir())  # the databases are gone


def test_an_unknown_name_is_refused() -> None:
    command = [sys.executable, "-m", "tests.bench", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not measured here: nonsense" in done.stderr
