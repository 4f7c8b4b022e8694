"""Importing the plugin that the compliance suite examines: a file or a folder."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from gateway.contract.carrier import CarrierAdapter
from gateway.contract.notifier import Notifier


def load_plugin(source: Path) -> type[CarrierAdapter] | type[Notifier]:
    """The one plugin class a file, or the `__init__.py` of a folder, defines. Raise ValueError for none or several."""
    module = _load(source)
    found = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, (CarrierAdapter, Notifier))
        and kind.__module__ == module.__name__
        and kind.__dict__.get("code") == source.stem
    ]
    if len(found) != 1:
        raise ValueError(f"{source.name}: one plugin with code = {source.stem!r} was expected, found {len(found)}")
    return found[0]


def _load(source: Path) -> ModuleType:
    """Import a plugin under the name it has in the gateway; one elsewhere gets its own entry."""
    name, path = module_name(source), source.resolve()
    path = path / "__init__.py" if path.is_dir() else path
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path) if path.exists() else None
    if spec is None or spec.loader is None:
        raise ValueError(f"{source}: is no Python file and no folder with an __init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def module_name(source: Path) -> str:
    """`adapters.sf` of `adapters/sf.py` and of `adapters/sf/`."""
    return f"{source.resolve().parent.name}.{source.stem}"
