"""Pictures that a notebook draws with matplotlib: outputs of their cells, each once."""

from __future__ import annotations

import base64

import pytest
from whole_notebooks import writer

DRAW = "fig, ax = plt.subplots(figsize=(2, 1), dpi=50)\nax.plot([1, 3, 2])"


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""
    return writer(tmp_path)


@pytest.fixture
def pictures(run_notebook, notebook):
    """Run a notebook of these cells; gives for each but the first, which imports, the pictures that it shows, as PNG."""

    def run(*cells):
        done = run_notebook(notebook("import matplotlib.pyplot as plt", *cells))
        assert done.passed, done.summary
        outputs = [[one for one in cell.outputs if "image/png" in one.get("data", {})] for cell in done.cells[1:]]
        return [[base64.b64decode(one["data"]["image/png"]) for one in of_cell] for of_cell in outputs]

    return run


@pytest.mark.parametrize(
    "show",
    [
        "",
        "plt.show()",
        "display(fig)",
        "display(fig)\nplt.close(fig)",
        "display(ax.figure)",
        "import pandas as pd\nplt.close(fig)\nax = pd.Series([1, 2]).plot()\ndisplay(ax.figure)",
    ],
)
def test_a_figure_is_shown_once(pictures, show):
    """However a cell shows it, there is one picture of it; a later cell shows it no more."""
    first, later = pictures(f"{DRAW}\n{show}", "print(len(plt.get_fignums()))")

    assert [one[:8] for one in first] == [b"\x89PNG\r\n\x1a\n"]
    assert later == []


def test_figures_beside_one_that_is_displayed(pictures):
    """Those that ``display`` was not given are shown at the cell's end, as ever; another cell may display an old one again."""
    of_two, again = pictures(f"{DRAW}\ndisplay(fig)\n{DRAW.replace('fig,', 'other,')}\nax.bar([1], [2])", "display(fig)")

    assert len(of_two) == 2
    assert of_two[0] != of_two[1]
    assert again == [of_two[0]]


def test_a_figure_that_is_to_stay_open(pictures):
    """A notebook that draws on it in its next cell gets the same figure."""
    keep = "%config InlineBackend.close_figures = False"

    _, drawn, more = pictures(keep, f"{DRAW}\ndisplay(fig)", "assert plt.gcf() is fig\nax.plot([5, 1])\ndisplay(fig)")

    assert drawn
    assert more[0] != drawn[0]
