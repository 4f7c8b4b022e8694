"""One row of var/bench.json, as whoever measured it hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """ours, ceiling: what each side came to, round by round (the same rounds, measured in turn, one beside the other).

    less: both are times or sizes, so that a *smaller* ratio is better and `goal` is the most it may be. limit: a figure
    without a raw ceiling (disk, memory, start) names its limit as ceiling and as goal: ours has to stay below it.
    title: what is measured against what, for docs/performance.md. beside: what else was seen (p50, p99), in a few
    words. notes: what makes the figure doubtful.
    """

    name: str
    title: str
    unit: str
    goal: float
    ours: Sequence[float]
    ceiling: Sequence[float]
    less: bool = False
    limit: bool = False
    beside: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.ours or min(*self.ours, *self.ceiling) <= 0:
            raise ValueError(f"{self.name}: a round came to nothing")

    @property
    def rounds(self) -> list[tuple[float, float, float]]:
        """(ratio, ours, ceiling) of each, the lowest ratio first."""
        return sorted((ours / top, ours, top) for ours, top in zip(self.ours, self.ceiling, strict=True))

    @property
    def middle(self) -> tuple[float, float, float]:
        """The round with the median ratio: its two sides were measured one beside the other."""
        return self.rounds[len(self.rounds) // 2]

    @property
    def spread(self) -> tuple[float, float]:
        """Between which ratios the middle half of the rounds lay."""
        ratios = [ratio for ratio, _, _ in self.rounds]
        return ratios[len(ratios) // 4], ratios[len(ratios) * 3 // 4]

    @property
    def far(self) -> float:
        """How far it came: 1 is the goal, more is better."""
        ratio, ours, _ = self.middle
        if self.limit:
            return self.goal / ours
        return self.goal / ratio if self.less else ratio / self.goal

    @property
    def reached(self) -> bool:
        return self.far >= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A row that could not be measured, and why."""

    name: str
    why: str
