"""Throwing bent payloads at a plugin's readers: whatever is not an error of the contract has escaped."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.contract import ContractError
from gateway.contract.suite import Subject
from gateway.contract.suite_play import Played, Script, made, play, read
from gateway.contract.suite_reread import texts, with_bodies
from gateway.contract.suite_samples import Sample
from tests.compliance import examined, plugins
from tests.fuzz.mutate import bent

#: No input may cost more, milliseconds of CPU (so that a busy machine accuses nobody).
SLOW_MS = 50.0


@dataclass(slots=True)
class Tally:
    """What came of a campaign. escapes: what was raised that is no error of the contract, by kind, with an input."""

    inputs: int = 0
    slowest_ms: float = 0
    slowest: bytes = b""
    escapes: dict[str, bytes] = field(default_factory=dict)

    def add(self, played: Played, seconds: float, body: bytes) -> None:
        self.inputs += 1
        if seconds * 1000 > self.slowest_ms:
            self.slowest_ms, self.slowest = seconds * 1000, body
        if played.error is not None and not isinstance(played.error, ContractError):
            self.escapes.setdefault(played.crash, body)


def readers() -> list[Path]:
    """Every plugin that reads payloads."""
    return [path for folder in ("adapters", "notifiers") for path in plugins(folder)]


async def throw(path: Path, inputs: int, seed: int = 0) -> Tally:
    """`inputs` bent payloads at the readers of one plugin; the same seed throws the same."""
    subject = examined(path)
    samples = subject.of("polls", "pushes", "receipts")
    chance = random.Random(f"{path.stem}:{seed}")
    tally = Tally()
    if not samples:
        return tally
    said = {
        sample.title: [text.encode("utf-8", "surrogatepass") for text in texts(subject, sample)] for sample in samples
    }
    heard = [sample for sample in samples if said[sample.title]]
    for _ in range(inputs if heard else 0):
        sample = chance.choice(heard)
        await _one(subject, sample, said[sample.title], chance, tally)
    return tally


async def _one(subject: Subject, sample: Sample, said: Sequence[bytes], chance: random.Random, tally: Tally) -> None:
    number = chance.randrange(len(said))
    body = bent(said[number], chance)
    bodies = [*said[:number], body, *said[number + 1 :]]
    played, seconds = await _timed(subject, sample, bodies)
    if seconds * 1000 > SLOW_MS:  # the machine may have been busy: the quicker of two tries counts
        seconds = min(seconds, (await _timed(subject, sample, bodies))[1])
    tally.add(played, seconds, body)


async def _timed(subject: Subject, sample: Sample, bodies: Sequence[bytes]) -> tuple[Played, float]:
    started = time.process_time()
    if "push" in sample.body:
        played = _pushed(subject, sample, bodies[0])
    else:
        played = await play(subject, sample, script=Script(with_bodies(sample, bodies)))
    return played, time.process_time() - started


def _pushed(subject: Subject, sample: Sample, body: bytes) -> Played:
    push = dataclasses.replace(subject.push(sample), body=body)
    plugin = made(subject, Script([]))
    try:
        with contextlib.suppress(ContractError):  # it is forged, of course: what would be read of it if it were not?
            plugin.verify(push)
        return Played(value=read(plugin, push))
    except Exception as error:  # judged by the tally
        return Played(error=error)
