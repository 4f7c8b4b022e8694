"""What a plugin makes of rubbish: bytes that are no payload, and payloads with one odd place."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from gateway.contract.errors import BadPayload, ContractError
from gateway.contract.suite_expect import judged
from gateway.contract.suite_payload import closed, containers, leaves, opened, with_leaves, without_container
from gateway.contract.suite_play import Played, Script, made
from gateway.contract.suite_reread import readable, reread, texts
from gateway.contract.suite_samples import Problem, Sample, Subject
from gateway.domain import Scan

#: Bytes that are no payload of anybody.
_GARBAGE = [b"\x00\xff\xfe", b"\x80\x81 rubbish", *(Random(seed).randbytes(80) + b"\xff" for seed in range(4))]
#: Texts that some reader may take for a payload.
_ODD = (
    *(b"", b" ", b"null", b"0", b"[]", b"{}", b'"x"', b"true", b"NaN", b"1e999", b"{", b'{"a":', b"[[]]", b"[null]"),
    *(b"[" * 20_000, b'{"a":' * 5_000, b'{"a":"\\ud800"}', b"\xef\xbb\xbf{}"),
    *(b"<html><body>busy</body></html>", b"<x>", b"a=b", b"a=%ff"),
)
_ODD_TEXTS = ("", "rubbish", "a\x00b", "9" * 400, "2026-13-45T99:99:99Z")
_ODD_LEAVES: tuple[Any, ...] = (None, 0, -1, 1.5, True, [], {}, [None], 10**30, *_ODD_TEXTS)
_ODD_CONTAINERS: tuple[Any, ...] = (None, "", 7, [], {}, [None], [[]], "rubbish")
_MOST = 80


async def rubbish(subject: Subject) -> list[Problem]:
    """Whatever comes, a plugin raises `ContractError`s only; bytes that are no payload are BadPayload, not nothing."""
    found = await judged(subject, "rubbish")
    for sample in subject.samples:
        for body in [*_GARBAGE, *_ODD]:
            found += _judge_rubbish(subject, sample, await _said(subject, sample, body), body)
        if sample.kind in {"pushes", "receipts"}:
            found += _verify_rubbish(subject, sample)
    for sample in [*readable(subject), *subject.of("receipts")]:
        for text, bent in _bent(texts(subject, sample)):
            found += _judge_bent(sample, await reread(subject, sample, bent), text)
    return list({(problem.sample, problem.detail.split(" for ")[0]): problem for problem in found}.values())


async def _said(subject: Subject, sample: Sample, body: bytes) -> Played:
    """What came of a sample whose provider says only this."""
    return await reread(subject, sample, [body] * len(texts(subject, sample)))


def _judge_rubbish(subject: Subject, sample: Sample, played: Played, body: bytes) -> Iterator[Problem]:
    if played.naive or (sample.kind == "deeds" and played.error is None):
        return
    if played.error is not None and not isinstance(played.error, ContractError):
        yield Problem("rubbish", sample.title, f"{played.crash} for {body[:40]!r}")
    elif body in _GARBAGE and sample.error is None and texts(subject, sample):
        pushed = sample.kind in {"pushes", "receipts"}
        if played.error is None or (pushed and not isinstance(played.error, BadPayload)):
            yield Problem(
                "rubbish", sample.title, f"{played.crash or played.value!r} instead of BadPayload for {body!r}"
            )


def _verify_rubbish(subject: Subject, sample: Sample) -> Iterator[Problem]:
    push = subject.push(sample)
    for body in [*_GARBAGE, *_ODD]:
        for headers in (push.headers, {}):
            bent = dataclasses.replace(push, headers=headers, body=body)
            try:
                made(subject, Script([])).verify(bent)
            except ContractError:
                continue
            except Exception as error:
                yield Problem("rubbish", sample.title, f"verify: {Played(error=error).crash} for {body[:40]!r}")


def _bent(said: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The texts with one leaf or one container made odd, at most `_MOST` of each text, with what was changed."""
    for number, text in enumerate(said):
        node = opened(text)
        odd_ones = _odd_ones(node)
        for what, make in Random(3).sample(odd_ones, min(_MOST, len(odd_ones))):
            yield what, [*said[:number], closed(make()), *said[number + 1 :]]


def _odd_ones(node: Any) -> list[tuple[str, Callable[[], Any]]]:
    """Everything in an opened text that can be made odd: what, and how."""
    odd_leaves = [
        (f"{leaf.name} = {odd!r}"[:60], partial(with_leaves, node, {leaf.number: odd}))
        for leaf, odd in itertools.product(leaves(node), _ODD_LEAVES)
    ]
    odd_containers = [
        (f"container {place} = {odd!r}", partial(without_container, node, place, odd))
        for place, odd in itertools.product(range(containers(node)), _ODD_CONTAINERS)
    ]
    return [*odd_leaves, *odd_containers]


def _judge_bent(sample: Sample, played: Played, what: str) -> Iterator[Problem]:
    if played.naive:
        return
    if played.error is not None:
        if not isinstance(played.error, ContractError):
            yield Problem("rubbish", sample.title, f"{played.crash} for {what}")
        return
    for item in played.value:
        if isinstance(item, Scan) and not _storable(item):
            yield Problem("rubbish", sample.title, f"a scan that cannot be stored for {what}: {item}"[:400])


def _storable(scan: Scan) -> bool:
    values = (scan.tracking_number, scan.carrier_code, scan.text, scan.place, scan.company or "", scan.event_id or "")
    return bool(scan.tracking_number) and all(isinstance(value, str) and "\x00" not in value for value in values)
