from __future__ import annotations

import json

import pytest

from harness.errors import NotANotebookError, NotebookReadError, SettingsError
from harness.remote.closure import Closures
from harness.remote.errors import CollisionError, OutsideError, TooLargeError, WorkspaceNameError
from harness.remote.parts import check_together

HEADER = "# Databricks notebook source\n"
CELL = "\n# COMMAND ----------\n\n"


@pytest.fixture
def project(tmp_path):
    """Write files of a project, by path; gives its folder."""

    def write(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def paths(closure):
    """The paths of a closure's parts."""
    return [part.path for part in closure.parts]


def test_a_notebook_comes_with_what_it_runs_starts_and_imports(project):
    """Transitively: %run, dbutils.notebook.run, modules, packages and relative imports."""
    root = project(
        {
            "jobs/etl.py": HEADER
            + "# MAGIC %run ./setup $x=1"
            + CELL
            + "import shared.clean\nfrom shared.io import read\nimport os, local\ndbutils.notebook.run('./child', 60)\n",
            "jobs/setup.py": HEADER + "# MAGIC %run ../common/base\n",
            "jobs/child.ipynb": json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}),
            "jobs/local.py": "import importlib\nimportlib.import_module('lazy')\n",
            "lib/lazy.py": "",
            "common/base.sql": "-- Databricks notebook source\nSELECT 1\n",
            "shared/__init__.py": "from . import names\n",
            "shared/names.py": "",
            "shared/clean.py": "from .deep.inner import value\n",
            "shared/deep/__init__.py": "",
            "shared/deep/inner.py": "from ..names import x\n",
            "shared/io/__init__.py": "from shared.io.read import read\n",
            "shared/io/read.py": "",
            "shared/unused.py": "",
            "os.pyc": "",
        }
    )

    closure = Closures(root, [root / "lib"]).of("jobs/etl.py")

    assert closure.path == "jobs/etl.py"
    assert paths(closure) == [
        "common/base.sql",
        "jobs/child.ipynb",
        "jobs/etl.py",
        "jobs/local.py",
        "jobs/setup.py",
        "lib/lazy.py",
        "shared/__init__.py",
        "shared/clean.py",
        "shared/deep/__init__.py",
        "shared/deep/inner.py",
        "shared/io/__init__.py",
        "shared/io/read.py",
        "shared/names.py",
    ]
    kinds = {part.path: (part.kind, part.format, part.language, part.target) for part in closure.parts}
    assert kinds["jobs/etl.py"] == ("notebook", "SOURCE", "PYTHON", "jobs/etl")
    assert kinds["common/base.sql"] == ("notebook", "SOURCE", "SQL", "common/base")
    assert kinds["jobs/child.ipynb"] == ("notebook", "JUPYTER", "", "jobs/child")
    assert kinds["jobs/local.py"] == ("file", "RAW", "", "jobs/local.py")
    assert closure.foreign == closure.missing == ()


def test_folders_that_a_notebook_puts_on_the_path(project):
    """What is imported from them goes along: they count from the first notebook, in which a %run one runs, or are mapped."""
    root = project(
        {
            "jobs/daily/etl.py": HEADER
            + "# MAGIC %run ../setup"
            + CELL
            + "import sys, os\nsys.path.append(os.path.abspath('../../src'))\nimport rates\nimport of_setup\nimport mapped\n",
            "jobs/setup.py": HEADER
            + "import sys\nsys.path += ['./lib', '/Workspace/Repos/team/shared', '../../..', '/nowhere']\n",
            "jobs/daily/lib/of_setup.py": "",
            "jobs/lib/of_setup.py": "",
            "src/rates.py": "import vat\n",
            "src/vat.py": "",
            "src/unused.py": "",
            "shared/mapped.py": "",
        }
    )

    closure = Closures(root, run_prefixes={"/Workspace/Repos/team": "."}).of("jobs/daily/etl.py")

    assert paths(closure) == [
        "jobs/daily/etl.py",
        "jobs/daily/lib/of_setup.py",
        "jobs/setup.py",
        "shared/mapped.py",
        "src/rates.py",
        "src/vat.py",
    ]


def test_the_digest_is_of_content_paths_and_kinds(project):
    """One changed byte of one module changes the whole; reading twice doesn't."""
    root = project({"a.py": HEADER + "import b\n", "b.py": "x = 1\n"})
    closures = Closures(root)
    before = closures.of("a.py")
    same = Closures(root).of("a.py")

    with (root / "b.py").open("a") as file:
        file.write("y = 2\n")
    after = closures.of("a.py")

    assert before == same
    assert before.digest == same.digest != after.digest
    assert before.first.digest == after.first.digest


