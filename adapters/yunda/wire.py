"""Yes and no in Yunda's answers, both inside HTTP 200 and once more inside `data`; and its pushes (sheet c, d)."""

from __future__ import annotations

from typing import Any

from adapters.yunda.settings import YundaSettings
from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import Fields, as_object, listed, load_object, objects, required, text
from gateway.contract.worded import is_nothing, worded

_YES = frozenset({"0000", ""})


def agreed(answer: Fields, settings: YundaSettings, *, deed: bool) -> Fields:
    """The answer, where its result is true and its code that of a yes. Raise what its no means."""
    code = text(answer, "code")
    if required(answer, "result").lower() == "true" and code in _YES:
        return answer
    raise worded(settings, code, text(answer, "message"), deed=deed)


def agreed_about(answer: Fields, settings: YundaSettings, key: str) -> Fields:
    """What is said of one order (of the only one, without a key), where its status is 1. Raise what its no means."""
    rows = listed(answer, "data")
    row = next((row for row in rows if not key or text(row, "order_serial_no", key) == key), None)
    if row is None:
        raise BadPayload(f"data: says nothing of order {key}")
    if required(row, "status") != "1":
        raise worded(settings, text(row, "status"), text(row, "msg"), deed=True)
    return row


def steps(data: Fields) -> list[dict[str, Any]]:
    """The steps of a parcel; none of one that is not known, or not subscribed. Raise BadPayload."""
    if "steps" not in data and text(data, "result").lower() != "false":
        raise BadPayload("steps: is missing")
    return objects(data.get("steps"), "steps")


def is_unsubscribed(data: Fields, settings: YundaSettings) -> bool:
    """Whether there are no steps because nobody subscribed."""
    return any(word in text(data, "remark") for word in settings.unsubscribed_words)


def absent(no: Refused, settings: YundaSettings) -> dict[str, str]:
    """The `data` of a parcel without steps, where a no says that it has none. Raise the no."""
    data = {"result": "false", "remark": no.detail}
    if not no.config and (is_nothing(settings, no) or is_unsubscribed(data, settings)):
        return data
    raise no


def event(body: bytes) -> dict[str, Any]:
    """The event of a push: the body, or an object or a text in its `data`. Raise BadPayload."""
    said = load_object(body)
    held = said.get("data", said)
    return load_object(held) if isinstance(held, str) else as_object(held, "data")
