from __future__ import annotations

import pytest

from harness.commands.project import addopts_of, find_tests, project_of, pytest_options, root_of
from harness.errors import SettingsError


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = "a b"'}, ("a", "b")),
        ({"pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["a", "b c"]'}, ("a", "b c")),
        ({"pyproject.toml": '[tool.pytest]\ntestpaths = ["a"]'}, ("a",)),
        ({"pytest.ini": "[pytest]\ntestpaths =\n    a\n    b"}, ("a", "b")),
        ({".pytest.ini": "[pytest]\ntestpaths = a"}, ("a",)),
        ({"pytest.toml": '[pytest]\ntestpaths = ["a"]'}, ("a",)),
        ({"tox.ini": "[pytest]\ntestpaths = a"}, ("a",)),
        ({"setup.cfg": "[tool:pytest]\ntestpaths = a"}, ("a",)),
        ({"pytest.ini": "[pytest]", "setup.cfg": "[tool:pytest]\ntestpaths = a"}, None),
        ({"pyproject.toml": "[tool.other]", "tox.ini": "[tox]", "setup.cfg": "[tool:pytest]\ntestpaths = a"}, ("a",)),
        ({"pyproject.toml": '[tool.pytest]\nini_options = "odd"'}, None),
        ({"pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = 3"}, ()),
        ({}, None),
    ],
)
def test_pytest_s_settings_are_found_where_pytest_finds_them(make_project, files, expected):
    """Each of its files is known, in its own order."""
    root = make_project(files)

    assert pytest_options(str(root)).get("testpaths") == expected


@pytest.mark.parametrize(
    "files", [{"pyproject.toml": "[tool"}, {"pytest.ini": "testpaths = a"}, {"pytest.toml": "[pytest"}, {"setup.cfg": "a\nb"}]
)
def test_settings_that_cannot_be_read_are_told(make_project, files):
    """A typing error there would otherwise look like a project without tests."""
    root = make_project(files)

    with pytest.raises(SettingsError, match="can't be read"):
        pytest_options(str(root))


def test_the_nearest_project_governs(make_project):
    """A project inside another has its own folder to import from."""
    inner = make_project({"nbs/etl.py": "x = 1"}, folder="outer/inner")
    outer = make_project({"etl.py": "x = 1"}, folder="outer")

    assert project_of(str(inner / "nbs" / "etl.py"), str(outer)).folder == str(inner)
    assert project_of(str(outer / "etl.py"), str(outer)).folder == str(outer)


def test_without_a_project_the_root_governs(tmp_path):
    """A folder of notebooks needs no pyproject.toml."""
    (tmp_path / "nbs").mkdir()

    assert project_of(str(tmp_path / "nbs"), str(tmp_path)).folder == str(tmp_path)


def test_roots_say_what_can_be_imported(make_project):
    """With ``[tool.nbh] roots``, a notebook elsewhere is left to Python."""
    root = make_project({"pyproject.toml": '[tool.nbh]\nroots = ["nbs"]', "nbs/etl.py": "x = 1", "etl.py": "x = 1"})
    project = project_of(str(root), str(root))

    assert project.roots_for(str(root / "nbs" / "etl.py")) == (str(root),)
    assert project.roots_for(str(root / "etl.py")) == ()


def test_paths_are_shown_from_the_project_s_root(make_project):
    """Whatever part of it is listed, and from wherever."""
    root = make_project({"nbs/a/x.py": "", "nbs/b/y.py": ""})

    assert root_of([str(root / "nbs" / "a" / "x.py"), str(root / "nbs" / "b")], current="/") == str(root)


def test_without_a_project_paths_are_shown_from_the_current_folder(tmp_path):
    """As every other command shows them."""
    (tmp_path / "nbs").mkdir()

    assert root_of([str(tmp_path / "nbs")], current=str(tmp_path)) == str(tmp_path)
    assert root_of([], current=str(tmp_path)) == str(tmp_path)


def test_tests_are_found_as_pytest_finds_them(make_project):
    """Build output and virtual environments hold none, and a project inside has patterns of its own."""
    files = ["test_a.py", "a_test.py", "nb/test_b.ipynb", "plain.py", "build/test_c.py", ".hidden/test_d.py", "env/test_e.py"]
    settings = '[tool.pytest.ini_options]\npython_files = "check_*.py unit/*.py"'
    make_project({"pyproject.toml": settings, "check_x.py": "", "test_x.py": "", "unit/y.py": ""}, folder="inner")
    root = make_project({**dict.fromkeys(files, ""), "env/pyvenv.cfg": ""})

    found = [path.removeprefix(f"{root}/") for _, path in find_tests(str(root))]

    assert found == ["a_test.py", "test_a.py", "inner/check_x.py", "inner/unit/y.py", "nb/test_b.ipynb"]


def test_testpaths_narrow_the_search(make_project):
    """Without arguments, pytest looks nowhere else; where none of them exists, it looks everywhere."""
    settings = '[tool.pytest.ini_options]\ntestpaths = ["check*"]'
    root = make_project({"pyproject.toml": settings, "checks/test_a.py": "", "other/test_b.py": ""}, folder="whole")
    bare = make_project({"pyproject.toml": settings, "other/test_b.py": ""}, folder="bare")

    assert [path for _, path in find_tests(str(root))] == [str(root / "checks" / "test_a.py")]
    assert [path for _, path in find_tests(str(bare))] == [str(bare / "other" / "test_b.py")]


def test_options_that_the_project_always_gives(make_project):
    """Those of the nearest project are found from a folder inside it."""
    root = make_project({"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-ra -p no:x"', "nbs/x": ""})

    assert addopts_of(str(root / "nbs")) == "-ra -p no:x"
