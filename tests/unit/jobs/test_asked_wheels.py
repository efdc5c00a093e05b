"""The project's wheels that the tasks of scripts and notebooks ask for: found by what the project says of its packages."""

from __future__ import annotations

import pytest

pytest.importorskip("yaml", reason="jobs are read with pyyaml (the extras `local` and `remote`)")

from harness.jobs.errors import JobFileError

TASKS = {"script": "spark_python_task: {python_file: ../etl/main.py}", "notebook": "notebook_task: {notebook_path: ../etl/nb}"}
JOB = """
tasks:
  - task_key: main
    {task}
    {more}
"""
LIBRARY = "libraries: [{whl: ../dist/*.whl}]"
PROJECT = '[project]\nname = "my_pkg"\n'


@pytest.fixture
def read(tmp_path, project):
    """Read the task of a job, in a project with these files."""

    def read(files, *, kind="script", more=LIBRARY, rest=""):
        own = {"etl/main.py": "x = 1\n", "etl/nb.py": "# Databricks notebook source\n"}
        for name, text in {**own, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        project.write(resources__j_yml=JOB.format(task=TASKS.get(kind, ""), more=more) + rest)
        return project.read("resources/j.yml").tasks[0]

    return read


SRC = {"pyproject.toml": PROJECT, "src/my_pkg/__init__.py": ""}


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize(
    ("more", "rest"),
    [
        (LIBRARY, ""),
        ("environment_key: e", "environments: [{environment_key: e, spec: {dependencies: [../dist/*.whl, numpy]}}]\n"),
    ],
)
def test_a_wheel_that_is_asked_for(read, tmp_path, kind, more, rest):
    """By a library, or by the task's environment."""
    task = read(SRC, kind=kind, more=more, rest=rest)

    [wheel] = task.wheels
    assert (wheel.package, wheel.home, wheel.modules) == ("my_pkg", str(tmp_path), ("my_pkg",))
    assert wheel.folders == (str(tmp_path / "src"),)
    assert task.asked == {"../dist/*.whl": str(tmp_path)}
    assert (task.entry, task.unclear) == (None, "")


@pytest.mark.parametrize(
    "more",
    [
        "",
        "libraries: [{whl: ../dist/other-1.0-py3-none-any.whl}]",
        "libraries: [{whl: ../dist/other*.whl}]",
        "libraries: [{whl: ../dist/o*-1.0-*.whl}]",
        "libraries: [{whl: ../*/dist/*.whl}]",
        "libraries: [{whl: /Volumes/a/b/c/my_pkg-1.0-py3-none-any.whl}]",
        "libraries: [{whl: 'dbfs:/my_pkg-1.0-py3-none-any.whl'}]",
        "libraries: [{whl: '${var.nobody_knows}'}]",
        "libraries: [{pypi: {package: my_pkg}}]",
        "environment_key: e",
    ],
)
def test_a_wheel_that_is_not_the_projects(read, more):
    """Its source doesn't stand in for it."""
    task = read(SRC, more=more, rest="environments: [{environment_key: e}]\n")

    assert (task.wheels, task.asked, task.unclear) == ((), {}, "")


@pytest.mark.parametrize(
    "whl", ["../dist/my_pkg-1.0-py3-none-any.whl", "../dist/My_Pkg-*.whl", "../dist/my*.whl", "../dist/m?_pkg-*.whl"]
)
def test_a_wheel_by_its_name(read, whl):
    """Whole, or as far as it is written."""
    assert [one.package for one in read(SRC, more=f"libraries: [{{whl: '{whl}'}}]").wheels] == ["my_pkg"]


def test_no_file_describes_a_package(read):
    """Then no wheel can be built of the project."""
    assert read({"src/my_pkg/__init__.py": ""}).wheels == ()


def test_a_file_that_can_not_be_read(read):
    """It is named, whatever the task itself needs of it."""
    with pytest.raises(JobFileError):
        read({"pyproject.toml": "[project"}, kind="notebook")


FOUND = {
    "by its name": (SRC, ("my_pkg",)),
    "of another name": ({"pyproject.toml": '[project]\nname = "churn-project"\n', "src/churn/__init__.py": ""}, ("churn",)),
    "with patterns": (
        {
            "pyproject.toml": PROJECT
            + '[tool.setuptools.packages.find]\nwhere = ["src"]\ninclude = ["c*"]\nexclude = ["*_old"]\n',
            "src/my_pkg/__init__.py": "",
            "src/churn/__init__.py": "",
            "src/churn_old/__init__.py": "",
            "src/other/__init__.py": "",
        },
        ("churn",),
    ),
    "written out": (
        {
            "pyproject.toml": f'{PROJECT}[tool.setuptools]\npackages = ["one", "one.in"]\n',
            "one/x.py": "",
            "two/__init__.py": "",
        },
        ("one",),
    ),
    "by another backend": (
        {
            "pyproject.toml": '[project]\nname = "churn-project"\n[build-system]\nbuild-backend = "hatchling.build"\n',
            "src/churn/__init__.py": "",
        },
        (),
    ),
    "computed": ({"setup.py": "setup(name=f())\n", "src/churn/__init__.py": ""}, ()),
}


@pytest.mark.parametrize("how", FOUND)
def test_which_modules_a_wheel_surely_has(read, tmp_path, how):
    """Of those that it may have beside them the folders are known, so that they are told."""
    files, modules = FOUND[how]

    [wheel] = read(files).wheels

    assert wheel.modules == modules
    assert wheel.folders
    assert wheel.packages == (("one", "one.in") if how == "written out" else ())


UNCLEAR = {
    "one name": (
        {"other/setup.py": "setup(name='My.Pkg')\n", "other/my_pkg/__init__.py": ""},
        'the package "my-pkg" is in the wheel of . and of other',
    ),
    "one module": (
        {
            "other/pyproject.toml": '[project]\nname = "other"\n[tool.setuptools]\npackages = ["my_pkg"]\n',
            "other/my_pkg/__init__.py": "",
        },
        'the module "my_pkg" is in the wheel of . and of other',
    ),
    "several folders": ({"my_pkg/__init__.py": ""}, 'the module "my_pkg" lies in several folders: src and .'),
}


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("how", UNCLEAR)
def test_what_can_not_be_told(read, kind, how):
    """Which of two is installed, or packed."""
    files, told = UNCLEAR[how]

    task = read({**SRC, **files}, kind=kind, more="libraries: [{whl: ../dist/*.whl}, {whl: ../other/dist/*.whl}]")

    assert told in task.unclear


def test_two_parts_of_one_namespace(read):
    """They stand side by side: neither takes the other's place."""
    hatch = '[project]\nname = "{0}"\n[tool.hatch.build.targets.wheel]\npackages = ["src/company"]\n'
    files = {
        "pyproject.toml": hatch.format("one"),
        "src/company/one/__init__.py": "",
        "other/pyproject.toml": hatch.format("two"),
        "other/src/company/two/__init__.py": "",
    }

    task = read(files, more="libraries: [{whl: ../dist/*.whl}, {whl: ../other/dist/*.whl}]")

    assert (task.unclear, [one.modules for one in task.wheels]) == ("", [("company",), ("company",)])


def test_a_package_of_others_with_a_wheel_of_the_project(read):
    """What is called isn't the project's, and may import what is."""
    more = "python_wheel_task: {package_name: packaging, entry_point: markers}\n"
    more += "    libraries: [{whl: ../dist/*.whl}, {pypi: {package: packaging}}]"

    task = read(SRC, kind="", more=more)

    assert (task.entry.home, [one.package for one in task.wheels]) == ("", ["my_pkg"])
