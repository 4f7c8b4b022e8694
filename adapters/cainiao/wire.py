"""Yes and no of the LINK gateway, inside HTTP 200, and ours to its pushes (sheet c, d)."""

from __future__ import annotations

from adapters.cainiao.settings import CainiaoSettings
from gateway.contract.carrier import Outcome, Reply, Verdict
from gateway.contract.errors import OutcomeUnknown, Refused, Unavailable
from gateway.contract.reading import Fields, form_bytes, required, text
from gateway.contract.worded import worded
from gateway.contract.writing import flat_xml

#: What a push that was not kept is answered: a wrong digest, and our own trouble.
_NO = {Verdict.FORGED: "S02", Verdict.BUSY: "S07"}


def agreed(answer: Fields, settings: CainiaoSettings, *, deed: bool) -> Fields:
    """The answer, where its success is true. Raise what its no means."""
    if required(answer, "success").lower() == "true":
        return answer
    code, said = text(answer, "errorCode"), text(answer, "errorMsg") or "no reason given"
    if code in settings.config_codes:
        raise Refused(said, code=code, config=True)
    if code in settings.system_codes:  # a failure of the system: of a deed nobody knows whether it was done
        raise OutcomeUnknown(said, code=code) if deed else Unavailable(said, code=code)
    raise worded(settings, code, said, deed=deed)


def agreed_void(answer: Fields) -> None:
    """Raise Refused where a waybill was not voided: the call may be a yes and its result none (unverified)."""
    if text(answer, "discardResult", "true").lower() != "true":
        raise Refused(text(answer, "errorMsg") or "discardResult: not voided", code=text(answer, "errorCode"))


def reply(outcome: Outcome) -> Reply:
    """Yes or no in the language of the push; `success` false brings it again."""
    code = _NO.get(outcome.verdict, "")
    answer = {"success": "false" if code else "true", "errorCode": code, "errorMsg": outcome.verdict if code else ""}
    if form_bytes(outcome.push.body, "logistics_interface").lstrip()[:1] != b"<":
        return Reply.json(answer)
    return Reply(body=flat_xml("response", answer), content_type="text/xml; charset=utf-8")
