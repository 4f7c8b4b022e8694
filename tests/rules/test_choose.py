"""Who takes a parcel, and who takes over."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gateway.rules.choose import Candidate, ParcelFacts, backups, choose, ring
from gateway.rules.lane import covers, overlap
from gateway.rules.policy import Routes
from tests.rules.scans import NOON


def _routes(*routes: dict[str, Any]) -> Routes:
    return Routes.model_validate({"routes": [{"id": f"r{number}", **one} for number, one in enumerate(routes, 1)]})


def _candidates(*codes: str, **odd: dict[str, Any]) -> list[Candidate]:
    return [Candidate(carrier=code, country="CN", **odd.get(code, {})) for code in codes]


PARCEL = ParcelFacts(key="s1", carrier="sf", origin="CN-Guangdong", destination="CN-Beijing", weight_g=900)
ZTO, JD, STO = {"carrier": "zto"}, {"carrier": "jd"}, {"carrier": "sto"}


def test_backups_in_order_of_the_first_route_that_matches() -> None:
    routes = _routes(
        {"when": {"carrier": "zto"}, "backups": [STO]},
        {"when": {"carrier": "sf", "max_weight_g": 500}, "backups": [STO]},
        {"when": {"carrier": "sf", "origin": "CN-*"}, "mode": "auto", "backups": [JD, ZTO]},
        {"backups": [STO]},
    )
    choice = backups(PARCEL, routes, _candidates("jd", "zto", "sto"), NOON)
    assert [one.carrier for one in choice.ranked] == ["jd", "zto"]
    assert choice.ranked[0].reasons == ("backup:r3",)
    assert choice.mode == "auto"


SKIPS = [
    ({"carrier": "sf"}, {}, "same_carrier"),
    ({"carrier": "yto"}, {}, "tried"),
    ({"carrier": "ups"}, {}, "unknown_carrier"),
    (ZTO, {"enabled": False}, "disabled"),
    (ZTO, {"can_book": False}, "cannot_book"),
    (ZTO, {"incident": True}, "incident"),
    (ZTO, {"circuit": "open"}, "circuit_open"),
    (ZTO | {"max_weight_g": 800}, {}, "too_heavy"),
    (ZTO | {"max_value": 10}, {}, "too_valuable"),
    (ZTO | {"before": "20:00"}, {"timezone": "Asia/Shanghai"}, "past_cut_off"),
]


@pytest.mark.parametrize(("backup", "odd", "why"), SKIPS)
def test_one_that_cannot_is_skipped_and_says_why(backup: dict[str, Any], odd: dict[str, Any], why: str) -> None:
    parcel = ParcelFacts(key="s1", carrier="sf", weight_g=900, value=100, tried=frozenset({"yto"}))  # type: ignore[arg-type]
    candidates = _candidates("sf", "yto", "zto", "jd", zto=odd)
    choice = backups(parcel, _routes({"backups": [backup, JD]}), candidates, NOON)
    assert [one.carrier for one in choice.ranked] == ["jd"]
    assert [(one.carrier, one.why) for one in choice.skipped] == [(backup["carrier"], why)]


def test_the_cut_off_is_local() -> None:
    early = backups(
        PARCEL,
        _routes({"backups": [ZTO | {"before": "20:01"}]}),
        _candidates("zto", zto={"timezone": "Asia/Shanghai"}),
        NOON,
    )
    assert early.ranked


@pytest.mark.parametrize(
    "routes", [_routes(), _routes({"mode": "off", "backups": [ZTO]}), _routes({"when": {"origin": "US"}})]
)
def test_no_route_no_backup(routes: Routes) -> None:
    choice = backups(PARCEL, routes, _candidates("zto"), NOON)
    assert (choice.ranked, choice.mode) == ((), "off")


def test_weights_are_kept_over_many_parcels_and_each_keeps_its_own() -> None:
    routes = _routes({"order": "weighted", "backups": [ZTO | {"weight": 3}, JD | {"weight": 1}]})
    candidates = _candidates("zto", "jd")
    firsts = [backups(ParcelFacts(key=f"s{n}"), routes, candidates, NOON).ranked[0].carrier for n in range(2000)]
    again = [backups(ParcelFacts(key=f"s{n}"), routes, candidates, NOON).ranked[0].carrier for n in range(2000)]
    assert firsts == again
    assert 1400 < Counter(firsts)["zto"] < 1600


def test_the_cheapest_first_and_unknown_costs_last() -> None:
    routes = _routes({"order": "cheapest", "backups": [STO, ZTO | {"cost": "9.50"}, JD | {"cost": "8"}]})
    ranked = backups(PARCEL, routes, _candidates("zto", "jd", "sto"), NOON).ranked
    assert [one.carrier for one in ranked] == ["jd", "zto", "sto"]


def test_a_half_open_circuit_lets_a_few_through() -> None:
    candidates = _candidates("zto", zto={"circuit": "half_open"})
    routes = _routes({"backups": [ZTO]})
    through = sum(bool(backups(ParcelFacts(key=f"s{n}"), routes, candidates, NOON).ranked) for n in range(1000))
    assert 50 < through < 150


def test_a_new_parcel_goes_with_the_one_asked_for_then_its_backups_then_the_most_punctual() -> None:
    routes = _routes({"when": {"carrier": "sf"}, "backups": [ZTO]})
    odd = {"jd": {"on_time": 0.9}, "sto": {"on_time": 0.97}}
    candidates = [*_candidates("jd", "sf", "sto", "zto", **odd), Candidate(carrier="ups", country="US")]
    choice = choose(PARCEL, routes, candidates, NOON)
    assert [(one.carrier, one.reasons[0]) for one in choice.ranked] == [
        ("sf", "asked_for"),
        ("zto", "backup:r1"),
        ("sto", "same_country"),
        ("jd", "same_country"),
    ]
    assert [(one.carrier, one.why) for one in choice.skipped] == [("ups", "other_country")]


def test_a_new_parcel_avoids_an_open_circuit() -> None:
    routes = _routes({"when": {"carrier": "sf"}, "backups": [ZTO]})
    choice = choose(PARCEL, routes, _candidates("sf", "zto", sf={"circuit": "open"}), NOON)
    assert [one.carrier for one in choice.ranked] == ["zto"]
    assert [(one.carrier, one.why) for one in choice.skipped] == [("sf", "circuit_open")]


def _hand(carrier: str, *to: str, **fields: Any) -> dict[str, Any]:
    when = {"carrier": carrier, **fields.pop("when", {})}
    return {"when": when, "backups": [{"carrier": one} for one in to], **fields}


@pytest.mark.parametrize(
    ("routes", "found"),
    [
        ([_hand("sf", "zto"), _hand("zto", "jd")], None),
        ([_hand("sf", "jd", "zto"), _hand("zto", "sf")], ["sf", "zto", "sf"]),
        ([_hand("sf", "zto"), _hand("zto", "jd"), _hand("jd", "zto")], ["zto", "jd", "zto"]),
        ([_hand("sf", "sf")], ["sf", "sf"]),
        ([_hand("sf", "zto"), _hand("zto", "sf", mode="off")], None),
        ([_hand("sf", "zto"), _hand("*", "sf", "zto")], None),
        ([_hand("sf", "zto", when={"origin": "CN"}), _hand("zto", "sf", when={"origin": "US"})], None),
        ([_hand("sf", "zto", when={"origin": "CN"}), _hand("zto", "sf", when={"origin": "CN-*"})], ["sf", "zto", "sf"]),
        ([_hand("sf", "zto", when={"service": "a"}), _hand("zto", "sf", when={"service": "b"})], None),
    ],
)
def test_rings(routes: list[dict[str, Any]], found: list[str] | None) -> None:
    assert ring(_routes(*routes)) == found


@pytest.mark.parametrize(
    ("pattern", "place", "inside"),
    [
        ("*", "", True),
        ("CN", "CN", True),
        ("CN", "CN-Guangdong", True),
        ("CN", "CNX", False),
        ("CN-*", "CN-Guangdong", True),
        ("CN-*", "CN", True),
        ("CN-*", "US-CA", False),
        ("cn-guangdong", "CN-Guangdong", True),
        ("CN-Guang*", "CN-Guangxi", True),
        ("CN-Guang*", "CN", False),
        ("CN-Guangdong", "CN", False),
        ("CN", "", False),
    ],
)
def test_lane_patterns(pattern: str, place: str, inside: bool) -> None:
    assert covers(pattern, place) is inside


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("*", "US", True),
        ("CN", "CN-*", True),
        ("CN-Guang*", "CN-Guangdong", True),
        ("CN-Beijing", "CN-Guangdong", False),
    ],
)
def test_patterns_that_overlap(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) is both
    assert overlap(other, one) is both
