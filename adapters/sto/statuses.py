"""The sheet's table (e), and what the texts of an event make of the scan types whose row says so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.contract.reading import Fields, says, text
from gateway.domain import Reason, Status

STATUSES = table(
    ("收件 PU_PICKUP_SUCCESS", Status.PICKED_UP),
    ("发件 到件 转邮 转同行 留仓件 快件取出 代取快递 改地址件", Status.IN_TRANSIT),  # 取出: a courier took it out again
    ("MOT_TRANSIT LH_DEPART LH_ARRIVE CC_START GOT CC_IM_SUCCESS", Status.IN_TRANSIT),
    ("派件 第三方代派", Status.OUT_FOR_DELIVERY),
    ("柜机代收 驿站代收 派件入柜 第三方代收", Status.AVAILABLE_FOR_PICKUP),
    ("驿站出库", Status.IN_TRANSIT),  # by text: delivered when it says 签收/取件/取走
    ("签收", Status.DELIVERED),  # by text: returned when it names the sender; else after 退回件 the fold decides
    ("问题件", Status.EXCEPTION, Reason.OTHER),  # by issueName: the reason
    ("退回件", Status.RETURNING),
    ("CC_IM_START", Status.CUSTOMS),
    ("CC_IM_FAILURE", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
)
#: Sorting centres abroad: the sheet has the family, not its members.
_SORTING = re.compile(r"SC_[A-Z]+(_[A-Z]+)*")
_PROBLEMS: Mapping[str, Meaning] = {
    "拒收": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "破损": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    "地址|电话": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "遗失": Meaning(Status.EXCEPTION, Reason.LOST),
    "客户不在|联系不上": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
}
_NOT_YET = "[未不待请]|及时|尽快|异常"


def is_sorting(code: str) -> bool:
    """Whether a scan type is one of the sheet's SC_*."""
    return bool(_SORTING.fullmatch(code))


def refined(code: str, event: Fields) -> Meaning | None:
    """What the texts of an event make of its scan type; None where it stays what the table says."""
    memo = text(event, "memo")
    if code == "问题件":
        return told(_PROBLEMS, text(event, "issueName"))
    if code == "驿站出库" and says(memo, "签收|取件(?!码)|取走", _NOT_YET + "|退回|退件"):
        return Meaning(Status.DELIVERED)
    if code == "签收" and (_signed_by("寄件人|发件人", event) or says(memo, "(退回|退件).*签收|已退回", _NOT_YET)):
        return Meaning(Status.RETURNED)
    return None


def is_recipients(code: str, event: Fields) -> bool:
    """Whether the texts of a 签收 say that the recipient has it."""
    return code == "签收" and _signed_by("收件人", event)


def _signed_by(who: str, event: Fields) -> bool:
    memo, signer = text(event, "memo"), text(event, "signoffPeople")
    said = f"({who})(本人|已)*签收|签收人.{{0,3}}({who})"
    return bool(re.search(who, signer)) or says(memo, said, _NOT_YET)
