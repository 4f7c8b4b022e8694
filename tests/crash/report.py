"""What a campaign found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """lost: what was acknowledged or decided and is nowhere. doubled: what happened twice. One line for each of them,
    with what is needed to find it; a line is kept once, however often it is found. unsure: what nobody can know, as
    docs/reliability.md says: a message that was taken as sent because its provider cannot be asked (any more)."""

    runs: int = 0
    kills: int = 0
    lost: dict[str, None] = field(default_factory=dict)
    doubled: dict[str, None] = field(default_factory=dict)
    unsure: dict[str, None] = field(default_factory=dict)

    def loses(self, lines: Iterable[str]) -> None:
        self.lost |= dict.fromkeys(lines)

    def doubles(self, lines: Iterable[str]) -> None:
        self.doubled |= dict.fromkeys(lines)

    def add(self, other: Report, where: str) -> None:
        self.runs, self.kills = self.runs + other.runs, self.kills + other.kills
        self.loses(f"{where}: {line}" for line in other.lost)
        self.doubles(f"{where}: {line}" for line in other.doubled)
        self.unsure |= dict.fromkeys(f"{where}: {line}" for line in other.unsure)

    @property
    def clean(self) -> bool:
        return not self.lost and not self.doubled

    def line(self) -> dict[str, int]:
        return {"runs": self.runs, "kills": self.kills, "lost": len(self.lost), "doubled": len(self.doubled)}
