"""A carrier's working calendar: hours that count, on days that count, by its own clock.

A working day counts from midnight to midnight (parcels move at night), in real hours: the day on which clocks change
has 23 or 25 of them. Weekends by `works`, public holidays and the working days swapped for them by `holidays`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from gateway.rules.zones import zone_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR = 3_600_000_000  #: microseconds: instants are whole numbers here, so that adding and counting agree exactly
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    """country: ISO 3166-1 alpha-2. works: "mon-sun", "mon-fri", "sun-thu". tz: IANA zone, "" for the country's.
    closed: further days that do not count.

    Raises ValueError when the country's holidays, the days or the zone are not known.
    """

    country: str
    works: str = "mon-sun"
    tz: str = ""
    closed: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        _weekdays(self.works)
        _check_country(self.country)
        object.__setattr__(self, "tz", self.tz or zone_of(self.country))
        try:
            ZoneInfo(self.tz)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{self.tz!r} is no time zone") from error

    def working_hours(self, start: datetime, end: datetime) -> float:
        """Hours that count between two instants; 0 when end is not after start."""
        first, last = _micros(start), _micros(end)
        if last <= first:
            return 0.0
        years = range(self._year_of(start), self._year_of(end))
        whole = sum(self._year(year).total for year in years)
        counted = whole + self._year(years.stop).before(last) - self._year(years.start).before(first)
        return counted / _HOUR

    def add_working_hours(self, start: datetime, hours: float) -> datetime:
        """The first instant (UTC) at which so many hours have counted since start."""
        if hours <= 0:
            return start.astimezone(UTC)
        year = self._year_of(start)
        target = self._year(year).before(_micros(start)) + math.ceil(hours * _HOUR)
        while target > self._year(year).total:
            target -= self._year(year).total
            year += 1
        return _instant(self._year(year).reached(target))

    def adding(self, hours: float) -> Callable[[int], int]:
        """`add_working_hours` of so many hours, for very many starts: microseconds since 1970 in and out."""
        span, known = math.ceil(hours * _HOUR), list[_Year]()

        def add(start: int) -> int:
            if hours <= 0:
                return start
            year = next((year for year in known if year.starts[0] <= start < year.starts[-1]), None)
            if year is None:
                known.append(year := self._year(self._year_of(_instant(start))))
            target = year.before(start) + span
            if target <= year.total:
                return year.reached(target)
            return _micros(self.add_working_hours(_instant(start), hours))

        return add

    def working_days_late(self, promised: datetime, now: datetime) -> float:
        """Working days since the promise passed; 0 while it has not."""
        return self.working_hours(promised, now) / 24

    def is_working_day(self, day: date) -> bool:
        return self._year(day.year).open[day.timetuple().tm_yday - 1]

    def day_of(self, at: datetime) -> date:
        """The carrier's own date at an instant."""
        return at.astimezone(ZoneInfo(self.tz)).date()

    def _year_of(self, at: datetime) -> int:
        return self.day_of(at).year

    def _year(self, year: int) -> _Year:
        closed = frozenset(day for day in self.closed if day.year == year)
        return _build(self.country, self.works, self.tz, closed, year)


@dataclass(frozen=True, slots=True)
class _Year:
    """starts: local midnights, the next new year included. worked: microseconds counted before each of them."""

    starts: tuple[int, ...]
    worked: tuple[int, ...]
    open: tuple[bool, ...]

    @property
    def total(self) -> int:
        return self.worked[-1]

    def before(self, at: int) -> int:
        """Microseconds of this year counted before an instant within it."""
        day = bisect_right(self.starts, at) - 1
        return self.worked[day] + (at - self.starts[day] if self.open[day] else 0)

    def reached(self, target: int) -> int:
        """The first instant at which `target` microseconds, more than none, have counted."""
        day = bisect_left(self.worked, target) - 1
        return self.starts[day] + target - self.worked[day]


@lru_cache(maxsize=1024)
def _build(country: str, works: str, tz: str, closed: frozenset[date], year: int) -> _Year:
    first = date(year, 1, 1)
    days = [first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days)]
    starts = [_midnight(day, tz) for day in [*days, date(year + 1, 1, 1)]]
    working = _working(country, works, closed, year)
    opened = tuple(day in working for day in days)
    lengths = [(starts[n + 1] - starts[n]) * opened[n] for n in range(len(days))]
    return _Year(starts=tuple(starts), worked=tuple(accumulate(lengths, initial=0)), open=opened)


def _working(country: str, works: str, closed: frozenset[date], year: int) -> frozenset[date]:
    """A day swapped for a holiday is worked whatever its weekday; a holiday is not; a closed day never is."""
    public = holidays.country_holidays(country, years=year)
    swapped: set[date] = getattr(public, "weekend_workdays", set())
    weekdays = _weekdays(works)
    first = date(year, 1, 1)
    days = (first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days))
    return frozenset(
        day
        for day in days
        if day not in closed and (day in swapped or (day.weekday() in weekdays and day not in public))
    )


def _weekdays(works: str) -> frozenset[int]:
    first, _, last = works.partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        raise ValueError(f"works: {works!r} is no range of days like mon-fri")
    start, length = _DAYS.index(first), (_DAYS.index(last or first) - _DAYS.index(first)) % 7
    return frozenset((start + step) % 7 for step in range(length + 1))


@lru_cache(maxsize=256)
def _check_country(country: str) -> None:
    try:
        holidays.country_holidays(country)
    except NotImplementedError as error:
        raise ValueError(f"the public holidays of country {country!r} are not known") from error


def _midnight(day: date, tz: str) -> int:
    return _micros(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)))


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
