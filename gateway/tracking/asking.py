"""One question to a provider about a few legs, and what to do about each kind of answer."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from gateway.contract import BadPayload, ContractError, OutcomeUnknown, Refused, Unavailable
from gateway.domain import Scan
from gateway.runtime import Runtime
from gateway.store import health
from gateway.tracking.accounts import CONFIG_PAUSE, FALLBACK_AFTER, MOST_PAUSE, Questions, Way, account, leg_ref, rest
from gateway.tracking.answers import Answers, give_back, refused, told, unanswered
from gateway.tracking.pace import fallback

log = logging.getLogger(__name__)

#: Seconds for a whole poll; the client's own deadlines are shorter, this one guards against an adapter that waits.
ANSWER_WITHIN = 60.0
#: Seconds a question may wait for its token.
TOKEN_WITHIN = 30.0
#: Bytes of an answer nobody can read that are shown to operators.
_RAW = 300


async def ask(answers: Answers, questions: Questions) -> None:
    """Wait for a token, ask, and write down what came of it. Nothing a carrier does is raised."""
    rt = answers.rt
    with answers.write.coming():
        async with answers.gate:
            free = await rt.limits.acquire(questions.way.account, questions.way.rate, within=TOKEN_WITHIN)
            said = await _answer(rt, questions) if free else None
    if said is None:
        await give_back(rt, questions.asked)
    elif isinstance(said, ContractError):
        await _no_answer(answers, questions, said)
    else:
        await answers.write(told(questions, said))


async def _answer(rt: Runtime, questions: Questions) -> list[Scan] | ContractError:
    try:
        return await answer(rt, questions)
    except ContractError as error:
        return error


async def answer(rt: Runtime, questions: Questions) -> list[Scan]:
    """The provider's answer. Raise ContractError; a bug in the adapter is Unavailable, its traceback is logged."""
    provider = questions.way.provider
    refs = [leg_ref(rt, one.leg, provider) for one in questions.asked]
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            return await provider.adapter.poll(refs)
    except TimeoutError as error:
        raise OutcomeUnknown(f"no answer within {ANSWER_WITHIN:g} s") from error
    except ContractError:
        raise
    except Exception as error:
        log.exception("%s: the adapter failed", provider.code)
        raise Unavailable(f"internal: {error!r}") from error


async def _no_answer(answers: Answers, questions: Questions, error: ContractError) -> None:
    if not isinstance(error, (Refused, BadPayload)) or _of_account(error):
        await _silence(answers, questions, error)
    elif len(questions.asked) > 1:
        # Which of them is wrong? Halves, until it stands alone.
        middle = len(questions.asked) // 2
        await ask(answers, questions.only(questions.asked[:middle]))
        await ask(answers, questions.only(questions.asked[middle:]))
    else:
        number = questions.asked[0].leg.tracking_number
        log.info("%s about %s: %s", questions.provider, number, error.detail)
        if isinstance(error, BadPayload):
            await _unreadable(answers, questions, error)
        else:
            await answers.write(refused(questions))


async def _unreadable(answers: Answers, questions: Questions, error: BadPayload) -> None:
    """An answer that nobody can read is none: the carrier is not heard by it, and no parcel is accused because of it.
    It counts against the provider, whose next good answer mends that; the others' questions go on meanwhile."""
    rt = answers.rt
    async with rt.store.write() as tx:
        failures = await health.failed(tx, questions.provider, rt.clock(), _shown(error))
    other = await fallback_way(rt, questions.carrier, questions.way) if failures >= FALLBACK_AFTER else None
    await (answers.write(unanswered(questions, None)) if other is None else _through(answers, questions, other))


def _shown(error: ContractError) -> str:
    """What went wrong, for operators; of an answer that nobody can read its beginning, for it is kept nowhere else."""
    raw = error.raw[:_RAW].decode("utf-8", "replace") if isinstance(error, BadPayload) and error.raw else ""
    return f"{error.detail}; it began: {raw}" if raw else error.detail


def _of_account(error: ContractError) -> bool:
    """Whether every call of this account is refused until a person mends it."""
    return isinstance(error, Refused) and error.config


async def _silence(answers: Answers, questions: Questions, error: ContractError) -> None:
    """The provider cannot be asked: it rests, and the legs wait or are read through the fallback."""
    rt = answers.rt
    failures = await note_failure(rt, questions.way, error)
    if failures >= FALLBACK_AFTER or _of_account(error):
        other = await fallback_way(rt, questions.carrier, questions.way)
        if other is not None:
            await _through(answers, questions, other)
            return
    await answers.write(unanswered(questions, _retry_after(error)))


async def note_failure(rt: Runtime, way: Way, error: ContractError) -> int:
    """Count it, say so once, and leave the account alone for a while; how many failures in a row by now.

    A provider that wants to be left alone for longer than we ever would is not asked again to be sure: it is unheard
    as if it had failed often enough.
    """
    enough = max(FALLBACK_AFTER, rt.policies.stalls.blindness.failures)
    times = enough if (_retry_after(error) or 0) > MOST_PAUSE else 1
    async with rt.store.write() as tx:
        failures = await health.failed(tx, way.provider.code, rt.clock(), _shown(error), times=times)
    if failures == times:
        log.warning("%s cannot be polled: %s", way.provider.code, error.detail)
    await rest(rt, way, failures, _retry_after(error))
    return failures


def _retry_after(error: ContractError) -> float | None:
    if _of_account(error):
        return CONFIG_PAUSE
    return error.retry_after if isinstance(error, Unavailable) else None


async def fallback_way(rt: Runtime, carrier: str, tried: Way) -> Way | None:
    """Who else may be asked now, when the carrier's own row was tried."""
    other = fallback(rt, carrier) if tried.own else None
    if other is None or await rt.limits.paused(account(other)):
        return None
    return Way(provider=other, own=False)


async def _through(answers: Answers, questions: Questions, way: Way) -> None:
    size = way.provider.adapter.batch
    for start in range(0, len(questions.asked), size):
        await ask(answers, replace(questions, way=way, asked=questions.asked[start : start + size]))
