"""What the events of a callback say of our messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from gateway.contract.reading import SHANGHAI, epoch_time
from gateway.domain import MessageState, Receipt
from notifiers.wechat_official_account.envelopes import leaf


def receipts(event: Element) -> list[Receipt]:
    """None for what is not about our messages."""
    read = EVENTS.get(leaf(event, "Event").lower())
    return read(event) if read else []


def _receipt(event: Element, **said: Any) -> Receipt:
    created = leaf(event, "CreateTime")
    at = epoch_time(created, SHANGHAI, "CreateTime", unit=1) if created else None
    return Receipt(address=leaf(event, "FromUserName") or None, at=at, **said)


def _finished(event: Element) -> list[Receipt]:
    """TEMPLATESENDJOBFINISH. MsgID is the msgid of the send; some events have been seen with 0, which is none."""
    status, number = "".join(leaf(event, "Status").split()).lower(), leaf(event, "MsgID")
    state = MessageState.DELIVERED if status == "success" else MessageState.FAILED
    provider_id = number if number not in {"", "0"} else None
    blocked = status == "failed:userblock"
    return [_receipt(event, provider_id=provider_id, state=state, code=status, opted_out=blocked)]


def _notice_sent(event: Element) -> list[Receipt]:
    """subscribe_msg_sent_event: one entry per subscription notice."""
    found = []
    for entry in event.iter("List"):
        code = leaf(entry, "ErrorCode")
        state = MessageState.DELIVERED if code == "0" else MessageState.FAILED
        said = {"provider_id": leaf(entry, "MsgID") or None, "detail": leaf(entry, "ErrorStatus")}
        # 43101 is about one template's consent, not about the person
        found.append(_receipt(event, state=state, code=code, opted_out=code in {"43004", "43019"}, **said))
    return found


def _consent(event: Element) -> list[Receipt]:
    """subscribe_msg_popup_event and _change_event speak of one template each, which is named; not of the person."""
    return [
        _receipt(event, code=leaf(entry, "SubscribeStatusString"), detail=leaf(entry, "TemplateId"))
        for entry in event.iter("List")
    ]


#: What the events of the sheet say. Anything else a person does in the account is not about our messages.
EVENTS: dict[str, Callable[[Element], list[Receipt]]] = {
    "templatesendjobfinish": _finished,
    "subscribe_msg_sent_event": _notice_sent,
    "subscribe_msg_popup_event": _consent,
    "subscribe_msg_change_event": _consent,
    "subscribe": lambda event: [_receipt(event, code="subscribe", opted_in=True)],
    "unsubscribe": lambda event: [_receipt(event, code="unsubscribe", opted_out=True)],
}
