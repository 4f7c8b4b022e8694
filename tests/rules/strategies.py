"""Histories as providers tell them: few values, so that they collide; arrivals shuffled, doubled and split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta, timezone

from hypothesis import strategies as st

from gateway.domain import Basis, Reason, Scan, Status
from gateway.rules.fold import Held, merge
from tests.rules.scans import held, scan

PROVIDERS = {"sf": True, "kdniao": False, "kuaidi100": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """told: each reading once. arrived: what is held after some other order, with repeats, in several batches."""

    told: list[Held]
    arrived: list[Held]


def _scans() -> st.SearchStrategy[Scan]:
    return st.builds(
        scan,
        st.sampled_from([status.value for status in Status]),
        st.integers(0, 3),
        text=st.sampled_from(["", "Left", "left.", "left the hub"]),
        carrier_code=st.sampled_from(["", "30", "80"]),
        place=st.sampled_from(["", "Wuhan", "Shenzhen"]),
        reason=st.sampled_from([None, Reason.WEATHER]),
        order=st.integers(0, 2),
        confirmed=st.booleans(),
        voids=st.sampled_from([None, None, None, "80"]),
    ).flatmap(_elsewhere)


def _elsewhere(one: Scan) -> st.SearchStrategy[Scan]:
    """The same, or told by a clock of another zone, or by one whose zone nobody knows."""
    wall = one.at.replace(tzinfo=timezone(timedelta(hours=-1)))
    return st.sampled_from([one, one, replace(one, at=wall), replace(one, basis=Basis.UNKNOWN)])


def readings() -> st.SearchStrategy[Held]:
    return st.builds(
        lambda one, provider, learned: held(one, provider, direct=PROVIDERS[provider], learned=learned),
        _scans(),
        st.sampled_from(sorted(PROVIDERS)),
        st.integers(0, 2),
    )


@st.composite
def histories(draw: st.DrawFn) -> Case:
    told = draw(st.lists(readings(), max_size=8))
    repeats = draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
    arrivals = draw(st.permutations(told + repeats))
    cut = draw(st.integers(0, len(arrivals)))
    return Case(told=told, arrived=merge(merge([], arrivals[:cut]), arrivals[cut:]))
