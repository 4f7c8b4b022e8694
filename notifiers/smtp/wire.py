"""What the server's replies mean, and what a failure of one step means."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiosmtplib import SMTPDataError, SMTPException, SMTPResponseException

from gateway.contract.errors import ContractError, OutcomeUnknown, RecipientInvalid, Refused, Unavailable
from notifiers.smtp.addresses import plain

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: Seconds to wait after a transient answer, by enhanced (RFC 3463) or basic code; others: a minute.
WAIT = {"4.2.2": HOUR, "4.7.1": 5 * MINUTE, "4.7.28": 5 * MINUTE, "450": 5 * MINUTE, "451": 5 * MINUTE, "452": HOUR}
#: No such mailbox or domain, moved, disabled.
NO_MAILBOX = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"})
#: Policy, SPF, DKIM, DMARC, no PTR, authentication: never the recipient's fault.
CONFIG = frozenset({"5.7.1", "5.7.8", "5.7.9", "5.7.25", "5.7.26", "530", "534", "535"})
PROTOCOL = frozenset({501, 503, 555})  #: our own mistake
SPAM = re.compile(r"spam|junk|content", re.I)


@contextmanager
def step(name: str, slower: Iterable[re.Pattern[str]]) -> Iterator[None]:
    """What a failure of one step means."""
    try:
        yield
    except SMTPResponseException as error:
        if name == "data" and not (isinstance(error, SMTPDataError) and error.code >= 400):
            raise OutcomeUnknown(f"data: {error.message}"[:300]) from error
        raise problem(name, error.code, error.message, slower) from error
    except (SMTPException, OSError) as error:
        if name == "data":
            raise OutcomeUnknown(f"data: {error}") from error
        if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            raise Refused(f"{name}: {error}", config=True) from error
        raise Unavailable(f"{name}: {error}") from error


def problem(step: str, code: int, said: str, slower: Iterable[re.Pattern[str]] = ()) -> ContractError:
    """What a reply means. The enhanced code at the start of the text is better than the basic one."""
    match = re.match(r"[245]\.\d{1,3}\.\d{1,3}(?!\d)", said)
    enhanced, basic = match[0] if match else "", str(code)
    word = enhanced or basic
    detail = f"{step}: {code} {re.sub(r'[^ <]+@', '*@', plain(said))[:300]}"
    envelope = step in {"rcpt", "data"}
    if step == "connect" or (code < 500 and (step != "auth" or code in {421, 454})):
        return Unavailable(detail, code=word, retry_after=WAIT.get(enhanced) or WAIT.get(basic) or MINUTE)
    if envelope and (enhanced in NO_MAILBOX or (code == 553 and not enhanced.startswith("5.7"))):
        return RecipientInvalid(detail, code=word)
    if enhanced == "5.2.2":  # full: once more on the next day
        return Unavailable(detail, code=word, retry_after=DAY)
    if step != "auth" and any(pattern.search(said) for pattern in slower):
        return Unavailable(detail, code=word, retry_after=5 * MINUTE)
    spam = code == 554 and enhanced.startswith("5.7") and SPAM.search(said)
    if spam or (code in PROTOCOL and (envelope or step == "mail")):
        return Refused(detail, code=word)
    return Refused(detail, code=word, config=not envelope or enhanced in CONFIG or basic in CONFIG)
