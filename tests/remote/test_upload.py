from __future__ import annotations

import contextlib
import json

import pytest
from workspaces import FakeWorkspace

from harness.remote.closure import Closures
from harness.remote.content import is_same
from harness.remote.errors import CollisionError, ForeignCopyError, UploadError
from harness.remote.foreign import ForeignCopies
from harness.remote.parts import NotCompared
from harness.remote.upload import MANIFEST, Uploader

HEADER = "# Databricks notebook source\n"
NOTEBOOK = '{"cells": [{"cell_type": "code", "source": ["a\\n", "b"]}], "metadata": {}}'
WRITTEN_THERE = HEADER + "x = 1\n\n# COMMAND ----------\n\ny = 1"
FOLDER = "/Workspace/Users/me/.nbh/run"


@pytest.fixture
def project(tmp_path):
    """A small project: two notebooks, a package, a Jupyter notebook."""
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": ["1\n", "2"]}]
    files = {
        "jobs/etl.py": HEADER + "# MAGIC %run ./child\n\n# COMMAND ----------\n\nimport pkg.mod\n",
        "jobs/child.ipynb": json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}),
        "jobs/other.py": HEADER + "import pkg.mod\nimport pkg.more\n",
        "pkg/__init__.py": "",
        "pkg/mod.py": "x = 1\n",
        "pkg/more.py": "y = 1\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def ws():
    """A workspace in memory."""
    return FakeWorkspace()


def uploads(ws):
    """What was sent since, without the manifest."""
    sent = [call[1].removeprefix(FOLDER + "/") for call in ws.calls if call[0] == "upload" and not call[1].endswith(MANIFEST)]
    ws.calls.clear()
    return sorted(sent)


def test_each_file_goes_up_in_its_own_format(ws, project):
    """Notebooks without their suffix; plain files as they are."""
    Uploader(ws, FOLDER, str(project)).upload(Closures(project).of("jobs/etl.py"))

    found = {path.removeprefix(FOLDER + "/"): kind for path, (kind, *_) in ws.objects.items() if path.startswith(FOLDER + "/")}
    assert found == {
        MANIFEST: "FILE",
        "jobs": "DIRECTORY",
        "jobs/etl": "NOTEBOOK",
        "jobs/child": "NOTEBOOK",
        "pkg": "DIRECTORY",
        "pkg/__init__.py": "FILE",
        "pkg/mod.py": "FILE",
    }
    formats = {
        call[1].rpartition("/")[2]: (call[3]["format"], call[3].get("language")) for call in ws.calls if call[0] == "upload"
    }
    assert formats["etl"] == ("SOURCE", "PYTHON")
    assert formats["child"] == ("JUPYTER", "")
    assert formats["mod.py"] == ("RAW", "")


def test_the_second_time_only_what_changed_goes_up(ws, project):
    """Also for another process, which knows only what lies on the workspace; and other notebooks share what is there."""
    closures = Closures(project)
    first = Uploader(ws, FOLDER, str(project)).upload(closures.of("jobs/etl.py"))
    uploads(ws)

    again = Uploader(ws, FOLDER, str(project))
    unchanged = again.upload(closures.of("jobs/etl.py"))
    assert (first.sent, unchanged.sent, unchanged.kept) == (4, 0, 4)
    assert ws.count("upload") == 0
    (project / "pkg/mod.py").write_text("x = 2\n")
    again.upload(closures.of("jobs/etl.py"))
    assert uploads(ws) == ["pkg/mod.py"]
    again.upload(closures.of("jobs/other.py"))
    assert uploads(ws) == ["jobs/other", "pkg/more.py"]
    assert ws.objects[f"{FOLDER}/pkg/mod.py"][1] == b"x = 2\n"


def test_the_manifest_is_never_trusted_by_itself(ws, project):
    """What somebody else changed or removed on the workspace goes up again."""
    closures = Closures(project)
    uploader = Uploader(ws, FOLDER, str(project))
    uploader.upload(closures.of("jobs/etl.py"))
    uploads(ws)
    ws.upload(f"{FOLDER}/pkg/mod.py", b"x = 9\n", format="RAW")
    del ws.objects[f"{FOLDER}/jobs/child"]
    ws.calls.clear()

    uploader.upload(closures.of("jobs/etl.py"))

    assert uploads(ws) == ["jobs/child", "pkg/mod.py"]
    assert ws.objects[f"{FOLDER}/pkg/mod.py"][1] == b"x = 1\n"


@pytest.mark.parametrize("manifest", [b"", b'{"jobs/etl": ["', b"[]", b'{"jobs/etl": 1}'])
def test_a_broken_manifest_says_nothing(ws, project, manifest):
    """Everything goes up again."""
    closures = Closures(project)
    Uploader(ws, FOLDER, str(project)).upload(closures.of("jobs/etl.py"))
    ws.upload(f"{FOLDER}/{MANIFEST}", manifest, format="RAW")

    assert Uploader(ws, FOLDER, str(project)).upload(closures.of("jobs/etl.py")).sent == 4


