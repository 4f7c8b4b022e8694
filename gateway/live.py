"""`gateway live <carrier> --number <n>`: one poll with real credentials from the environment; prints the scans.

For a person at a desk, never for CI: it is the only command that reaches a real carrier without a running gateway.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gateway.contract import Can, ContractError
from gateway.domain import LegRef, Scan
from gateway.http import Outside
from gateway.plugins import UnknownPlugin, adapter_class, carrier_settings
from gateway.settings import CarrierRow
from gateway.yaml_lines import read


async def live(arguments: argparse.Namespace) -> int:
    """0: the carrier answered, with scans or without; 1: it refused or was out of reach; 2: a setting is wrong."""
    folder = Path(os.environ.get("GATEWAY_CONFIG", "config"))
    problems, row = _row(folder / "carriers.yaml", arguments.carrier)
    if row is None:
        return _say(2, *problems)
    try:
        kind = adapter_class(row.adapter)
        settings = kind.Settings.model_validate(carrier_settings(kind, row))
    except UnknownPlugin as error:
        return _say(2, str(error))
    except ValidationError as error:
        return _say(2, *(f"settings.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))
    if Can.POLL not in kind.able(settings):
        return _say(2, f"{arguments.carrier} cannot be polled")
    outside = Outside()
    company = row.settings.get("company") if kind.aggregator else None
    leg = LegRef(
        carrier=arguments.carrier, tracking_number=arguments.number, company=company, phone=arguments.phone or ""
    )
    try:
        scans = await kind(settings, outside.client(settings.base_url)).poll([leg])
    except ContractError as error:
        return _say(1, f"{type(error).__name__} {error.code}: {error.detail}")
    finally:
        await outside.close()
    return _say(0, *([_line(scan) for scan in sorted(scans, key=lambda scan: scan.at)] or ["not found (yet)"]))


def _row(path: Path, carrier: str) -> tuple[list[str], CarrierRow | None]:
    """The row, as if it were switched on: the variables of others are not needed."""
    raw: Any = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
    found = raw["carriers"].get(carrier) if isinstance(raw, dict) and isinstance(raw.get("carriers"), dict) else None
    if not isinstance(found, dict):
        return [f"{path} has no carrier {carrier}"], None
    alone = yaml.safe_dump({**found, "enabled": True}, allow_unicode=True)
    document = read(path, os.environ, text=alone)
    if document.problems:
        return [f"{path}: carriers.{carrier}.{one.setting}: {one.reason}" for one in document.problems], None
    try:
        return [], CarrierRow.model_validate(document.value)
    except ValidationError as error:
        return [f"carriers.{carrier}.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()], None


def _line(scan: Scan) -> str:
    said = " ".join(part for part in (scan.place, scan.text) if part)
    word = f"{scan.status}/{scan.reason}" if scan.reason else str(scan.status)
    return f"{scan.at.isoformat()} ({scan.basis}) {word} [{scan.carrier_code}] {said}"


def _say(code: int, *lines: str) -> int:
    for line in lines:
        print(line)  # noqa: T201 - the command line speaks to people
    return code
