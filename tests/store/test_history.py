"""The codec of a leg's history: exact, and compact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Basis, Reason, Scan, Source, Status
from gateway.rules.history import Held
from gateway.store.history import decode, encode, extend

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2100-01-01"), timezones=offsets)
short = st.text(max_size=12)
scans = st.builds(
    Scan,
    tracking_number=short,
    at=times,
    basis=st.sampled_from(Basis),
    status=st.sampled_from(Status),
    reason=st.none() | st.sampled_from(Reason),
    carrier_code=short,
    text=short,
    place=short,
    company=st.none() | short,
    event_id=st.none() | short,
    order=st.integers(-(2**53), 2**53),
    inferred=st.booleans(),
    confirmed=st.booleans(),
    voids=st.none() | short,
)


def helds(echoes: st.SearchStrategy[tuple[Held, ...]]) -> st.SearchStrategy[Held]:
    return st.builds(
        Held,
        scan=scans,
        source=st.sampled_from(Source),
        provider=short,
        direct=st.booleans(),
        learned_at=times,
        echoes=echoes,
    )


@given(st.lists(helds(st.lists(helds(st.just(())), max_size=2).map(tuple)), max_size=4))
def test_what_was_written_is_read(history: list[Held]) -> None:
    read = decode(encode(history))
    assert read == history
    # Equal instants may hide another offset: the local time must be the same too.
    assert [held.scan.at.isoformat() for held in read] == [held.scan.at.isoformat() for held in history]
    assert all(type(held.scan.status) is Status and type(held.scan.basis) is Basis for held in read)


@given(st.lists(helds(st.just(())), max_size=4), st.integers(0, 4), st.booleans())
def test_what_is_new_at_the_end_is_added_to_the_text(history: list[Held], known: int, first: bool) -> None:
    begun = history[:known]
    told = [*reversed(history)] if first else history
    assert extend(encode(begun), begun, told) == encode(told)


def test_eight_ordinary_scans_stay_small() -> None:
    at = datetime(2026, 3, 5, 12, tzinfo=timezone(timedelta(hours=8)))
    scan = Scan(
        tracking_number="SF1234567890123", at=at, basis=Basis.CARRIER_ZONE, status=Status.IN_TRANSIT,
        carrier_code="31", text="快件到达【深圳宝安集散中心】", place="深圳市",
    )  # fmt: skip
    held = Held(
        scan=scan, source=Source.WEBHOOK, provider="sf", direct=True, learned_at=datetime(2026, 3, 5, tzinfo=UTC)
    )
    assert len(encode([held] * 8).encode()) < 600


def test_what_schema_0001_wrote_is_read() -> None:
    """Every word in every row, both times from 1970; what is added later goes on from there."""
    old = (
        '[[1772683200000000,28800,"carrier_zone","picked_up","SF1","sf","webhook",1772683201000000,0,4,"50","已收件"],'
        '[1772686800000000,28800,"carrier_zone","in_transit","SF1","sf","poll",1772690400000000,0,5,"31","到达"]]'
    )
    first, second = decode(old)
    assert (first.scan.status, first.learned_at - first.scan.at) == (Status.PICKED_UP, timedelta(seconds=1))
    assert (second.scan.text, second.scan.inferred, second.source) == ("到达", True, Source.POLL)
    assert (second.learned_at - second.scan.at, second.scan.at.isoformat()[-6:]) == (timedelta(hours=1), "+08:00")
    third = replace(second, scan=replace(second.scan, at=second.scan.at + timedelta(hours=1)))
    assert decode(extend(old, [first, second], [first, second, third])) == [first, second, third]


def test_what_came_before_differences_is_read() -> None:
    """0 in the place of a word is the word before, and when it was learned is told from when it happened."""
    old = (
        '[[1772683200000000,28800,"carrier_zone","in_transit","SF1","sf","webhook",1000000,0,12,"31","到达","深圳市"],'
        '[1772686800000000,28800,0,0,0,0,0,60000000,28800,12,0,"离开",0]]'
    )
    first, second = decode(old)
    assert (first.learned_at - first.scan.at, first.learned_at.isoformat()[-6:]) == (timedelta(seconds=1), "+00:00")
    assert (second.scan.text, second.scan.place, second.scan.carrier_code, second.provider) == (
        "离开",
        "深圳市",
        "31",
        "sf",
    )
    assert second.learned_at - second.scan.at == timedelta(minutes=1)
    third = replace(second, scan=replace(second.scan, at=second.scan.at + timedelta(hours=1)))
    assert decode(extend(old, [first, second], [first, second, third])) == [first, second, third]
