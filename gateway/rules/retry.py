"""When a deed is tried again after a failure that may pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.rules.chance import spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits double from `first` to `most` seconds, spread by `jitter`; after `tries` tries the deed is dead."""

    first: float
    most: float
    tries: int
    factor: float = 2
    jitter: float = 0.2


#: Deeds at carriers, shops and providers: about a day and a half.
DEEDS = Backoff(first=15, most=6 * 3600, tries=16)
#: Webhooks to subscribers: ten tries over three days (api.md).
WEBHOOKS = Backoff(first=5, most=30 * 3600, tries=10, factor=4.4)


def next_try(
    attempt: int, retry_after: float | None, key: str, now: datetime, backoff: Backoff = DEEDS
) -> datetime | None:
    """attempt: tries made so far, 1 after the first. retry_after: seconds the other side asked for, never undercut.

    The same arguments give the same instant. None: tried until the end, the deed is dead.
    """
    if attempt >= backoff.tries:
        return None
    wait = min(backoff.first * backoff.factor ** max(attempt - 1, 0), backoff.most)
    seconds = max(wait * spread(backoff.jitter, key, attempt), retry_after or 0)
    return now + timedelta(seconds=seconds)