def test_where_the_workspace_tells_no_times_files_go_up_each_time(ws, project):
    """It can't be known whether they are what was sent."""
    listing = ws.list_folder

    def without(path):
        return [{key: value for key, value in facts.items() if key != "modified_at"} for facts in listing(path)]

    ws.list_folder = without
    uploader = Uploader(ws, FOLDER, str(project))

    assert [uploader.upload(Closures(project).of("jobs/etl.py")).sent for _ in range(2)] == [4, 4]


@pytest.mark.parametrize(
    ("path", "why"), [("pkg/mod.py", "3 bytes there, and 6 here"), ("jobs/etl", "its content there is another")]
)
def test_a_half_written_upload_is_found(ws, project, path, why):
    """Files by their size, notebooks by their content; the manifest doesn't name it as sent."""

    def after(name, *args):
        if name == "upload" and args[0] == f"{FOLDER}/{path}":
            kind, data, *rest = ws.objects[args[0]]
            ws.objects[args[0]] = (kind, data[: len(data) // 2], *rest)

    ws.after = after
    uploader = Uploader(ws, FOLDER, str(project))
    with pytest.raises(UploadError, match=f"NBH342 an upload isn't whole(.|\n)*{why}"):
        uploader.upload(Closures(project).of("jobs/etl.py"))
    ws.after = lambda *_: None

    uploader.upload(Closures(project).of("jobs/etl.py"))
    assert ws.objects[f"{FOLDER}/pkg/mod.py"][1] == b"x = 1\n"


def test_a_file_that_changes_meanwhile_is_refused(ws, project):
    """What is tested must be what was digested."""
    closure = Closures(project).of("jobs/etl.py")
    (project / "pkg/mod.py").write_text("x = 3\n")

    with pytest.raises(UploadError, match=r"pkg/mod.py: NBH342 a file changed while it was uploaded"):
        Uploader(ws, FOLDER, str(project)).upload(closure)


def test_closures_that_collide_in_one_run_are_refused(ws, project):
    """Before anything is sent."""
    uploader = Uploader(ws, FOLDER, str(project))
    uploader.upload(Closures(project).of("jobs/etl.py"))
    ws.calls.clear()
    (project / "jobs/child.py").write_text(HEADER)
    (project / "jobs/third.py").write_text(HEADER + "import child\n")

    with pytest.raises(CollisionError):
        uploader.upload(Closures(project).of("jobs/third.py"))
    assert ws.count("upload") == 0


def test_processes_upload_one_at_a_time(ws, project):
    """They hold what they share."""
    held = []

    @contextlib.contextmanager
    def locked():
        held.append(len(ws.calls))
        yield
        held.append(len(ws.calls))

    Uploader(ws, FOLDER, str(project), locked=locked).upload(Closures(project).of("jobs/etl.py"))

    assert held == [0, len(ws.calls)]


def test_five_hundred_files_take_few_calls_the_second_time(ws, tmp_path):
    """One call a folder, and one for the manifest."""
    (tmp_path / "pkg").mkdir()
    for number in range(500):
        (tmp_path / f"pkg/m{number}.py").write_text(f"x = {number}\n")
    (tmp_path / "a.py").write_text(HEADER + "".join(f"import pkg.m{number}\n" for number in range(500)))
    closure = Closures(tmp_path).of("a.py")
    messages = []
    Uploader(ws, FOLDER, str(tmp_path), progress=messages.append).upload(closure)
    assert messages[-1] == "uploaded 501 of 501 files"
    ws.calls.clear()

    Uploader(ws, FOLDER, str(tmp_path)).upload(closure)

    assert len(ws.calls) == 3


@pytest.mark.parametrize(
    ("sent", "found", "form", "same"),
    [
        ("# Databricks notebook source\nx = 1\n", "# Databricks notebook source\r\nx = 1", "SOURCE", True),
        ("# Databricks notebook source\nx = 1\n", "# Databricks notebook source\nx = 2\n", "SOURCE", False),
        (HEADER + "# COMMAND ----------\nx = 1\n\n\n# COMMAND ----------\ny = 1\n", WRITTEN_THERE, "SOURCE", True),
        (HEADER + "\n\nx = 1\n# COMMAND ----------\n\n\n\n# COMMAND ----------\ny = 1", WRITTEN_THERE, "SOURCE", True),
        (
            "# Databricks notebook source exported at Sat, 18 Jun 2016\nx = 1\n# COMMAND ----------\ny = 1",
            WRITTEN_THERE,
            "SOURCE",
            True,
        ),
        (HEADER + "x = 1\ny = 1\n", WRITTEN_THERE, "SOURCE", False),
        (HEADER + "x = 1\n# COMMAND ----------\n", WRITTEN_THERE, "SOURCE", False),
        (HEADER + "if x:\n\n    y = 1\n", HEADER + "if x:\n    y = 1", "SOURCE", False),
        ("x = 1\n", "x = 1", "RAW", False),
        (
            '{"cells": [{"cell_type": "code", "source": ["a\\n", "b"]}]}',
            '{"cells":[{"cell_type":"code","source":"a\\nb"}]}',
            "JUPYTER",
            True,
        ),
        (NOTEBOOK, '{"cells":[]}', "JUPYTER", False),
        ("{", "", "JUPYTER", False),
    ],
)
def test_what_a_workspace_gives_back_is_compared_by_content(sent, found, form, same):
    """It has a form of its own for notebooks."""
    assert is_same(sent.encode(), found.encode(), format=form) is same


def test_the_workspaces_own_copies_must_be_the_repositorys(ws, tmp_path):
    """A difference refuses, a copy that isn't there too; what can't be compared is told."""
    (tmp_path / "setup.py").write_text(HEADER + "x = 1\n")
    (tmp_path / "a.py").write_text(
        HEADER
        + "# MAGIC %run /Shared/t/setup\n\n# COMMAND ----------\n\n"
        + "dbutils.notebook.run(f'{x}', 1)\ndbutils.notebook.run('/x', 1)\n"
    )
    closure = Closures(tmp_path, run_prefixes={"/Shared/t": "."}).of("a.py")

    with pytest.raises(ForeignCopyError, match="it isn't there"):
        ForeignCopies(ws, str(tmp_path)).check(closure)
    ws.make_folder("/Shared/t")
    ws.upload("/Shared/t/setup", b"# Databricks notebook source\nx = 2", format="SOURCE", language="PYTHON")
    with pytest.raises(ForeignCopyError, match=r"a.py:2 \(cell 1, line 1\): NBH341(.|\n)*another than that of setup.py"):
        ForeignCopies(ws, str(tmp_path)).check(closure)
    ws.upload("/Shared/t/setup", b"# Databricks notebook source\nx = 1", format="SOURCE", language="PYTHON")
    copies = ForeignCopies(ws, str(tmp_path))
    ws.calls.clear()
    copies.check(closure)
    notes = copies.check(closure)
    assert len(notes) == 2
    assert "a.py:6 (cell 2, line 1): which notebook dbutils.notebook.run starts is computed" in notes[0]
    assert "a.py:7 (cell 2, line 2): dbutils.notebook.run takes the workspace's own /x: not compared" in notes[1]
    assert all(isinstance(note, NotCompared) for note in notes)
    assert ws.count("export") == 1


@pytest.mark.parametrize(
    ("stale", "why"),
    [
        ("jobs/etl", r"/Shared/t/jobs/etl isn't what(.|\n)*another than that of jobs/etl.py"),
        ("jobs/child", r"/Shared/t/jobs/etl needs it(.|\n)*another than that of jobs/child.ipynb"),
        ("pkg/mod.py", r"/Shared/t/jobs/etl needs it(.|\n)*another than that of pkg/mod.py"),
        ("", ""),
    ],
)
def test_what_the_workspaces_own_copy_needs_must_be_the_repositorys_too(ws, project, stale, why):
    """The notebooks that it runs, and the modules that it imports."""
    for path in ("jobs/etl.py", "jobs/child.ipynb", "pkg/__init__.py", "pkg/mod.py"):
        target = path.rpartition(".")[0] if path.startswith("jobs") else path
        ws.objects[f"/Shared/t/{target}"] = ("", b"x = 9" if target == stale else (project / path).read_bytes(), 1)
    (project / "a.py").write_text(HEADER + "dbutils.notebook.run('/Workspace/Shared/t/jobs/etl', 60)\n")
    ws.objects |= {f"/Workspace{path}": held for path, held in ws.objects.items() if path.startswith("/Shared")}
    closure = Closures(project, run_prefixes={"/Shared/t": "."}).of("a.py")

    if stale:
        with pytest.raises(ForeignCopyError, match=why):
            ForeignCopies(ws, str(project)).check(closure)
    else:
        assert ForeignCopies(ws, str(project)).check(closure) == ()


def test_a_copy_of_what_the_repository_does_not_have_is_refused(ws, tmp_path):
    """The settings say that it is the repository's."""
    (tmp_path / "a.py").write_text(HEADER + "# MAGIC %run /Shared/t/gone\n")
    ws.objects["/Shared/t/gone"] = ("NOTEBOOK", HEADER.encode(), 1)

    with pytest.raises(ForeignCopyError, match="the repository has no gone"):
        ForeignCopies(ws, str(tmp_path)).check(Closures(tmp_path, run_prefixes={"/Shared/t": "."}).of("a.py"))
