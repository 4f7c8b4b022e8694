"""Times are read quickly where they are written as usual, and mean what strptime says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.errors import BadPayload
from gateway.contract.reading import local_time

FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")
#: Lord Howe's clocks move by half an hour, Amsterdam's once ran 19 minutes and 32 seconds ahead.
ZONES = ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Europe/Amsterdam", "Africa/Monrovia")
zones = st.sampled_from([*map(ZoneInfo, ZONES), UTC, timezone(timedelta(hours=-3, minutes=-30))])
moments = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001


@given(at=moments, zone=zones, pattern=st.sampled_from(FORMATS))
def test_a_time_means_what_strptime_says(at: datetime, zone: tzinfo, pattern: str) -> None:
    naive = at.replace(microsecond=0)
    expected = naive.replace(tzinfo=zone)
    found = local_time(f"{naive.year:04}{naive.strftime(pattern)[4:]}", zone, "time", pattern)
    assert found.utcoffset() == expected.utcoffset()
    assert found.replace(tzinfo=None) == naive
    assert type(found.tzinfo) is timezone


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04"])
def test_days_on_which_clocks_move(day: str, hour: int) -> None:
    for zone in map(ZoneInfo, ZONES):
        for minute in (0, 29, 30, 59):
            written = f"{day} {hour:02}:{minute:02}:07"
            assert (
                local_time(written, zone).utcoffset()
                == datetime.fromisoformat(written).replace(tzinfo=zone).utcoffset()
            )


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-30 10:00:00",
        "2026-02-03 24:00:00",
        "2026-02-03T10:00:00",
        "20260203T100000.123",
        "2026-02-03 10:00:60",
        "2026-W10-4 10:00:00",
        "2026-02-03 10:00:00+08:00",
        "",
    ],
)
def test_what_is_no_time_of_this_form_is_refused(written: str) -> None:
    with pytest.raises(BadPayload, match="at: "):
        local_time(written, UTC, "at")


def test_an_unusual_spelling_is_read_as_before() -> None:
    assert local_time("2026-2-3 1:02:03", UTC).isoformat() == "2026-02-03T01:02:03+00:00"
