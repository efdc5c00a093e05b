"""Which folders a notebook puts on ``sys.path``, told from its text."""

from __future__ import annotations

import ast

import pytest

from harness.extract.search_path import added_folders

CONTEXT = "dbutils.notebook.entry_point.getDbutils().notebook().getContext()"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sys.path.append('../src')", ["../src"]),
        ("sys.path.append('..')", [".."]),
        ("sys.path.insert(0, os.path.abspath('../src'))", ["../src"]),
        ("sys.path.append(os.path.abspath(os.path.join('..', '..', 'lib')))", ["../../lib"]),
        ("sys.path.append(os.path.join(os.getcwd(), '..', 'lib'))", ["../lib"]),
        ("sys.path.append(os.getcwd() + '/../lib')", ["../lib"]),
        ("sys.path.append(os.path.dirname(os.getcwd()))", [".."]),
        ("sys.path.append(os.path.dirname(os.path.dirname(os.getcwd())))", ["../.."]),
        ("sys.path.append(str(Path.cwd().parent / 'lib'))", ["../lib"]),
        ("sys.path.append(str(Path.cwd().parents[1].joinpath('lib')))", ["../../lib"]),
        ("sys.path.append(Path('..').resolve().as_posix())", [".."]),
        ("sys.path.append(f'{os.getcwd()}/lib')", ["lib"]),
        ("sys.path.append('/Workspace/Repos/team/lib')", ["/Workspace/Repos/team/lib"]),
        ("sys.path.extend(['a', 'b'])", ["a", "b"]),
        ("sys.path += ['a']", ["a"]),
        ("root = os.path.abspath('..')\nlib = os.path.join(root, 'lib')\nsys.path.append(lib)", ["../lib"]),
        ("p = 'a'\nif p not in sys.path:\n    sys.path.append(p)", ["a"]),
        ("try:\n    import a\nexcept ImportError:\n    sys.path.append('b')", ["b"]),
        ("if here:\n    p = 'a'\n    sys.path.append(p)\nelse:\n    p = 'b'\n    sys.path.append(p)", ["a", "b"]),
        ("if here:\n    p = 'a'\nelse:\n    p = 'a'\nsys.path.append(p)", ["a"]),
        ("for name in names:\n    p = os.path.join('..', 'a')\n    sys.path.append(p)", ["../a"]),
        (f"sys.path.append('/Workspace' + os.path.dirname({CONTEXT}.notebookPath().get()))", ["."]),
        (f"p = {CONTEXT}.notebookPath().get()\nsys.path.append(os.path.dirname(os.path.dirname(f'/Workspace{{p}}')))", [".."]),
    ],
)
def test_a_folder_that_is_told(text, found):
    """Relative ones count from the notebook's own, in which it runs."""
    assert [path for _, path, _ in added_folders([ast.parse(text)])] == found


@pytest.mark.parametrize(
    "text",
    [
        "sys.path.append(dbutils.widgets.get('root') + '/src')",
        "sys.path.append(os.path.join(root, 'lib'))",
        "root = '..'\nroot = ask()\nsys.path.append(root)",
        "def later():\n    sys.path.append('lib')",
        "sys.path.remove('lib')",
        "other.path.append('lib')",
        "sys.path.append(3)",
        "sys.path.append()",
        "sys.path.append(f'{root!r}')",
        "sys.path.append('')",
        "sys.path.append(str(Path.cwd().parents[3000000]))",
        pytest.param("text = " + " + ".join(["'a'"] * 900) + "\nsys.path.append(text)", id="hundreds of texts"),
        pytest.param("sys.path.append(Path('a')" + " / 'a'" * 900 + ")", id="hundreds of folders"),
        "p = Path.cwd()\nwhile not (p / 'pyproject.toml').exists():\n    p = p.parent\nsys.path.append(str(p))",
        "p = 'a'\nfor p in names:\n    sys.path.append(p)",
        "p = 'a'\nif here:\n    p = 'b'\nsys.path.append(p)",
        "try:\n    p = 'a'\nexcept OSError:\n    p = 'b'\nsys.path.append(p)",
        "p = 'a'\np += '/b'\nsys.path.append(p)",
        "p = 'a'\np, q = ask()\nsys.path.append(p)",
        "p = 'a'\nwith open(q) as p:\n    sys.path.append(p)",
        "p = 'a'\ndel p\nsys.path.append(p)",
        f"sys.path.append(os.path.dirname({CONTEXT}.notebookPath().get()))",
    ],
)
def test_a_folder_that_nobody_can_tell(text):
    """None is guessed: not what is computed, nor what only a function does that may never be called."""
    assert added_folders([ast.parse(text)]) == ()


def test_lines_are_told():
    """An import above such a line doesn't find what is there."""
    assert added_folders([ast.parse("import sys\n\nsys.path.append('a')\nsys.path.append('b')\nsys.path.append('a')")]) == (
        (3, "a", False),
        (4, "b", False),
        (5, "a", False),
    )


@pytest.mark.parametrize(
    ("text", "is_first"),
    [
        ("sys.path.insert(0, 'a')", True),
        ("sys.path.insert(1, 'a')", True),
        ("sys.path.insert(len(sys.path), 'a')", False),
        ("sys.path.append('a')", False),
    ],
)
def test_a_folder_that_comes_first(text, is_first):
    """It comes before the notebook's own."""
    assert added_folders([ast.parse(text)]) == ((1, "a", is_first),)


def test_a_long_chain():
    """It is as deep a tree as it is long."""
    chain = "frame" + ".where(x)" * 400

    assert added_folders([ast.parse(f"{chain}\nsys.path.append('a')")]) == ((2, "a", False),)
