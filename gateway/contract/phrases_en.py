"""English phrases, in the order of the Chinese ones; see gateway/contract/phrases.py.

The way back comes first, then what went wrong, then what failed, then lockers and shops, then the recipient:
"delivered" is in most of them. Gaps are `[^|]{0,n}`: bounded, and within one clause.
"""

from __future__ import annotations

from gateway.domain import Reason, Status

ENDS = r"(?<![.;!,()|:])[.;!,()|:]+(?:\s|$)|\s+-\s+"
#: A whole sentence that asks. It is only looked for where one begins: from every letter, a long text takes for ever.
QUESTIONS = r"(?:^|(?<=[.;!?]))[^.;!?]*\?"
#: Names of places need no mark in English.
PLACES = r"(?!)"
#: From such a word to the end of the clause: conditions, advice, and what has not happened yet.
UNTOLD = (
    r"(?:\bif\b|^(?:once|when|report|file|contact|call|click|visit|rate)\b|\b(?:when|after|once|until"
    r"|as soon as) (?:it|they|this|your)\b|\bunless\b|\bplease\b"
    r"|\bwill\b(?! notify)|\bshall\b|\bwould\b|\bshould\b|\bmust\b|\bsoon\b|\bthank|\bsorry\b|sign up"
    r"|\bscheduled (?:for|to)\b|\bestimated\b"
    r"|\bexpected (?:delivery|by|on|to|mon|tue|wed|thu|fri|sat|sun)|\bbefore\b|\bto be (?:ready|delivered"
    r"|signed)\b(?! today)|\bwaiting for delivery"
    r"|\bneeds? to|\bfor (?:final )?delivery(?= by)).*"
)

_SENDER = r"(?:original |the )*(?:sender|shipper|merchant|seller|consignor)"
_RECIPIENT = r"(?:recipient|receiver|customer|addressee|consignee)"
_POINT = (
    r"(?:access point|locker|packstation|parcel ?shop|pick-?up (?:point|location)|collection point|retail outlet"
    r"|post office|service point|postfiliale"
    r"|depot)"
)
#: To whom a delivery ends the way; "delivered to" anybody else does not.
_HOUSE = (
    rf"(?:an? |the |your |our |customer's |recipient's )*(?:{_RECIPIENT}|neighbou?r|front|door|porch|reception|desk"
    rf"|mail ?room|mailbox|home|address|residence|individual"
    r"|safe ?place|garage|you\b|house)"
)
#: A text with one of these in it never ends a parcel's way.
_DENIED = (
    r"\b(?:not|never|n't)\b[^|]{0,24}\b(?:deliver|complet|collect|pick|receiv|sign)|undeliver|\bun(?:able"
    r"|successful)|(?:could|can)(?: ?not|n't) (?:be )?(?:deliver|complet)"
    r"|attempt|fail|partial|abnormal|\bbeing delivered|\bmay\b|(?:to|can|must|could) be (?:deliver|collect|pick"
    r"|sign)|pending|awaiting|out for delivery|in error|falsely"
    r"|delivered (?:at|into|in)[^|]{0,40}(?:facility|hub|terminal|station|warehouse|airport|customs)"
)
_UNDENIED = f"^(?!.*(?:{_DENIED})).*"
_DELIVERED = (
    rf"(?:(?:^|\|)|\b(?:was|were|been|successfully|we've|have|package|parcel|item|shipment"
    rf"|and) (?:successfully )?)delivered\b(?! by (?:mon|tue|wed|thu|fri|sat|sun|\d))"
    rf"(?!\|? ?to (?!{_HOUSE}))|signed for by|signed by|has been signed|delivery (?:is )?(?:confirmed|completed?"
    rf"|successful)|successful delivery"
)
_TAKEN = (
    rf"(?:collected|picked up)[^|]{{0,40}}\bby (?:the )?{_RECIPIENT}|{_RECIPIENT}(?: has)? (?:picked up|collected)"
    rf"|^collected from (?:the |a )?(?:parcel )?(?:locker|packstation)(?!.*(?:courier|driver|carrier))"
)