def test_absolute_and_computed_targets_are_the_workspaces_own(project):
    """Each with its place; what the settings map is told with the project's file, and does not go up."""
    root = project(
        {
            "a.py": HEADER
            + "# MAGIC %run /Shared/team/setup"
            + CELL
            + "x = 1\ndbutils.notebook.run('/Shared/other', 60)\ndbutils.notebook.run(name, 60)\n",
            "setup.py": HEADER,
        }
    )

    closure = Closures(root, run_prefixes={"/Shared/team": "."}).of("a.py")

    assert paths(closure) == ["a.py"]
    assert [(one.how, one.target, one.local, one.location.line, one.location.cell) for one in closure.foreign] == [
        ("%run", "/Shared/team/setup", "setup.py", 2, 1),
        ("dbutils.notebook.run", "/Shared/other", "", 6, 2),
        ("dbutils.notebook.run", None, "", 7, 2),
    ]


def foreign(closure):
    """What a closure takes of the workspace's own: how, target, file here, and what needs it."""
    return [(one.how, one.target, one.local, one.by) for one in closure.foreign]


def test_what_a_notebook_of_the_workspace_needs_is_the_workspaces_too(project):
    """What lies beside it there; but what a notebook imports that is %run counts from the one that runs it, and goes up."""
    files = {
        "a.py": HEADER
        + "# MAGIC %run /Workspace/Shared/team/jobs/setup"
        + CELL
        + "dbutils.notebook.run('/Shared/team/etl', 1)\n",
        "jobs/setup.py": HEADER + "# MAGIC %run ./base\n" + CELL + "import names\n# MAGIC %run ./lost\n",
        "jobs/base.py": HEADER + CELL + "# MAGIC %run ../../up\n",
        "etl.py": HEADER + "import pkg.mod, names\n" + CELL + "dbutils.notebook.run('/Shared/team/etl', 1)\n",
        "names.py": "",
        "pkg/__init__.py": "",
        "pkg/mod.py": "def start(dbutils, name):\n    dbutils.notebook.run('/Shared/x', 1)\n"
        "    dbutils.notebook.run(name, 1)\n",
    }
    closure = Closures(project(files), run_prefixes={"/Shared/team/": "."}).of("a.py")

    assert paths(closure) == ["a.py", "names.py"]
    assert foreign(closure)[:5] == [
        ("%run", "/Workspace/Shared/team/jobs/setup", "jobs/setup.py", ""),
        ("%run", "/Workspace/Shared/team/jobs/base", "jobs/base.py", "/Workspace/Shared/team/jobs/setup"),
        ("%run", "../../up", "", ""),
        ("%run", "./lost", "", "/Workspace/Shared/team/jobs/setup"),
        ("dbutils.notebook.run", "/Shared/team/etl", "etl.py", ""),
    ]
    etl = "/Shared/team/etl"
    assert foreign(closure)[5:] == [
        *(
            ("dbutils.notebook.run", f"/Shared/team/{name}", name, etl)
            for name in ("names.py", "pkg/__init__.py", "pkg/mod.py")
        ),
        ("dbutils.notebook.run", etl, "etl.py", ""),
        ("dbutils.notebook.run", "/Shared/x", "", ""),
        ("dbutils.notebook.run", None, "", ""),
    ]


def test_what_the_settings_map_and_the_project_does_not_have_is_named(project):
    """By the path that it should have; what lies elsewhere on the workspace than here is the workspace's own."""
    files = {
        "a.py": HEADER + "# MAGIC %run /Shared/jobs/gone" + CELL + "dbutils.notebook.run('/Shared/jobs/etl', 1)\n",
        "jobs/etl.py": HEADER + "import names\n",
        "names.py": "",
    }
    closure = Closures(project(files), run_prefixes={"/Shared/jobs": "jobs"}).of("a.py")

    assert foreign(closure) == [
        ("%run", "/Shared/jobs/gone", "jobs/gone", ""),
        ("dbutils.notebook.run", "/Shared/jobs/etl", "jobs/etl.py", ""),
        ("dbutils.notebook.run", "/Shared/names.py", "", "/Shared/jobs/etl"),
    ]


