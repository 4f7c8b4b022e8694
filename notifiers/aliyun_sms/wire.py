"""What the provider's codes mean, inside a 200 and in the body of a 4xx."""

from __future__ import annotations

import re

from gateway.contract.errors import BadPayload, ContractError, OutcomeUnknown, RecipientInvalid, Refused, Unavailable
from gateway.contract.reading import load_object, required, text

#: Account, signature name or template are wrong: every further call is refused too. Other codes: see `problem`.
CONFIG = frozenset({
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "isv.OUT_OF_SERVICE",
    "isv.AMOUNT_NOT_ENOUGH", "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL", "isv.PRODUCT_UN_SUBSCRIPT",
    "isv.PRODUCT_UNSUBSCRIBE", "isp.RAM_PERMISSION_DENY", "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL",
    "isv.SMS_SIGN_ILLEGAL", "isv.SIGN_STATE_ILLEGAL", "isv.SMS_SIGNATURE_SCENE_ILLEGAL", "isv.EXTEND_CODE_ERROR",
    "isv.DENY_IP_RANGE", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidTimeStamp.Expired",
})  # fmt: skip
#: The windows of a BUSINESS_LIMIT_CONTROL that are worth waiting for, in seconds; a day's (天级) means next channel.
WINDOWS = {"分钟级": 60.0, "小时级": 3600.0}


def problem(code: str, said: str) -> ContractError:
    """What a Code means. An unlisted `isp.*` is their trouble and passes; anything else unlisted is this message's."""
    detail = f"{code}: {re.sub(r'[0-9]{7,}', '*', said)[:200]}"
    if code == "isv.MOBILE_NUMBER_ILLEGAL":
        return RecipientInvalid(detail, code=code)
    if code == "SignatureNonceUsed":  # the gateway has already seen this very request
        return OutcomeUnknown(detail, code=code)
    wait = next((seconds for window, seconds in WINDOWS.items() if window in said), None)
    if code == "isv.BUSINESS_LIMIT_CONTROL" and wait:
        return Unavailable(detail, code=code, retry_after=wait)
    if code.split(".")[0] == "Throttling":
        return Unavailable(detail, code=code, retry_after=5)
    if code not in CONFIG and code.startswith(("isp.", "ServiceUnavailable", "InternalError")):
        return Unavailable(detail, code=code)
    return Refused(detail, code=code, config=code in CONFIG or code.startswith("InvalidAccessKeyId"))


def gateway_problem(refused: Refused) -> ContractError:
    """What a 4xx means: its body has a Code and a Message too."""
    try:
        answer = load_object(refused.body)
        code, said = required(answer, "Code"), text(answer, "Message")
    except BadPayload:
        return refused
    error = problem(code, said)
    if isinstance(error, Refused):
        error.status, error.body, error.config = refused.status, refused.body, error.config or refused.config
    return refused if code == "OK" else error
