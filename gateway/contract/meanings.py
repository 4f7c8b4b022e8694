"""What a carrier's words mean: tables by code, and what its texts add where the carrier's documentation says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from gateway.contract.carrier import Meaning
from gateway.domain import FINAL, LegRef, Reason, Scan, Status

Found = TypeVar("Found")
#: The carrier's words, separated by blanks, and what each of them means.
Row = tuple[str, Status] | tuple[str, Status, Reason]


def table(*rows: Row, door: str = "") -> dict[str, Meaning]:
    """Word -> meaning. door: is put before every word, where one word means different things in different answers.

    Raise ValueError for a word that stands in the table twice.
    """
    found: dict[str, Meaning] = {}
    for words, status, *reason in rows:
        for word in words.split():
            if door + word in found:
                raise ValueError(f"{word} stands in the table twice")
            found[door + word] = Meaning(status, *reason)
    return found


def told(patterns: Mapping[str, Found], said: str) -> Found | None:
    """The value of the first pattern (a regular expression) that is found in a text."""
    for pattern, value in patterns.items():
        if re.search(pattern, said):
            return value
    return None


def finer(statuses: Mapping[str, Meaning], coarse: str, fine: str, silent: Collection[str] = ()) -> str | None:
    """The word that counts where a provider sends a coarse word beside a fine code; None for one that tells nothing.

    The fine one where it is listed, else the coarse one; but a final needs both to agree: a fine code that is not
    listed and belongs to another word leaves it open (UNKNOWN). silent: words without a scan.
    """
    known = next((word for word in (fine, coarse) if word in statuses or word in silent), fine or coarse)
    if known in silent:
        return None
    doubtful = known != fine and fine != "" and not fine.startswith(coarse)
    return fine if doubtful and known in statuses and statuses[known].status in FINAL else known


def asked(legs: Sequence[LegRef], scans: Sequence[Scan]) -> list[Scan]:
    """The scans of parcels that were asked about: with one number, another company carries another parcel."""
    wanted = {(_compared(leg.tracking_number), leg.company) for leg in legs}
    numbered = [(_compared(scan.tracking_number), scan) for scan in scans]
    return [scan for number, scan in numbered if {(number, None), (number, scan.company)} & wanted]


def _compared(number: str) -> str:
    return "".join(number.split()).upper()


def handed_back(scans: Sequence[Scan], is_senders: Callable[[Scan], object] = lambda scan: True) -> list[Scan]:
    """Deliveries no earlier than the first `returning` as `returned`, inferred, where they are the sender's.

    For carriers without a code of their own for it; where nothing tells who has signed, leave it to the fold.
    """
    back = min((scan.at for scan in scans if scan.status is Status.RETURNING), default=None)
    return [
        replace(scan, status=Status.RETURNED, inferred=True)
        if scan.status is Status.DELIVERED and back is not None and back <= scan.at and is_senders(scan)
        else scan
        for scan in scans
    ]
