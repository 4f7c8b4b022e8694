"""The templates that the SMS and WeChat stand-ins have "approved", read from config/approved.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[1] / "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """text: with its variables as ${name} (SMS) or {{name.DATA}} (WeChat). title: what WeChat shows above it."""

    id: str
    text: str
    title: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(a or b for a, b in _VARIABLE.findall(self.text)))

    def filled(self, values: Mapping[str, str]) -> str:
        return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], ""), self.text)


_VARIABLE = re.compile(r"\$\{(\w+)\}|\{\{(\w+)\.DATA\}\}")


@cache
def approved(provider: str) -> Mapping[str, Approved]:
    """The templates of a provider ("aliyun", "wechat") by their id."""
    rows = yaml.safe_load((FOLDER / "approved.yaml").read_text(encoding="utf-8"))[provider]
    return {name: Approved(id=name, text=row["text"], title=row.get("title", "")) for name, row in rows.items()}
