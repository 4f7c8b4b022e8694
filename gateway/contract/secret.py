"""A secret: required, never empty, never printed."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr


def _filled(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("a secret may not be empty: an empty secret verifies every forger")
    return value


Secret = Annotated[SecretStr, AfterValidator(_filled)]
