"""Scans of several providers joined into one history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Basis
from gateway.rules.fold import Held, merge
from gateway.rules.history import Telling, unheard
from tests.rules.scans import NOON, held, scan
from tests.rules.strategies import PROVIDERS, Case, histories, readings


@given(histories())
def test_a_history_does_not_depend_on_how_it_arrived(case: Case) -> None:
    assert case.arrived == merge([], case.told)


@given(histories(), st.lists(readings(), max_size=4), st.sampled_from(sorted(PROVIDERS)), st.randoms())
def test_what_repeats_may_be_left_out(case: Case, more: list[Held], provider: str, chance: Random) -> None:
    """An answer: all that is known and something more, told by one provider, in any order."""
    scans = [one.scan for one in [*case.arrived, *more]]
    chance.shuffle(scans)
    telling = Telling(provider=provider, direct=PROVIDERS[provider], learned_at=NOON + timedelta(hours=9))
    every, new = (
        [held(one, provider, direct=PROVIDERS[provider], learned=9) for one in told]
        for told in (scans, unheard(case.arrived, scans, telling))
    )
    assert merge(case.arrived, new) == merge([], [*case.arrived, *every])


def test_merging_again_changes_nothing() -> None:
    known = merge([], [held(scan("picked_up")), held(scan("in_transit", 1))])
    assert merge(known, known) == known


def test_fractions_of_a_second_and_other_offsets_are_the_same_scan() -> None:
    one = scan("picked_up")
    east = replace(one, at=one.at.astimezone(timezone(timedelta(hours=8))) + timedelta(milliseconds=300))
    assert len(merge([held(one)], [held(east)])) == 1


def test_an_edited_text_is_not_a_second_event() -> None:
    short, long = scan("in_transit", text="Left"), scan("in_transit", text="Left Wuhan")
    for known, new in ((short, long), (long, short)):
        (only,) = merge([held(known, learned=2)], [held(new, learned=1)])
        assert only.scan.text == "Left Wuhan"
        assert only.learned_at == NOON + timedelta(hours=1)


def test_without_a_code_another_text_is_another_event() -> None:
    told = [held(scan("in_transit", carrier_code="", text=text)) for text in ("arrived", "left")]
    assert len(merge([], told)) == 2


def test_another_code_at_the_same_second_is_another_event() -> None:
    assert len(merge([], [held(scan("in_transit", carrier_code=code)) for code in ("30", "31")])) == 2


def test_the_carriers_own_word_outranks_an_aggregators() -> None:
    own = held(scan("customs", text="Held at customs"), "sf")
    others = [
        held(scan("customs", text="清关"), "kuaidi100", direct=False),
        held(scan("in_transit", text="held at customs."), "aftership", direct=False),
    ]
    for told in ([own, *others], [*others, own]):
        (only,) = merge([], told)
        assert only.provider == "sf"
        assert {echo.provider for echo in only.echoes} == {"kuaidi100", "aftership"}


def test_between_aggregators_the_name_decides() -> None:
    told = [held(scan("customs"), name, direct=False) for name in ("kuaidi100", "kdniao")]
    assert [entry.provider for entry in merge([], told)] == ["kdniao"]


def test_different_facts_of_one_second_both_stay() -> None:
    told = [
        held(scan("in_transit", text="Arrived")),
        held(scan("out_for_delivery", text="Out"), "kdniao", direct=False),
    ]
    assert [entry.scan.status for entry in merge([], told)] == ["in_transit", "out_for_delivery"]


def test_one_event_told_in_two_vocabularies_of_one_provider_is_one_scan() -> None:
    pushed = held(scan("picked_up", carrier_code="push:GOT", text="已揽收"), "zto")
    answered = held(scan("picked_up", carrier_code="query:收件", text="【上海市】已揽收"), "zto")
    assert [one.scan.carrier_code for one in merge([pushed], [answered])] == ["push:GOT"]
    assert merge([answered], [pushed]) == merge([pushed], [answered])


def test_two_events_of_one_second_in_one_vocabulary_stay_two() -> None:
    entries = [
        held(scan("available_for_pickup", carrier_code=f"push:{word}"), "zto") for word in ("INBOUND", "HANDOVER")
    ]
    assert len(merge(entries, [])) == 2


def test_a_local_time_without_offset_is_the_fact_another_tells_with_one() -> None:
    pacific = timezone(timedelta(hours=-8))
    direct = held(scan("delivered", text="Delivered"), "ups")
    direct = replace(direct, scan=replace(direct.scan, at=NOON.replace(tzinfo=pacific)))
    naive = held(scan("delivered", carrier_code="Delivered_001", basis=Basis.UNKNOWN), "aftership", direct=False)
    for order in ([direct, naive], [naive, direct]):
        (one,) = merge([], order)
        assert (one.provider, [echo.provider for echo in one.echoes]) == ("ups", ["aftership"])
        assert merge([one], [naive]) == [one]
    later = replace(naive, scan=replace(naive.scan, at=naive.scan.at + timedelta(hours=1)))
    assert len(merge([direct], [later])) == 2
