"""The sheet's table (e), what deliverCode and attemptDeliveryCode make of an event, and which event one takes back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table
from gateway.contract.reading import Fields, required, says, text
from gateway.domain import Reason, Status


def _codes(words: str) -> str:
    """The words with every span ("356-399") written out."""
    spans = (word.partition("-") for word in words.split())
    return " ".join(
        " ".join(str(code) for code in range(int(first), int(last) + 1)) if dash else first
        for first, dash, last in spans
    )


#: A reversal -> what it takes back. Of the other reversals the sheet does not say what: they move nothing.
REVERSALS: Mapping[str, str] = {
    "742": "702",
    "743": "704",
    "744": "705",
    **{f"{code}D": code for code in ("EDA", "EDB", "EDC", "EME", "EXA", "EXB", "EXC", "EXD")},
}
_IN_TRANSIT = _codes(
    "208 303 305 336 345 356-399 404 423 457-461 465 481 485 488-490 494-500 505 506 516 520 521 533 538 713 893"
    " 911-913 916 931-950 954 991 V_398 V_954 EDA EXD"
)
#: 10, 20 and 50 are of the legacy traces.
STATUSES = table(
    ("764", Status.PRE_TRANSIT),
    ("203 464 10", Status.PICKED_UP),
    (_IN_TRANSIT, Status.IN_TRANSIT),
    ("20 749", Status.IN_TRANSIT),  # 749: a courier took it out of the locker
    ("456 468 469 487 562 563 EDC EXC", Status.IN_TRANSIT),  # released by customs
    ("756 802 803", Status.IN_TRANSIT),  # another address
    ("466 467 486 565 EDB EXA", Status.CUSTOMS),
    ("470 493 564 EME EXB", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("702 50", Status.OUT_FOR_DELIVERY),
    ("747 491 723", Status.AVAILABLE_FOR_PICKUP),
    ("705 462 542", Status.ATTEMPT_FAILED),  # by attemptDeliveryCode
    ("704", Status.DELIVERED),  # by deliverCode
    ("748 463", Status.DELIVERED),
    ("312 405 482 708 741 750 447 326 013 993", Status.RETURNING),
    ("711", Status.RETURNED),
    ("987 988", Status.EXCEPTION, Reason.LOST),
    ("534 553 651 751", Status.EXCEPTION, Reason.OTHER),
    ("801", Status.CANCELLED),
    ("207 212 304 424 448 472 474 483 492", Status.INFO),  # reversals
    (" ".join(REVERSALS), Status.INFO),
)
_DELIVERED = table(
    (_codes("10 20 60 70 90 100 150 160-169 181 ZDY"), Status.DELIVERED),
    ("30 50 80 120", Status.AVAILABLE_FOR_PICKUP),  # by text: taken out
    ("180", Status.EXCEPTION, Reason.LOST),  # signed for by the claims office
)
_ATTEMPTED = table(
    ("1 2 3 5", Status.ATTEMPT_FAILED, Reason.ADDRESS_PROBLEM),
    ("4", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ("6", Status.ATTEMPT_FAILED),
    ("7", Status.EXCEPTION, Reason.REFUSED),
    ("8 9", Status.AVAILABLE_FOR_PICKUP),
    ("10 15", Status.RETURNING),
    ("11 12", Status.IN_TRANSIT),
    ("13", Status.EXCEPTION, Reason.LOST),
    ("14", Status.EXCEPTION, Reason.PAYMENT_DUE),
    ("16", Status.EXCEPTION, Reason.OTHER),
)
#: opCode -> the field that says more, and its values.
_FINER = {"704": ("deliverCode", _DELIVERED)} | dict.fromkeys(
    ("705", "462", "542"), ("attemptDeliveryCode", _ATTEMPTED)
)
#: The sheet has this family, not its members.
_FOREIGN = re.compile(r"O_[0-9A-Z]+(_[0-9A-Z]+)*")


def is_foreign(code: str) -> bool:
    """Whether an opCode is one of the sheet's O_*."""
    return bool(_FOREIGN.fullmatch(code))


def refined(event: Fields) -> tuple[str, Meaning | None, bool]:
    """The code of an event, what another field or the text makes of it, and whether it was the text.

    The code stays the opCode, by which reversals find it; a value in no table is part of the code: "704/999".
    """
    code = required(event, "opCode")
    field, values = _FINER.get(code, ("", {}))
    kind = text(event, field) if field else ""
    if not kind:
        return code, None, False
    if kind not in values:
        return f"{code}/{kind}", None, False
    if values[kind].status is Status.AVAILABLE_FOR_PICKUP and code == "704" and _is_taken_out(text(event, "opDesc")):
        return code, Meaning(Status.DELIVERED), True
    return code, values[kind], False


def _is_taken_out(said: str) -> bool:
    return says(said, "取走|本人签收", "[未待请可非]|及时|尽快")
