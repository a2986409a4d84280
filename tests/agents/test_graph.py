"""The drawing in the docs is the graph that runs."""

from __future__ import annotations

import re
from pathlib import Path

from mrvideo.agents.ask.graph import draw


def test_the_docs_show_the_graph_that_the_code_builds(repository: Path) -> None:
    page = (repository / "docs" / "method-analysis.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", page, flags=re.DOTALL)
    assert drawn == draw(), (
        "paste the output of: python -c 'from mrvideo.agents.ask.graph import draw; print(draw())'"
    )


def test_every_node_can_be_reached_and_left() -> None:
    drawn = draw()
    nodes = set(re.findall(r"^\t(\w+)\(\1\)$", drawn, flags=re.MULTILINE))
    edges = re.findall(r"^\t(\w+) -.*?-?> (?:.*? )?(\w+);$", drawn, flags=re.MULTILINE)
    assert len(nodes) == 18
    assert nodes <= {start for start, _ in edges}
    assert nodes <= {stop for _, stop in edges}
