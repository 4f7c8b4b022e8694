"""Answers of FedEx: which refusal means what (sheet c)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gateway.contract.client import explained
from gateway.contract.errors import ContractError, Refused, Unavailable, refusal
from gateway.contract.reading import Fields, listed, objects, optional, text

_AGAIN: Mapping[str, float | None] = {"INTERNAL.SERVER.ERROR": None, "SERVICE.UNAVAILABLE.ERROR": None}
#: Seconds for which an address that called too often gets 403 for everything.
BLOCKED = 600.0


@contextmanager
def classed() -> Iterator[None]:
    """Around a call: refusals get FedEx's code and message, and a 403 is taken for what it is.

    Our token is never past its end, so that FORBIDDEN.ERROR, and the bare page of an edge, mean the throttle.
    """
    try:
        with explained(_error):
            yield
    except Refused as no:
        page = no.body.lstrip()[:1] != b"{"
        if no.status == 403 and (page or no.code == "FORBIDDEN.ERROR"):
            raise Unavailable(f"called too often: {no.detail}", code=no.code, retry_after=BLOCKED) from no
        raise


def agreed(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, unless it holds errors. Raise what they mean."""
    if objects(answer.get("errors"), "errors"):
        raise refusal(*_error(answer), _AGAIN, ())
    return answer


def no_of(result: Fields) -> ContractError | None:
    """What the error of one number inside a batch means, None where it has none."""
    error = optional(result, "error")
    return refusal(text(error, "code"), text(error, "message"), _AGAIN, ()) if error else None


def is_not_found(no: ContractError) -> bool:
    """Whether a no says that there is nothing of this number (yet). NOT.FOUND.ERROR is a wrong path."""
    return no.code.endswith("NOTFOUND")


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    first = next(iter(listed(answer, "errors")), {})
    return text(first, "code"), text(first, "message")
