"""Sheet (e): `statusCategory` says where an item is, texts say it finer, and older events have their text alone.

The return words come before DELIVERED. Texts are read without what they wish, advise and forecast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import told
from gateway.contract.phrases import TABLES, plain, read_text
from gateway.domain import Reason, Status

STATUSES: Mapping[str, Meaning] = {
    "IN TRANSIT": Meaning(Status.IN_TRANSIT),
    "OUT FOR DELIVERY": Meaning(Status.OUT_FOR_DELIVERY),
    "READY FOR COLLECTION": Meaning(Status.AVAILABLE_FOR_PICKUP),
    "ATTEMPTED DELIVERY": Meaning(Status.ATTEMPT_FAILED),
    "DELIVERED": Meaning(Status.DELIVERED),
}
_UNKNOWN, _DELIVERED = Meaning(Status.UNKNOWN), Meaning(Status.DELIVERED)
_TO_SENDER = r"\bto (?:the )?sender\b"
_TEXTS = {
    r"\breturn(?:ed|ing)? to (?:the )?sender|being returned": Meaning(Status.RETURNING),
    r"(?:fee|charge) to pay": Meaning(Status.EXCEPTION, Reason.PAYMENT_DUE),
    "held by customs": Meaning(Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "customs": Meaning(Status.CUSTOMS),
    r"\brefused": Meaning(Status.EXCEPTION, Reason.REFUSED),
    r"\bdamaged": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    r"address (?:is )?(?:inaccessible|incomplete)|gone away": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    r"not (?:called for|collected)": Meaning(Status.EXCEPTION, Reason.UNCLAIMED),
    "no answer": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    "attempted to deliver|attempted delivery|delivery attempted|card left": Meaning(Status.ATTEMPT_FAILED),
    "ready to collect|awaiting collection at": Meaning(Status.AVAILABLE_FOR_PICKUP),
    "due to be delivered today|out for delivery": Meaning(Status.OUT_FOR_DELIVERY),
    "sender (?:preparing|d[ei]spatching)|we expect to receive": Meaning(Status.PRE_TRANSIT),
    r"accepted at|(?<!be )collected(?! by (?:the )?(?:recipient|customer|addressee))": Meaning(Status.PICKED_UP),
    "redirected|mis-?sort": Meaning(Status.IN_TRANSIT),
}
#: What a text may say of an item whose category is finer than IN TRANSIT.
_AGAINST = frozenset({Status.RETURNING, Status.EXCEPTION})


@lru_cache(1024)  # texts repeat
def read(category: str, said: str) -> Meaning:
    """What category and text make together; UNKNOWN where neither is listed."""
    facts = TABLES["en"].told(plain(said)).casefold()
    known, text = STATUSES.get(category.upper()), told(_TEXTS, facts)
    if known == _DELIVERED:
        return Meaning(Status.RETURNED) if re.search(_TO_SENDER, facts) else _end(text)
    coarse = known is None or known.status is Status.IN_TRANSIT
    if text is not None and (coarse or text.status in _AGAINST or (known and text.status is known.status)):
        return text
    return known or _UNKNOWN


def _end(text: Meaning | None) -> Meaning:
    """What a text makes of DELIVERED: a way back and a counter are not the recipient."""
    return text if text and text.status in {Status.RETURNING, Status.AVAILABLE_FOR_PICKUP} else _DELIVERED


def is_delivery(said: str) -> bool:
    """Whether the text of an event says that the recipient has it."""
    return read_text(said, ("en",)) == _DELIVERED
