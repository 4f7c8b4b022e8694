"""Pictures of figures: SVG that GitHub shows, without scripts, fonts or addresses of other hosts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pygal import XY, HorizontalBar, PluginImportFixer  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

# Python 3.11 warns of it at every import that follows; it is for pygal's maps, which are not drawn here.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, PluginImportFixer)]

_FONT = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_GOOD, _SHORT = "#2da44e", "#cf222e"
_SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", _SVG)


def bars(path: Path, title: str, rows: Sequence[tuple[str, float, bool]]) -> None:
    """A bar for each row: (name, how far towards its goal: 1 is the goal, reached). The first row stands on top.

    A bar ends at three times the goal; what is written behind its name is the truth.
    """
    chart = HorizontalBar(**_looks(_GOOD), height=90 + 30 * len(rows), title=title, show_legend=False, range=(0, 3))
    chart.config.margin_right = 30
    chart.x_labels = [_told(*row) for row in reversed(rows)]
    chart.y_labels = [{"value": at, "label": f"{at:g} x goal" if at else "0"} for at in (0, 0.5, 1, 1.5, 2, 2.5, 3)]
    chart.add("", [{"value": min(far, 3), "color": _GOOD if good else _SHORT} for _, far, good in reversed(rows)])
    _write(path, chart)


def _told(name: str, far: float, good: bool) -> str:
    return f"{name}  {far:.2f}" if good else f"{name}  {far:.2f} FALLS SHORT"


def lines(path: Path, title: str, x_title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """A line for each series of (x, y)."""
    looks = _looks("#0969da", "#bc4c00", "#8250df", "#1a7f37", "#cf222e", "#57606a")
    chart = XY(**looks, height=420, title=title, x_title=x_title, include_x_axis=True)
    chart.config.dots_size, chart.config.legend_at_bottom = 1.5, True
    for name, points in series.items():
        chart.add(name, list(points))
    _write(path, chart)


def _looks(*colors: str) -> dict[str, Any]:
    style = Style(
        background="white",
        plot_background="white",
        foreground="#24292f",
        foreground_strong="#24292f",
        foreground_subtle="#57606a",
        guide_stroke_color="#d0d7de",
        major_guide_stroke_color="#d0d7de",
        font_family=_FONT,
        opacity="1",
        colors=colors,
    )
    return {"style": style, "width": 860, "js": (), "pretty_print": False, "show_y_guides": True, "truncate_label": -1}


def _write(path: Path, chart: Any) -> None:
    """Only what is drawn: pygal adds a script for pages that are alive."""
    tree = chart.render_tree()
    for parent in list(tree.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.endswith("script"):
                parent.remove(child)
    path.write_bytes(ElementTree.tostring(tree, encoding="utf-8") + b"\n")
