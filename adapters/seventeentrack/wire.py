"""17TRACK's codes, its answers item by item, and its two signatures."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.contract.errors import ContractError, refusal
from gateway.contract.reading import Fields, inside, listed, load_object, objects, optional, required, text

NOT_REGISTERED, REGISTERED, NEEDS_PHONE = "-18019902", "-18019901", "-18010020"
#: There is nothing to tell (yet): not known of the number, or not yet registered when it was asked about.
ABSENT = frozenset({"-18019909", NOT_REGISTERED})
_INTERNAL, _QUOTA = "-18010003", frozenset({"-18019907", "-18019908"})
_ACCOUNT = frozenset({"-18010001", "-18010002", "-18010004", "-18010005"})
_WEBHOOK = frozenset(f"-1801020{number}" for number in range(1, 7))

#: The numbers that were refused, each with code and message.
Refusals = dict[str, tuple[str, str]]
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,:]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call said of each number: of some it speaks, others it refuses."""

    accepted: list[dict[str, Any]]
    rejected: Refusals


def answered(answer: Fields, quota_pause: float) -> Answer:
    """Both lists. Raise what a no to the whole call means, BadPayload for no answer at all."""
    code, why = error(answer)
    if code != "0":
        raise meant(code, why, quota_pause)
    data = inside(answer, "data")
    refused = objects(data.get("rejected"), "rejected")
    why_not = {required(item, "number").upper(): _said(inside(item, "error")) for item in refused}
    return Answer(listed(data, "accepted"), why_not)


def error(answer: Fields) -> tuple[str, str]:
    """Code and message of a whole call: the first of its errors, where it has any."""
    errors = objects(optional(answer, "data").get("errors"), "errors")
    return _said(errors[0]) if errors else (required(answer, "code"), text(answer, "message"))


def _said(no: Fields) -> tuple[str, str]:
    return required(no, "code"), text(no, "message")


def meant(code: str, why: str, quota_pause: float) -> ContractError:
    """The error of a code. A used-up quota lasts to its next period, which nobody tells: it is asked for again."""
    again: Mapping[str, float | None] = {_INTERNAL: None, **dict.fromkeys(_QUOTA, quota_pause)}
    return refusal(code, why, again, _ACCOUNT | _WEBHOOK)


def worst(refused: Refusals) -> tuple[str, str]:
    """Of several refusals, the one that says most: about the account, then try again, then about a number."""
    rank = (_ACCOUNT, _QUOTA | {_INTERNAL})
    return min(refused.values(), key=lambda no: next((place for place, codes in enumerate(rank) if no[0] in codes), 2))


def sign_v2(body: bytes, key: str) -> str:
    """In the header: over the raw body."""
    return hashlib.sha256(body + b"/" + key.encode()).hexdigest()


def sign_v1(body: bytes, key: str) -> tuple[str, str]:
    """In the body: what stands there, and what ought to, over event and data as its text stands. Raise BadPayload."""
    said = load_object(body)
    signed = f"{required(said, 'event')}/{_raw(body.decode(), 'data')}/{key}"
    return text(said, "sign"), hashlib.sha256(signed.encode()).hexdigest()


def _raw(body: str, name: str) -> str:
    """The text of a field of a JSON object that has been read before; '' when it has none. Of several, the last."""
    at, found = body.index("{") + 1, ""
    while body[at := _after_gap(body, at)] != "}":
        key, at = _DECODER.raw_decode(body, at)
        at = _after_gap(body, at)
        _, end = _DECODER.raw_decode(body, at)
        found, at = body[at:end] if key == name else found, end
    return found


def _after_gap(body: str, at: int) -> int:
    gap = _BETWEEN.match(body, at)
    return gap.end() if gap else at
