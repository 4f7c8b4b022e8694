"""What a plugin makes of refusals by status and of silence."""

from __future__ import annotations

from typing import Any

import httpx

from gateway.contract.errors import OutcomeUnknown, Refused, TryAgain, Unavailable
from gateway.contract.suite_expect import judged
from gateway.contract.suite_play import Answer, Played, Script, body_of, play
from gateway.contract.suite_samples import Problem, Sample, Subject, succeeds
from gateway.contract.suite_static import own_doors

_RETRY_AFTER = 17

#: Deeds that may not be done twice: a lost answer is OutcomeUnknown.
_ONCE = ("book", "send", "intercept")


async def http_status(subject: Subject) -> list[Problem]:
    """A status that is not 2xx is an error however good the body looks: try again for 5xx and 429, else Refused."""
    found = [*own_doors(subject), *await judged(subject, "http_status")]
    for sample, number in await _asked(subject, subject.of("polls", "deeds")):
        for status in (500, 503, 429, 401, 403) if succeeds(sample.exchanges[number]) else (500, 503, 429):
            played = await play(subject, sample, script=Script(sample.exchanges, number, _with_status(status)))
            wrong = _status_ignored(sample, status, played)
            if wrong:
                found.append(Problem("http_status", sample.title, f"HTTP {status} at exchange {number}: {wrong}"))
    return found


async def _asked(subject: Subject, samples: list[Sample]) -> list[tuple[Sample, int]]:
    """Every exchange of the samples that succeed, as they say, without silence."""
    quiet = [one for one in samples if one.error is None and not any("raise" in e["response"] for e in one.exchanges)]
    sound = [sample for sample in quiet if (await play(subject, sample)).error is None]
    return [(sample, number) for sample in sound for number in range(len(sample.exchanges))]


def _with_status(status: int) -> Answer:
    def bend(request: httpx.Request, exchange: dict[str, Any]) -> httpx.Response:
        headers = {"retry-after": str(_RETRY_AFTER)} if status in {429, 503} else {}
        return httpx.Response(status, headers=headers, content=body_of(exchange["response"]), request=request)

    return bend


def _status_ignored(sample: Sample, status: int, played: Played) -> str:
    """What is wrong with how a status was taken, '' when nothing is."""
    error = played.error
    if error is None:
        return f"read as an answer: {played.value!r}"[:300]
    if status in {401, 403}:
        return "" if isinstance(error, Refused) else f"{played.crash} instead of Refused"
    if isinstance(error, Unavailable):
        lost = status in {429, 503} and error.retry_after != _RETRY_AFTER
        return "Retry-After was lost" if lost else ""
    again = sample.kind == "deeds" and isinstance(error, TryAgain)
    return "" if again else f"{played.crash} instead of Unavailable"


async def lost_answer(subject: Subject) -> list[Problem]:
    """A deed whose answer is lost is OutcomeUnknown (`extensions=DEED`): somebody looks before doing it twice."""
    found = await judged(subject, "lost_answer")
    for deed in _ONCE:
        asked = await _asked(subject, subject.deeds(deed))
        errors = []
        for sample, number in asked:
            played = await play(subject, sample, script=Script(sample.exchanges, number, _silence))
            errors.append(played.error)
            if not isinstance(played.error, TryAgain):
                detail = f"no answer at exchange {number}: {played.crash or repr(played.value)}"
                found.append(Problem("lost_answer", sample.title, detail))
        if asked and not any(isinstance(error, OutcomeUnknown) for error in errors):
            found.append(Problem("lost_answer", "", f"no request of {deed} is marked as a deed (extensions=DEED)"))
    return found


def _silence(request: httpx.Request, exchange: dict[str, Any]) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)
