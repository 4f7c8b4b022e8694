"""A carrier that answers at once: a stand-in in a process of its own, in the documented wire formats of 中通 and 顺丰.

Started as `python -m tests.bench.instant <core>`; prints its port and stays until its stdin is closed. Every known
number has the same history, of as many scans as the last `POST /turn` said: each turn brings each parcel one new scan.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from subprocess import PIPE, Popen
from urllib.parse import parse_qs

import uvloop

_HEAD_END = b"\r\n\r\n"
_START = datetime(2026, 3, 5, 7, 46)  # noqa: DTZ001 - local time of the carrier, as it is written on the wire


class Book:
    """What the carrier knows. scans: of every parcel by now."""

    def __init__(self) -> None:
        self.scans = 3

    def zto(self, body: bytes) -> bytes:
        """zto.merchant.waybill.track.query: one number."""
        number = json.loads(body)["billCode"]
        rows = [self._zto_scan(number, place) for place in range(self.scans)]
        return _json({"status": True, "statusCode": "200", "message": "", "result": rows})

    def _zto_scan(self, number: str, place: int) -> dict[str, object]:
        return {
            "billCode": number,
            "scanType": "收件" if place == 0 else "到件",
            "scanDate": _time(place),
            "desc": f"【郑州市】快件已到达【郑州高新区】第{place}站，扫描员：张三，联系电话：0371-00000000",
            "scanSite": {"code": "37131", "name": "郑州高新区", "city": "郑州市", "prov": "河南省"},
        }

    def zto_subscribed(self, body: bytes) -> bytes:
        """zto.merchant.waybill.track.subsrcibe, spelt so by the vendor."""
        return _json({"status": True, "statusCode": "200", "message": "", "result": None})

    def sf(self, body: bytes) -> bytes:
        """EXP_RECE_SEARCH_ROUTES: up to ten numbers."""
        asked = json.loads(parse_qs(body.decode())["msgData"][0])["trackingNumber"]
        routes = [{"mailNo": number, "routes": self._sf_routes(number)} for number in asked]
        told = {"success": True, "errorCode": "S0000", "errorMsg": None, "msgData": {"routeResps": routes}}
        answer = {"apiResultCode": "A1000", "apiErrorMsg": "", "apiResponseID": "0", "apiResultData": _text(told)}
        return _json(answer)

    def _sf_routes(self, number: str) -> list[dict[str, str]]:
        return [
            {
                "acceptTime": _time(place),
                "acceptAddress": "郑州市",
                "remark": f"快件到达【郑州高新区集散点】第{place}站",
                "opCode": "50" if place == 0 else "31",
            }
            for place in range(self.scans)
        ]

    def turn(self, body: bytes) -> bytes:
        self.scans = int(body)
        return b"{}"


def _time(place: int) -> str:
    return f"{_START + timedelta(hours=place):%Y-%m-%d %H:%M:%S}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(value: object) -> bytes:
    return _text(value).encode()


class Line(asyncio.Protocol):
    """A keep-alive connection: requests with a Content-Length, one at a time."""

    def __init__(self, doors: Mapping[bytes, Callable[[bytes], bytes]]) -> None:
        self._doors = doors
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, rest = self._held.partition(_HEAD_END)
        length = _length(head)
        if not end or len(rest) < length:
            return
        self._held = rest[length:]
        body = self._doors[head.split(b" ", 2)[1]](rest[:length])
        start = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(start.encode() + body)  # type: ignore[attr-defined]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve() -> None:
    book = Book()
    zto = {
        b"/zto.merchant.waybill.track.query": book.zto,
        b"/zto.merchant.waybill.track.subsrcibe": book.zto_subscribed,
    }
    doors = {**zto, b"/std/service": book.sf, b"/turn": book.turn}
    server = await asyncio.get_running_loop().create_server(lambda: Line(doors), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by whoever started us
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextmanager
def standing_in(core: int) -> Iterator[str]:
    """The stand-in on this core, until the block ends: its address."""
    with Popen([sys.executable, "-m", "tests.bench.instant", str(core)], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin and process.stdout
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the stand-in ended with {process.wait()}")
        try:
            yield f"http://127.0.0.1:{int(said)}"
        finally:
            process.stdin.close()


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[1])})
    uvloop.run(serve())


if __name__ == "__main__":
    main()
