"""``%pip`` and ``%sh`` in notebooks that are run whole, where the run is allowed more than to look."""

from __future__ import annotations

import zipfile
from importlib import metadata

import psutil
import pytest
from whole_notebooks import writer


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""
    return writer(tmp_path)


@pytest.fixture
def wheel(tmp_path):
    """Make a wheel of this name and version beside the notebook, in ``dist``."""

    def make(name, version, *requires):
        (tmp_path / "dist").mkdir(exist_ok=True)
        info = f"{name}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {needed}\n" for needed in requires)
        with zipfile.ZipFile(tmp_path / "dist" / f"{name}-{version}-py3-none-any.whl", "w") as file:
            file.writestr(f"{name}/__init__.py", f"VERSION = {version!r}\n")
            file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
            file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            file.writestr(
                f"{info}/RECORD",
                "".join(
                    f"{path},,\n" for path in (f"{name}/__init__.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
                ),
            )

    return make


def is_alive(pid):
    """Whether a process still does something; one that is dead may have a number until somebody asks for its end."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_is_here_is_told(run_notebook, notebook):
    """And the notebook goes on; ``!pip`` is the same."""
    path = notebook("%pip install -U pandas 'pytest>=1' --quiet", "!pip install pandas", "%pip show pandas", "print('on')")

    run = run_notebook(path)

    assert run.passed, run.summary
    version = metadata.version("pandas")
    assert run.cells[0].text.startswith(f"already here: pandas ({version})\nalready here: pytest>=1 (")
    assert run.cells[1].text == f"already here: pandas ({version})\n"
    assert f"Version: {version}" in run.cells[2].text


def test_what_is_missing_is_installed_for_the_run(run_notebook, notebook, wheel, tmp_path):
    """With what it needs, into a folder of its own: after Python began anew and in Spark's workers too, and in no other run."""
    (tmp_path / "beside.py").write_text("MARK = '!'\n")
    wheel("nbhtiny", "1.2", "nbhdep", "packaging")
    wheel("nbhdep", "0.1")
    path = notebook(
        "%pip install --no-index --find-links dist nbhtiny",
        "import nbhtiny, nbhdep\nprint(nbhtiny.VERSION)",
        "dbutils.library.restartPython()",
        "import nbhtiny\nprint(nbhtiny.VERSION)",
        """
        from pyspark.sql.functions import udf
        @udf("string")
        def version(_):
            import nbhtiny, beside
            return nbhtiny.VERSION + beside.MARK
        print(spark.range(1).select(version("id")).first()[0])
        """,
        "%pip install --no-index --find-links dist nbhtiny",
    )

    run = run_notebook(path, allow=["pip"])

    assert run.passed, run.summary
    assert run.cells[0].text == "installed for this run: nbhdep 0.1, nbhtiny 1.2\n"
    assert [run.cells[at].text for at in (1, 3, 4)] == ["1.2\n", "1.2\n", "1.2!\n"]
    assert run.cells[5].text == "already here: nbhtiny (1.2)\n"
    assert run_notebook(path).outcome == "unsupported"
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("nbhtiny")


def test_what_the_run_works_with_is_not_replaced(run_notebook, notebook, wheel):
    """Half of one version and half of another would be neither."""
    wheel("pandas", "99.0")

    run = run_notebook(notebook("%pip install --no-index --find-links dist pandas==99.0"), allow=["pip"])

    assert run.outcome == "unsupported"
    assert "would replace pandas, which the run itself works with" in run.error


def test_what_pip_can_not_find(run_notebook, notebook):
    """Is the notebook's error, with pip's words."""
    run = run_notebook(notebook("%pip install --no-index nbh-not-there"), allow=["pip"])

    assert run.outcome == "failed"
    assert "No matching distribution found for nbh-not-there" in run.error


def test_no_pip_reaches_the_environment(run_notebook, notebook, wheel):
    """However the notebook starts it."""
    wheel("nbhtiny", "1.2")
    path = notebook(
        "import subprocess, sys\npip = [sys.executable, '-m', 'pip', 'install', '-q', '--no-index']",
        "subprocess.run([*pip, 'dist/nbhtiny-1.2-py3-none-any.whl'], check=True)",
        "import nbhtiny\nprint(nbhtiny.VERSION)",
    )

    run = run_notebook(path)

    assert run.cells[2].text == "1.2\n", run.summary
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("nbhtiny")


def test_a_shell(run_notebook, notebook, tmp_path):
    """In the run's folder, with its output; as on Databricks only ``%sh -e`` fails with it."""
    path = notebook(
        "x = 'X'",
        "%sh\necho one; ls *.py; false\necho two > made.txt",
        "!cat made.txt\nfound = !echo {x}\nprint(found)",
        "%sh -e\nfalse\necho never",
    )

    run = run_notebook(path, allow=["shell"])

    assert (run.outcome, run.location.cell) == ("failed", 4)
    assert run.cells[1].text == "one\nn.py\n"
    assert run.cells[2].text.replace("\r", "") == "two\n['X']\n"
    assert not (tmp_path / "made.txt").exists()
    assert run_notebook(notebook("%%bash\nfalse", name="b.py"), allow=["shell"]).outcome == "failed"


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("%sh\n# what is there\nls -al /dbfs/mnt/x || true", "/dbfs/mnt/x"),
        ("!cp '/Volumes/main/default/vol/a' b", "/Volumes/main/default/vol/a"),
        ("found = !ls /dbfs", "/dbfs"),
        ("%sh\nls /Workspace/Users/me", "/Workspace/Users/me"),
        ("import os\nos.system('ls /Volumes/main/default/vol')", "/Volumes/main/default/vol"),
        (
            "import subprocess\ntry:\n    subprocess.call(['cp', '/Workspace/lib/a.whl', '.'])\nexcept Exception:\n    pass",
            "/Workspace/lib/a.whl",
        ),
    ],
)
def test_a_program_that_looks_for_dbfs_is_refused(run_notebook, notebook, code, path):
    """It would find nothing there, and a notebook that goes on has not done what it does on Databricks."""
    run = run_notebook(notebook(code), allow=["shell"])

    assert run.outcome == "unsupported", run.error
    assert f"a program has no {path} here" in run.error


