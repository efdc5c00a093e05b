"""What a wheel's task calls: found by the project's own files before anything is run, or refused, or told as not known."""

from __future__ import annotations

import json
import os
from importlib import metadata

import pytest

pytest.importorskip("yaml", reason="jobs are read with pyyaml (the extras `local` and `remote`)")

from harness.jobs.errors import JobFileError, JobNotebookError, JobShapeError

JOB = """
tasks:
  - task_key: main
    python_wheel_task: {own}
    {more}
"""
OWN = "{package_name: my_pkg, entry_point: main}"
ASKS = "libraries: [{whl: ../dist/*.whl}]"
PROJECT = '[project]\nname = "my_pkg"\n[project.scripts]\nmain = "my_pkg.run:main"\n'
SETUP = "from setuptools import setup\nsetup(name='my_pkg', {})\n"
POETRY = '[tool.poetry]\nname = "my_pkg"\n[tool.poetry.scripts]\nmain = "my_pkg.run:main"\n'
CFG = "[metadata]\nname = my_pkg\n[options.entry_points]\nconsole_scripts =\n    main = my_pkg.run:main\n"


@pytest.fixture
def read(tmp_path, project):
    """Read the task of a job, in a project with these files; names as paths have them."""

    def read(files=None, *, own=OWN, more=ASKS, rest="", **settings):
        for name, text in {"src/my_pkg/__init__.py": "", "src/my_pkg/run.py": "", **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        project.write(resources__j_yml=JOB.format(own=own, more=more) + rest)
        return project.read("resources/j.yml", **settings).tasks[0]

    return read


WAYS = {
    "scripts": {"pyproject.toml": PROJECT},
    "a group of its own": {"pyproject.toml": PROJECT.replace("project.scripts", "project.entry-points.packages")},
    "poetry": {"pyproject.toml": POETRY},
    "setup.cfg": {"setup.cfg": CFG, "setup.py": "from setuptools import setup\nsetup()\n"},
    "setup.py": {"setup.py": SETUP.format("entry_points={'packages': ['main=my_pkg.run:main']}")},
    "a text in setup.py": {"setup.py": SETUP.format("entry_points='[packages]\\nmain = my_pkg.run:main'")},
    "constants in setup.py": {
        "setup.py": "import setuptools\nE = {'a': 'main = my_pkg.run:main'}\nsetuptools.setup(name='My.pkg', entry_points=E)\n"
    },
    "dynamic, by setup.py": {
        "pyproject.toml": '[project]\nname = "my_pkg"\ndynamic = ["scripts"]\n',
        "setup.py": SETUP.format("entry_points={'console_scripts': ['main=my_pkg.run:main']}"),
    },
    "hatch": {"pyproject.toml": PROJECT + '[tool.hatch.build.targets.wheel]\npackages = ["src/my_pkg"]\n'},
}


@pytest.mark.parametrize("way", WAYS)
def test_where_an_entry_point_is_written(read, tmp_path, way):
    """Wherever the project says it; nothing is built, and nothing is run."""
    task = read(WAYS[way])

    assert (task.entry.value, task.path) == ("my_pkg.run:main", str(tmp_path / "src/my_pkg/run.py")), task.unclear
    assert (task.entry.home, task.wheels[0].folders) == (str(tmp_path), (str(tmp_path / "src"),))
    assert task.asked == {"../dist/*.whl": str(tmp_path)}
    assert (task.unserved, task.unclear) == ("", "")


def test_a_flat_project(project, tmp_path):
    """Its modules lie beside its files; those of its folder that aren't its package's aren't of its wheel."""
    project.write(pyproject_toml="")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    project.write(
        my_pkg____init___py="", my_pkg__run_py="", other__x_py="", j_yml=JOB.format(own=OWN, more=ASKS.replace("../", "./"))
    )

    task = project.read("j.yml").tasks[0]

    assert (task.path, task.wheels[0].folders) == (str(tmp_path / "my_pkg/run.py"), (str(tmp_path),))
    assert task.wheels[0].modules == ("my_pkg",)


def test_two_packages_of_one_project(read, tmp_path):
    """The one that the task names, with the modules of both; by the folders of the wheels that it asks for."""
    files = {
        "one/setup.py": SETUP.format("entry_points={'x': ['main=my_pkg.run:main']}"),
        "one/my_pkg/run.py": "",
        "two/pyproject.toml": PROJECT.replace("my_pkg", "two"),
        "two/two/__init__.py": "",
    }
    task = read(files, more="libraries: [{whl: ../two/dist/*.whl}, {whl: ../one/dist/my_pkg-*.whl}]")

    assert task.path == str(tmp_path / "one/my_pkg/run.py")
    assert task.asked == {"../two/dist/*.whl": str(tmp_path / "two"), "../one/dist/my_pkg-*.whl": str(tmp_path / "one")}
    assert [one.folders for one in task.wheels] == [(str(tmp_path / "one"),), (str(tmp_path / "two"),)]
    assert [one.modules for one in task.wheels] == [("my_pkg",), ("two",)]


ENVIRONMENT = "environments: [{environment_key: e, spec: {dependencies: [../dist/*.whl, numpy]}}]\n"


def test_a_wheel_of_an_environment(read, tmp_path):
    """As of a library, and only of the task's own environment."""
    task = read({"pyproject.toml": PROJECT}, more="environment_key: e", rest=ENVIRONMENT)

    assert task.asked == {"../dist/*.whl": str(tmp_path)}
    with pytest.raises(JobShapeError, match="nothing that the task"):
        read(more="environment_key: f", rest=ENVIRONMENT.replace("[{", "[{environment_key: f}, {", 1))


CLUSTER = "job_cluster_key: c"


@pytest.mark.parametrize(
    ("more", "rest"),
    [
        ("", ""),
        ("libraries: [{pypi: {package: numpy}}]", ""),
        ("libraries: [{whl: ../dist/numpy-2.0-py3-none-any.whl}, {jar: a.jar}]", ""),
        (CLUSTER, "job_clusters: [{job_cluster_key: c, new_cluster: {num_workers: 1}}]\n"),
    ],
)
def test_a_wheel_that_nobody_installs(read, more, rest):
    """It isn't there on Databricks, however well its source runs here."""
    with pytest.raises(JobShapeError) as caught:
        read({"pyproject.toml": PROJECT}, more=more, rest=rest)

    assert 'nothing that the task "main" asks for has the package "my_pkg"' in caught.value.what
    assert caught.value.location.path == "resources/j.yml"


@pytest.mark.parametrize(
    ("more", "rest"),
    [
        ("existing_cluster_id: c1", ""),
        (CLUSTER, "job_clusters: [{job_cluster_key: c, new_cluster: {policy_id: p}}]\n"),
        ("libraries: [{whl: '${var.nobody_knows}'}]", ""),
        ("libraries: [{whl: /Volumes/a/b/c/my_pkg-1.0-py3-none-any.whl}]", ""),
        ("libraries: [{requirements: /Workspace/requirements.txt}]", ""),
    ],
)
def test_a_wheel_that_may_be_there(read, more, rest):
    """Of what the settings don't tell, the project's own package counts."""
    assert read({"pyproject.toml": PROJECT}, more=more, rest=rest).entry.value == "my_pkg.run:main"


@pytest.mark.parametrize(
    ("files", "own", "what", "more"),
    [
        ({}, "{package_name: my_pkg, entry_point: mains}", 'no entry point "mains"', 'did you mean "main"?'),
        ({}, "{package_name: my_pgk, entry_point: main}", 'no package "my_pgk"', 'did you mean "my_pkg"?'),
        ({"pyproject.toml": PROJECT.replace(".run:", ".rnu:")}, OWN, "leads nowhere", 'did you mean "my_pkg.run"?'),
        (
            {"pyproject.toml": PROJECT + '[tool.hatch.build.targets.wheel]\npackages = ["src/other"]\n'},
            OWN,
            'built without the module "my_pkg"',
            "correct",
        ),
        (
            {
                "pyproject.toml": "",
                "setup.py": SETUP.format("entry_points={'x': ['main=my_pkg.run:main']}, packages=['other']"),
            },
            OWN,
            'built without the module "my_pkg"',
            "correct",
        ),
    ],
)
def test_what_is_not_there(read, files, own, what, more):
    """It is told with the place, and what is near, before anything is run."""
    with pytest.raises(JobNotebookError) as caught:
        read({"pyproject.toml": PROJECT, **files}, own=own)

    assert what in caught.value.what
    assert more in caught.value.mend
    assert caught.value.location.path == "resources/j.yml"


@pytest.mark.parametrize(
    ("own", "what"),
    [
        ("{}", "names no package_name"),
        ("{package_name: my_pkg}", "names no entry_point"),
        ("{package_name: my_pkg, entry_point: 3}", "names no entry_point"),
        (
            "{package_name: my_pkg, entry_point: main, parameters: [a], named_parameters: {b: c}}",
            "parameters and named_parameters",
        ),
        ("{package_name: my_pkg, entry_point: main, parameters: [1]}", "is no text"),
        ("{package_name: my_pkg, entry_point: main, parameters: a}", "are no list"),
        ("{package_name: my_pkg, entry_point: main, named_parameters: {b: 1}}", "parameter b of the task"),
        ("{package_name: my_pkg, entry_point: main, named_parameters: [--b=1]}", "are no names with texts"),
        ('{package_name: my_pkg, entry_point: main, named_parameters: {b: "{{tasks.x.values.y}}"}}', 'the task "x"'),
    ],
)
def test_what_databricks_would_refuse_of_a_wheel(read, own, what):
    """Before anything is run."""
    with pytest.raises(JobShapeError) as caught:
        read({"pyproject.toml": PROJECT}, own=own)

    assert what in caught.value.what


def test_parameters_of_a_wheel(read):
    """With names or without; a list that is empty beside names is none."""
    own = '{package_name: my_pkg, entry_point: main, parameters: [], named_parameters: {b: "2", a: "1"}}'

    task = read({"pyproject.toml": PROJECT}, own=own)

    assert (list(task.parameters.items()), task.arguments) == ([("b", "2"), ("a", "1")], ())
    assert read(own="{package_name: my_pkg, entry_point: main, parameters: [x]}").arguments == ("x",)


UNCLEAR = {
    "dynamic": ({"pyproject.toml": '[project]\nname = "my_pkg"\ndynamic = ["entry-points"]\n'}, OWN, "entry points dynamic"),
    "computed entry points": ({"setup.py": SETUP.format("entry_points=f()")}, OWN, "setup.py computes its entry points"),
    "computed arguments": ({"setup.py": "setup(**facts)\n"}, OWN, "setup.py computes its name"),
    "a computed name": ({"setup.py": "setup(name=f())\n"}, OWN, "setup.py computes its name"),
    "two groups": (
        {"pyproject.toml": f'{PROJECT}[project.entry-points.x]\nmain = "my_pkg:main"\n'},
        OWN,
        "in several groups, as my_pkg.run:main and my_pkg:main",
    ),
    "two folders": ({"pyproject.toml": PROJECT, "my_pkg/run.py": ""}, OWN, "lies in several folders: src and ."),
    "a name that is no Python": (
        {"pyproject.toml": f'{PROJECT}fit-and-go = "my_pkg.run:main"\n'},
        "{package_name: my_pkg, entry_point: fit-and-go}",
        "no Python, and users saw",
    ),
}


@pytest.mark.parametrize("how", UNCLEAR)
def test_what_can_not_be_told(read, how):
    """It isn't taken for anything; nor is it an error, for it may be well."""
    files, own, why = UNCLEAR[how]

    task = read(files, own=own)

    assert why in task.unclear
    assert task.entry is None


def test_a_bundle_that_makes_notebooks_of_wheels(read):
    """Their arguments and their exit values are others."""
    bundle = "bundle: {name: b}\nexperimental: {python_wheel_wrapper: true}\n"

    assert "makes a notebook of the task" in read({"databricks.yml": bundle, "pyproject.toml": PROJECT}).unclear


def test_two_folders_describe_one_package(read):
    """Where nothing says which of them the wheel is of."""
    files = {"databricks.yml": "bundle: {name: b}\n", "a/pyproject.toml": PROJECT, "b/pyproject.toml": PROJECT}

    assert "described in a and b" in read(files, more="existing_cluster_id: c1").unclear


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ("{pypi: {package: packaging}}", ""),
        ("{pypi: {package: packaging>=20}}", ""),
        ("{whl: /Volumes/a/b/c/packaging-%s-py3-none-any.whl}", ""),
        ("{pypi: {package: packaging==1.0}}", "the task asks for ==1.0"),
        ("{whl: ../dist/packaging-1.0-py3-none-any.whl}", "the task asks for 1.0"),
        ("{requirements: /Workspace/r.txt}", "which of its versions"),
    ],
)
def test_a_package_that_is_not_the_projects(read, asks, told):
    """It is run as it is installed here, where that is what the task asks for."""
    asks = asks.replace("%s", metadata.version("packaging"))

    task = read(own="{package_name: packaging, entry_point: markers}", more=f"libraries: [{asks}]")

    assert told in task.unclear
    assert bool(task.entry) is not bool(told)
    if not told:
        assert (task.entry.value, task.entry.home) == ("packaging:markers", "")
        assert os.path.basename(task.path) == "__init__.py"  # noqa: PTH119 -- a text


