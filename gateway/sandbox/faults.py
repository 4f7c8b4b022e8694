"""What can be made to go wrong at a provider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    HTTP500 = "http500"
    HTTP503 = "http503"
    HTTP429 = "http429"
    TIMEOUT = "timeout"  #: take the request and never answer
    DROP = "drop"  #: close the connection without an answer
    GARBAGE = "garbage"  #: HTTP 200 with bytes that are nothing
    REFUSED = "refused"  #: the provider's own documented no


class Broken(Exception):
    """A call that was made to go wrong."""

    def __init__(self, how: How) -> None:
        super().__init__(how.value)
        self.how = how


@dataclass(slots=True, kw_only=True)
class _Fault:
    provider: str
    operation: str
    left: int | None
    how: How
    acted: bool

    def fits(self, provider: str, operation: str, acted: bool) -> bool:
        return (
            self.acted == acted
            and self.left != 0
            and self.provider in ("*", provider)
            and self.operation in ("*", operation)
        )


class Faults:
    """Faults that are still to happen, oldest first."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []

    def add(self, provider: str, operation: str, times: int | None, how: How, *, acted: bool = False) -> None:
        """times: None is forever. `refused` cannot come after the deed: a provider that acted has not refused."""
        if how is How.REFUSED and acted:
            raise ValueError("refused and acted exclude each other")
        self._faults.append(_Fault(provider=provider, operation=operation, left=times, how=how, acted=acted))

    def clear(self, provider: str) -> None:
        self._faults = [] if provider == "*" else [one for one in self._faults if one.provider != provider]

    def strike(self, provider: str, operation: str, *, acted: bool) -> None:
        """Use up one fault that fits. Raise Broken when there is one."""
        fault = next((one for one in self._faults if one.fits(provider, operation, acted)), None)
        if fault is None:
            return
        if fault.left is not None:
            fault.left -= 1
        raise Broken(fault.how)
