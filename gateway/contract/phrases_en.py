"""English phrases, in the order of the Chinese ones; see gateway/contract/phrases.py.

What was done to the way back comes first, then what went wrong, then what failed, then lockers and shops, then the
recipient: "delivered" is in most of them. Gaps are `[^|]{0,n}`: bounded, and within one clause.
"""

from __future__ import annotations

from gateway.domain import Reason, Status

ENDS = r"[.;!,()|:]+\s|[.;!,()|:]+$|\s+-\s+"
#: A whole sentence that asks.
QUESTIONS = r"[^.;!?]*\?"
#: From such a word to the end of the clause: conditions, advice, and what has not happened yet.
UNTOLD = (
    r"(?:\bif\b|^once\b|^when\b|know when|\bunless\b|\bplease\b|\bwill\b(?! notify)|\bshall\b|\bwould\b|\bsoon\b|\bthank|\bsorry\b|\brate your\b|sign up"
    r"|\bscheduled (?:for|to)\b|\bestimated\b|\bexpected (?:delivery|by|on|to|mon|tue|wed|thu|fri|sat|sun)|\bbefore\b|\bto be (?:ready|delivered)\b(?! today)"
    r"|\bwaiting for delivery|\bneed(?:s)? to|\bfor (?:final )?delivery(?= by)).*"
)

_SENDER = r"(?:original |the )*(?:sender|shipper|merchant|seller|consignor)"
_RECIPIENT = r"(?:recipient|receiver|customer|addressee|consignee)"
_POINT = r"(?:access point|locker|packstation|parcel ?shop|pick-?up (?:point|location)|collection point|retail outlet|post office|service point|postfiliale|depot)"
#: What denies a delivery: a text with one of these in it never ends a parcel's way.
_NOT_DELIVERED = (
    r"\bnot (?:yet )?(?:been )?(?:delivered|completed|collected|picked)|undeliver|\bun(?:able|successful)|(?:could|can)(?: ?not|n't) be (?:delivered|completed)"
    r"|(?:could|can)(?: ?not|n't) deliver|attempt|fail|partial|abnormal|\bbeing delivered|\bmay\b|\bto be delivered|delivered to (?:us|usps|the? ?carrier)\b|pending|awaiting"
)
_TAKEN = (
    rf"(?:collected|picked up)[^|]{{0,40}}\bby (?:the )?{_RECIPIENT}|{_RECIPIENT}(?: has)? (?:picked up|collected)"
    rf"|^collected from (?:the |a )?(?:parcel )?(?:locker|packstation)"
)

