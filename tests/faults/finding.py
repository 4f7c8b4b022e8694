"""What was done to the gateway, what was seen, and what was lost or doubled by it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Finding:
    """runs: how often it was done. kills: processes that were ended. lost, doubled: one line each; wrong: whatever else
    was not as it is promised."""

    fault: str
    done: str
    runs: int = 1
    kills: int = 0
    seen: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def expect(self, fine: object, otherwise: str) -> None:
        """Note what is not as it is promised."""
        if not fine:
            self.wrong.append(otherwise)

    def line(self) -> dict[str, str | int]:
        """House.md section 7."""
        counts = {"lost": len(self.lost), "doubled": len(self.doubled)}
        return {"fault": self.fault, "runs": self.runs, "kills": self.kills, **counts}

    def row(self) -> str:
        """A line of the table in docs/reliability.md."""
        seen = "; ".join([*self.seen, *(f"**wrong:** {one}" for one in self.wrong)])
        return f"| {self.fault} | {self.done} | {seen} | {len(self.lost)} | {len(self.doubled)} |"
