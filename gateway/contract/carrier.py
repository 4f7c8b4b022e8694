"""The contract of a carrier adapter: one file that speaks one provider's API (house.md section 4)."""

from __future__ import annotations

import json
import uuid
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Flag, StrEnum, auto
from typing import Any, ClassVar, NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict, Field

from gateway.contract.errors import BadSignature, Refused
from gateway.contract.sharing import SharedTokens
from gateway.domain import Booking, LegRef, NumberPattern, Parcel, Reason, Scan, Status


class Can(Flag):
    """What an adapter can do. The compliance suite checks that it is true."""

    NOTHING = 0
    POLL = auto()
    WEBHOOK = auto()
    SUBSCRIBE = auto()
    BOOK = auto()
    CANCEL = auto()
    INTERCEPT = auto()


class Meaning(NamedTuple):
    """What a carrier's word means in ours."""

    status: Status
    reason: Reason | None = None


#: A word that is in no table.
UNREAD = Meaning(Status.UNKNOWN)


class Rate(NamedTuple):
    """At most `calls` requests per `seconds` and account."""

    calls: int
    seconds: float


class CarrierSettings(BaseModel):
    """What every adapter's settings have. Names of further fields follow the provider's own words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://[^\s]+$")
    #: requests per second and account, where the contract with the provider differs from what it publishes
    calls_per_second: float | None = Field(default=None, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """An inbound request, as it was received. Header names are lower case; the body is untouched.

    token: the path token it came with, already checked by the gateway against the row's `webhook_token`; None when the
    plain address was used. An adapter whose carrier does not sign accepts only a push that has one (`trusted_path`).
    received_at: when it came in, the same at every replay: the time of a push that tells none (ZTO pre-order states).
    """

    method: str = "POST"
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    token: str | None = None
    received_at: datetime | None = None


class Verdict(StrEnum):
    """What became of a push, for the acknowledgement."""

    ACCEPTED = "accepted"  #: kept durably (readable or not: an authentic push is always a yes)
    FORGED = "forged"  #: wrong signature; the gateway sends status 401 with the body of this reply
    BUSY = "busy"  #: could not be kept: the carrier shall try again


_BY_STATUS = {Verdict.ACCEPTED: 200, Verdict.FORGED: 401, Verdict.BUSY: 503}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    verdict: Verdict
    push: Push


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"

    @classmethod
    def json(cls, value: object, *, status: int = 200) -> Reply:
        return cls(status=status, body=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


class CarrierAdapter(ABC):
    """One provider's API. Read calls raise only `ContractError`s; `verify` and `receive` are pure.

    `http` comes ready from the gateway: base_url, timeouts, retry of what is safe to repeat, throttling, and every
    status that is not 2xx already raised (`Refused` carries status and body, for providers that say "not found" so).
    Send pre-serialised bytes (`content=`) wherever the body is signed. A POST that is a deed (books, cancels, sends) is
    marked `extensions=DEED`: it is never repeated by the client, and a lost answer is `OutcomeUnknown`.
    """

    code: ClassVar[str]  #: == file name
    name: ClassVar[str]
    confidence: ClassVar[str] = ""  #: how far its documentation could be checked: high, medium, low, and for what
    can: ClassVar[Can]
    Settings: ClassVar[type[CarrierSettings]] = CarrierSettings
    statuses: ClassVar[Mapping[str, Meaning]]  #: the carrier's word -> ours; absent -> UNKNOWN
    batch: ClassVar[int] = 1  #: numbers per poll
    min_interval: ClassVar[float] = 0  #: seconds between two polls of one number
    rate: ClassVar[Rate] = Rate(5, 1)  #: the gateway's default pace; an adapter names its source
    trusted_path: ClassVar[bool] = False  #: pushes are not signed: the row must have a webhook_token
    aggregator: ClassVar[bool] = False  #: speaks of many carriers' parcels; a direct carrier's own word outranks it
    #: seconds after which the provider forgets a subscription; None: it lasts
    subscription_life: ClassVar[float | None] = None
    #: the forms of its tracking numbers, for shipments registered without a carrier; an aggregator has none of its own
    number_forms: ClassVar[tuple[NumberPattern, ...]] = ()

    #: seconds for which a repeated key of `book` gives the first booking; None: for good, or `find_booking` knows it
    remembers_key: ClassVar[float | None] = None

    #: where other processes find this account's tokens, for `TokenCache`; set by the gateway
    shared_tokens: SharedTokens | None = None

    def __init__(
        self,
        settings: Any,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        nonce: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """settings: an instance of `Settings`. clock and nonce are given so that signatures can be tested."""
        self.settings = settings
        self.http = http
        self.clock = clock
        self.nonce = nonce

    @classmethod
    def able(cls, settings: Any) -> Can:
        """What an account with these settings can do: less than `can` where an ability needs a setting it lacks."""
        return cls.can

    @classmethod
    def by_path(cls, settings: Any) -> bool:
        """Whether pushes to this account are believed by the row's secret path alone, or with it only."""
        return cls.trusted_path

    def meaning(self, word: str) -> Meaning:
        """What the carrier's word means: UNKNOWN when it is in no table, never a guess from its neighbours."""
        return self.statuses.get(word, UNREAD)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """The whole history of at most `batch` legs. A number absent from the answer is not found (yet)."""
        raise Refused(f"{self.code} cannot be polled")

    def verify(self, request: Push) -> None:
        """Raise BadSignature unless the push is authentic. Closed by default."""
        raise BadSignature(f"{self.code} takes no pushes")

    async def learn(self) -> bool:
        """Fetch what `verify` lacked (keys that the provider signs with); whether a refused push is worth another look.

        Asked after every refusal, so anybody can cause it: an adapter keeps a pace of its own. Raises nothing.
        """
        return False

    def receive(self, request: Push) -> list[Scan]:
        """The scans of a verified push. Raise BadPayload for anything that is not the documented shape."""
        raise Refused(f"{self.code} takes no pushes")

    async def follow_up(self, request: Push) -> None:
        """What a push that was read asks us to do (DHL: activate the subscription). Repeating it is harmless.

        Raise TryAgain and it is read and followed up again later; what a person must see is any other ContractError.
        """
        return

    def hints(self, request: Push) -> list[tuple[str | None, str]]:
        """(company, number) of legs that a verified push makes worth asking about, though it proves nothing of them.

        For a provider whose signature does not cover the body. Called after `receive`; pure; raises BadPayload.
        """
        return []

    def acknowledge(self, outcome: Outcome) -> Reply:
        """The exact answer this carrier expects for yes and for no. By status alone, for those who read no body."""
        return Reply(status=_BY_STATUS[outcome.verdict])

    def handshake(self, request: Push) -> Reply:
        """The answer to a GET or HEAD on the webhook address. Raise BadSignature for one that is not the carrier's."""
        return Reply(body=b"")

    def token(self, request: Push) -> Reply:
        """The OAuth token endpoint, for carriers that authenticate their pushes with a bearer we issue (UPS v2)."""
        raise BadSignature(f"{self.code} is issued no tokens")

    async def subscribe(self, leg: LegRef) -> None:
        """Ask the carrier to push this leg. Repeating it is harmless."""
        raise Refused(f"{self.code} cannot subscribe")

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """Book under `key`, which the provider sees as our order id: the same key never books twice."""
        raise Refused(f"{self.code} cannot book")

    async def find_booking(self, key: str) -> Booking | None:
        """The booking made under `key`, None when the carrier knows of none. Asked after every lost answer."""
        raise Refused(f"{self.code} cannot look a booking up")

    async def cancel(self, leg: LegRef) -> None:
        """Void a leg that was not handed over. Already void is a yes; too late is Refused."""
        raise Refused(f"{self.code} cannot cancel")

    async def intercept(self, leg: LegRef) -> str:
        """Ask the carrier to stop or return a parcel it holds; the provider's reference of the request."""
        raise Refused(f"{self.code} cannot intercept")


#: Mark of a request that changes something at the provider: never repeated by the client.
DEED: dict[str, Any] = {"deed": True}
