"""Answers of USPS: what its codes mean (sheet c), inside a refusal or inside one item of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.contract.errors import ContractError, refusal
from gateway.contract.reading import Fields, inside, load_json, objects, optional, text

#: No status yet, or the number may be wrong: not found (yet).
_NOT_FOUND = frozenset({"150001", "150002", "150003", "150009"})
_AGAIN: Mapping[str, float | None] = {"429": None, "500": None, "503": None}


def error(answer: dict[str, Any]) -> tuple[str, str]:
    """Code and message: those of the first of `errors`, which are finer than the one of the whole."""
    whole = inside(answer, "error")
    first = next(iter(objects(whole.get("errors"), "errors")), {})
    said = text(first, "detail") or text(first, "title") or text(whole, "message")
    return text(first, "code") or text(whole, "code"), said


def no_of(item: Fields) -> ContractError | None:
    """What the error of one item of a batch means, None where it has none."""
    if not item.get("error") and not item.get("errors"):
        return None
    whole = optional(item, "error") or {"errors": item["errors"]}
    return refusal(*error({"error": whole}), _AGAIN, ())


def items(raw: bytes) -> list[dict[str, Any]]:
    """The array of a batch. Raise what an error of the whole means, and BadPayload."""
    answer = load_json(raw)
    if isinstance(answer, dict) and (no := no_of(answer)) is not None:
        raise no
    return objects([] if answer is None else answer, "body")


def is_not_found(no: ContractError) -> bool:
    """Whether a no says that there is nothing of this number (yet)."""
    return no.code in _NOT_FOUND
