"""What a history says once operators have said what unknown codes mean. Pure: the history stays as it was told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.contract import Meaning
from gateway.domain import Scan, Status
from gateway.rules.history import Held, identity, merge, readings, second

#: (row of carriers.yaml that told it, its code as far as it is kept)
Code = tuple[str, str]
#: What is kept of a code as a name.
LONGEST_CODE = 120


def code_of(held: Held) -> Code:
    """Whose word it is, and which."""
    return held.provider, held.scan.carrier_code[:LONGEST_CODE]


def unread(history: Collection[Held]) -> set[Code]:
    """The codes in a history that its adapter did not know."""
    if _understood(history):
        return set()
    return {code_of(held) for held in readings(history) if held.scan.status is Status.UNKNOWN}


def _understood(history: Iterable[Held]) -> bool:
    """Nearly always: there is no unknown code in it, and no echo in which one could be."""
    return not any(held.echoes or held.scan.status is Status.UNKNOWN for held in history)


def read(history: Sequence[Held], meanings: Mapping[Code, Meaning]) -> list[Held]:
    """The history in our words. meanings: what operators have said.

    A scan that was unknown when it was first told and known when it was told again (the adapter was mended in
    between) is one scan.
    """
    if _understood(history) or not unread(history):
        return list(history)
    each = list(readings(history))
    known = {_told(held) for held in each if held.scan.status is not Status.UNKNOWN}
    kept = (held for held in each if held.scan.status is not Status.UNKNOWN or _told(held) not in known)
    return merge((), [_mapped(held, meanings) for held in kept])


def _told(held: Held) -> tuple[object, ...]:
    scan = held.scan
    return held.provider, int(scan.at.timestamp() // 1), scan.carrier_code, scan.text


def _mapped(held: Held, meanings: Mapping[Code, Meaning]) -> Held:
    meaning = meanings.get(code_of(held)) if held.scan.status is Status.UNKNOWN else None
    if meaning is None:
        return held
    return replace(held, scan=replace(held.scan, status=meaning.status, reason=meaning.reason))


def fresh(before: Sequence[Held], after: Sequence[Held]) -> tuple[Held, ...]:
    """The facts of `after` of which `before` held no reading: neither an edited text nor another source is news."""
    held_before = {id(held) for held in before}
    told = [held for held in after if id(held) not in held_before]
    seconds = {second(reading.scan) for reading in readings(told)}
    known = {identity(held) for held in readings(before) if second(held.scan) in seconds} if told else set()
    return tuple(held for held in told if known.isdisjoint(map(identity, readings([held]))))


def shown(history: Iterable[Held]) -> list[tuple[Scan, str]]:
    """What a reader sees of a history: a new sequence is worth no less."""
    return [(held.scan, held.source) for held in history]
