"""Working hours on carriers' calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.calendar import Calendar
from gateway.rules.zones import zone_of

CHINA = Calendar("CN")
CHINA_OFFICE = Calendar("CN", "mon-fri")
AMERICA = Calendar("US", "mon-fri")
CALENDARS = [CHINA, CHINA_OFFICE, AMERICA, Calendar("GB", "mon-sat"), Calendar("AE", "sun-thu"), Calendar("CL")]

instants = st.integers(0, 772 * 86_400).map(
    lambda seconds: datetime(2024, 12, 20, tzinfo=UTC) + timedelta(seconds=seconds)
)


def _local(calendar: Calendar, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(calendar.tz))


@pytest.mark.parametrize(
    ("calendar", "start", "end", "hours"),
    [
        (CHINA, "2026-03-06T12:00", "2026-03-09T12:00", 72),  # over a weekend that counts
        (CHINA_OFFICE, "2026-03-06T12:00", "2026-03-09T12:00", 24),  # and one that does not
        (CHINA, "2026-09-30T12:00", "2026-10-08T12:00", 48),  # National Day, its Sunday the 4th is worked
        (CHINA_OFFICE, "2026-09-19T00:00", "2026-09-21T00:00", 24),  # Sunday the 20th is swapped for the 6th of October
        (AMERICA, "2026-11-25T00:00", "2026-11-28T00:00", 48),  # Thanksgiving
        (AMERICA, "2026-03-09T12:00", "2026-03-09T12:00", 0),
        (AMERICA, "2026-03-10T12:00", "2026-03-09T12:00", 0),
        (Calendar("US"), "2026-03-08T00:00", "2026-03-09T00:00", 23),  # clocks go forward
        (Calendar("US"), "2026-11-01T00:00", "2026-11-02T00:00", 25),  # and back
        (Calendar("CN", closed=frozenset({date(2026, 3, 7)})), "2026-03-06T12:00", "2026-03-08T12:00", 24),
        (AMERICA, "2024-12-31T00:00", "2026-01-03T00:00", 24 * 253),
    ],
)
def test_hours_that_count(calendar: Calendar, start: str, end: str, hours: float) -> None:
    if start.startswith("2024"):
        days = (date(2024, 12, 31) + timedelta(days=number) for number in range(368))
        hours = 24 * sum(map(calendar.is_working_day, days))
    assert calendar.working_hours(_local(calendar, start), _local(calendar, end)) == hours


@given(st.sampled_from(CALENDARS), instants, st.integers(0, 2000))
def test_adding_is_the_inverse_of_counting(calendar: Calendar, start: datetime, hours: int) -> None:
    end = calendar.add_working_hours(start, hours)
    assert calendar.working_hours(start, end) == hours
    assert hours == 0 or calendar.working_hours(start, end - timedelta(seconds=1)) < hours


@given(st.sampled_from(CALENDARS), st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_counting_is_additive(calendar: Calendar, moments: list[datetime]) -> None:
    first, middle, last = moments
    parts = calendar.working_hours(first, middle) + calendar.working_hours(middle, last)
    assert calendar.working_hours(first, last) == pytest.approx(parts)


@given(st.sampled_from(CALENDARS), instants, st.integers(0, 30 * 24))
def test_counting_agrees_with_counting_hour_by_hour(calendar: Calendar, start: datetime, length: int) -> None:
    start = start.replace(minute=0, second=0, microsecond=0)
    hours = [start + timedelta(hours=number) for number in range(length)]
    counted = sum(calendar.is_working_day(calendar.day_of(hour)) for hour in hours)
    assert calendar.working_hours(start, start + timedelta(hours=length)) == pytest.approx(counted)


def test_days_late() -> None:
    promised = _local(CHINA_OFFICE, "2026-03-06T18:00")
    assert CHINA_OFFICE.working_days_late(promised, promised + timedelta(days=3)) == 1
    assert CHINA_OFFICE.working_days_late(promised, promised - timedelta(days=3)) == 0


@pytest.mark.parametrize(
    ("country", "works", "tz", "problem"),
    [
        ("XX", "mon-sun", "UTC", "public holidays"),
        ("CN", "monday", "", "range of days"),
        ("CN", "mon-sun", "Asia/Shenzhen", "no time zone"),
        ("AQ", "mon-sun", "", "AQ"),
    ],
)
def test_a_calendar_that_cannot_be_says_why(country: str, works: str, tz: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Calendar(country, works, tz)


@pytest.mark.parametrize(
    ("country", "zone"),
    [("CN", "Asia/Shanghai"), ("JP", "Asia/Tokyo"), ("US", "America/New_York"), ("FR", "Europe/Paris")],
)
def test_a_country_has_its_zone(country: str, zone: str) -> None:
    assert zone_of(country) == zone


def test_a_country_of_many_zones_must_be_told() -> None:
    with pytest.raises(ValueError, match="name the carrier's timezone"):
        zone_of("AQ")
