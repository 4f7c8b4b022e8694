"""Whether we hear a carrier at all. Blindness is not a stall, and nothing is paid while a carrier is unheard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from gateway.rules.policy import Blindness
from gateway.runtime import Runtime
from gateway.store import health, incidents
from gateway.store.engine import Tx
from gateway.store.rows import Row

SILENT, DECLARED = "silent", "declared"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def unheard(row: Row | None, since: datetime | None, policy: Blindness, now: datetime) -> str | None:
    """Why a carrier is unheard; None when it is heard. Pure.

    row: of `carrier_health`, None when nothing was ever tried. since: when the first of its live legs began; silence
    before that was nobody's. A carrier whose polls fail while its pushes go on is heard.
    """
    heard_at: datetime | None = row.heard_at if row is not None else None
    if row is not None and row.failures >= policy.failures:
        since_then = row.failing_since is not None and heard_at is not None and heard_at > row.failing_since
        if not since_then:
            return f"{row.failures} polls failed in a row: {row.last_error or 'no answer'}"
    last = max((at for at in (heard_at, since) if at is not None), default=None)
    if last is not None and now - last >= timedelta(hours=policy.silent_hours):
        return f"silent since {last.isoformat(timespec='minutes')}"
    return None


def doubtful(row: Row | None, since: datetime | None, policy: Blindness, now: datetime) -> bool:
    """Whether it is time to ask a carrier that has said nothing for half of what counts as silence. Pure.

    Where questions fail already, they have their own pace.
    """
    last = max((at for at in (row.heard_at if row is not None else None, since) if at is not None), default=None)
    failing = row is not None and row.failures > 0
    return last is not None and not failing and now - last >= timedelta(hours=policy.silent_hours) / 2


class Hearing:
    """What we know of all carriers at one moment of a transaction."""

    def __init__(self, rows: Mapping[str, Row], silent: frozenset[str], policy: Blindness, now: datetime) -> None:
        self._rows, self._silent, self._policy, self._now = rows, silent, policy, now

    def blind(self, carrier: str, since: datetime | None) -> bool:
        """since: when the leg in question began."""
        return carrier in self._silent or unheard(self._rows.get(carrier), since, self._policy, self._now) is not None

    def doubted(self, carriers: Iterable[str]) -> frozenset[str]:
        """Those of them that are unheard unless the leg in question began lately."""
        return frozenset(code for code in carriers if self.blind(code, _LONG_AGO))


async def hearing(rt: Runtime, tx: Tx) -> Hearing:
    silent = frozenset(one.carrier for one in await incidents.open_ones(tx) if one.kind == SILENT)
    return Hearing(await health.every(tx), silent, rt.policies.stalls.blindness, rt.clock())
