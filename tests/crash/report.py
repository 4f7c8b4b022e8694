"""What a campaign found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """lost: what was acknowledged or decided and is nowhere. doubled: what happened twice. One line for each of them,
    with what is needed to find it; a line is kept once, however often it is found. unsure: what nobody can know, as
    docs/reliability.md says: a message that was taken as sent because its provider cannot be asked (any more).
    moments: how many kills at which kind of moment. parcels: those whose journey was judged. seconds: from the first
    start to the last judgement."""

    runs: int = 0
    kills: int = 0
    parcels: int = 0
    seconds: float = 0
    moments: Counter[str] = field(default_factory=Counter)
    lost: dict[str, None] = field(default_factory=dict)
    doubled: dict[str, None] = field(default_factory=dict)
    unsure: dict[str, None] = field(default_factory=dict)

    def loses(self, lines: Iterable[str]) -> None:
        self.lost |= dict.fromkeys(lines)

    def doubles(self, lines: Iterable[str]) -> None:
        self.doubled |= dict.fromkeys(lines)

    @property
    def clean(self) -> bool:
        return not self.lost and not self.doubled

    def line(self) -> dict[str, int]:
        return {"runs": self.runs, "kills": self.kills, "lost": len(self.lost), "doubled": len(self.doubled)}


def total(reports: Iterable[Report]) -> dict[str, int]:
    """The lines of several campaigns in one."""
    added: Counter[str] = Counter(dict.fromkeys(Report().line(), 0))
    for report in reports:
        added.update(report.line())
    return dict(added)
