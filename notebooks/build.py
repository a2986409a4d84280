"""Makes the notebooks from source/*.py and runs them, so that they are committed with their outputs.

    python notebooks/build.py [NAME…]        MRVIDEO_LIBRARY may name a library that holds the demo film;
                                             it is copied, not written to

Each runs in a folder of its own that is laid out as the repository is, so that outputs hold no path of this machine.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent


def read_source(path: Path) -> nbformat.NotebookNode:
    """A notebook without outputs: cells begin with `# %%`, those of text with `# %% [markdown]`."""
    cells = []
    for number, part in enumerate(path.read_text(encoding="utf-8").split("# %%")[1:]):
        head, _, body = part.partition("\n")
        if head.strip() == "[markdown]":
            text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines())
            cell = nbformat.v4.new_markdown_cell(text)
        else:
            cell = nbformat.v4.new_code_cell(body.strip())
        # Numbered, not random: making them again changes nothing.
        cell["id"] = f"cell-{number}"
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def execute(notebook: nbformat.NotebookNode, folder: Path, *, timeout_seconds: int = 600) -> nbformat.NotebookNode:
    """The notebook with outputs, run in `folder/notebooks` beside a copy of the demo film. Raises when a cell does."""
    work = folder / "notebooks"
    work.mkdir(parents=True, exist_ok=True)
    (folder / "demo").mkdir(exist_ok=True)
    for suffix in (".mp4", ".srt"):
        shutil.copy(HERE.parent / "demo" / f"harbour{suffix}", folder / "demo")
    client = NotebookClient(
        notebook, timeout=timeout_seconds, kernel_name="python3", resources={"metadata": {"path": str(work)}}
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran: it would differ every time
    return notebook


def main() -> None:
    """Make those named, or all."""
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        if kept := os.environ.get("MRVIDEO_LIBRARY"):
            copy = Path(shutil.copytree(Path(kept).parent, Path(folder) / "kept"))
            os.environ["MRVIDEO_LIBRARY"] = str(copy / Path(kept).name)
        for source in sorted((HERE / "source").glob("*.py")):
            if wanted and not any(name in source.stem for name in wanted):
                continue
            notebook = execute(read_source(source), Path(folder))
            nbformat.write(notebook, HERE / f"{source.stem}.ipynb")
            print(source.stem)


if __name__ == "__main__":
    main()
