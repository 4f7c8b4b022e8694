"""Answers of EMS: yes and no inside HTTP 200, and the body in one of several forms (sheet c)."""

from __future__ import annotations

from typing import Any

from adapters.ems.envelope import PREFIX, decrypted
from adapters.ems.settings import EmsSettings
from gateway.contract.carrier import Outcome, Push, Reply, Verdict
from gateway.contract.errors import BadPayload
from gateway.contract.reading import Fields, form, load_json, load_object, required, text
from gateway.contract.worded import worded

_YES = "00000"


def agreed(answer: Fields, settings: EmsSettings, *, deed: bool) -> Fields:
    """The answer, where its code is that of a yes. Raise what its no means."""
    code = text(answer, "retCode") or required(answer, "code")
    if code == _YES:
        return answer
    raise worded(settings, code, text(answer, "retMsg") or text(answer, "codeMessage"), deed=deed)


def body(answer: Fields, key: str) -> Any:
    """What retBody (responseItems) holds: JSON, JSON as a text, or an envelope; None where it is empty."""
    field = "retBody" if "retBody" in answer else "responseItems"
    if field not in answer:
        raise BadPayload("retBody: is missing")
    held = answer[field]
    if isinstance(held, str):
        held = decrypted(held.strip(), key).removesuffix(key) if held.strip().startswith(PREFIX) else held
        held = load_json(held) if held.strip() else None
    return held["responseItems"] if isinstance(held, dict) and "responseItems" in held else held


def pushed(push: Push) -> Fields:
    """The fields of a push, which comes as JSON or as a form. Raise BadPayload."""
    return load_object(push.body) if push.body.lstrip()[:1] == b"{" else form(push.body)


def reply(outcome: Outcome, sender_no: str) -> Reply:
    """Any code but 00000 brings the push again."""
    try:
        serial = text(pushed(outcome.push), "serialNo")
    except BadPayload:
        serial = ""
    yes = outcome.verdict is Verdict.ACCEPTED
    said = {"code": _YES, "codeMessage": ""} if yes else {"code": "S00001", "codeMessage": outcome.verdict.value}
    return Reply.json({"serialNo": serial, **said, "senderNo": sender_no})
