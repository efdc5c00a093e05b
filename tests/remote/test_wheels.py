"""The project's own wheel: built once a run, and named to the Jobs API in the place of its folder."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from wheel_backend import SETTINGS, backend
from workspaces import FakeWorkspace

from harness.environments import Compute, Environment
from harness.errors import SettingsError
from harness.remote.compute import Computes
from harness.remote.errors import WheelError
from harness.remote.state import SharedRun
from harness.remote.wheels import Wheels, build, folders_of, in_environments, in_libraries

SERVERLESS = ({"environment_key": "e", "spec": {"client": "2", "dependencies": ["./lib", "requests==2", "/Workspace/a.whl"]}},)
CLUSTER = Environment("pps", compute=Compute("new", spec={"spark_version": "17"}), libraries=({"whl": "."}, {"pypi": {}}))
THERE = "/Workspace/run/wheels/churn-1-py3-none-any.whl"


@pytest.fixture
def shared():
    """What the processes of a run share."""
    return SharedRun("run1", about={})


@pytest.fixture
def make(shared, tmp_path):
    """Make the wheels of a process; its workspace, and what was built, by folder."""
    ws, built = FakeWorkspace(), []

    def build_one(folder):
        built.append(folder)
        return f"churn-{len(built)}-py3-none-any.whl", b"PK"

    def wheels(environment):
        return Wheels(environment, str(tmp_path), workspace=ws, shared=shared, folder="/Workspace/run", built=build_one)

    return wheels, ws, built


def test_folders_are_wheels_of_the_project():
    """Names of packages and files of a workspace are what they are."""
    assert folders_of(CLUSTER) == (".",)
    assert folders_of(Environment("pps", environments=SERVERLESS)) == ("./lib",)
    assert folders_of(Environment("pps", libraries=({"whl": "/Volumes/a/b.whl"}, {"pypi": {"package": "x"}}))) == ()


def test_a_wheel_is_built_and_sent_once_a_run(make, tmp_path):
    """Whichever of its processes asks."""
    wheels, ws, built = make
    for _ in range(2):
        mine = wheels(CLUSTER)
        mine.bring()
        mine.bring()

        assert mine.there() == {".": THERE}
    assert built == [str(tmp_path)]
    assert ws.objects[THERE][:2] == ("FILE", b"PK")


def test_nothing_is_built_that_nobody_asks_for(make):
    """Nor is the workspace asked."""
    wheels, ws, built = make
    wheels(Environment("pps")).bring()

    assert (built, ws.calls) == ([], [])


def test_the_jobs_api_is_told_its_place(shared):
    """In a task's libraries, and in the environments of serverless compute."""
    assert in_libraries(CLUSTER.libraries, {".": THERE}) == [{"whl": THERE}, {"pypi": {}}]
    assert in_environments(SERVERLESS, {"./lib": THERE})[0]["spec"] == {
        "client": "2",
        "dependencies": [THERE, "requests==2", "/Workspace/a.whl"],
    }
    computes = Computes(
        Environment("pps", environments=SERVERLESS), FakeWorkspace(), shared, name="n", wheels=lambda: {"./lib": THERE}
    )
    assert THERE in computes.keys()[1]["environments"][0]["spec"]["dependencies"]


def test_a_cluster_that_is_there_is_refused(shared):
    """It would keep an earlier wheel of the same version, and old code would be tested."""
    environment = Environment("pps", compute=Compute("existing", "c1"), libraries=({"whl": "."},))

    with pytest.raises(SettingsError, match="cluster that is there"):
        Computes(environment, FakeWorkspace(), shared, name="n")


def test_a_folder_is_built_as_it_says(tmp_path):
    """By pip, which asks the project's own build backend."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "backend.py").write_text(backend("churn", "x = 1"))

    name, content = build(str(tmp_path))

    assert name == "churn-1.0-py3-none-any.whl"
    assert content.startswith(b"PK")


def test_what_an_earlier_build_has_left_is_in_no_wheel(tmp_path):
    """Setuptools would pack a module that the project has no more; one that it has may lie there."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "backend.py").write_text(backend("churn", "x = 1"))
    (tmp_path / "src" / "churn").mkdir(parents=True)
    (tmp_path / "src" / "churn" / "new.py").touch()
    lib = tmp_path / "build" / "lib" / "churn"
    lib.mkdir(parents=True)
    (lib / "new.py").touch()
    assert build(str(tmp_path))[0] == "churn-1.0-py3-none-any.whl"

    (lib / "old.py").touch()
    with pytest.raises(WheelError, match=r"build holds churn/old\.py"):
        build(str(tmp_path))


def test_nothing_is_left_in_the_project(tmp_path):
    """By setuptools, whose folder `build` would have what is taken out of the project later."""
    site = str(Path(pytest.importorskip("setuptools").__file__).parents[1])
    (tmp_path / "pyproject.toml").write_text(f'{SETTINGS}[project]\nname = "churn"\nversion = "1.0"\n')
    # pip gives a build no package of this environment, and there is no index to get setuptools from.
    (tmp_path / "backend.py").write_text(f"import sys\nsys.path.append({site!r})\nfrom setuptools.build_meta import *\n")
    package = tmp_path / "src" / "churn"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "old.py").touch()
    there = sorted(tmp_path.rglob("*"))

    build(str(tmp_path))
    left = sorted(tmp_path.rglob("*"))
    (package / "old.py").rename(package / "new.py")
    content = build(str(tmp_path))[1]

    assert left == there
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert [name for name in names if name.endswith(".py")] == ["churn/__init__.py", "churn/new.py"]


@pytest.mark.parametrize(
    ("files", "told"),
    [({}, "no pyproject.toml"), ({"pyproject.toml": SETTINGS, "backend.py": "raise ValueError('odd')"}, "odd")],
)
def test_a_folder_that_makes_no_wheel_is_an_error(tmp_path, files, told):
    """With what pip said."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(WheelError) as error:
        build(str(tmp_path))

    assert told in str(error.value)