@pytest.mark.parametrize(
    ("cell", "target"),
    [
        ("pool.submit(dbutils.notebook.run, './child', 60)", None),
        ("nb = dbutils.notebook\nnb.run('/x', 60)", None),
        ("self.dbutils.notebook.run('/x', 60)", "/x"),
        ("dbutils.notebook.run(timeout_seconds=60, path='/x')", "/x"),
        ('# MAGIC %scala\n# MAGIC dbutils.notebook.run("/x", 60)', "/x"),
        ('# MAGIC %scala\n# MAGIC dbutils.notebook.run(s"/x/$day", 60)', None),
        ('# MAGIC %scala\n# MAGIC dbutils.notebook.run("/x/" + day, 60)', None),
        ("# MAGIC %run ../x", "../x"),
    ],
)
def test_whatever_may_start_another_notebook_is_named(project, cell, target):
    """Where `run` is handed on, that may start anything; and a path above the project is the workspace's."""
    closure = Closures(project({"a.py": HEADER + cell + "\n", "child.py": HEADER})).of("a.py")

    assert [one.target for one in closure.foreign] == [target]


@pytest.mark.parametrize(
    "cell", ["dbutils.notebook.exit('x')", "dbutils.notebook.entry_point.getDbutils()", "a.notebook.exit()"]
)
def test_what_starts_nothing_is_not_named(project, cell):
    """Else each run would have something that nobody compared."""
    assert Closures(project({"a.py": HEADER + cell + "\n"})).of("a.py").foreign == ()


def test_a_target_that_is_not_there_is_named(project):
    """The run itself fails on it, if it gets there."""
    closure = Closures(project({"a.py": HEADER + "# MAGIC %run ./nothing\n"})).of("a.py")

    assert [(one.target, str(one.location)) for one in closure.missing] == [("./nothing", "a.py:2 (cell 1, line 1)")]


def test_circles_and_broken_python_cost_nothing(project):
    """Imports in a circle end, and a cell or module that is no valid Python names nothing."""
    root = project(
        {
            "a.py": HEADER + "import b" + CELL + "def f(:\n" + CELL + "import c\n",
            "b.py": "import c\n",
            "c.py": "import b\nimport a\n",
            "d.py": "",
        }
    )

    assert paths(Closures(root).of("a.py")) == ["a.py", "b.py", "c.py"]


def test_the_notebooks_own_folder_comes_before_the_roots(project):
    """As on the platform; a package comes before a plain folder of that name."""
    root = project(
        {
            "jobs/a.py": HEADER + "import util\nimport space.x\nimport both\n",
            "jobs/util.py": "",
            "util.py": "",
            "jobs/both/readme.md": "",
            "both/__init__.py": "",
            "space/x.py": "",
        }
    )

    assert paths(Closures(root).of("jobs/a.py")) == ["both/__init__.py", "jobs/a.py", "jobs/util.py", "space/x.py"]


def test_data_files_go_along(project):
    """A pattern, a folder with all that is in it, and a pattern that fits nothing."""
    root = project({"a.py": HEADER, "conf/x.yml": "1", "conf/deep/y.bin": "2", "data/z.csv": "3", "data/w.txt": "4"})

    assert paths(Closures(root, data=["conf", "data/*.csv"]).of("a.py")) == [
        "a.py",
        "conf/deep/y.bin",
        "conf/x.yml",
        "data/z.csv",
    ]
    with pytest.raises(SettingsError, match=r"the data files 'no/\*' aren't there"):
        Closures(root, data=["no/*"]).of("a.py")


def test_a_link_out_of_the_repository_is_refused(project, tmp_path_factory):
    """A link inside the project goes as what it points to."""
    root = project(
        {"a.py": HEADER + "import inside\n", "b.py": HEADER + "import outside\n", "real.py": "import c\n", "c.py": ""}
    )
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.py"
    elsewhere.write_text("x = 1")
    (root / "inside.py").symlink_to(root / "real.py")
    (root / "outside.py").symlink_to(elsewhere)

    assert paths(Closures(root).of("a.py")) == ["a.py", "c.py", "inside.py"]
    with pytest.raises(OutsideError) as caught:
        Closures(root).of("b.py")
    assert str(caught.value).startswith("outside.py: NBH337 a symbolic link leads out of the repository")
    assert str(elsewhere) in caught.value.cause


