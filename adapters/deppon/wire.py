"""Where Deppon is asked what, and its answers: yes and no, both inside HTTP 200, and what they hold (sheet b, c)."""

from __future__ import annotations

from typing import Any

from adapters.deppon.settings import DepponSettings
from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import Fields, as_object, load_object, objects, required, text
from gateway.contract.worded import is_again, worded

_YES = "1000"
#: Of every answer, and again of subscriptions, where the codes have another name.
_FLAGS = ("result", "success")
_ORDERS, _SUBSCRIBE = frozenset({"createOrderNotify", "cancelOrder"}), "standTraceSubscribe"
_NO_PERMISSION, _REPEATED = "3002", "2006"


def address(settings: DepponSettings, operation: str) -> str:
    """The sandbox has one folder for all; in production orders have a host of their own."""
    if settings.sandbox:
        return f"/standard-order/{operation}.action"
    if operation in _ORDERS:
        return f"{settings.order_base_url}/dop-interface-async/standard-order/{operation}.action"
    if operation == _SUBSCRIBE:
        return settings.subscribe_path
    return f"/dop-interface-sync/standard-query/{operation}.action"


def agreed(answer: Fields, settings: DepponSettings, *, deed: bool) -> Fields:
    """The answer, where its code is that of a yes and nothing says false. Raise what its no means."""
    code = text(answer, "resultCode") or required(answer, "error_code")
    if code == _YES and not any(text(answer, flag).lower() == "false" for flag in _FLAGS):
        return answer
    said = text(answer, "reason") or text(answer, "error_message") or text(answer, "error_msg")
    if code == _NO_PERMISSION:
        raise Refused(said or "no permission for this interface", code=code, config=True)
    raise worded(settings, code, said, deed=deed)


def is_repeated(no: Refused, settings: DepponSettings) -> bool:
    """Whether a no says that there is such an order, or such a subscription, already."""
    return not no.config and (no.code == _REPEATED or is_again(settings, no))


def held(answer: Fields) -> dict[str, Any]:
    """responseParam, an object or the text of one; empty where it is null or an empty text. Raise BadPayload."""
    if "responseParam" not in answer:
        raise BadPayload("responseParam: is missing")
    param = answer["responseParam"]
    if isinstance(param, str):
        return load_object(param) if param.strip() else {}
    return as_object(param if param is not None else {}, "responseParam")


def traces(answer: Fields) -> list[dict[str, Any]]:
    """The traces of a query, under either of their names; none where nothing is held. Raise BadPayload."""
    param = held(answer)
    field = "trace_list" if "trace_list" in param else "traceList"
    if param and field not in param:
        raise BadPayload("trace_list: is missing")
    return objects(param.get(field), field)
