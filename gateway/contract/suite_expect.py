"""What a sample expects against what came of it, and which fault a difference is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from gateway.contract.carrier import CarrierAdapter, Outcome, Push, Reply, Verdict
from gateway.contract.errors import ContractError, TryAgain
from gateway.contract.suite_play import Played, Script, made, play
from gateway.contract.suite_samples import Problem, Sample, Subject, succeeds

#: A fault code and what is wrong.
Finding = tuple[str, str]

_ERROR_FIELDS = ("code", "retry_after", "status", "config")


async def judged(subject: Subject, code: str) -> list[Problem]:
    """Every sample as it is, reported under the fault its difference shows; only those of this code."""
    found = []
    for sample in subject.samples:
        findings = [*differences(sample, await play(subject, sample)), *_acknowledged(subject, sample)]
        found += [Problem(code, sample.title, detail) for kind, detail in findings if kind == code]
    return found


def differences(sample: Sample, played: Played) -> Iterator[Finding]:
    """How the outcome of a sample differs from what it expects."""
    if played.naive:
        yield "naive_time", played.crash
    elif sample.error is not None:
        yield from _error_differences(sample, played)
    elif played.error is not None:
        yield _by_answers(sample, played), played.crash
    else:
        yield from _value_differences(sample, played.value)
        yield from (("samples", complaint) for complaint in played.complaints)


def _error_differences(sample: Sample, played: Played) -> Iterator[Finding]:
    if type(played.error).__name__ != sample.error:
        yield _missed(sample, played), f"{sample.error} was expected, not {played.crash or repr(played.value)[:200]}"
        return
    for name in _ERROR_FIELDS:
        got = getattr(played.error, name, None)
        if name in sample.body and sample.body[name] != got:
            detail = f"{name} of {sample.error} is {got!r}, not {sample.body[name]!r}"
            yield _by_answers(sample, played), detail


def _missed(sample: Sample, played: Played) -> str:
    """The fault of not raising what was expected."""
    if sample.error == "BadSignature":
        return "signature"
    if played.error is not None:
        return _by_answers(sample, played) if isinstance(played.error, ContractError) else "rubbish"
    if not sample.exchanges:
        return "rubbish" if sample.error == "BadPayload" else "samples"
    return "hidden_no" if succeeds(sample.exchanges[-1]) else "http_status"


def _by_answers(sample: Sample, played: Played) -> str:
    """A sample of silence or of a refusal by status that ends in another way has not understood that."""
    silent = any("raise" in exchange["response"] for exchange in sample.exchanges)
    if silent and isinstance(played.error, TryAgain):
        return "lost_answer"
    return "samples" if all(succeeds(exchange) for exchange in sample.exchanges) else "http_status"


def _value_differences(sample: Sample, value: Any) -> Iterator[Finding]:
    if sample.kind in {"polls", "pushes"}:
        yield from _list_differences(sample.body.get("scans"), value, "scan")
    elif sample.kind == "receipts":
        yield from _list_differences(sample.body.get("receipts"), value, "receipt")
    elif not fits(sample.body.get("result"), value):
        yield "samples", f"the result is {value!r}, not {sample.body.get('result')!r}"


def _list_differences(wanted: list[dict[str, Any]] | None, got: Sequence[Any], what: str) -> Iterator[Finding]:
    if wanted is None:
        yield "samples", f"says neither {what}s nor error"
        return
    left = list(got)
    missing = []
    for item in wanted:
        match = next((candidate for candidate in left if fits(item, candidate)), None)
        if match is None:
            missing.append(item)
        else:
            left.remove(match)
    for item in missing:
        yield _fault_of_missing(item, left), f"no {what} like {item} among {left}"
    if left and not missing:
        yield "samples", f"{what}s that were not expected: {left}"


def _fault_of_missing(item: dict[str, Any], left: Sequence[Any]) -> str:
    """A scan that is right but for its status, which ought to be unknown, is a guessed code."""
    known = {name: value for name, value in item.items() if name not in {"status", "reason"}}
    guessed = item.get("status") == "unknown" and any(fits(known, candidate) for candidate in left)
    return "unknown_code" if guessed else "samples"


def fits(wanted: Any, got: Any) -> bool:
    """Whether a value has everything that is wanted: objects by the named fields, times by instant and offset."""
    if dataclasses.is_dataclass(got):
        return isinstance(wanted, dict) and all(
            hasattr(got, name) and fits(value, getattr(got, name)) for name, value in wanted.items()
        )
    if isinstance(got, datetime):
        return isinstance(wanted, str) and _same_time(datetime.fromisoformat(wanted), got)
    if isinstance(got, Enum):
        return bool(wanted == got.value)
    return type(wanted) is type(got) and bool(wanted == got)


def _same_time(wanted: datetime, got: datetime) -> bool:
    return wanted == got and wanted.utcoffset() == got.utcoffset()


def _acknowledged(subject: Subject, sample: Sample) -> Iterator[Finding]:
    """The provider's own yes and no, where the sample shows them."""
    for name, accepted in (("acknowledged", True), ("refused", False)):
        if name in sample.body:
            reply = _reply(subject, subject.push(sample), accepted)
            if not _same_reply(sample.body[name], reply):
                yield "samples", f"the answer ({name}) is {reply}, not {sample.body[name]}"


def _reply(subject: Subject, push: Push, accepted: bool) -> Reply | str:
    plugin = made(subject, Script([]))
    try:
        if isinstance(plugin, CarrierAdapter):
            verdict = Verdict.ACCEPTED if accepted else Verdict.FORGED
            return plugin.acknowledge(Outcome(verdict=verdict, push=push))
        reply: Reply = plugin.acknowledge(push, accepted=accepted)
        return reply
    except Exception as error:  # said in the finding
        return f"{type(error).__name__}: {error}"


def _same_reply(wanted: dict[str, Any], reply: Reply | str) -> bool:
    if isinstance(reply, str):
        return False
    if "status" in wanted and wanted["status"] != reply.status:
        return False
    if "json" in wanted:
        try:
            return bool(json.loads(reply.body) == wanted["json"])
        except ValueError:
            return False
    return "body" not in wanted or wanted["body"].encode() == reply.body
