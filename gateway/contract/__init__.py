"""What a plugin must be. Adapters and notifiers import from here and from `gateway.domain`, and from nowhere else."""

from __future__ import annotations

from gateway.contract.carrier import Can, CarrierAdapter, CarrierSettings, Meaning, Outcome, Push, Rate, Reply, Verdict
from gateway.contract.detector import Detector
from gateway.contract.errors import (
    BadPayload,
    BadSignature,
    CallPerson,
    ContractError,
    OutcomeUnknown,
    RecipientInvalid,
    RecipientOptedOut,
    Refused,
    TryAgain,
    Unavailable,
)
from gateway.contract.notifier import Found, Notifier, NotifierSettings
from gateway.contract.secret import Secret
from gateway.contract.sharing import SharedTokens, Token
from gateway.contract.tokens import TokenCache

__all__ = [
    "BadPayload",
    "BadSignature",
    "CallPerson",
    "Can",
    "CarrierAdapter",
    "CarrierSettings",
    "ContractError",
    "Detector",
    "Found",
    "Meaning",
    "Notifier",
    "NotifierSettings",
    "Outcome",
    "OutcomeUnknown",
    "Push",
    "Rate",
    "RecipientInvalid",
    "RecipientOptedOut",
    "Refused",
    "Reply",
    "Secret",
    "SharedTokens",
    "Token",
    "TokenCache",
    "TryAgain",
    "Unavailable",
    "Verdict",
]
