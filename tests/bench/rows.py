"""The table of what is measured: which module has which rows, and how they are run one after the other.

A module has `NAMES` and `measure(names, plan, folder)`, which yields a Figure for each of the names it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from tests.bench.figure import Figure, Missing
from tests.bench.measure import Plan

#: In the order of the table in docs/performance.md.
MODULES = ("pairs", "through", "polling", "claims", "deeds", "big", "size", "start", "parsing")


def modules(names: Sequence[str] = MODULES) -> dict[str, ModuleType]:
    """The module of each row."""
    found = [import_module(f"tests.bench.{name}") for name in names if find_spec(f"tests.bench.{name}")]
    return {name: module for module in found for name in module.NAMES}


def measured(
    table: Mapping[str, ModuleType], names: Iterable[str], plan: Plan, folder: Path
) -> Iterator[Figure | Missing]:
    """Each row as soon as it is known, module by module. Databases lie in `folder` and go again."""
    wanted = [name for name in table if name in set(names)]
    for module in dict.fromkeys(table[name] for name in wanted):
        yield from _of_module(module, [name for name in wanted if table[name] is module], plan, folder)


def _of_module(module: ModuleType, left: list[str], plan: Plan, folder: Path) -> Iterator[Figure | Missing]:
    """A row that fails is told, and those after it are measured all the same."""
    while left:
        try:
            for figure in module.measure(tuple(left), plan, folder):
                left.remove(figure.name)
                yield figure
            why = "its module did not measure it"
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
        if left:
            yield Missing(name=left.pop(0), why=why)
