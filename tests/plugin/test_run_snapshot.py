"""``run_snapshot`` as a test sees it: what is kept, what is red."""

from __future__ import annotations

import pytest

FILES = {
    "test_it.py": """
        from harness import CellRun, NotebookRun

        def run(text, ended="passed"):
            outputs = ({"output_type": "stream", "name": "stdout", "text": text},)
            return NotebookRun("a.py", ended, cells=(CellRun(1, "python", "passed", outputs),))

        def test_run(run_snapshot):
            assert run("hello at 0x7f2a9c0d5e10") == run_snapshot
            assert run_snapshot(name="two", scrub={"b.": "…"}) == run("bye")
        """
}


def test_kept_and_compared(project, workers):
    """An absent one is red, `--snapshot-update` writes it, a change is red and shown; the same in workers."""
    project.write(FILES)

    absent = project.run_apart("pytest", *workers)
    written = project.run_apart("pytest", "--snapshot-update", *workers)
    kept = project.run_apart("pytest", *workers)
    project.write({"test_it.py": FILES["test_it.py"].replace("hello", "goodbye")})
    changed = project.run_apart("pytest", *workers)

    assert "Snapshot 'test_run' does not exist!" in absent.stdout
    assert "2 snapshots generated." in written.stdout
    folder = project.path / "__snapshots__" / "test_it"
    assert sorted(file.name for file in folder.iterdir()) == ["test_run.run.txt", "test_run[two].run.txt"]
    assert (folder / "test_run.run.txt").read_text() == "a.py: passed\n\ncell 1 (python)\n  hello at 0x…\n"
    assert [done.returncode for done in (absent, written, kept, changed)] == [1, 0, 0, 1]
    assert "-   hello at 0x…" in changed.stdout
    assert "+   goodbye at 0x…" in changed.stdout


def test_red_runs_and_slips(project):
    """Each is an error of its own, not a difference; nothing is written."""
    project.write(
        {
            "test_it.py": FILES["test_it.py"]
            + """
        def test_red(run_snapshot):
            assert run("x", "failed") == run_snapshot

        def test_slip(run_snapshot):
            assert run("x") == run_snapshot(scurb={})
        """
        }
    )

    done = project.run_apart("pytest", "--snapshot-update", "-k", "red or slip")

    assert "NBH373 a red run was to be kept as a snapshot" in done.stdout
    assert "unexpected keyword argument 'scurb'" in done.stdout
    assert "2 failed" in done.stdout
    assert not project.exists("*.run.txt")


@pytest.mark.parametrize(
    ("arguments", "conftest", "told"),
    [
        (("-p", "no:syrupy"), "", 'pip install "databricks-notebook-harness[snapshot]"'),
        ((), "import pytest\n@pytest.fixture\ndef snapshot(): return 7\n", "the fixture snapshot is not syrupy's"),
    ],
)
def test_without_syrupy(project, arguments, conftest, told):
    """It says what is missing, or in the way."""
    project.write({**FILES, "conftest.py": conftest})

    done = project.run_apart("pytest", *arguments)

    assert "NBH373" in done.stdout
    assert told in done.stdout
