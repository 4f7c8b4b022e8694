"""Check digits of tracking numbers. Each of `right` answers whether a number of the fitting form ends as it should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle

from gateway.domain import Check


def right(check: Check, number: str) -> bool:
    """Whether the number's check digit is the calculated one. number: as its pattern wants it, ASCII."""
    return _CHECKS[check](number)


def _weighed(digits: str, weights: tuple[int, ...]) -> int:
    """The sum from the right: the last digit has the first weight."""
    return sum(int(digit) * weight for digit, weight in zip(reversed(digits), cycle(weights), strict=False))


def _one_z(number: str) -> bool:
    """After 1Z: letters A.. count 2 3 4 .. modulo 10; every second character twice."""
    values = [int(one) if one.isdigit() else (ord(one) - ord("A") + 2) % 10 for one in number[2:]]
    *body, last = values
    return (sum(body[0::2]) + 2 * sum(body[1::2]) + last) % 10 == 0


def _s10(number: str) -> bool:
    """Letters, eight digits, check digit, country: 10 is written 0 and 11 is written 5."""
    digits = number[2:11]
    rest = (
        11 - sum(int(digit) * weight for digit, weight in zip(digits[:8], (8, 6, 4, 2, 3, 5, 9, 7), strict=True)) % 11
    )
    return int(digits[8]) == {10: 0, 11: 5}.get(rest, rest)


def _mod11(number: str) -> bool:
    return _weighed(number[-12:-1], (1, 3, 7)) % 11 % 10 == int(number[-1])


def _gs1(number: str) -> bool:
    return (_weighed(number[:-1], (3, 1)) + int(number[-1])) % 10 == 0


def _gs1_15(number: str) -> bool:
    return _gs1(number[-15:])


def _mod7(number: str) -> bool:
    return int(number[:-1]) % 7 == int(number[-1])


_CHECKS: Mapping[Check, Callable[[str], bool]] = {
    Check.ONE_Z: _one_z,
    Check.S10: _s10,
    Check.MOD11: _mod11,
    Check.GS1: _gs1,
    Check.GS1_15: _gs1_15,
    Check.MOD7: _mod7,
}
