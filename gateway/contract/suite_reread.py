"""Reading a sample again with other texts in it: what the provider might have said instead."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.contract.suite_play import Played, Script, body_of, made, play, read
from gateway.contract.suite_samples import Sample, Subject


def texts(subject: Subject, sample: Sample) -> list[str]:
    """What the provider says in a sample: the body of its push, or the bodies of its answers."""
    if "push" in sample.body:
        return [subject.push(sample).body.decode("utf-8", "replace")]
    return [body_of(exchange["response"]).decode("utf-8", "replace") for exchange in sample.exchanges]


async def reread(subject: Subject, sample: Sample, said: Sequence[str | bytes]) -> Played:
    """Run a sample whose provider says these texts instead. A push is read without asking for its signature."""
    raw = [text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in said]
    if "push" in sample.body:
        return await _reread_push(subject, sample, raw[0])
    return await play(subject, sample, script=Script(with_bodies(sample, raw)))


async def _reread_push(subject: Subject, sample: Sample, body: bytes) -> Played:
    push = dataclasses.replace(subject.push(sample), body=body)
    try:
        return Played(value=read(made(subject, Script([])), push))
    except Exception as error:  # what it is shall be judged by the caller
        return Played(error=error)


def with_bodies(sample: Sample, bodies: Sequence[bytes]) -> list[dict[str, Any]]:
    """The sample's exchanges with other bodies in their responses."""
    return [
        {**exchange, "response": {**exchange["response"], "raw": body}}
        for exchange, body in zip(sample.exchanges, bodies, strict=True)
    ]


def readable(subject: Subject) -> Iterator[Sample]:
    """Samples of polls and pushes from which scans are read."""
    yield from (sample for sample in subject.of("polls", "pushes") if sample.body.get("scans"))
