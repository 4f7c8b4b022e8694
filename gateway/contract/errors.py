"""Errors answer one question: try again, or call a person?"""

from __future__ import annotations

from collections.abc import Collection, Mapping


class ContractError(Exception):
    """The only family of errors a plugin may let out. `code` is the provider's own code, when it gave one."""

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class TryAgain(ContractError):
    """Trunk one: nothing is wrong with what we asked."""


class Unavailable(TryAgain):
    """Timeout before the request was sent, 5xx, 429, "system busy". retry_after: seconds, when the other side said.

    body: the answer (at most 64 KiB), where only its words tell how long a limit lasts (DHL).
    """

    def __init__(self, detail: str, *, code: str = "", retry_after: float | None = None, body: bytes = b"") -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after
        self.body = body


class OutcomeUnknown(TryAgain):
    """Sent, and no answer: look before doing it twice."""


class CallPerson(ContractError):
    """Trunk two: asking again the same way will not help."""


class Refused(CallPerson):
    """The provider said no. status: HTTP status; body: the answer (at most 64 KiB), for the raw record.

    config: credentials, permission, balance or an address list are wrong, so every call of this account will be refused
    until a person mends it.
    """

    def __init__(
        self, detail: str, *, code: str = "", status: int | None = None, body: bytes = b"", config: bool = False
    ) -> None:
        super().__init__(detail, code=code)
        self.status = status
        self.body = body
        self.config = config


class BadPayload(CallPerson):
    """Not the documented shape. raw: what came, kept for the quarantine."""

    def __init__(self, detail: str, *, raw: bytes = b"") -> None:
        super().__init__(detail)
        self.raw = raw


class BadSignature(CallPerson):
    """A push whose signature or token is missing or wrong."""


class RecipientInvalid(CallPerson):
    """No such phone, mailbox or openid: never again to this address."""


class RecipientOptedOut(CallPerson):
    """The recipient does not want it: never again on this channel."""


def refusal(code: str, detail: str, again: Mapping[str, float | None], config: Collection[str]) -> ContractError:
    """What a no inside an HTTP 200 means by the provider's own code.

    again: codes to try again with, and after how many seconds where the provider limits; config: those a person mends.
    """
    said = detail or "no reason given"
    if code in again:
        return Unavailable(said, code=code, retry_after=again[code])
    return Refused(said, code=code, config=code in config)


def error_for(status: int, *, retry_after: float | None = None, body: bytes = b"") -> ContractError | None:
    """The error an HTTP status means, None for 2xx. 3xx is Refused: a carrier's API that redirects is misconfigured."""
    if 200 <= status < 300:
        return None
    if status in {408, 425, 429} or status >= 500:
        return Unavailable(f"HTTP {status}", code=str(status), retry_after=retry_after, body=body[:65536])
    config = status in {401, 402, 403, 407}
    return Refused(f"HTTP {status}", code=str(status), status=status, body=body[:65536], config=config)
