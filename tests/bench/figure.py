"""One row of var/bench.json, as whoever measured it hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """ours, ceiling: what each side came to, round by round (the same rounds, measured in turn, one beside the other).

    less: both are times or sizes, so that a *smaller* ratio is better and `goal` is the most it may be. limit: a figure
    without a raw ceiling (disk, memory, start) names its limit as ceiling and as goal: ours has to stay below it.
    title: what is measured against what, for docs/performance.md. notes: what makes the figure doubtful.
    """

    name: str
    title: str
    unit: str
    goal: float
    ours: Sequence[float]
    ceiling: Sequence[float]
    less: bool = False
    limit: bool = False
    notes: Sequence[str] = ()

    @property
    def middle(self) -> tuple[float, float, float]:
        """(ratio, ours, ceiling) of the round with the median ratio."""
        rounds = sorted((ours / top, ours, top) for ours, top in zip(self.ours, self.ceiling, strict=True))
        return rounds[len(rounds) // 2]

    @property
    def reached(self) -> bool:
        ratio, ours, _ = self.middle
        if self.limit:
            return ours <= self.goal
        return ratio <= self.goal if self.less else ratio >= self.goal
