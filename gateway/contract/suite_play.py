"""Playing a sample: the plugin on one side, the exchanges the sample lists on the other."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from pydantic import TypeAdapter

from gateway.contract.carrier import CarrierAdapter, Push
from gateway.contract.client import contract_client
from gateway.contract.suite_samples import Sample, Subject, compact
from gateway.domain import LegRef, Message, Parcel, Scan

#: The deeds of both contracts and the arguments they take.
DEEDS: dict[str, tuple[str, ...]] = {
    "subscribe": ("leg",),
    "book": ("parcel", "key"),
    "find_booking": ("key",),
    "cancel": ("leg",),
    "intercept": ("leg",),
    "detect": ("number",),
    "send": ("message", "address"),
    "find": ("message", "address"),
}

_ARGUMENTS: dict[str, Any] = {"leg": LegRef, "parcel": Parcel, "message": Message}

#: What to answer instead of what the sample says, from one exchange on: (request, exchange) -> response.
Answer = Callable[[httpx.Request, dict[str, Any]], httpx.Response]


@dataclass(slots=True)
class Script:
    """The provider's side of a sample, as a handler for `httpx.MockTransport`.

    An exchange is used once; of several that match, the one whose text fits the request. From the exchange `bent_from`
    on, `bend` answers instead, and to repetitions as well.
    """

    exchanges: list[dict[str, Any]]
    bent_from: int = 1_000_000
    bend: Answer | None = None
    complaints: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        number = self._match(request)
        if number is None:
            return self._unscripted(request)
        self.used.add(number)
        exchange = self.exchanges[number]
        self.complaints += _missing_text(request, exchange["request"])
        if self.bend is not None and number >= self.bent_from:
            self.bent_from = -1
            return self.bend(request, exchange)
        return answer(request, exchange)

    def _match(self, request: httpx.Request) -> int | None:
        fitting = [
            number
            for number, exchange in enumerate(self.exchanges)
            if number not in self.used and _same_address(request, exchange["request"])
        ]
        best = [number for number in fitting if not _missing_text(request, self.exchanges[number]["request"])]
        return next(iter(best or fitting), None)

    def _unscripted(self, request: httpx.Request) -> httpx.Response:
        if self.bend is not None and self.bent_from < 0 and self.exchanges:
            return self.bend(request, self.exchanges[-1])
        self.complaints.append(f"{request.method} {request.url.raw_path.decode()} is in none of its exchanges")
        return httpx.Response(404, request=request)

    def unused(self) -> list[str]:
        left = [exchange for number, exchange in enumerate(self.exchanges) if number not in self.used]
        return [f"{item['request']['method']} {item['request']['path']} was never asked" for item in left]


def _same_address(request: httpx.Request, described: dict[str, Any]) -> bool:
    path = described["path"]
    asked = request.url.raw_path.decode() if "?" in path else request.url.path
    query = dict(request.url.params)
    wanted = described.get("query", {})
    return bool(request.method == described["method"] and asked == path and wanted.items() <= query.items())


def _missing_text(request: httpx.Request, described: dict[str, Any]) -> list[str]:
    body, wanted = request.content.decode("utf-8", "replace"), described.get("body_contains", [])
    if not (isinstance(wanted, list) and all(isinstance(text, str) for text in wanted)):
        return [f"body_contains: a list of texts is needed, not {wanted!r}"]  # of a text, each letter would be wanted
    texts = [f"the request lacks {text!r}" for text in wanted if text not in body]
    headers = [
        f"the request's header {name} is {request.headers.get(name)!r}, not {value!r}"
        for name, value in described.get("headers", {}).items()
        if request.headers.get(name) != value
    ]
    return texts + headers


def answer(request: httpx.Request, exchange: dict[str, Any]) -> httpx.Response:
    """The scripted response; `"raise": "ReadTimeout"` (any error of httpx) instead of one is a failure of the line."""
    response = exchange["response"]
    if "raise" in response:
        failure: httpx.RequestError = getattr(httpx, response["raise"])("scripted", request=request)
        raise failure
    return httpx.Response(
        response.get("status", 200), headers=response.get("headers", {}), content=body_of(response), request=request
    )


def body_of(response: dict[str, Any]) -> bytes:
    """The bytes of a response: `text`, `raw` (bytes, made by the suite) or `json`."""
    if "raw" in response:
        raw: bytes = response["raw"]
        return raw
    text: str = response["text"] if "text" in response else compact(response["json"]) if "json" in response else ""
    return text.encode()


@dataclass(slots=True)
class Played:
    """What came of a sample: a value, or the error that was raised."""

    value: Any = None
    error: Exception | None = None
    complaints: list[str] = field(default_factory=list)

    @property
    def crash(self) -> str:
        """The error and where it was raised."""
        if self.error is None:
            return ""
        frames = traceback.extract_tb(self.error.__traceback__)
        return f"{type(self.error).__name__}: {str(self.error)[:120]} ({frames[-1].name} line {frames[-1].lineno})"

    @property
    def naive(self) -> bool:
        """Whether a time without an offset was the cause."""
        trace = self.error.__traceback__ if self.error else None
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        made_naive = trace is not None and trace.tb_frame.f_code is Scan.__post_init__.__code__
        return made_naive or "offset-naive" in str(self.error)


def made(subject: Subject, script: Script, *, settings: dict[str, Any] | None = None) -> Any:
    """A fresh plugin talking to a script, with the sample's clock and nonce. Raise pydantic's ValidationError."""
    nonce = str(subject.manifest.get("nonce", "fixed-nonce"))
    checked = subject.plugin.Settings.model_validate(subject.settings if settings is None else settings)
    base_url = str(getattr(checked, "base_url", subject.base_url))
    client = contract_client(base_url, httpx.MockTransport(script))
    return subject.plugin(checked, client, clock=lambda: subject.now, nonce=lambda: nonce)


async def play(
    subject: Subject, sample: Sample, *, script: Script | None = None, plugin: Any = None, push: Push | None = None
) -> Played:
    """Run one sample. script: another provider's side; plugin: one that has already heard something; push: another."""
    script = script or Script(sample.exchanges)
    plugin = plugin or made(subject, script)
    try:
        value = await _run(subject, sample, plugin, push)
    except Exception as error:  # the suite's business is to say what was raised
        return Played(error=error, complaints=script.complaints)
    return Played(value=value, complaints=script.complaints + script.unused())


async def _run(subject: Subject, sample: Sample, plugin: Any, push: Push | None) -> Any:
    if sample.kind in {"pushes", "receipts"}:
        request = push or subject.push(sample)
        plugin.verify(request)
        return read(plugin, request)
    if sample.kind == "polls":
        return await plugin.poll([_argument(subject, "leg", leg) for leg in sample.body["legs"]])
    deed = sample.body["deed"]
    given = sample.body.get("args", {})
    return await getattr(plugin, deed)(*(_argument(subject, name, given[name]) for name in DEEDS[deed]))


def read(plugin: Any, push: Push) -> Sequence[Any]:
    """Scans of an adapter's push or receipts of a notifier's."""
    found: Sequence[Any] = plugin.receive(push) if isinstance(plugin, CarrierAdapter) else plugin.receipts(push)
    return found


def _argument(subject: Subject, name: str, value: Any) -> Any:
    if name not in _ARGUMENTS:
        return value
    kind = _ARGUMENTS[name]
    if name == "leg":
        value = {"carrier": subject.plugin.code, **value}
    strange = set(value) - {item.name for item in dataclasses.fields(kind)}
    if strange:
        raise ValueError(f"args.{name} has no field {', '.join(sorted(strange))}")
    return _reader(kind).validate_python(value)


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
