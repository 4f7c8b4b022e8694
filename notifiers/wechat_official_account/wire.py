"""What an errcode means."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.contract.errors import ContractError, RecipientInvalid, RecipientOptedOut, Refused, Unavailable
from gateway.contract.reading import SHANGHAI

TOKEN_REFUSED = frozenset({"40001", "40014", "42001", "41001"})  #: drop the token, try once more
DUPLICATE = "40241"  #: the same client_msg_id to the same person a moment ago: it has been sent
#: Appid, secret, address list, permission or template: every further call is refused too.
CONFIG = TOKEN_REFUSED | {
    "40013", "40125", "40243", "40164", "89503", "50004", "50007", "48001", "48004", "61024", "40037", "41030", "43116",
}  # fmt: skip
INVALID = frozenset({"40003", "50002", "50005"})
OPTED_OUT = frozenset({"43004", "43019", "43101", "45015"})
#: Seconds to wait; 45009 lasts until midnight. 43117 (too often to this person) is not here: next channel.
WAIT = {"45011": 60.0, "45047": 60.0}


def problem(code: str, said: str, now: datetime) -> ContractError:
    """What an errcode means; an unlisted one is this message's fault. errmsg ends with the rid support asks for."""
    detail = f"{code}: {said[:200]}"
    if code in INVALID:
        return RecipientInvalid(detail, code=code)
    if code in OPTED_OUT:
        return RecipientOptedOut(detail, code=code)
    if code == "-1" or code in WAIT:
        return Unavailable(detail, code=code, retry_after=WAIT.get(code))
    if code == "45009":
        local = now.astimezone(SHANGHAI)
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Unavailable(detail, code=code, retry_after=(midnight - local).total_seconds())
    return Refused(detail, code=code, config=code in CONFIG)
