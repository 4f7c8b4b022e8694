"""The fold of scans into a leg, and of legs into a shipment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Basis, Reason, Scan, Status
from gateway.rules.fold import LegFacts, LegState, fold_leg, fold_scans, fold_shipment
from tests.rules.scans import NOON, held, scan
from tests.rules.strategies import Case, histories

WALKS = [
    ("nothing said", [], "pre_transit"),
    ("latest wins", [scan("picked_up", 1), scan("in_transit", 2)], "in_transit"),
    ("latest wins, told late", [scan("in_transit", 2), scan("picked_up", 1)], "in_transit"),
    ("info moves nothing", [scan("picked_up", 1), scan("info", 2)], "picked_up"),
    ("unknown moves nothing", [scan("picked_up", 1), scan("unknown", 2)], "picked_up"),
    ("only unknown", [scan("unknown", 1), scan("info", 2)], "unknown"),
    ("only info", [scan("info", 2)], "pre_transit"),
    ("further at equal times", [scan("out_for_delivery"), scan("in_transit")], "out_for_delivery"),
    ("sequence first", [scan("out_for_delivery", order=1), scan("in_transit", order=2)], "in_transit"),
    ("a fact stays", [scan("delivered", 1), scan("in_transit", 2)], "delivered"),
    ("paperwork never overrides a fact", [scan("delivered", 1), scan("expired", 2)], "delivered"),
    ("a return replaces a delivery", [scan("delivered", 1), scan("returned", 2)], "returned"),
    ("a delivery does not replace a return", [scan("returned", 1), scan("delivered", 2)], "returned"),
    ("paperwork after a scan", [scan("in_transit", 1), scan("cancelled", 2)], "cancelled"),
    ("a physical scan reopens", [scan("expired", 1), scan("in_transit", 2)], "in_transit"),
    ("a label does not reopen", [scan("cancelled", 1), scan("pre_transit", 2)], "cancelled"),
    ("signed after a return", [scan("returning", 1), scan("delivered", 2)], "returned"),
    ("hubs on the way back", [scan("returning", 1), scan("in_transit", 2), scan("delivered", 3)], "returned"),
    ("confirmed after a return", [scan("returning", 1), scan("delivered", 2, confirmed=True)], "delivered"),
    ("delivered, sent back later", [scan("delivered", 1), scan("returning", 2), scan("delivered", 3)], "delivered"),
    (
        "an explicit word replaces an inferred one",
        [scan("returning", 1), scan("delivered", 2), scan("delivered", 3, confirmed=True)],
        "delivered",
    ),
    (
        "a reversal takes back",
        [scan("in_transit", 1), scan("delivered", 2), scan("info", 3, voids="delivered")],
        "in_transit",
    ),
    ("a reversal of a later scan", [scan("info", 1, voids="delivered"), scan("delivered", 2)], "delivered"),
]


@pytest.mark.parametrize(("scans", "status"), [walk[1:] for walk in WALKS], ids=[walk[0] for walk in WALKS])
def test_a_walk_ends_at_its_status(scans: list[Scan], status: str) -> None:
    assert fold_scans(scans).status == status
    assert fold_scans(list(reversed(scans)) + scans) == fold_scans(scans)


@given(histories())
def test_any_order_repetition_and_split_of_arrival_gives_the_same_leg(case: Case) -> None:
    assert fold_leg(case.arrived) == fold_leg(case.told)


def test_an_inferred_return_says_so_and_an_explicit_one_does_not() -> None:
    inferred = [scan("returning", 1), scan("delivered", 2)]
    assert fold_scans(inferred).inferred
    assert not fold_scans([*inferred, scan("returned", 3)]).inferred
    assert not fold_scans([scan("returning", 1), scan("returned", 2)]).inferred


def test_a_final_read_from_text_is_inferred_until_a_code_says_it() -> None:
    read = scan("delivered", 1, carrier_code="", text="签收", inferred=True)
    assert (fold_scans([read]).status, fold_scans([read]).inferred) == (Status.DELIVERED, True)
    assert not fold_scans([read, scan("delivered", 2)]).inferred
    assert not fold_scans([scan("in_transit", 0, inferred=True)]).inferred


def test_the_clocks() -> None:
    state = fold_scans([scan("picked_up", 1), scan("in_transit", 2), scan("in_transit", 5), scan("info", 6)])
    assert state.since == NOON + timedelta(hours=2)
    assert state.progress_at == NOON + timedelta(hours=5)
    assert state.contact_at == NOON + timedelta(hours=6)
    assert state.moved


def test_a_time_of_unknown_zone_accuses_least() -> None:
    state = fold_scans([scan("in_transit", 1, basis=Basis.UNKNOWN)])
    assert state.progress_at == NOON + timedelta(hours=13)


@pytest.mark.parametrize(("place", "progress"), [("", 1), ("Shenzhen", 1), (" shen zhen", 1), ("Wuhan", 2)])
def test_an_unknown_word_is_progress_only_elsewhere(place: str, progress: int) -> None:
    state = fold_scans([scan("in_transit", 1, place="Shenzhen"), scan("unknown", 2, place=place)])
    assert state.progress_at == NOON + timedelta(hours=progress)
    assert state.contact_at == NOON + timedelta(hours=2)
    assert state.newest_unknown


def test_only_a_newer_known_word_settles_an_unknown_one() -> None:
    history = [scan("in_transit", 1), scan("unknown", 2)]
    assert fold_scans([*history, scan("info", 3)]).newest_unknown
    assert not fold_scans([*history, scan("in_transit", 3)]).newest_unknown


@pytest.mark.parametrize("status", ["pre_transit", "cancelled", "expired", "info", "unknown"])
def test_words_that_say_nothing_of_a_hand_over(status: str) -> None:
    assert not fold_scans([scan(status)]).moved


def test_paperwork_is_contact_and_no_progress() -> None:
    state = fold_scans([scan("in_transit", 1), scan("expired", 2)])
    assert state.progress_at == NOON + timedelta(hours=1)
    assert state.contact_at == NOON + timedelta(hours=2)


def test_an_announcement_after_the_parcel_moved_takes_nothing_back() -> None:
    state = fold_scans([scan("picked_up", 0), scan("pre_transit", 5)])
    assert (state.status, state.moved) == (Status.PICKED_UP, True)
    assert state.progress_at == NOON
    assert state.contact_at == NOON + timedelta(hours=5)


def test_scans_after_a_fact_are_flagged() -> None:
    told = [scan("delivered", 1), scan("in_transit", 2), scan("info", 3), scan("delivered", 4), scan("unknown", 5)]
    state = fold_scans(told)
    assert state.flagged == ("in_transit after delivered", "unknown after delivered")
    assert state.delivered_at == NOON + timedelta(hours=1)


def test_the_reason_is_the_latest_scans() -> None:
    state = fold_scans([scan("exception", 1, reason=Reason.WEATHER), scan("exception", 2, reason=Reason.DAMAGED)])
    assert state.reason is Reason.DAMAGED
    assert fold_scans([scan("exception", 1, reason=Reason.WEATHER), scan("in_transit", 2)]).reason is None


def test_two_reversals_take_back_two_scans() -> None:
    told = [scan("delivered", 1), scan("delivered", 2), scan("info", 3, voids="delivered")]
    assert fold_scans(told).status is Status.DELIVERED
    assert fold_scans([*told, scan("info", 4, voids="delivered")]).status is Status.PRE_TRANSIT


def test_a_reversal_takes_back_what_others_repeated() -> None:
    told = [
        held(scan("delivered", 1)),
        held(scan("delivered", 1, carrier_code="3"), "kuaidi100", direct=False),
        held(scan("info", 2, voids="delivered")),
    ]
    assert fold_leg(told).status is Status.PRE_TRANSIT


def _leg(ordinal: int, status: str, closed: str | None = None, **fields: object) -> LegFacts:
    state = LegState(status=Status(status), **fields)  # type: ignore[arg-type]
    return LegFacts(ordinal=ordinal, carrier=f"c{ordinal}", state=state, closed_why=closed)


JOURNEYS = [
    ("one leg", [_leg(1, "in_transit")], 1, "in_transit"),
    ("failed over before hand-over", [_leg(1, "cancelled", "cancelled"), _leg(2, "pre_transit")], 2, "pre_transit"),
    ("replaced after hand-over", [_leg(1, "in_transit", "superseded"), _leg(2, "picked_up")], 2, "picked_up"),
    ("the first arrived after all", [_leg(1, "delivered", "superseded"), _leg(2, "in_transit")], 1, "delivered"),
    ("the cancelled one arrived after all", [_leg(1, "delivered", "cancelled"), _leg(2, "in_transit")], 1, "delivered"),
    (
        "the second was cancelled",
        [_leg(1, "in_transit", "superseded"), _leg(2, "cancelled", "cancelled")],
        1,
        "in_transit",
    ),
    ("all were cancelled", [_leg(1, "pre_transit", "cancelled")], 1, "cancelled"),
]


@pytest.mark.parametrize(
    ("legs", "current", "status"), [journey[1:] for journey in JOURNEYS], ids=[journey[0] for journey in JOURNEYS]
)
def test_legs_are_one_journey(legs: list[LegFacts], current: int, status: str) -> None:
    for order in (legs, list(reversed(legs))):
        state = fold_shipment(order)
        assert (state.current, state.status) == (current, status)


def test_the_newest_scan_of_all_legs_decides_whether_money_waits() -> None:
    first = _leg(1, "in_transit", "superseded", newest_unknown=True, contact_at=NOON)
    later = NOON + timedelta(hours=1)
    assert fold_shipment([first, _leg(2, "pre_transit")]).newest_unknown
    assert not fold_shipment([first, _leg(2, "picked_up", contact_at=later)]).newest_unknown


def test_no_leg_is_no_shipment() -> None:
    with pytest.raises(ValueError, match="at least one leg"):
        fold_shipment([])


@given(st.permutations([scan("picked_up", 1), scan("returning", 2), scan("in_transit", 3), scan("delivered", 4)]))
def test_a_return_is_seen_in_any_order(scans: list[Scan]) -> None:
    assert fold_scans(scans).status is Status.RETURNED
