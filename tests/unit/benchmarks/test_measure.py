from __future__ import annotations

import sys

import pytest

from benchmarks.__main__ import line
from benchmarks.measure import BenchmarkError, Figure, cpu_s, in_turns, ratio
from benchmarks.page import replace_between
from benchmarks.projects import median_notebook, plain_module, small_ipynb, small_notebook
from harness import read_notebook


def test_sides_take_turns():
    """Samples are taken A B A B, so that a busy minute falls on both sides."""
    order = []

    samples = in_turns(2, a=lambda: order.append("a") or 1.0, b=lambda: order.append("b") or 2.0)

    assert order == ["a", "b", "a", "b"]
    assert samples == {"a": [1.0, 1.0], "b": [2.0, 2.0]}


def test_a_ratio_is_of_medians_above_the_base():
    """The base is taken from both sides."""
    samples = {"base": [1, 1, 9], "over": [4, 4, 9], "under": [2, 2, 9]}

    assert ratio(samples, "over", "under", "base") == 3


def test_a_failed_command_is_no_sample(tmp_path):
    """A command that fails, or prints something else than expected, has no time."""
    with pytest.raises(BenchmarkError, match="exited with 3"):
        cpu_s([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
    with pytest.raises(BenchmarkError, match="exited with 0"):
        cpu_s([sys.executable, "-c", "print('0 passed')"], tmp_path, expect="1 passed")


@pytest.mark.parametrize(("value", "limit", "mark"), [(1.0, 1.5, "ok"), (2.0, 1.5, "MISSED"), (2.0, None, "--")])
def test_a_figure_says_whether_it_is_reached(value, limit, mark):
    """What is over its limit is shouted, what has none isn't judged."""
    assert line(Figure("what", value, "x", limit)).startswith(mark)


def test_text_around_the_result_stays(tmp_path):
    """Only what stands between a command's marks is replaced; another command's result stays."""
    file = tmp_path / "benchmarks.md"
    file.write_text("Before.\n<!-- begin a -->\nold\n<!-- end a -->\nAfter.\n")

    replace_between(file, "new", "a")
    replace_between(file, "other", "b")

    text = file.read_text()
    assert text.startswith("Before.\n<!-- begin a -->\nnew\n<!-- end a -->\nAfter.\n")
    assert text.endswith("<!-- begin b -->\nother\n<!-- end b -->\n")


def test_the_projects_are_what_they_say(tmp_path):
    """The notebooks that are measured are notebooks of the sizes named, and the modules are Python."""
    files = {"m.py": median_notebook(1), "s.py": small_notebook(1), "s.ipynb": small_ipynb(1)}
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    assert [len(read_notebook(tmp_path / name).cells) for name in files] == [11, 3, 2]
    assert 5_000 < len(files["m.py"]) < 7_500
    compile(plain_module(1), "m.py", "exec")
