"""Fields that are checked the same way everywhere: phones, countries, zones, languages, times, money."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel import Locale
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

#: Groupings and placeholders, which no parcel goes to.
_NOWHERE = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$")
_MAIL = re.compile(r"^[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+\.[^\s@.<>,;:\"()\[\]\\]{2,}$")
_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_NUMBER = re.compile(r"^[0-9A-Za-z][0-9A-Za-z ._/-]{2,62}[0-9A-Za-z]$")


class Model(BaseModel):
    """A request: unknown fields are refused by name, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid")


@cache
def _territories() -> frozenset[str]:
    """Countries and the like; read when the first is asked about."""
    return frozenset(str(code) for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code))) - _NOWHERE


@cache
def _currencies() -> frozenset[str]:
    return frozenset(Locale("en").currencies)


def _country(value: str) -> str:
    if value not in _territories():
        raise ValueError("not an ISO 3166-1 alpha-2 country code, like CN")
    return value


def _phone(value: str) -> str:
    try:
        parsed = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("not an E.164 phone number, like +8613800138000") from error
    if not phonenumbers.is_possible_number(parsed) or not phonenumbers.is_valid_number(parsed):
        raise ValueError("no phone has this number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _email(value: str) -> str:
    if not _MAIL.match(value) or len(value) > 254:
        raise ValueError("not a mail address")
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.match(value):
        raise ValueError("not a BCP 47 language, like zh-CN")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not an IANA time zone, like Asia/Shanghai") from error
    return value


def _currency(value: str) -> str:
    if value not in _currencies():
        raise ValueError("not an ISO 4217 currency, like CNY")
    return value


def _number(value: str) -> str:
    if not _NUMBER.match(value):
        raise ValueError("4 to 64 letters, digits, spaces, dots, dashes, slashes or underscores")
    return value


def _plain(value: str) -> str:
    if any(ord(character) < 32 and character not in "\t\n\r" for character in value):
        raise ValueError("holds control characters")
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds control characters")
    return value


def _written(value: object) -> object:
    """A number could be seconds or milliseconds: only a text says what time it is."""
    if isinstance(value, datetime) or (isinstance(value, str) and _TIME.match(value)):
        return value
    raise ValueError("not an RFC 3339 time with its offset, like 2026-11-24T18:00:00+08:00")


def _possible(value: datetime) -> datetime:
    if not 2000 <= value.year < 2200:
        raise ValueError("no parcel lives then")
    return value


Country = Annotated[str, AfterValidator(_country)]
Phone = Annotated[str, AfterValidator(_phone)]
Email = Annotated[str, AfterValidator(_email)]
Language = Annotated[str, AfterValidator(_language)]
Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
TrackingNumber = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_number)]
Text = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True), AfterValidator(_plain)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), AfterValidator(_one_line)]
Time = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_possible)]


class Amount(Model):
    """Money: a decimal text in major units, and its currency."""

    amount: Decimal = Field(ge=0, max_digits=14, decimal_places=3)
    currency: Currency
