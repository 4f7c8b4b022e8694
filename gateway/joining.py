"""What a process tells the others, and what it does when it hears from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.runtime import Runtime


def join(rt: Runtime, *, forget_keys: Callable[[], object]) -> None:
    """Tie the parts that keep something in memory to each other, and to the shared lane where there is one."""
    signals, lane = rt.signals, rt.lane
    signals.on("policies", partial(signals.nudge, "policies"))
    signals.on("keys", forget_keys)
    rt.policies.tell = partial(signals.publish, "policies")
    signals.everywhere = rt.store.dialect == "sqlite"
    if lane is None:
        return
    rt.cache.tell = partial(lane.tell, "drop")
    signals.tell = lane.tell
    lane.on("drop", rt.cache.forget)
    lane.on("changed", signals.moved)
    lane.on("work", signals.nudge)
    lane.on("news", signals.hear)
    for turned in (rt.cache.turn, signals.turn):
        lane.on_turn(turned)
        lane.on("all", partial(turned, True))
