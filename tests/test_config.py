"""A configuration that cannot work stops the start with file, line and reason; nothing is defaulted in silence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import ConfigError, load
from gateway.plugins import unheard
from gateway.sandbox.environment import variables
from gateway.settings import Environment

ROOT = Path(__file__).parents[1]
SANDBOX = ROOT / "gateway" / "sandbox" / "config"
VARIABLES = variables(8080, 8025, 8081)

Change = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SANDBOX, tmp_path / "config"))


def problems(folder: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, VARIABLES if environ is None else environ)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def edit(folder: Path, file: str, before: str, after: str) -> int:
    """Replace the first occurrence; the line it stands on."""
    path = folder / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    return text[: text.index(before)].count("\n") + 1


def test_the_default_configuration_is_good_with_nothing_set() -> None:
    config = load(ROOT / "config", {})
    assert not any(row.enabled for row in config.carriers.values())


def test_the_sandbox_configuration_is_good() -> None:
    assert load(SANDBOX, VARIABLES).carriers["sf"].fallback == "kuaidi100"


def test_an_unknown_adapter(folder: Path) -> None:
    line = edit(folder, "carriers.yaml", "adapter: zto", "adapter: pigeon")
    assert any(
        f"carriers.yaml:{line}: carriers.zto.adapter: there is no adapters/pigeon.py" in one for one in problems(folder)
    )


def test_a_missing_variable_is_named(folder: Path) -> None:
    line = edit(folder, "carriers.yaml", "${SANDBOX_SF_CHECK_WORD}", "${SANDBOX_SF_CHECK_WORD}")
    environ = {name: value for name, value in VARIABLES.items() if name != "SANDBOX_SF_CHECK_WORD"}
    reason = "carriers.sf.settings.check_word: ${SANDBOX_SF_CHECK_WORD} is not set in the environment"
    assert f"carriers.yaml:{line}: {reason}" in problems(folder, environ)


def test_an_empty_secret_is_refused(folder: Path) -> None:
    found = problems(folder, {**VARIABLES, "SANDBOX_SF_CHECK_WORD": ""})
    assert any("carriers.sf.settings.check_word" in one and "empty" in one for one in found)


def test_a_backup_that_cannot_book(folder: Path) -> None:
    line = edit(folder, "routes.yaml", "carrier: zto}", "carrier: kuaidi100}")  # it has no secret for orders
    (found,) = [one for one in problems(folder) if "routes.yaml" in one]
    assert found.startswith(f"routes.yaml:{line}:")
    assert "book" in found


def test_who_cannot_detect_is_not_asked_to(folder: Path) -> None:
    line = edit(folder, "carriers.yaml", "    adapter: sf\n", "    adapter: sf\n    detect: true\n")
    assert f"carriers.yaml:{line + 1}: carriers.sf.detect: sf cannot tell whose a number is" in problems(folder)


@pytest.mark.parametrize(
    ("settings", "token", "deaf"),
    [
        ("", "", ["shop"]),
        ("", "\n    webhook_token: a-long-and-random-path", []),
        (", hmac_secret: made-up", "", []),
    ],
)
def test_a_row_whose_pushes_nobody_can_believe_is_named(
    folder: Path, settings: str, token: str, deaf: list[str]
) -> None:
    row = (
        "  shop:\n    adapter: shippo\n    name: {en: Shippo}\n    country: US\n"
        f"    settings: {{base_url: https://shippo.test, api_token: made-up, company: usps{settings}}}{token}\n"
    )
    path = folder / "carriers.yaml"
    path.write_text(path.read_text() + row)
    assert unheard(load(folder, VARIABLES).carriers) == deaf


def test_a_ring_of_backups(folder: Path) -> None:
    (folder / "routes.yaml").write_text(
        "routes:\n"
        "  - {id: a, when: {carrier: sf}, mode: auto, backups: [{carrier: zto}]}\n"
        "  - {id: b, when: {carrier: zto}, mode: auto, backups: [{carrier: sf}]}\n"
    )
    assert any("routes.yaml" in one and "ring" in one for one in problems(folder))


def test_a_setting_that_is_misspelt(folder: Path) -> None:
    line = edit(folder, "carriers.yaml", "partner_id:", "partnerid:")
    found = problems(folder)
    assert any(f"carriers.yaml:{line}: carriers.sf.settings.partnerid" in one for one in found)
    assert any("partner_id: Field required" in one for one in found)


def test_what_is_given_twice(folder: Path) -> None:
    line = edit(folder, "routes.yaml", "routes:", "routes: []\nroutes:")
    assert any(f"routes.yaml:{line + 1}: routes: is given twice" in one for one in problems(folder))


def test_what_is_not_yaml(folder: Path) -> None:
    (folder / "stalls.yaml").write_text("thresholds: {pre_transit: [\n")
    assert any(one.startswith("stalls.yaml:") and "not YAML" in one for one in problems(folder))


def test_a_playbook_of_no_kind_and_a_tier_that_is_not_there(folder: Path) -> None:
    edit(folder, "playbooks.yaml", "stall_picked_up:", "stall_picked_upp:")
    edit(folder, "playbooks.yaml", "tier: sorry_large", "tier: sorry_huge")
    found = "\n".join(problems(folder))
    assert "stall_picked_upp: no such kind of case" in found
    assert "compensation.yaml has no tier sorry_huge" in found


def test_a_template_nobody_wrote(folder: Path) -> None:
    edit(folder, "playbooks.yaml", "template: failover_notice", "template: never_written")
    assert any("never_written.zh-CN.txt.j2 is missing" in one for one in problems(folder))


def test_a_channel_of_another_kind_of_sender(folder: Path) -> None:
    edit(folder, "notifiers.yaml", "sms: [sms]", "sms: [mail]")
    assert any("mail speaks email, not sms" in one for one in problems(folder))


def test_a_variable_of_a_row_that_is_off_is_not_needed(folder: Path) -> None:
    edit(folder, "carriers.yaml", "    fallback: kuaidi100", "    fallback: kuaidi100\n    enabled: false")
    edit(folder, "routes.yaml", "{carrier: sf}", "{carrier: zto}")
    edit(folder, "routes.yaml", "carrier: sf, ", "")
    environ = {name: value for name, value in VARIABLES.items() if not name.startswith("SANDBOX_SF")}
    assert not load(folder, environ).carriers["sf"].enabled


@pytest.mark.parametrize(
    ("name", "value"),
    [("GATEWAY_PORT", "http"), ("GATEWAY_SECRET_KEY", "short"), ("GATEWAY_LOG_FORMAT", "xml"), ("GATEWAY_TYPO", "1")],
)
def test_a_bad_environment_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name.removeprefix("GATEWAY_").lower()):
        Environment.read({name: value})


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("country: CN", "country: ZZ", "carriers.sf.country"),
        ("country: CN", "country: CN\n    timezone: Asia/Shangha", "carriers.sf.timezone"),
        ("country: CN", "country: CD", "carriers.sf.country"),  # two zones, and none is said
    ],
)
def test_a_carrier_without_a_calendar(folder: Path, before: str, after: str, field: str) -> None:
    line = edit(folder, "carriers.yaml", before, after) + after.count("\n")
    (found,) = problems(folder)
    assert found.startswith(f"carriers.yaml:{line}: {field}: ")


@pytest.mark.parametrize(
    ("before", "after"),
    [("base_url: ${SANDBOX_URL}/sf", "base_url: ${NOBODY_SET_THIS}/sf"), ("partner_id:", "partnr_id:")],
)
def test_one_wrong_row_does_not_make_the_others_vanish(folder: Path, before: str, after: str) -> None:
    edit(folder, "carriers.yaml", before, after)
    assert {one.partition(":")[0] for one in problems(folder)} == {"carriers.yaml"}


def test_a_fallback_whose_row_is_wrong_is_still_there(folder: Path) -> None:
    edit(folder, "carriers.yaml", "  kuaidi100:                #", "  kuaidi100:\n    wroks: mon-fri  #")
    assert not any("there is no carrier" in one for one in problems(folder))


def test_a_zone_of_readers_that_there_is_not(folder: Path) -> None:
    line = edit(folder, "messages.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Shangha")
    (found,) = problems(folder)
    assert found.startswith(f"messages.yaml:{line}: timezone: ")


@pytest.mark.parametrize("part", ["txt", "subject", "html"])
def test_a_template_that_wants_what_nobody_gives(folder: Path, part: str) -> None:
    file = f"stall_sorry.zh-CN.{part}.j2"
    (folder / "messages" / file).write_text("{{ number }} {{ tracking_nmuber }}")
    assert f"messages:1: stall_sorry: {file}: there is no parameter tracking_nmuber" in problems(folder)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://there/is/none",
        "no url at all",
        "sqlite:////proc/nowhere/gateway.db",
        "postgresql://u:pass-word@127.0.0.1:1/x",
    ],
)
def test_a_database_that_cannot_be_used_is_a_reason_and_no_trace(folder: Path, url: str) -> None:
    environ = {**os.environ, **VARIABLES, "GATEWAY_CONFIG": str(folder), "GATEWAY_DATABASE_URL": url}
    environ["GATEWAY_SECRET_KEY"] = "a secret key for the tests only"
    for command in ("serve", "migrate"):
        ended = subprocess.run(
            [sys.executable, "-m", "gateway", command],
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 2
        assert ended.stderr.splitlines()[-1].startswith("GATEWAY_DATABASE_URL: ")
        assert "Traceback" not in ended.stderr
        assert "pass-word" not in ended.stderr
