"""Sheet (e): three-digit codes; the two-letter codes and types behind them are read only where no such code is.

D is missing on purpose: it also says "loaded on vehicle".
"""

from __future__ import annotations

import re

from gateway.contract.meanings import table
from gateway.contract.reading import Fields, text
from gateway.domain import Reason, Status

STATUSES = table(
    ("000 088 148 163 U", Status.INFO),
    ("003 043 044 045 065 077 079 080 131 135 157 166 M MP", Status.PRE_TRANSIT),
    # dates, wishes and paperwork, not places
    ("016 018 019 020 027 028 041 042 054 055 056 063 082 083 095 096 097 098 099", Status.INFO),
    ("100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116", Status.INFO),
    ("120 121 122 127 128 130 133 136 140 142 153 154", Status.INFO),
    ("038 160 167 168 169 P PU", Status.PICKED_UP),
    ("005 010 014 025 039 047 057 070 071 073 074 075 084 087 093 094 134 137 138", Status.IN_TRANSIT),
    ("143 158 159 164 165 AR DP I OR", Status.IN_TRANSIT),
    ("012 092 123 126", Status.CUSTOMS),
    ("058 124 125 141", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("006 021 072 078 089 091 146 162 OT", Status.OUT_FOR_DELIVERY),
    ("017 040 144 161", Status.AVAILABLE_FOR_PICKUP),
    ("011 026 155 156 FS", Status.DELIVERED),
    ("022 023 024 060 061 066 145", Status.ATTEMPT_FAILED),
    ("062", Status.ATTEMPT_FAILED, Reason.PAYMENT_DUE),
    ("050", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("064", Status.EXCEPTION, Reason.REFUSED),
    ("059", Status.EXCEPTION, Reason.DAMAGED),
    ("068", Status.EXCEPTION, Reason.LOST),
    ("069", Status.EXCEPTION, Reason.UNCLAIMED),
    ("032 051 052 053", Status.EXCEPTION, Reason.WEATHER),
    ("046 048 086 090", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("132 139 147 149", Status.EXCEPTION, Reason.SECURITY),
    ("085", Status.EXCEPTION, Reason.PAYMENT_DUE),
    ("013 029 030 049 076 129 X", Status.EXCEPTION, Reason.OTHER),
    ("033 035 036 037 117 118 119", Status.RETURNING),
    ("081", Status.RETURNING, Reason.DAMAGED),
    ("034 067", Status.RETURNED),
    ("007 MV", Status.CANCELLED),
)
_ACTIVITIES = frozenset({"MP", "PU", "OR", "AR", "DP", "OT", "FS"})
_ONLY_WITH_D = frozenset({"155", "156", "FS"})


def word(status: Fields) -> str:
    """The word that decides: the three-digit code (`currentStatus` puts it in `code`), else activity, else type."""
    kind, short, fine = text(status, "type"), text(status, "code"), text(status, "statusCode")
    fine = fine or (short if re.fullmatch("[0-9]{3}", short) else "")
    if fine:
        return fine.zfill(3)
    return short if short in _ACTIVITIES and kind not in {"X", "MV", "U"} else kind or short


def is_doubtful(found: str, kind: str) -> bool:
    """Whether a word tells of a delivery only together with the type D, which is not there."""
    return found in _ONLY_WITH_D and kind != "D" and bool(kind or found != "FS")
