"""The sheet's table (e): codes and names of a row. An event's code decides; without one, its name."""

from __future__ import annotations

import re

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.contract.reading import says
from gateway.domain import Reason, Status

#: `order:` are the states of a booking of ours.
STATUSES = table(
    ("101 已下单 102 待揽收 order:0 order:1", Status.PRE_TRANSIT),
    ("1 揽收 103 已揽收 order:10", Status.PICKED_UP),
    ("0 在途 1001 到达派件城市 1002 干线 1003 转递 7 转投 12 已清关", Status.IN_TRANSIT),
    ("8 清关 10 待清关 11 清关中", Status.CUSTOMS),
    ("5 派件", Status.OUT_FOR_DELIVERY),
    ("501 投柜或驿站", Status.AVAILABLE_FOR_PICKUP),
    ("204 派件异常", Status.ATTEMPT_FAILED),
    ("206 无法联系", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ("3 签收 301 本人签收 302 异常后签收 304 柜或站签收", Status.DELIVERED),
    ("303 代签", Status.DELIVERED),  # by text: available_for_pickup when it tells of a drop and of no 取走/签收
    ("6 退回 4 退签", Status.RETURNING),  # 4 by text: returned when it confirms that the sender has it
    ("401 已销单 order:9 order:99", Status.CANCELLED),
    ("60天无变化", Status.EXPIRED),  # the message of a push that gives up
    ("14 拒签 203 拒收", Status.EXCEPTION, Reason.REFUSED),  # the carrier still has it: not returned
    ("201 超时未签收 202 超时未更新 208 滞留", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("205 柜或驿站超时未取", Status.EXCEPTION, Reason.UNCLAIMED),
    ("207 超区", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("209 破损", Status.EXCEPTION, Reason.DAMAGED),
    ("13 清关异常", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("210 销单 2 疑难", Status.EXCEPTION, Reason.OTHER),  # 210 is a request, 401 the fact; 2 by text: the reason
    ("order:15 order:155", Status.INFO),  # settled, weight corrected
)
#: The recipient has it, whatever came before.
RECIPIENT = frozenset({"301", "本人签收"})
#: The words that a text says more about.
_REFINED = frozenset({"4", "退签", "303", "代签", "2", "疑难"})
_NOT_YET = "未|待|请|失败|异常"
_TROUBLES = {
    "拒收|拒签": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "破损": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    "丢失|遗失": Meaning(Status.EXCEPTION, Reason.LOST),
    "清关异常|扣关": Meaning(Status.EXCEPTION, Reason.CUSTOMS_HOLD),
}


def refined(word: str, remark: str) -> Meaning | None:
    """What the text makes of a code; None where it stays what the table says."""
    if word not in _REFINED:
        return None
    waits = re.search("待取|取货码|取件码|提货码", remark)
    taken = says(remark, "取走|签收", _NOT_YET + ("|代签收|代收" if waits else ""))
    if word in {"4", "退签"} and says(remark, "退回签收|退件签收|寄件人已签收", _NOT_YET):
        return Meaning(Status.RETURNED)
    if word in {"303", "代签"} and not taken and (waits or re.search("驿站|快递柜|代收点|自提柜", remark)):
        return Meaning(Status.AVAILABLE_FOR_PICKUP)
    return told(_TROUBLES, remark) if word in {"2", "疑难"} else None