def test_one_that_is_installed_nowhere(read):
    """It may be well on Databricks."""
    task = read(
        own="{package_name: no-such-package, entry_point: main}", more="libraries: [{pypi: {package: no_such_package}}]"
    )

    assert "isn't installed here" in task.unclear


@pytest.mark.parametrize(
    "files", [{"pyproject.toml": "[project"}, {"setup.py": "setup("}, {"setup.cfg": "name = x\n"}, {"pyproject.toml": "\udcff"}]
)
def test_files_of_a_package_that_can_not_be_read(read, tmp_path, files):
    """They are named."""
    (tmp_path / next(iter(files))).write_bytes(next(iter(files.values())).encode("utf-8", "surrogateescape"))

    with pytest.raises(JobFileError) as caught:
        read()

    assert caught.value.location.path.endswith(next(iter(files)))


def test_a_job_as_the_api_gives_it(project, tmp_path):
    """JSON, whose texts know no line."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    project.write(src__my_pkg__run_py="")
    task = {"task_key": "a", "python_wheel_task": {"package_name": "my-pkg", "entry_point": "main"}}
    project.write(j_json=json.dumps({"tasks": [{**task, "libraries": [{"whl": "dist/*.whl"}]}]}))

    assert project.read("j.json").tasks[0].path == str(tmp_path / "src/my_pkg/run.py")
