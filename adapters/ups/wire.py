"""What UPS's no says, whatever its HTTP status: a code and a message in the first of `errors`."""

from __future__ import annotations

import re
from typing import Any

from adapters.ups.activities import some
from gateway.contract.errors import Refused
from gateway.contract.reading import inside, optional, required, text
from gateway.contract.signing import compact

#: Errors that a person mends in the settings; 401 and 403 are such by their status.
CONFIG = frozenset(f"VSS{number:03}" for number in (2, 3, 4, 6, 300, 310, 400, 500, 600, 610, 700, 800, 930))
#: Answers of the label recovery, seen in production by a public client.
NO_LABEL, VOIDED = "9801031", "9801040"


def agreed(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer. Raise Refused for errors inside a 200."""
    if optional(answer, "response").get("errors"):
        raise Refused("HTTP 200", status=200, body=compact(answer).encode()[:65536])
    return answer


def error(answer: dict[str, Any]) -> tuple[str, str]:
    """The code and message of a refusal. Raise BadPayload where it has none."""
    said = inside(answer, "response") if "response" in answer else answer
    first = some(said, "errors")[0]
    return text(first, "code") or text(first, "errorCode"), text(first, "message")


def voided(answer: dict[str, Any]) -> None:
    """Raise Refused unless a shipment was voided."""
    status = inside(answer, "VoidShipmentResponse", "SummaryResult", "Status")
    if required(status, "Code") != "1":
        raise Refused(text(status, "Description"), code=text(status, "Code"), status=200)


def is_voided(no: Refused) -> bool:
    """Whether a no says that it was voided before."""
    return bool(re.search("already (been )?void", no.detail, re.IGNORECASE))
