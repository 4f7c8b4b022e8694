"""Forms to YTO, its answers, and ours to its pushes (sheet b, c, d)."""

from __future__ import annotations

from typing import Any

from adapters.yto.settings import Interface, YtoSettings
from gateway.contract.carrier import Outcome, Reply, Verdict
from gateway.contract.errors import BadPayload
from gateway.contract.reading import Fields, as_object, form_bytes, load_fields, load_json, objects, required, text
from gateway.contract.signing import md5_base64
from gateway.contract.worded import worded
from gateway.contract.writing import flat_xml

#: 查询结果为空: an empty history, said as a yes.
_EMPTY = "1001"


def signed(face: Interface, name: str, param: str, stamp: str) -> dict[str, str]:
    """The form of one call. name: of the interface. stamp: milliseconds."""
    method = face.method or name
    sign = md5_base64(param + method + face.v + face.secret.get_secret_value())
    older = {"app_key": face.app_key, "user_id": face.user_id, "method": method, "v": face.v} if face.app_key else {}
    return {**older, "timestamp": stamp, "param": param, "format": "JSON", "sign": sign}


def agreed(answer: Fields, settings: YtoSettings, proof: str = "", *, deed: bool = False) -> Fields:
    """The answer, where its `success` is true, or where it has none but the field `proof`. Raise what its no means."""
    if "success" not in answer and proof and text(answer, proof):
        return answer
    if required(answer, "success").lower() == "true":
        return answer
    raise worded(settings, text(answer, "code"), text(answer, "message") or text(answer, "reason"), deed=deed)


def events(content: bytes, settings: YtoSettings, number: str) -> list[tuple[str, dict[str, Any]]]:
    """(number, event) of a trace answer: a bare list, or an object whose map is empty. Raise what its no means."""
    answer = load_json(content)
    if isinstance(answer, list):
        return [(number, event) for event in objects(answer, "body")]
    said = agreed(as_object(answer, "body"), settings)
    if "map" not in said and text(said, "code") != _EMPTY:
        raise BadPayload("map: is missing")
    found = as_object(said.get("map") or {}, "map")
    return [(name, event) for name, rows in found.items() for event in objects(rows, f"map.{name}")]


def reply(outcome: Outcome) -> Reply:
    """Yes or no in the language of the push; `success` false brings it again."""
    content, yes = form_bytes(outcome.push.body, "logistics_interface"), outcome.verdict is Verdict.ACCEPTED
    answer = {"logisticProviderID": "YTO", "txLogisticID": _order_id(content)}
    answer |= {"success": "true" if yes else "false", "reason": "" if yes else outcome.verdict.value}
    if content.lstrip()[:1] != b"<":
        return Reply.json(answer)
    return Reply(body=flat_xml("Response", answer), content_type="text/xml; charset=utf-8")


def _order_id(content: bytes) -> str:
    try:
        return text(load_fields(content), "txLogisticID")
    except BadPayload:
        return ""
