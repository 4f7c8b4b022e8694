"""Reading the documents, for their tests."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = [README, CHINESE, ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
#: A page whose carrier is made up; tests/test_docs_carrier.py builds what it says.
MADE_UP = DOCS / "adding-a-carrier.md"


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[tuple[str, str]]:
    """(what stands behind the fence, body) of every code block."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", text(page), re.M | re.S)


def prose(page: Path) -> str:
    """Without the code blocks."""
    return re.sub(r"^```.*?^```$", "", text(page), flags=re.M | re.S)


def links(page: Path) -> list[str]:
    """Those that stay in the repository."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if "://" not in link]


def headings(page: Path) -> list[str]:
    return re.findall(r"^(#+ .*)$", prose(page), re.M)


def commands(page: Path) -> list[list[str]]:
    """The words of every shell command. They begin in the first column; what follows indented belongs to them."""
    shells = [body for info, body in blocks(page) if info == "sh"]
    every = [shlex.split(one, comments=True) for body in shells for one in re.split(r"\n(?=\S)", body)]
    return [words for words in every if words]


def between(page: str, begin: str, end: str, body: str) -> str:
    """The page with this between two marks; the rest of it is by hand. Raise ValueError when they are not there."""
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{begin} and {end} are needed")
    return f"{before}{begin}\n{body}\n{end}{after}"
