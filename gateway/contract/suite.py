"""The compliance suite: what every adapter and notifier must pass. It belongs to the contract; authors bring samples.

    python -m gateway.contract.suite adapters/easypost tests/samples/easypost

takes a plugin's file or folder, prints one line per problem and ends with status 1 when there are any. The format of
samples is in docs/adding-a-carrier.md.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from gateway.contract.suite_answers import http_status, lost_answer
from gateway.contract.suite_bends import naive_time, order, unknown_code
from gateway.contract.suite_load import load_plugin
from gateway.contract.suite_readings import hidden_no, samples
from gateway.contract.suite_rubbish import rubbish
from gateway.contract.suite_samples import Fold, Problem, Subject, subject
from gateway.contract.suite_signature import signature
from gateway.contract.suite_static import ability, empty_secret, imports

__all__ = ["CHECKS", "Check", "Fold", "Problem", "Subject", "check", "load_plugin", "problems", "subject"]

Check = Callable[[Subject], Awaitable[list[Problem]]]

#: A check per fault code. Every problem a check reports has its own code.
CHECKS: Mapping[str, Check] = {
    "samples": samples,
    "imports": imports,
    "ability": ability,
    "empty_secret": empty_secret,
    "signature": signature,
    "http_status": http_status,
    "lost_answer": lost_answer,
    "hidden_no": hidden_no,
    "unknown_code": unknown_code,
    "naive_time": naive_time,
    "order": order,
    "rubbish": rubbish,
}


async def check(examined: Subject, code: str) -> list[Problem]:
    """The problems of one fault code. Samples that cannot be used at all are a problem of `samples`."""
    try:
        examined.plugin.Settings.model_validate(examined.settings)
        described = examined.samples
    except (ValidationError, ValueError) as error:
        return [Problem("samples", "settings.json", str(error))] if code == "samples" else []
    if not described and code == "samples":
        return [Problem("samples", "", f"there are no samples in {examined.folder.name}/")]
    return await CHECKS[code](examined)


async def problems(examined: Subject) -> list[Problem]:
    """Everything the suite finds."""
    return [problem for code in CHECKS for problem in await check(examined, code)]


def main(arguments: list[str]) -> int:
    """Examine one plugin with one folder of samples; the exit status is 1 when there are problems."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m gateway.contract.suite <plugin file or folder> <folder of samples>\n")
        return 2
    try:
        examined = subject(Path(arguments[0]), Path(arguments[1]))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    found = asyncio.run(problems(examined))
    for problem in found:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(f"{examined.plugin.code}: {len(found)} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
