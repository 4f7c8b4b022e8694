"""The requests that are sent, as raw bytes in latin-1 text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from gateway.contract.signing import compact, md5_base64

#: The ZTO account of the gateway under test; made up.
APP_KEY, APP_SECRET = "benchAppKey", "benchSecret0001"


def read(path: str, headers: Mapping[str, str]) -> str:
    """A GET."""
    return _head(f"GET {path}", headers)


def pushes(path: str, count: int) -> list[str]:
    """Signed ZTO trace pushes, each of another parcel (carriers/zto.md: a form with data and data_digest)."""
    return [_post(path, _signed(number)) for number in range(count)]


def _signed(number: int) -> str:
    event = {
        "billCode": f"{73_100_000_000_000 + number}",
        "actionTime": f"2026-03-05 07:{number // 60 % 60:02}:{number % 60:02}",
        "city": "郑州市",
        "action": "ARRIVAL",
        "facilityCode": "37131",
        "facilityName": "郑州高新区",
        "desc": "【郑州市】快件已到达【郑州高新区】，扫描员：张三，联系电话：0371-00000000",
    }
    data = compact(event)
    digest = md5_base64(data + APP_SECRET)
    return urlencode({"msg_type": "Traces", "company_id": APP_KEY, "data_digest": digest, "data": data})


def _post(path: str, body: str) -> str:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "Content-Length": str(len(body))}
    return _head(f"POST {path}", {**headers, "User-Agent": "Apache-HttpClient/4.5"}) + body


def _head(start: str, headers: Mapping[str, str]) -> str:
    lines: Iterable[str] = (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join([f"{start} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""])
