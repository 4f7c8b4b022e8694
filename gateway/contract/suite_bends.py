"""What a plugin makes of codes, times and orders it was not shown."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

from gateway.contract.carrier import Can, CarrierAdapter
from gateway.contract.suite_expect import judged
from gateway.contract.suite_payload import Leaf, closed, leaves, opened, reordered, with_leaves
from gateway.contract.suite_play import Script, made, play
from gateway.contract.suite_reread import readable, reread, texts
from gateway.contract.suite_samples import Problem, Sample, Subject
from gateway.domain import Basis, Scan, Status


async def unknown_code(subject: Subject) -> list[Problem]:
    """A code in no table is UNKNOWN: not what its first letters, its neighbours or its text suggest."""
    found = await judged(subject, "unknown_code")
    if not issubclass(subject.plugin, CarrierAdapter) or not subject.plugin.can & (Can.POLL | Can.WEBHOOK):
        return found
    shown = False
    for sample in readable(subject):
        shown |= any(scan.get("status") == "unknown" for scan in sample.body["scans"])
        async for code, scan in _with_made_up_codes(subject, sample):
            shown |= scan.status is Status.UNKNOWN
            if scan.status is not Status.UNKNOWN:
                detail = f"the made-up code {code!r} became {scan.status} (carrier_code {scan.carrier_code!r})"
                found.append(Problem("unknown_code", sample.title, detail))
    if not shown:
        found.append(Problem("unknown_code", "", "no code of any sample could be made unknown: bring a sample of one"))
    return list(dict.fromkeys(found))


async def _with_made_up_codes(subject: Subject, sample: Sample) -> AsyncIterator[tuple[str, Scan]]:
    """Scans whose carrier_code is one the suite made up, with that code."""
    words = _words(subject)
    said = texts(subject, sample)
    for number, text in enumerate(said):
        node = opened(text)
        for group in _groups([leaf for leaf in leaves(node) if str(leaf.value) in words]):
            for make in (_stranger, _cousin):
                new = {leaf.number: make(leaf.value, words) for leaf in group}
                changed = [*said[:number], closed(with_leaves(node, new)), *said[number + 1 :]]
                played = await reread(subject, sample, changed)
                for scan in played.value or []:
                    code = next((str(code) for code in new.values() if _holds(scan.carrier_code, str(code))), None)
                    if code is not None:
                        yield code, scan


def _holds(carrier_code: str, code: str) -> bool:
    return code.casefold() in carrier_code.casefold()


def _words(subject: Subject) -> set[str]:
    """The codes of the table, and the parts of those that are made of several."""
    table: set[str] = set(getattr(subject.plugin, "statuses", ()))
    parts = {part for word in table for part in re.split(r"[\s:/|+,;]+", word)}
    return (table | parts) - {""}


def _groups(codes: list[Leaf]) -> list[list[Leaf]]:
    """Which codes to change together: those of one name, those of one object, and all."""
    by: dict[Any, list[Leaf]] = {}
    for leaf in codes:
        for key in (("name", leaf.name), ("object", leaf.parent), ("all",)):
            by.setdefault(key, []).append(leaf)
    return list({tuple(leaf.number for leaf in group): group for group in by.values()}.values())


def _stranger(value: Any, words: set[str]) -> Any:
    return 7654321 if isinstance(value, int) else "zq9x"


def _cousin(value: Any, words: set[str]) -> Any:
    """A code that begins like a known one."""
    made_up = f"{value}987" if str(value)[-1:].isdigit() else f"{value}zq"
    return int(made_up) if isinstance(value, int) and made_up.lstrip("-").isdigit() else made_up


_OFFSET = re.compile(r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?(?:Z|UTC|[+-]\d\d:?\d\d)$")
_SAYS_ZONE = re.compile(r"utc|gmt|zone|tz|offset|stamp|epoch", re.I)


async def naive_time(subject: Subject) -> list[Problem]:
    """Every scan has an offset; one that the payload did not carry is not called given."""
    found = await judged(subject, "naive_time")
    for sample in readable(subject):
        said = texts(subject, sample)
        nodes = [opened(text) for text in said]
        stripped = [closed(with_leaves(node, _without_offsets(node))) for node in nodes]
        if stripped == [closed(node) for node in nodes]:
            continue
        played = await reread(subject, sample, stripped)
        if played.naive:
            found.append(Problem("naive_time", sample.title, f"a time without an offset: {played.crash}"))
        elif not any(_SAYS_ZONE.search(leaf.name) for node in nodes for leaf in leaves(node)):
            given = [scan for scan in played.value or [] if scan.basis is Basis.GIVEN]
            if given:
                found.append(Problem("naive_time", sample.title, f"an offset nobody gave is called given: {given[0]}"))
    return found


def _without_offsets(node: Any) -> dict[int, str]:
    matches = ((leaf.number, _OFFSET.match(leaf.value)) for leaf in leaves(node) if isinstance(leaf.value, str))
    return {number: match[1] for number, match in matches if match}


_REARRANGED: dict[str, Callable[[list[Any]], list[Any]]] = {
    "reversed": lambda items: items[::-1],
    "rotated": lambda items: items[1:] + items[:1],
    "doubled": lambda items: items + items[::-1],
    "shuffled": lambda items: Random(7).sample(items, len(items)),
}


async def order(subject: Subject) -> list[Problem]:
    """The same scans in another order, or twice, are the same scans and the same status."""
    found = []
    for sample in readable(subject):
        first = (await play(subject, sample)).value
        if first is None:
            continue
        for how, rearrange in _REARRANGED.items():
            played = await reread(
                subject, sample, [closed(reordered(opened(text), rearrange)) for text in texts(subject, sample)]
            )
            if played.error is not None or _facts(played.value) != _facts(first):
                got = played.crash or f"{_facts(played.value) ^ _facts(first)}"
                found.append(Problem("order", sample.title, f"{how} lists give something else: {got[:400]}"))
        found += [Problem("order", sample.title, detail) for detail in await _order_of_calls(subject, sample, first)]
        found += [Problem("order", sample.title, detail) for detail in _order_of_scans(subject, first)]
    return found


def _facts(scans: list[Scan]) -> set[Scan]:
    """The scans without their place in the payload."""
    return {dataclasses.replace(scan, order=0) for scan in scans}


async def _order_of_calls(subject: Subject, sample: Sample, first: list[Scan]) -> list[str]:
    plugin = made(subject, Script(sample.exchanges * 2))
    await play(subject, sample, plugin=plugin)
    again = await play(subject, sample, plugin=plugin)
    same = again.error is None and _facts(again.value) == _facts(first)
    return [] if same else ["the same said twice gives something else the second time"]


def _order_of_scans(subject: Subject, scans: list[Scan]) -> list[str]:
    if subject.fold is None:
        return []
    wanted = subject.fold(scans)
    random = Random(11)
    for _ in range(6):
        mixed = random.sample(scans * 2, len(scans) * 2)
        got = subject.fold(mixed)
        if (got.status, got.reason) != (wanted.status, wanted.reason):
            return [f"folds to {got.status}, not {wanted.status}, in another order"]
    return []
