"""Phone numbers: E.164, and the provider's form without the plus."""

from __future__ import annotations

import re

from gateway.contract.errors import RecipientInvalid


def provider_number(address: str) -> str:
    """E.164 to the provider's form: mainland numbers bare, others as country code and number without the plus."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", address):
        raise RecipientInvalid("the address is not a phone number in E.164 form")
    return address.removeprefix("+86") if address.startswith("+86") else address[1:]


def our_number(number: str) -> str | None:
    """The provider's form to E.164. Eleven digits from 13 to 19 are a mainland number, as the provider reads them."""
    digits = number.removeprefix("+").removeprefix("00")
    if re.fullmatch(r"1[3-9][0-9]{9}", digits):
        return f"+86{digits}"
    return f"+{digits}" if re.fullmatch(r"[1-9][0-9]{6,14}", digits) else None
