"""A secret: required, never empty, never printed or logged."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, SecretStr


def _filled(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("a secret may not be empty: an empty secret verifies every forger")
    return value


Secret = Annotated[SecretStr, AfterValidator(_filled)]


def hiding(secret: re.Pattern[str]) -> Callable[[logging.LogRecord], bool]:
    """A filter that hides what the pattern finds, for httpx's logger, which writes the URL of every request."""

    def hide(record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(secret.sub("***", str(arg)) if secret.search(str(arg)) else arg for arg in record.args)
        return True

    return hide
