"""Chinese phrases in the order of the index sheet (carriers/README.md, "Text order"); see gateway/contract/phrases.py.

退回签收 -> 退回 -> 拒收 -> 破损 -> 丢失 -> 清关异常 -> 清关 -> ... -> 签收 -> 代收/驿站 -> 派送 -> 揽收 -> 运输. What
failed (未签收, 派送不成功) stands before what it denies, and a locker or shop that signs before the recipient who does.
Gaps are `[^|]{0,n}`: bounded, and within one clause.
"""

from __future__ import annotations

from gateway.domain import Reason, Status

ENDS = r"[,;。!~…()\s、|]+"
#: A whole sentence that asks. It is only looked for where one can begin: from every sign, a long text takes for ever.
QUESTIONS = r"(?:^|(?<=[。!;?吗]))[^。!;?]*(?:\?|吗|为什么[^。!;]*)"
#: Names of places: in brackets, after a word of movement. What they are called tells nothing, unless it is a locker.
PLACES = (
    "(?:(?<=到达)|(?<=离开)|(?<=发往)|(?<=抵达)|(?<=前往)|(?<=返回)|(?<=退回)|(?<=下一站)) ?"
    "【(?![^】]{0,40}(?:站|柜|店|点))[^】]{0,40}】"
)
#: From such a word to the end of the clause: conditions, advice, thanks, and what has not happened yet.
UNTOLD = (
    r"(?:^如(?!皋|东)|如有|如果|如未|如您|如需|如遇|若|倘|(?<![申邀])请(?!求)|温馨提示|^亲$|好评|满意|评价|感谢"
    r"|期待|欢迎|投诉|祝您|预计|预期|即将|以便|避免"
    r"|(?<!已)将(?!快件|包裹|邮件|货物|您的|其)|逾期(?!未)|您?也?可(?:以|联系|修改|选择|放|到|前往|通过|凭)"
    r"|(?:签收|取件|收件)(?:成功)?(?:前|后|时)|(?:准备|等待|耐心等待|安排|方便|提醒)[^|]{0,4}(?:签收|取件)$).*"
)

_SENDER = "(?:寄件|发件|发货|寄方|商家|店铺|卖家|仓)"
_COURIER = "(?:快递员|派件员|派送员|投递员|配送员|业务员|小哥|骑手|派件人|网点)"
_POINT = (
    "(?:驿站|喵站|[柜箱](?!台)|自提点|便民点|代收点|提货点|代理点|合作点|服务点|服务站|便利店|超市|顺丰店|顺丰站"
    "|丰巢|蜂巢"
    "|近邻宝|兔喜|自取点|门店)"
)
_HOUSE = "(?:本人|家人|家属|亲友|亲属|朋友|同事|邻居|门卫|保安|物业|前台|收发|传达室|门口|信箱|奶箱|单位|公司)"
#: A text with one of these in it never ends a parcel's way: it denies a signature, asks for one, or is still under way.
_NOT_SIGNED = (
    "(?:未|没|无法|不能|不予|不签|无人|待|等|准备|安排|预约|约|异常|部分|虚假|取消|撤销|误|放弃|疑似|争议|尚|不是"
    "|联系|通知|提醒"
    "|要求|需|须|应由|限|同意|希望|申请|选择|改为|让|催|核实)[^|]{0,8}(?:签收|妥投|取件|取走|领取|自提)"
    "|拒[绝不]?[^|]{0,2}签收|(?:签收|妥投|取件)[^|]{0,4}(?:失败|异常|不成功|未成功|有误|不符|无效|取消|撤销|作废"
    "|的|率)"
    "|派[送件]中|配送中|途中|正在[^|]{0,16}(?:派|投递|配送)|他人取走|冒领|[误错][取领]|显示|曾退|重新|再派|再次派"
    "|(?:称|反馈|反映|表示)[^|]{0,4}未收|签收人[^|]{0,3}[无空未]"
)
_UNDENIED = f"^(?!.*(?:{_NOT_SIGNED})).*"
_SIGNED = (
    "已(?:经|成功|正常)?签收|[由被][^|]{0,40}签收|签收人[^|]{0,6}[:是]|签收(?:方式|成功|完成|完毕)|(?:客户|收件人"
    "|正常|并)[^|]{0,2}签收|"
    f"{_HOUSE}[^|]{{0,4}}(?:签收|代签)|代签收?\\|{_HOUSE}|(?:已经?|并|完成|成功|(?:^|\\|))妥投|完成配送|配送完成"
    f"|送达(?:收件人|客户|本人)|已交付(?:收件人|客户|本人)"
)
_TAKEN = (
    "取走|取出\\|取件人|取件成功|完成取件|(?:收件人|客户|用户|本人)[^|]{0,8}已[^|]{0,4}(?:取件|自提|领取|提取"
    "|提货)|已自提"
    f"|签收人凭[^|]{{0,6}}码|(?<!可)从[^|]{{0,30}}{_POINT}[^|]{{0,8}}(?:取件|领取)(?!码)"
)
_FAILED = (
    "(?:派送|派件|投递|配送|签收|妥投|送达|派发)[^|]{0,6}(?:不成功|未成功|失败|未果)"
    "|(?<!尚)(?<!还)未(?:能)?(?:成功)?[^|]{0,4}(?:签收|妥投|派送|投递|送达)|再投|择日|带回"
)

