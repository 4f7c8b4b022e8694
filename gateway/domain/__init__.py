"""The words of the gateway (house.md section 2): plain values without a clock, a store or a network."""

from __future__ import annotations

from gateway.domain.deed import CaseState, DeedKind, DeedState
from gateway.domain.message import Channel, Message, MessageKind, MessageState, ProviderTemplate, Receipt
from gateway.domain.number import Check, Confidence, NumberPattern
from gateway.domain.parcel import Address, Booking, Item, LegRef, Money, Parcel, Party
from gateway.domain.scan import Basis, Scan, Source
from gateway.domain.status import FAULT, FINAL, PAPERWORK, Fault, Reason, Status, rank

__all__ = [
    "FAULT",
    "FINAL",
    "PAPERWORK",
    "Address",
    "Basis",
    "Booking",
    "CaseState",
    "Channel",
    "Check",
    "Confidence",
    "DeedKind",
    "DeedState",
    "Fault",
    "Item",
    "LegRef",
    "Message",
    "MessageKind",
    "MessageState",
    "Money",
    "NumberPattern",
    "Parcel",
    "Party",
    "ProviderTemplate",
    "Reason",
    "Receipt",
    "Scan",
    "Source",
    "Status",
    "rank",
]
