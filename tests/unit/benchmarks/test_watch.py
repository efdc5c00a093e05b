from __future__ import annotations

import sys

import pytest

from benchmarks.watch import LIBRARY, NOTEBOOK, OURS, Watch


@pytest.fixture(scope="module")
def watch(tmp_path_factory):
    """One for all tests: an audit hook can't be taken out again."""
    root = tmp_path_factory.mktemp("corpus")
    return Watch(lambda file: file.startswith(str(root)) and file.endswith("nb.py"), str(root)), root


def recorded(watch, code, file, module="notebook"):
    """The effects of running code as the file and module named."""
    watch[0].effects.clear()
    with watch[0]:
        exec(compile(code, file, "exec"), {"__name__": module})
    return watch[0].effects


def test_a_notebooks_write_is_its_own(watch):
    """A file opened by a notebook's line is the notebook's effect, at that line."""
    _, root = watch

    (effect,) = recorded(watch, f"x = 1\nopen({str(root / 'out')!r}, 'w').close()", str(root / "nb.py"))

    assert (effect.whose, effect.event, effect.place) == (NOTEBOOK, "open for writing", f"{root / 'nb.py'}:2")


def test_what_an_imported_library_does_is_told_apart(watch, monkeypatch):
    """A folder that a module makes while a notebook imports it is the library's effect."""
    _, root = watch
    library = root.parent / "noisy_library_of_a_test"
    library.mkdir()
    (library / "noisy_library_of_a_test.py").write_text(f"import os\nos.mkdir({str(library / 'made')!r})\n")
    monkeypatch.syspath_prepend(library)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    effects = recorded(watch, "import noisy_library_of_a_test", str(root / "nb.py"))

    assert [(effect.whose, effect.event) for effect in effects] == [(LIBRARY, "os.mkdir")]


def test_prints_and_warnings_are_caught(watch, capsys):
    """What is printed is recorded, not shown, and a warning is called one."""
    _, root = watch

    effects = recorded(watch, "print('hello')", str(root / "nb.py"))
    assert [(effect.event, effect.what) for effect in effects] == [("print", "hello")]
    effects = recorded(watch, "print('careful')", str(root / "nb.py"), module="warnings")
    assert [(effect.event, effect.what) for effect in effects] == [("warning", "careful")]
    assert capsys.readouterr().out == ""


def test_reading_is_no_side_effect(watch):
    """A file that is only read leaves no trace; outside a notebook an effect is ours."""
    _, root = watch

    assert recorded(watch, f"open({__file__!r}).close()", str(root / "nb.py")) == []
    assert [effect.whose for effect in recorded(watch, f"open({str(root / 'own')!r}, 'w').close()", "elsewhere.py")] == [OURS]
