"""Whose number is it: the tricky ones. Misdetections are the field's commonest complaint."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Check, Confidence, NumberPattern
from gateway.plugins import adapter_class
from gateway.rules.check_digits import right
from gateway.rules.detect import candidates, decided
from tests.compliance import plugins

FORMS: Mapping[str, tuple[NumberPattern, ...]] = {
    path.stem: forms for path in plugins("adapters") if (forms := adapter_class(path.stem).number_forms)
}

#: number -> the one it certainly is
CERTAIN = {
    "SF1234567890123": "sf",
    "sf1234567890123": "sf",
    " SF 1234 5678 90123 ": "sf",
    "SF-1234-5678-90123": "sf",
    "ＳＦ１２３４５６７８９０１２３": "sf",
    "YT1234567890123": "yto",
    "JT1234567890123": "jtexpress",
    "JDVA00000000001": "jd",
    "JD0123456789012": "jd",
    "DPK012345678901": "deppon",
    "1Z999AA10123456784": "ups",
    "1z 999 aa1 01 2345 6784": "ups",
    "9400111899223100001236": "usps",
    "9622001900000000000000776632517510": "fedex",
    "9611020987654312345672": "fedex",
    "EA123456785CN": "ems",
    "RB123456785GB": "royalmail",
    "RR123456785US": "usps",
    "RR123456785AU": "auspost",
    "JD014600003812345678": "dhl",
    "JJD000390007812345678": "dhl",
    "JD012345678901234567": "dhl",  # JD and letters, or JD and 13 digits, is JD
    "JVGL06252041000": "dhl",
    "YT8812345678901": "yto",
    "EB123456785CN": "ems",
}
#: number -> (the candidates in order, what the first is worth): nobody is certain
AMBIGUOUS: dict[str, tuple[set[str], str]] = {
    "986578788855": ({"fedex", "sf", "zto", "sto", "yto", "ems"}, "likely"),  # 12 digits that pass FedEx's check
    "986578788856": ({"sf", "zto", "sto", "yto", "ems"}, "possible"),  # 12 digits that do not
    "268123456789": ({"sf", "zto", "sto", "yto", "ems"}, "possible"),  # STO's old ones from 268
    "4312345678901": ({"yunda", "sto"}, "likely"),
    "1012345678901": ({"yunda", "sto", "ems"}, "possible"),
    "9812345678901": ({"ems", "yunda", "sto"}, "likely"),
    "73100000000001": ({"zto"}, "likely"),  # 14 digits from 73: others have such numbers too
    "773000000000001": ({"sto"}, "likely"),
    "568283610012000": ({"fedex"}, "likely"),  # 15 digits with a check digit
    "3318810025": ({"dhl", "yto", "deppon"}, "likely"),
    "3318810010": ({"yto", "deppon"}, "possible"),  # the check digit of DHL is wrong
    "YD1234567890123": ({"yunda"}, "likely"),
    "SF123456789012": ({"sf"}, "likely"),  # a digit is missing, or it is an old one
    "LX123456785CN": ({"ems"}, "likely"),  # S10 of China that is not EMS
    "9261292700768711948021": ({"fedex", "usps", "ups"}, "likely"),  # SmartPost: FedEx takes it, USPS delivers it
    "420773169261290283641500004181": ({"usps"}, "likely"),  # the ZIP code is part of the barcode, not of the number
    "420100369400111899223100001236": ({"usps"}, "likely"),  # a ZIP code that begins like one of its own numbers
    "4201003612349400111899223100001236": ({"usps"}, "likely"),  # ZIP+4
    "03071790000523483741": ({"usps"}, "likely"),  # 20 digits, registered
    "00123456789012345675": ({"fedex"}, "possible"),  # an SSCC is anybody's
    "801234567890123456": ({"ups", "yto"}, "possible"),
    "880012345678901234": ({"yto"}, "possible"),
    "1234567890": ({"yto", "deppon"}, "possible"),
    "12345678903": ({"dhl"}, "possible"),  # an air waybill: 11 digits, the last modulo 7
    "K1234567890": ({"ups"}, "possible"),
    "RR123456785DE": ({"dhl"}, "likely"),  # Deutsche Post, which DHL tracks
    "1112345678901": ({"ems", "sto", "yunda"}, "possible"),
    "76123456789012": ({"zto"}, "likely"),
    "771234567890123": ({"sto"}, "likely"),  # ZTO's 77 has 14 digits
    "461234567890123": ({"yunda"}, "likely"),
    "7734567890123": ({"sto", "yunda"}, "possible"),
    "GM605112270084510370": ({"dhl"}, "likely"),
    "JDVA00000000001-1-1-": ({"jd"}, "likely"),  # a parcel's label: JD tracks the waybill
    "1Z999AA10123456785": ({"ups"}, "possible"),  # a typing error
    "EA123456784CN": ({"ems"}, "possible"),
    "RB123456784GB": ({"royalmail"}, "possible"),
    "9400111899223100001237": ({"usps"}, "possible"),
    # what eyes and scanners confuse
    "IZ999AA10123456784": ({"ups"}, "possible"),
    "1Z999AA1O123456784": ({"ups"}, "possible"),
    "SF12345678901Z3": ({"sf"}, "possible"),
    "5F1234567890123": ({"sf"}, "possible"),
    "YT12345678901O3": ({"yto"}, "possible"),
    "JT12345678901l3": ({"jtexpress"}, "possible"),
}
NOBODY = (
    "",
    "A",
    "1234",
    "SF",
    "TBA000000000000",
    "12345678904",  # 11 digits, and not DHL's check digit
    "70123456789012",
    "DPK0123456789",
    "LP00123456785612",  # of a platform, not of a carrier
    "YT1234567890123456",
    "RB123456785ZZ",
    "1Z999",
    "订单号",
    "0" * 64,
    "١" * 12,
)


@pytest.mark.parametrize(("number", "carrier"), CERTAIN.items())
def test_a_form_that_is_nobody_elses_decides(number: str, carrier: str) -> None:
    one = decided(candidates(number, FORMS))
    assert one is not None
    assert (one.carrier, one.confidence) == (carrier, Confidence.CERTAIN)
    assert one.number.isascii()
    assert one.number.isalnum()


@pytest.mark.parametrize(("number", "expected"), AMBIGUOUS.items())
def test_anything_else_is_a_question_with_ranked_answers(number: str, expected: tuple[set[str], str]) -> None:
    found = candidates(number, FORMS)
    assert decided(found) is None
    assert ({one.carrier for one in found}, found[0].confidence) == expected
    ranks = [list(Confidence).index(one.confidence) for one in found]
    assert ranks == sorted(ranks)
    assert all(one.reasons and one.reasons[0] for one in found)


@pytest.mark.parametrize("number", NOBODY)
def test_what_nobody_issues_has_no_candidates(number: str) -> None:
    assert candidates(number, FORMS) == []


def test_reasons_say_what_was_seen() -> None:
    seen = {
        "1Z999AA10123456785": "check_digit_wrong",
        "986578788855": "check_digit",
        "JDVA00000000001-1-1-": "more_than_the_number",
        "5F1234567890123": "misread",
    }
    for number, reason in seen.items():
        assert candidates(number, FORMS)[0].reasons[-1] == reason
    assert candidates("JDVA00000000001-1-1-", FORMS)[0].number == "JDVA00000000001"
    assert candidates("5F1234567890123", FORMS)[0].number == "SF1234567890123"


def test_two_rows_of_one_carrier_are_a_question() -> None:
    found = candidates("SF1234567890123", {"sf": FORMS["sf"], "sf_second_account": FORMS["sf"]})
    assert [one.confidence for one in found] == [Confidence.CERTAIN, Confidence.CERTAIN]
    assert decided(found) is None


def test_the_order_of_the_rows_decides_nothing() -> None:
    backwards = dict(reversed(list(FORMS.items())))
    for number in (*CERTAIN, *AMBIGUOUS):
        one, other = candidates(number, FORMS), candidates(number, backwards)
        assert sorted(map(repr, one)) == sorted(map(repr, other))
        assert decided(one) == decided(other)


#: S10 writes 11 as 5 and 10 as 0, so that its check digit overlooks errors where it is 0 or 5; not in these.
@pytest.mark.parametrize(
    "number", ["1Z999AA10123456784", "9400111899223100001236", "EA473124829CN", "RR473124829GB", "RR473124829US"]
)
def test_one_wrong_digit_is_never_certain(number: str) -> None:
    assert decided(candidates(number, FORMS)) is not None
    for place in range(2, len(number)):
        if number[place].isdigit():
            wrong = f"{number[:place]}{(int(number[place]) + 1) % 10}{number[place + 1 :]}"
            assert decided(candidates(wrong, FORMS)) is None, wrong


def test_a_form_that_is_no_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="form"):
        NumberPattern(form="SF[", note="broken")


#: Numbers that vendors publish as examples or that are in public test data: (right, wrong).
@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (Check.ONE_Z, "1Z999AA10123456784", "1Z999AA10123456783"),
        (Check.S10, "RB123456785GB", "RB123456786GB"),
        (Check.S10, "RR473124829GB", "RR473124828GB"),
        (Check.MOD11, "986578788855", "996578788855"),
        (Check.MOD11, "9622001900000000000000776632517510", "9622001900000000000000776632517511"),
        (Check.GS1_15, "568283610012000", "568283610012001"),
        (Check.GS1, "03071790000523483741", "03071790000523483742"),
        (Check.MOD7, "3318810025", "3318810024"),
    ],
)
def test_check_digits(check: Check, good: str, bad: str) -> None:
    assert right(check, good)
    assert not right(check, bad)


@given(st.text(max_size=64) | st.text("0123456789SFYTJDZ1 -", max_size=64))
def test_no_number_is_too_strange(number: str) -> None:
    for one in candidates(number, FORMS):
        assert one.carrier in FORMS
