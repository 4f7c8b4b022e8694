"""Signatures, and the yes and no of the three products' answers."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import httpx

from adapters.kuaidi100.settings import Kuaidi100Settings
from gateway.contract.errors import refusal
from gateway.contract.reading import Fields, listed, load_json, required, text
from gateway.contract.secret import hiding
from gateway.contract.signing import md5_hex

#: Codes to try again, and after how many seconds; those that tell of our signature, key or balance.
QUERY_AGAIN, DEED_AGAIN = {"501": None, "502": 60.0}, {"500": None}
_CONFIG = frozenset({"503", "600", "601"})
#: autonumber wants the account's key in the address, and httpx writes the address of every request.
without_key = hiding(re.compile(r"(?<=autonumber/auto\?)\S*"))


def signed(*parts: str) -> str:
    """UPPER md5hex of the parts in a row: param+key+customer, param+t+key+secret, param+salt."""
    return md5_hex("".join(parts)).upper()


def at(settings: Kuaidi100Settings, host: str, path: str) -> str:
    """The address of a product: on a sibling of poll.kuaidi100.com, or on the one host that the row names."""
    return settings.base_url.replace("://poll.kuaidi100.", f"://{host}.kuaidi100.", 1).rstrip("/") + path


def code(answer: Fields) -> str:
    """returnCode of an error, status of a query, code of the label product; "" when the answer contradicts itself."""
    found = text(answer, "returnCode") or text(answer, "code") or text(answer, "status")
    return "" if found == "200" and "false" in {text(answer, "result"), text(answer, "success")} else found


def agreed(answer: Fields, yes: Collection[str], again: dict[str, Any]) -> None:
    """Raise what a no means: whatever code is not in `yes`."""
    if (found := code(answer)) not in yes:
        raise refusal(found, text(answer, "message"), again, _CONFIG)


def cancelled(answer: Fields) -> None:
    """500 also answers for what is cancelled already (yes) and, by its text, for what was handed over (no)."""
    message = text(answer, "message")
    late = re.search("已揽收|已取件|已收件", message)
    if late or not (code(answer) == "500" and "已取消" in message):
        agreed(answer, {"200"}, {} if late else DEED_AGAIN)


def companies(answer: httpx.Response) -> list[str]:
    """The company codes of autonumber: a list, or an error object instead. Raise what that means, or BadPayload."""
    said = load_json(answer.content)
    if isinstance(said, dict) and code(said) not in {"", "200"}:
        agreed(said, (), QUERY_AGAIN)
    return list(dict.fromkeys(required(one, "comCode") for one in listed({"list": said}, "list")))