TABLE = (
    # the way back
    (
        rf"{_UNDENIED}(?:delivered(?: back)?\|? ?to {_SENDER}|received by {_SENDER}|(?:signed"
        rf"|signed for) by (?:the )?{_SENDER})\b(?!')",
        Status.RETURNED,
        "the sender has it",
    ),
    (
        r"(?<!request to )\breturn(?:ed|ing)? (?:package |parcel |shipment "
        r"|item )?to (?:the )?(?:original )?(?:sender|shipper|merchant)(?! (?:was |has been )?requested(?! and))"
        r"|being (?:returned|sent back)|return in (?:progress|transit)|sent back to|on its way back",
        Status.RETURNING,
        "also 'returned to sender': it may still be on its way",
    ),
    # what went wrong, gravest first
    (
        r"\brefused(?! to)|\brejected\b|refused to accept|declined|did not want",
        Status.EXCEPTION,
        Reason.REFUSED,
        "the carrier still has it",
    ),
    (r"\bdamage", Status.EXCEPTION, Reason.DAMAGED, "also delivered damaged"),
    (
        r"(?:\b(?:is|was|been|declared|presumed|reported|package|parcel|shipment|item)|^) lost\b(?! and found)"
        r"|lost in|could not be located|unable to locate"
        r"|(?<!documents )(?<!data )\bmissing\b(?! (?:doc|data|info))|dead mail|mail recovery",
        Status.EXCEPTION,
        Reason.LOST,
        "not missing documents",
    ),
    (
        r"(?:dut(?:y|ies)|fee|charges?|tax(?:es)?|payment|cod)\b[^|]{0,30}\b(?:due|required|to pay|not ready"
        r"|be paid)|import (?:charges?|duties|tax(?:es)?)$",
        Status.EXCEPTION,
        Reason.PAYMENT_DUE,
        "before customs: customs charge",
    ),
    (r"payment was not available", Status.ATTEMPT_FAILED, Reason.PAYMENT_DUE, "at the door"),
    (
        r"held (?:in|by|at) customs|(?:clearance|customs)[^|]{0,12} (?:delay|failed|hold)"
        r"|clearance information is required|awaiting[^|]{0,12} documents"
        r"|further clearance|documents (?:missing|required)|held[^|]{0,20}customs",
        Status.EXCEPTION,
        Reason.CUSTOMS_HOLD,
        "a hold before the clearance itself",
    ),
    (
        r"^(?!.*\bnot\b).*(?:(?:released|cleared) (?:by |from |through )?(?:the )?customs|customs cleared"
        r"|clearance (?:processing )?(?:is )?complet|out of customs|cleared and"
        r"|release - import(?!.*clearance)|release\|import(?!.*clearance))",
        Status.IN_TRANSIT,
        "released",
    ),
    (r"customs|clearance|(?<!by a )government agency", Status.CUSTOMS, "in clearance"),
    (r"\bseized|security|prohibited|confiscated", Status.EXCEPTION, Reason.SECURITY, "held for what is in it"),
    (
        r"weather|snow|storm|hurricane|flood|natural disaster|typhoon",
        Status.EXCEPTION,
        Reason.WEATHER,
        "before delays",
    ),
    (
        r"unclaimed|not (?:been )?(?:picked up|collected)\b(?! yet)|(?:hold|collection) (?:period"
        r"|time) (?:has )?(?:ended|expired)|hold time expired",
        Status.EXCEPTION,
        Reason.UNCLAIMED,
        "before the counter where it lies",
    ),
    (
        r"(?:incorrect|insufficient|incomplete|wrong|invalid|bad) (?:delivery )?address|address[^"
        r"|]{0,24} (?:incorrect|incomplete|needed|required|not found|insufficient|wrong|invalid)"
        r"|street number is incorrect|undeliverable as addressed|no such number|moved|gone away|address unknown",
        Status.EXCEPTION,
        Reason.ADDRESS_PROBLEM,
        "before attempts",
    ),
    # attempts
    (
        rf"not (?:available|home|in\b)|no(?:body| ?one)(?: was)? (?:at )?home|no answer|unavailable|(?:premises"
        rf"|business) (?:was )?closed|no authorized {_RECIPIENT}|we missed you",
        Status.ATTEMPT_FAILED,
        Reason.RECIPIENT_ABSENT,
        "nobody there",
    ),
    (
        r"partial(?:ly)? deliver|abnormal signature|delivered in error|falsely marked",
        Status.EXCEPTION,
        Reason.OTHER,
        "a delivery that is none",
    ),
    (r"pick-?up (?:attempted|delayed|failed)|unable to collect", Status.PRE_TRANSIT, "a pickup that failed"),
    (
        r"attempted delivery|delivery attempt|attempted to deliver|tried to deliver|failed (?:delivery )?attempt"
        r"|(?:unable|could not|couldn't|cannot) (?:to |be )?(?:deliver|access)"
        r"|unsuccessful delivery|delivery (?:unsuccessful|not completed|failed)|redelivery scheduled"
        r"|left a (?:\"[^|\"]{0,30}\" )?card|notice left|^undelivered",
        Status.ATTEMPT_FAILED,
        "tried",
    ),
    # paperwork
    (
        r"^(?!.*(?:pick-?up|collection|delivery|appointment|request|redirect|hold|instruction|change|notification"
        r"|\bnot\b|fail|unable|cannot|attempt))"
        r".*(?:shipment|package|parcel|article|waybill|label)\b(?! (?:is|was) (?:about|to be))[^"
        r"|]{0,20}(?:cancell?ed|void)",
        Status.CANCELLED,
        "the shipment, not a service around it",
    ),
    # the end
    (rf"{_UNDENIED}(?:{_TAKEN})", Status.DELIVERED, "taken out by the recipient"),
    (
        rf"delivered to (?:[^|]{{0,20}} )?{_POINT}|delivered\|(?:parcel )?locker|placed in (?:a )?locker"
        rf"|stored in[^|]{{0,10}} locker|left (?:at|in)[^|]{{0,12}} {_POINT}"
        r"|(?:ready|available) for (?:customer |recipient )?(?:pick-?up|collection)|ready to collect"
        r"|ready for recipient|awaiting collection|held (?:for|at)|waiting for you"
        r"|arrived at[^|]{0,12} (?:collection|pick-?up)|pick up your item",
        Status.AVAILABLE_FOR_PICKUP,
        "locker and shop are not the customer",
    ),
    (
        r"with (?:delivery )?courier|out (?:with courier )?for delivery"
        r"|(?:loaded )?on(?:to)?(?: the)?(?: fedex)?(?: delivery)? vehicle|on ?board (?:for delivery|with)"
        r"|with driver|due to be delivered today|^delivering|courier is on the way|is delivering|with the postie",
        Status.OUT_FOR_DELIVERY,
        "on the vehicle",
    ),
    (
        rf"^(?!.*(?:\breturn|notification|notice|message|sms))(?!.*(?:{_DENIED})).*(?:{_DELIVERED})",
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
        "some problem, unnamed",
    ),
    # the way there
    (r"departed shipping partner", Status.IN_TRANSIT, "USPS: a partner has it"),
    (
        r"(?<!return )label|information (?:sent|received|approved)|instruction data|order (?:processed|received)"
        r"|awaiting (?:item|package|lodgement)|acceptance pending"
        r"|pre-shipment|preparing item|expecting it|expect to receive|despatching item|details received"
        r"|notified electronically",
        Status.PRE_TRANSIT,
        "not handed over",
    ),
    (
        r"picked ?up|pickup scan|origin scan|drop-?(?:ped)? ?off|in possession|accepted (?:at|by)|lodged|posted by"
        r"|posting/collection|collected (?:from|by)|received by (?:the )?carrier"
        r"|handed in|tendered",
        Status.PICKED_UP,
        "the carrier has it",
    ),
    (
        r"in transit|arriv|depart|process|sort|facility|hub|on (?:its|the) way|forward|transfer|left the"
        r"|left [a-z]+ (?:origin|facility)|leaving|received at|flight|handed over"
        r"|dispatched|preparing for delivery|export|release|airline|linehaul|onward",
        Status.IN_TRANSIT,
        "movement and scans at depots",
    ),
)

#: Over the whole text, last: what a plan or a request lets one conclude. Most of them move nothing.
WISHES = (
    (
        r"request|reschedul|delivery (?:date|option|change|instructions|notification|arranged)|scheduled delivery"
        r"|estimated|asked (?:us )?to|return label"
        r"|(?:pick-?up|delivery|redirect\w*|appointment|hold)\b[^.]{0,40}cancell?ed",
        Status.INFO,
        "a wish",
    ),
)
