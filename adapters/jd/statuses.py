"""The sheet's table (e): states, the coarser categories, and which of the two words decides."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table
from gateway.contract.reading import Fields, says, text
from gateway.domain import FINAL, Reason, Status

_STATES = table(
    ("10010 200062 200063 200071 200018 200034 200035 200036 200037 200030 200053", Status.PRE_TRANSIT),
    ("200059 200064 200067", Status.PRE_TRANSIT),  # 取货失败: nothing was handed over
    ("200001", Status.PICKED_UP),
    ("10032 10054 200017 200072 200076 200075 200019 200077 200012 200013 200011 200006 200007", Status.IN_TRANSIT),
    ("200008 200009 200004 200055 200056 10033 200050 200040 200058 200061", Status.IN_TRANSIT),
    ("11000", Status.OUT_FOR_DELIVERY),
    ("200051 200057", Status.AVAILABLE_FOR_PICKUP),
    ("10034", Status.DELIVERED),
    ("10034/30 10034/50", Status.AVAILABLE_FOR_PICKUP),  # by deliverCode a locker or shop; by text taken out of it
    ("10042", Status.EXCEPTION, Reason.OTHER),  # 部分妥投: a person looks, until 10034 comes
    ("200003 200023 200031", Status.ATTEMPT_FAILED),
    ("200069 10035 200068", Status.EXCEPTION, Reason.REFUSED),  # 10035 ends the waybill: the way back has another
    ("200032 200070", Status.EXCEPTION, Reason.OTHER),
    ("200033 200060", Status.RETURNING),
    ("200054", Status.RETURNED),  # handed back to the merchant right after the pickup
    ("200052 200010", Status.CANCELLED),
    ("200000 200002 200020 200038 200039", Status.INFO),
)
_CATEGORIES = table(
    ("100 390", Status.PRE_TRANSIT),
    ("403 500", Status.EXCEPTION, Reason.OTHER),
    ("420", Status.PICKED_UP),
    ("430", Status.IN_TRANSIT),
    ("440", Status.OUT_FOR_DELIVERY),
    ("480", Status.RETURNING),
    ("510", Status.DELIVERED),
    ("510/30 510/50", Status.AVAILABLE_FOR_PICKUP),
    ("530", Status.EXCEPTION, Reason.REFUSED),
    ("690", Status.CANCELLED),
    ("700", Status.INFO),
)
STATUSES = _STATES | _CATEGORIES


def word(event: Fields, statuses: Mapping[str, Meaning] = STATUSES) -> str:
    """The state; the category where it is the only one we know, and never for a final that the state does not tell."""
    state, category = text(event, "state"), text(event, "category")
    coarse = statuses.get(category)
    if state and (state in statuses or coarse is None or coarse.status in FINAL):
        return _where(state, event)
    return _where(category, event)


def _where(code: str, event: Fields) -> str:
    """A delivery into a locker or shop is another word, unless its text tells that it was taken out."""
    put = f"{code}/{text(event, 'deliverCode')}"
    taken = says(text(event, "operationRemark"), "取走|取出|已取件|取件成功|已提取", "[未待请可凭]|及时|尽快")
    return put if put in STATUSES and not taken else code