TABLE = (
    (
        "(?:揽收|揽件|收件|取货|取件|上门)[^|]{0,4}(?:失败|未成功|不成功|终止)",
        Status.PRE_TRANSIT,
        "a pickup that failed",
    ),
    # the way back
    (
        rf"{_UNDENIED}(?:退(?:件|回(?!公司|网点|站点|营业|派送))[^|]{{0,24}}\|?[^|]{{0,24}}(?:妥投|签收)|签收人[^"
        rf"|]{{0,6}}[:是][^|]{{0,4}}(?:寄件|发件|发货|寄方))",
        Status.RETURNED,
        "退回签收: both words, before either",
    ),
    (
        rf"{_UNDENIED}(?:(?:寄件|发件|发货)[人方客户]*已签收|退.*{_SENDER}[^|]{{0,4}}已?签收)",
        Status.RETURNED,
        "the sender signed",
    ),
    (
        "(?<!申请)(?<!要求)(?<!请求)(?<!费已)(?<!款已)(?:退回(?!公司|网点|站点|营业|派送)|退件|返货|退货途|退签)"
        "|已被?拦截|拦截成功|返回(?:发件|寄件|商家|寄方)",
        Status.RETURNING,
        "退回, not 退回公司 (back to the depot)",
    ),
    # what went wrong, gravest first
    (
        "(?<!申请)(?:拒收|拒签)|拒绝[^|]{0,4}(?:签收|收|接)|表示不要",
        Status.EXCEPTION,
        Reason.REFUSED,
        "the carrier still has it",
    ),
    ("破损|损坏|破裂|碎裂|受损|变形", Status.EXCEPTION, Reason.DAMAGED, "also 异常签收 of a broken one"),
    ("丢失|遗失|灭失", Status.EXCEPTION, Reason.LOST, "疑似 too: a person looks"),
    ("(?:缴|交|付|欠)[^|]{0,4}(?:税|关税|费用)|税费", Status.EXCEPTION, Reason.PAYMENT_DUE, "before customs: 关税"),
    (
        "(?:清关|通关|报关|海关|检疫|查验)[^|]{0,8}(?:异常|失败|不通过|未通过|受阻|延误|扣|留存|暂扣)|扣关"
        "|未通过[^|]{0,6}(?:海关|查验)",
        Status.EXCEPTION,
        Reason.CUSTOMS_HOLD,
        "清关异常 before 清关",
    ),
    (
        "(?<!待)(?<!海关)放行|(?<!等待)(?<!待)海关放行|(?:清关|通关|报关|查验)(?!未)[^|未]{0,4}(?:完成|结束|完毕|通过)",
        Status.IN_TRANSIT,
        "released",
    ),
    ("清关|通关|报关|海关|检疫查验", Status.CUSTOMS, "清关"),
    (
        "违禁|禁寄|安检[^|]{0,6}(?:不合格|未通过|扣)|政府管制|公安|没收",
        Status.EXCEPTION,
        Reason.SECURITY,
        "forbidden or seized",
    ),
    ("天气|台风|暴雨|暴雪|大雪|洪水|洪涝|地震|大雾|冰冻|自然灾害", Status.EXCEPTION, Reason.WEATHER, "before 延误"),
    (
        "(?:超时|超期|逾期|超过)[^|]{0,8}未(?:取|领|提)|长期未取|无人领取",
        Status.EXCEPTION,
        Reason.UNCLAIMED,
        "before the locker it lies in",
    ),
    (
        "(?:地址|名址|电话号码|联系方式)[^|]{0,4}(?:不详|错误|有误|不清|不全|不完整|不明|不符)|空号|查无此人|超区"
        "|(?:超出|不在)[^|]{0,4}范围",
        Status.EXCEPTION,
        Reason.ADDRESS_PROBLEM,
        "不在范围 before 不在",
    ),
    # attempts
    (
        "联系不上|无法联系|无人(?:接听|应答|在家|签收)|家中无人|关机|停机|不在(?!线)|没人|公司休息|放假",
        Status.ATTEMPT_FAILED,
        Reason.RECIPIENT_ABSENT,
        "nobody there",
    ),
    (
        "异常签收|签收异常|部分(?:签收|妥投)|虚假签收|误签收|签收[^|]{0,4}有误|显示签收|(?:称|反馈|反映|表示)[^"
        "|]{0,4}未收",
        Status.EXCEPTION,
        Reason.OTHER,
        "a signature that is none",
    ),
    (_FAILED, Status.ATTEMPT_FAILED, "未签收 before 签收; 尚未签收 tells of no attempt"),
    (
        "滞留|延误|延迟|延时|积压|爆仓|拥堵",
        Status.EXCEPTION,
        Reason.CARRIER_DELAY,
        "after delays that recipients ask for",
    ),
    # paperwork
    (
        "^(?!.*(?:申请|请求|失败|无法|不能|未取消|未撤|原运单|旧|新单号|新运单)).*(?:运单已被?(?:取消|撤销)(?!派"
        "|拦|自提|预约|上门|代收|到付|保价|改)"
        "|(?:运单|快件|邮件)[^|]{0,2}作废|已撤单|运单已?销单)",
        Status.CANCELLED,
        "a void waybill, not a request and not a cancelled service",
    ),
    ("问题件|异常|存在问题|疑难", Status.EXCEPTION, Reason.OTHER, "some problem, unnamed"),
    # the end
    ("寄件成功", Status.PICKED_UP, "before the courier who takes it"),
    (
        rf"{_COURIER}[^|]{{0,16}}(?:取出|取走|取回)|{_POINT}[^|]{{0,6}}取[出回](?!.*取件人)|将快件[^|]{{0,10}}取出"
        rf"|取走.*(?:重新|再次)派|取消代收",
        Status.IN_TRANSIT,
        "taken out again by the courier",
    ),
    (rf"^(?!.*(?:寄件|揽)){_UNDENIED[1:]}(?:{_TAKEN})", Status.DELIVERED, "taken out by the recipient"),
    (
        rf"(?:正在|派往|前往|送往|运往|发往)[^|]{{0,10}}{_POINT}[^|]{{0,6}}(?:途中|$)",
        Status.OUT_FOR_DELIVERY,
        "on its way to a locker",
    ),
    (
        rf"(?:签收|代收|投递|派送[至到]|送至|(?<!要求)(?<!同意)放|存|暂存|送达|到达?|投|上架|入库|由|被)[^"
        rf"|]{{0,12}}\|?[^|]{{0,16}}{_POINT}|{_POINT}[^|]{{0,6}}(?:代|已?签)收"
        r"|投柜|入柜|待取件$|取[件货]码[^|]{0,3}\d",
        Status.AVAILABLE_FOR_PICKUP,
        "locker and shop are not the customer",
    ),
    (rf"^(?!.*{_HOUSE}).*代(?:签收|收|签)", Status.AVAILABLE_FOR_PICKUP, "signed by somebody unnamed"),
    (rf"{_UNDENIED}(?:{_SIGNED})", Status.DELIVERED, "an explicit signature that nothing denies"),
    ("^[^|]*资料.*查看签收人信息", Status.DELIVERED, "SF 8000: who has signed can be looked up"),
    # the way there
    (
        "(?<!等待)(?<!准备)(?<!安排)(?:(?:正在|开始|已出发)[^|]{0,14}(?:派送|派件|投递|配送|送货|派发)|(?:派送"
        "|派件|配送|投递)(?:中|途中)"
        "|安排投递|为您(?:派|送))",
        Status.OUT_FOR_DELIVERY,
        "on the vehicle",
    ),
    (
        "待[^|]{0,6}揽|上门(?:取件|收件|揽收)|取件途中|订单已?(?:创建|提交|受理|推送)|已下单|面单已生成|通知[^"
        "|]{0,6}揽|等待系统|分配[^|]{0,10}快递员|分配给"
        "|打包|取件地址|收到您的寄件",
        Status.PRE_TRANSIT,
        "not handed over; before 自提, for 待取件 is said of both ends",
    ),
    ("^(?!.*取消).*(?:代收|自提|自取|窗口领取|领取$)", Status.AVAILABLE_FOR_PICKUP, "the recipient shall fetch it"),
    (
        "揽收(?!部|组|点)|揽件|收寄|收取|已收件|(?:快递员|小哥|收件员)已取件|收件入仓",
        Status.PICKED_UP,
        "the carrier has it",
    ),
    (
        "到达|离开|发往|发出|运输|中转|转运|装车|发车|起飞|航班|分拣|收入|下一站|转往|转寄|改寄|改派|外发|启运"
        "|已?接收|抵达|前往|收货完成|已到|到件"
        "|发件|互换局|取消派件|出柜",
        Status.IN_TRANSIT,
        "movement and scans at depots",
    ),
)

#: Over the whole text, last: what a plan or a request lets one conclude. Most of them move nothing.
WISHES = (
    ("上门(?:收件|取件|揽)|等待(?:快递员|小哥)", Status.PRE_TRANSIT, "a pickup to come"),
    ("(?:再次|二次|重新)(?:派送|投递|派件|配送)", Status.ATTEMPT_FAILED, "another one after one that failed"),
    ("预计[^。]{0,16}(?:送达|到达|派送|送货)|预约|申请|催件|催促|改约|更改派送时间", Status.INFO, "a wish"),
)
