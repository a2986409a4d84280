"""The report's plots, as SVG text."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.items import Number

COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a", "#9f6b53", "#787774", "#cb912f")
_INK = "#37352f"


def bars(title: str, groups: Mapping[str, Mapping[str, Number]]) -> str:
    """Horizontal bars with standard errors: group → system → number, in per cent."""
    systems = list(dict.fromkeys(system for held in groups.values() for system in held))
    names = list(groups)[::-1]
    figure, axes = _figure(title, height=0.7 + len(names) * (0.16 + 0.2 * len(systems)))
    thick = 0.8 / max(len(systems), 1)
    for place, (system, colour) in enumerate(zip(systems, cycle(COLOURS), strict=False)):
        rows = [(row, groups[name][system]) for row, name in enumerate(names) if system in groups[name]]
        offset = 0.4 - thick * (place + 0.5)
        axes.barh(
            [row + offset for row, _ in rows],
            [number.value * 100 for _, number in rows],
            height=thick * 0.9,
            xerr=[(number.standard_error or 0.0) * 100 for _, number in rows],
            color=colour,
            error_kw={"ecolor": _INK, "elinewidth": 0.8},
            label=system,
        )
        for row, number in rows:
            axes.text(101.5, row + offset, f"n={number.count}", va="center", fontsize=7, color=_INK)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(0, 100)
    axes.set_xlabel("%")
    _legend(axes, systems)
    return _svg(figure)


def scatter(title: str, x_label: str, y_label: str, points: Sequence[tuple[str, float, Number]]) -> str:
    """Systems as points with standard errors: name, x, y in per cent."""
    figure, axes = _figure(title, height=3.4)
    for (name, x, number), colour in zip(points, cycle(COLOURS), strict=False):
        error = (number.standard_error or 0.0) * 100
        axes.errorbar([x], [number.value * 100], yerr=[error], fmt="o", color=colour, capsize=3, label=name)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    # A correlation may lie below 0.
    axes.set_ylim(min([0.0, *(number.value * 100 - 5 for _, _, number in points)]), 105)
    axes.set_xlim(left=0)
    _legend(axes, [name for name, _, _ in points], always=True)
    return _svg(figure)


def histogram(title: str, x_label: str, values: Mapping[str, Sequence[float]]) -> str:
    """Shares between 0 and 1 in ten bins, one bar per system."""
    figure, axes = _figure(title, height=2.8)
    colours = [colour for colour, _ in zip(cycle(COLOURS), values, strict=False)]
    bins = [step / 10 for step in range(11)]
    axes.hist(list(values.values()), bins=bins, color=colours, label=list(values))
    axes.set_xlabel(x_label)
    axes.set_ylabel("questions")
    axes.set_xlim(0, 1)
    _legend(axes, list(values), always=True)
    return _svg(figure)


def stacked(title: str, counts: Mapping[str, Mapping[str, int]]) -> str:
    """How items ended: system → kind → count."""
    kinds = list(dict.fromkeys(kind for held in counts.values() for kind in held))
    systems = list(counts)[::-1]
    figure, axes = _figure(title, height=0.9 + 0.32 * len(systems))
    left = [0] * len(systems)
    for kind, colour in zip(kinds, cycle(COLOURS), strict=False):
        widths = [counts[system].get(kind, 0) for system in systems]
        axes.barh(range(len(systems)), widths, left=left, color=colour, label=kind, height=0.6)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set_yticks(range(len(systems)), systems)
    axes.set_xlabel("questions")
    _legend(axes, kinds, always=True)
    return _svg(figure)


def check_installed() -> None:
    """Raises `InputError` where there is nothing to draw with."""
    if find_spec("matplotlib") is None:
        raise InputError("the report needs matplotlib: pip install 'mrvideo[evals]'")


def _figure(title: str, *, height: float) -> tuple[Any, Any]:
    check_installed()
    matplotlib: Any = import_module("matplotlib")
    figures: Any = import_module("matplotlib.figure")
    # Letters stay letters, so that the page can be searched and read aloud; identifiers do not depend on the
    # run.
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "mrvideo", "font.family": "sans-serif"}
    )
    figure = figures.Figure(figsize=(8.2, min(height, 40)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(_plain(title), loc="left", fontsize=11, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=_INK)
    axes.grid(visible=True, alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _legend(axes: Any, names: Sequence[str], *, always: bool = False) -> None:
    if len(names) > 1 or always:
        axes.legend(loc="upper left", bbox_to_anchor=(1.07, 1.0), fontsize=8, frameon=False)


def _plain(text: str) -> str:
    # matplotlib would read formulas between dollar signs.
    return text.replace("$", r"\$")


def _svg(figure: Any) -> str:
    sink = io.StringIO()
    figure.savefig(sink, format="svg", metadata={"Date": None})
    text = sink.getvalue()
    # Several plots share one page: identifiers get a prefix of their own.
    prefix = f"p{hashlib.sha256(text.encode()).hexdigest()[:8]}_"
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', text)
    text = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{prefix}\2"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", text)
    return text[text.index("<svg") :]