def test_a_shell_may_speak_of_dbfs(run_notebook, notebook):
    """In a comment, and in paths of other folders that are named so."""
    assert run_notebook(notebook("%sh\n# as in /dbfs/mnt\nmkdir -p ./dbfs/x x/Volumes"), allow=["shell"]).passed
    assert run_notebook(notebook("import subprocess\nsubprocess.check_call(['mkdir', '-p', './dbfs/x'])", name="s.py")).passed


def test_what_a_shell_started_ends_with_the_run(run_notebook, notebook):
    """Also what it left in the background, and what it waits for."""
    run = run_notebook(notebook("%sh sleep 600 & echo $!"), allow=["shell"])
    assert not is_alive(int(run.cells[0].text))

    run = run_notebook(notebook("%sh\necho $$\nsleep 600"), allow=["shell"], timeout_s=3)
    assert run.outcome == "timed_out"
    assert not is_alive(int(run.cells[0].text))


def test_children_are_allowed_the_same(run_notebook, notebook):
    """They run by the same test."""
    notebook("%sh echo x", name="child.py")

    assert run_notebook(notebook("dbutils.notebook.run('./child', 60)"), allow=["shell"]).passed


def test_by_the_option(pytester):
    """For all runs of a pytest; a name that nobody knows is refused in both ways."""
    writer(pytester.path)("%sh echo x")
    pytester.makepyfile("def test_n(run_notebook):\n    assert run_notebook('n.py').passed\n")

    pytester.runpytest_subprocess("-p", "no:cacheprovider", "--nbh-allow", "shell", "--nbh-allow=pip").assert_outcomes(passed=1)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(failed=1)


def test_an_unknown_permission(run_notebook, notebook):
    """Is refused before anything runs."""
    with pytest.raises(ValueError, match="allow names 'sh': a run can be allowed pip and shell"):
        run_notebook(notebook("x = 1"), allow=["sh"])