@pytest.mark.parametrize(
    ("files", "pair"),
    [
        ({"x.py": HEADER, "x.ipynb": "NB"}, "x.ipynb and x.py"),
        ({"x.py": HEADER, "x/in.py": ""}, "x.py and x/"),
        ({"x.sql": "-- Databricks notebook source\n", "x.py": HEADER}, "x.py and x.sql"),
    ],
)
def test_files_that_would_be_one_on_the_workspace_are_refused(project, files, pair):
    """Notebooks have no suffix there."""
    empty = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    root = project({"a.py": HEADER, **{path: empty if text == "NB" else text for path, text in files.items()}})

    with pytest.raises(CollisionError, match=f"NBH338 {pair} can't both be on a workspace"):
        Closures(root, data=["x*"]).of("a.py")


def test_closures_of_one_run_may_not_collide_either(project):
    """They share a folder on the workspace."""
    root = project(
        {"a.py": HEADER + "import x\n", "b.py": HEADER + "import x.y\n", "x.py": HEADER, "x/y.py": "", "x/__init__.py": ""}
    )
    closures = Closures(root)
    (root / "x").rename(root / "later")
    taken = check_together(closures.of("a.py").parts)
    (root / "later").rename(root / "x")

    with pytest.raises(CollisionError):
        check_together(closures.of("b.py").parts, known=taken)


def test_a_plain_module_and_a_folder_of_its_name_are_apart(project):
    """x.py stays x.py on the workspace if it is no notebook."""
    root = project({"a.py": HEADER + "import x\n", "x.py": "", "x/data.txt": ""})

    assert paths(Closures(root, data=["x/data.txt"]).of("a.py")) == ["a.py", "x.py", "x/data.txt"]


def test_a_notebook_over_the_limit_is_refused(project):
    """10 MB is what the import takes."""
    root = project({"big.py": HEADER + "#" * 10 * 1024 * 1024, "ok.py": HEADER, "data.csv": "1" * 11 * 1024 * 1024})

    with pytest.raises(TooLargeError, match=r"big.py: NBH339 the notebook is too large(.|\n)*10,485,789 bytes"):
        Closures(root).of("big.py")
    with pytest.raises(TooLargeError, match=r"data.csv: NBH339 the file is too large(.|\n)*to a volume"):
        Closures(root, data=["data.csv"]).of("ok.py")


@pytest.mark.parametrize(("name", "why"), [("tab\tin.py", "control character"), (" lead.py", "blank"), ("trail .py", "blank")])
def test_names_that_a_workspace_cannot_hold_are_refused(project, name, why):
    """Blanks at the ends and control characters."""
    with pytest.raises(WorkspaceNameError, match=why):
        Closures(project({name: HEADER})).of(name)


def test_blanks_and_umlauts_inside_names_are_fine(project):
    """They are real names of real notebooks."""
    closure = Closures(project({"Übung 1/Größe ändern.py": HEADER})).of("Übung 1/Größe ändern.py")

    assert closure.first.target == "Übung 1/Größe ändern"


def test_a_missing_notebook_is_an_error(project):
    """With the path that was looked for."""
    with pytest.raises(NotebookReadError, match="there is no file"):
        Closures(project({"a.py": HEADER})).of("b.py")


def test_a_plain_file_is_no_notebook(project):
    """It would be a file on the workspace, too, and can't be run."""
    with pytest.raises(NotANotebookError, match="NBH101"):
        Closures(project({"a.py": "x = 1\n"})).of("a.py")


def test_ten_thousand_files_are_fine(project, tmp_path):
    """All of them go along, however deep their imports lead, and with each notebook of a session that needs them."""
    count = 10_000
    files = {f"pkg/m{n}.py": f"from pkg import m{n + 1}\nimport os\n" for n in range(count)}
    root = project(
        {"a.py": HEADER + "from pkg import m0\n", "b.py": HEADER + "import pkg.m0\n", "pkg/__init__.py": "", **files}
    )
    closures = Closures(root)

    first = closures.of("a.py")
    again = closures.of("b.py")

    assert len(first.parts) == len(again.parts) == count + 2


@pytest.mark.parametrize(
    ("statement", "found"), [("insert(0, '../src')", "src/utils.py"), ("append('../src')", "jobs/utils.py")]
)
def test_a_folder_that_a_notebook_puts_first(project, statement, found):
    """It comes before the notebook's own, any other after that."""
    root = project(
        {
            "jobs/etl.py": HEADER + f"import sys\nsys.path.{statement}\nimport utils\n",
            "jobs/utils.py": "",
            "src/utils.py": "",
        }
    )

    assert paths(Closures(root).of("jobs/etl.py")) == sorted(["jobs/etl.py", found])