TABLE = (
    # the way back
    (
        rf"^(?!.*(?:{_NOT_DELIVERED})).*(?:delivered(?: back)?\|? ?to {_SENDER}|received by {_SENDER}|(?:signed|signed for) by (?:the )?{_SENDER})",
        Status.RETURNED,
        "the sender has it",
    ),
    (
        r"\breturn(?:ed|ing)? (?:package |parcel |shipment |item )?to (?:the )?(?:original )?(?:sender|shipper|merchant)|being (?:returned|sent back)|return (?:in progress|in transit|to)|sent back to|on its way back",
        Status.RETURNING,
        "also 'returned to sender': it may still be on its way",
    ),
    # what went wrong, gravest first
    (
        r"\brefused(?! to)|\brejected\b|refused to accept|declined|did not want",
        Status.EXCEPTION,
        Reason.REFUSED,
        "still with the carrier",
    ),
    (r"\bdamage", Status.EXCEPTION, Reason.DAMAGED, "damaged"),
    (
        r"\blost\b|could not be located|unable to locate|(?<!documents )(?<!data )\bmissing\b(?! (?:doc|data|info))|dead mail|mail recovery",
        Status.EXCEPTION,
        Reason.LOST,
        "not missing documents",
    ),
    (
        r"(?:dut(?:y|ies)|fee|charges?|tax(?:es)?|payment|cod)\b[^|]{0,30}\b(?:due|required|to pay|not ready|be paid)|(?:fee|charge) to pay",
        Status.EXCEPTION,
        Reason.PAYMENT_DUE,
        "before customs: customs charge",
    ),
    (r"payment was not available", Status.ATTEMPT_FAILED, Reason.PAYMENT_DUE, "at the door"),
    (
        r"held (?:in|by|at) customs|(?:clearance|customs)[^|]{0,12} (?:delay|failed|hold)|clearance information is required|awaiting[^|]{0,12} documents|further clearance|documents (?:missing|required)|held[^|]{0,20}customs",
        Status.EXCEPTION,
        Reason.CUSTOMS_HOLD,
        "a hold before the clearance itself",
    ),
    (
        r"(?:released|cleared) (?:by|from|through)? ?(?:the )?customs|cleared customs|customs cleared|clearance (?:processing )?(?:is )?complet|out of customs|cleared and|release - import(?!.*clearance)",
        Status.IN_TRANSIT,
        "released",
    ),
    (r"customs|clearance|government agency(?<!seized by a government agency)", Status.CUSTOMS, "in clearance"),
    (r"\bseized|security|prohibited|confiscated", Status.EXCEPTION, Reason.SECURITY, "security"),
    (
        r"weather|snow|storm|hurricane|flood|natural disaster|typhoon",
        Status.EXCEPTION,
        Reason.WEATHER,
        "before delays",
    ),
    (
        r"unclaimed|not (?:been )?(?:picked up|collected)\b(?! yet)|(?:hold|collection) (?:period|time) (?:has )?(?:ended|expired)|hold time expired",
        Status.EXCEPTION,
        Reason.UNCLAIMED,
        "before the counter where it lies",
    ),
    (
        r"(?:incorrect|insufficient|incomplete|wrong|invalid|bad) (?:delivery )?address|address[^|]{0,24} (?:incorrect|incomplete|needed|required|not found|insufficient|wrong|invalid)|street number is incorrect|undeliverable as addressed|no such number|moved|gone away|address not found|new address required|address unknown",
        Status.EXCEPTION,
        Reason.ADDRESS_PROBLEM,
        "before attempts",
    ),
    # attempts
    (
        rf"not (?:available|home|in\b)|no(?:body| ?one)(?: was)? (?:at )?home|no answer|unavailable|(?:premises|business) (?:was )?closed|no authorized {_RECIPIENT}|we missed you",
        Status.ATTEMPT_FAILED,
        Reason.RECIPIENT_ABSENT,
        "nobody there",
    ),
    (r"partial delivery|abnormal signature", Status.EXCEPTION, Reason.OTHER, "a delivery that is none"),
    (
        r"pick-?up (?:attempted|delayed|failed)|unable to collect",
        Status.PRE_TRANSIT,
        "pickup that failed",
    ),
    (
        r"attempted delivery|delivery attempt|attempted to deliver|tried to deliver|failed (?:delivery )?attempt|(?:unable|could not|couldn't|cannot) (?:to |be )?(?:deliver|access)|unsuccessful delivery|delivery (?:unsuccessful|not completed|failed)|redelivery scheduled|left a (?:\"[^|\"]{0,30}\" )?card|notice left",
        Status.ATTEMPT_FAILED,
        "tried",
    ),
    # paperwork
    (
        r"^(?!.*(?:pick-?up|appointment|request|redirect)).*(?:shipment|package|parcel|article|waybill|label|order)\b[^|]{0,20}(?:cancell?ed|void)",
        Status.CANCELLED,
        "the shipment, not a pickup, appointment or redirection",
    ),
    # the end
    (rf"^(?!.*(?:{_NOT_DELIVERED})).*(?:{_TAKEN})", Status.DELIVERED, "taken out by the recipient"),
    (
        rf"delivered to (?:[^|]{{0,20}} )?{_POINT}|delivered\|(?:parcel )?locker|placed in (?:a )?locker|stored in[^|]{{0,10}} locker|(?:ready|available) for (?:customer |recipient )?(?:pick-?up|collection)|ready to collect|ready for recipient|awaiting collection|held (?:for|at)|waiting for you|arrived at[^|]{{0,12}} (?:collection|pick-?up)|pick up your item",
        Status.AVAILABLE_FOR_PICKUP,
        "locker and shop are not the customer",
    ),
    (
        r"with (?:delivery )?courier|out (?:with courier )?for delivery|(?:loaded )?on(?:to)?(?: the)?(?: fedex)?(?: delivery)? vehicle|on ?board (?:for delivery|with)|with driver|due to be delivered today|^delivering|courier is on the way|is delivering|with the postie",
        Status.OUT_FOR_DELIVERY,
        "on the vehicle",
    ),
    (
        rf"^(?!.*(?:{_NOT_DELIVERED})).*(?:\bdelivered\b|signed for by|signed by|has been signed)",
        Status.DELIVERED,
        "an explicit word that nothing denies",
    ),
    (
        r"delay|running late|on hold|missent|mis-?sort|missed at|longer than usual",
        Status.EXCEPTION,
        Reason.CARRIER_DELAY,
        "late",
    ),
    (
        r"^(?:delivery |shipment )?exception|action required",
        Status.EXCEPTION,
        Reason.OTHER,
        "named a problem, not which",
    ),
    # the way there
    (r"departed shipping partner", Status.IN_TRANSIT, "USPS: a partner has it"),
    (
        r"label|information (?:sent|received|approved)|instruction data|order (?:processed|received)|awaiting (?:item|package|lodgement)|acceptance pending|pre-shipment|preparing item|expecting it|expect to receive|despatching item|details received|notified electronically",
        Status.PRE_TRANSIT,
        "not handed over",
    ),
    (
        r"picked ?up|pickup scan|origin scan|drop-?(?:ped)? ?off|in possession|accepted (?:at|by)|lodged|posted by|posting/collection|collected from (?:the )?sender|received by (?:the )?carrier|handed in|tendered",
        Status.PICKED_UP,
        "the carrier has it",
    ),
    (
        r"in transit|arriv|depart|process|sort|facility|hub|on (?:its|the) way|forward|transfer|left\b|leaving|received at|flight|handed over|dispatched|preparing for delivery|export|release",
        Status.IN_TRANSIT,
        "movement and scans at depots",
    ),
)

#: Over the whole text, last: what a plan or a request lets one conclude. Most of them move nothing.
WISHES = (
    (
        r"request|reschedul|delivery (?:date|option|change|instructions|notification|arranged)|scheduled delivery|estimated|pick-?up[^.]{0,40}cancell?ed|asked (?:us )?to|return label",
        Status.INFO,
        "a wish",
    ),
)
