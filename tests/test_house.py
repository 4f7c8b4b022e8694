"""The map of the house as a test: who may import whom, and which third parties stay behind their walls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.compliance import ROOT, plugins

#: A part of the house -> what it may import, besides itself. The longest prefix that fits a module is its part.
MAY: dict[str, tuple[str, ...]] = {
    # bedrock
    "gateway.domain": (),
    "gateway.contract": ("gateway.domain",),
    # garden
    "adapters": ("gateway.domain", "gateway.contract"),
    "notifiers": ("gateway.domain", "gateway.contract"),
    # outhouse
    "gateway.sandbox": ("gateway.domain", "gateway.contract"),
    # cellar
    "gateway.rules": ("gateway.domain",),
    # ground
    "gateway.store": ("gateway.domain", "gateway.contract", "gateway.rules", "gateway.together"),
    "gateway.http": ("gateway.contract",),
    "gateway.lane": (),
    "gateway.limits": ("gateway.contract",),
    "gateway.shared_limits": ("gateway.contract", "gateway.lane", "gateway.limits"),
    "gateway.cache": (),
    "gateway.recent": (),
    "gateway.seal": (),
    "gateway.shared_tokens": ("gateway.contract", "gateway.seal", "gateway.store"),
    "gateway.signals": (),
    "gateway.together": (),
    "gateway.privacy": (),
    "gateway.render": (),
    "gateway.garbage": (),
    "gateway.steady": (),
    "gateway.words": ("gateway.domain",),
    "gateway.yaml_lines": (),
    "gateway.outcome": (),
    "gateway.settings": ("gateway.domain", "gateway.rules"),
    "gateway.plugins": ("gateway.domain", "gateway.contract", "gateway.settings"),
    "gateway.policies": ("gateway.rules", "gateway.store"),
}
_GROUND = (*list(MAY)[list(MAY).index("gateway.rules") :], "gateway.domain", "gateway.contract")
MAY["gateway.runtime"] = _GROUND
_BELOW = (*_GROUND, "gateway.runtime")
# first floor: arrows only to the left
_FIRST = (
    "gateway.tracking",
    "gateway.cases",
    "gateway.routing",
    "gateway.messages",
    "gateway.stalls",
    "gateway.remedies",
)
for _number, _name in enumerate(_FIRST):
    MAY[_name] = (*_BELOW, *_FIRST[:_number])
MAY["gateway.retention"] = _BELOW
MAY["gateway.config"] = (*_BELOW, "gateway.routing")
# second floor: the doors
MAY["gateway.web"] = (*_BELOW, *_FIRST)
MAY["gateway.jobs"] = _BELOW
MAY["gateway.joining"] = _BELOW
MAY["gateway.clock_set_back"] = _BELOW
# roof
MAY["gateway.app"] = ("gateway",)
MAY["gateway.processes"] = ()
MAY["gateway.demo"] = ("gateway",)
MAY["gateway.live"] = ("gateway",)
MAY["gateway.moving"] = ("gateway",)
MAY["gateway.commands"] = ("gateway",)
MAY["gateway.__main__"] = ("gateway.commands",)

#: A third party -> where it may be imported.
WALLS: dict[str, tuple[str, ...]] = {
    "aiohttp": ("gateway.web", "gateway.app", "gateway.sandbox", "gateway.http"),
    "httpx_aiohttp": ("gateway.http",),
    "apscheduler": ("gateway.jobs",),
    "sqlalchemy": ("gateway.store",),
    "alembic": ("gateway.store",),
    "redis": ("gateway.lane",),
    "tenacity": ("gateway.http",),
    "jinja2": ("gateway.render", "gateway.web", "gateway.sandbox"),
    "yaml": ("gateway.yaml_lines", "gateway.live", "gateway.policies", "gateway.words", "gateway.sandbox"),
}


def modules() -> list[str]:
    files = [path for top in ("gateway", "adapters", "notifiers") for path in (ROOT / top).rglob("*.py")]
    return sorted(_name(path) for path in files if "migrations" not in path.parts)


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(module: str) -> tuple[str, ...]:
    """Every module a module imports, inside functions and under TYPE_CHECKING too."""
    base = ROOT.joinpath(*module.split("."))
    path = base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8"))))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, "imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if ROOT.joinpath(*whole.split(".")).with_suffix(".py").exists() else node.module


def part(module: str) -> str | None:
    fitting = [prefix for prefix in MAY if module == prefix or module.startswith(f"{prefix}.")]
    return max(fitting, key=len, default=None)


def inside(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


@pytest.mark.parametrize("module", modules())
def test_arrows_point_only_downward(module: str) -> None:
    home = part(module)
    if module == "gateway" or home is None:
        assert module in {"gateway", "adapters", "notifiers"}, f"{module} stands nowhere on the map"
        return
    ours = [name for name in imports(module) if name.split(".")[0] in {"gateway", "adapters", "notifiers"}]
    wrong = [name for name in ours if not inside(name, (home, *MAY[home]))]
    assert not wrong, f"{module} may not import {', '.join(wrong)}"


@pytest.mark.parametrize("module", modules())
def test_third_parties_stay_behind_their_walls(module: str) -> None:
    foreign = {name.split(".")[0] for name in imports(module)}
    wrong = [name for name in foreign & set(WALLS) if not inside(module, WALLS[name])]
    assert not wrong, f"{module} may not import {', '.join(wrong)}"


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith(("adapters.", "notifiers."))])
def test_plugins_know_neither_each_other_nor_the_gateway(module: str) -> None:
    """A plugin that is a folder imports its own modules too."""
    own = ".".join(module.split(".")[:2])
    others = [name for name in imports(module) if name.startswith(("adapters", "notifiers", "gateway"))]
    assert all(inside(name, ("gateway.domain", "gateway.contract", own)) for name in others)


def test_the_gateway_names_no_plugin() -> None:
    codes = {path.stem for top in ("adapters", "notifiers") for path in plugins(top)}
    named = [
        (module, node.value)
        for module in modules()
        if module.startswith("gateway") and not module.startswith("gateway.sandbox")
        for node in ast.walk(ast.parse(_source(module)))
        if isinstance(node, ast.Constant) and node.value in codes
    ]
    assert not named


def test_no_module_is_called_helpers() -> None:
    shunned = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
    assert not [module for module in modules() if module.split(".")[-1] in shunned]


def test_files_stay_readable() -> None:
    long = {module: len(_source(module).splitlines()) for module in modules()}
    assert not {module: lines for module, lines in long.items() if lines > _longest(module)}


def _longest(module: str) -> int:
    """A plugin that would be longer becomes a folder."""
    return 200 if module.startswith(("adapters.", "notifiers.")) else 300


def _source(module: str) -> str:
    base = ROOT.joinpath(*module.split("."))
    path = base.with_suffix(".py")
    return (path if path.exists() else base / "__init__.py").read_text(encoding="utf-8")
