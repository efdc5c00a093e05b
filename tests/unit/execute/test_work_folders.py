from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.execute.folder import Works


@pytest.fixture
def project(tmp_path):
    """A notebook with a file beside it, and a folder to lay it out in."""
    folder = tmp_path / "project"
    (folder / "jobs" / "data").mkdir(parents=True)
    (folder / "jobs" / "etl.py").write_text("1")
    (folder / "jobs" / "data" / "days.csv").write_text("day")
    (tmp_path / "runs").mkdir()
    return folder


@pytest.fixture
def run(project):
    """Have a notebook's run use its work folder; gives what lay in it."""
    works = Works(most=2)

    def run(what=lambda folder: None, *, number, path="jobs/etl.py"):
        place = project.parent / "runs" / str(number)
        work = works.take(str(project / path), str(project), str(place))
        own = Path(work.folder)
        found = sorted(str(one.relative_to(own)) for one in own.rglob("*") if one.is_file())
        what(own)
        if work.is_untouched():
            works.keep(work, str(project / path), str(project), str(place.with_name(f"kept{number}")))
        return found

    run.kept = lambda: sorted(one.name for one in (project.parent / "runs").iterdir())
    return run


def test_a_folder_that_a_run_left_alone_serves_the_next_one(run):
    """It isn't laid out again: that takes a call for each file of a project."""
    assert run(number=1) == ["data/days.csv", "etl.py"]
    assert run.kept() == ["kept1"]
    assert run(number=2) == ["data/days.csv", "etl.py"]
    assert run.kept() == ["kept2"]


@pytest.mark.parametrize(
    "what",
    [
        lambda folder: (folder / "new.txt").touch(),
        lambda folder: (folder / "data" / "days.csv").unlink(),
        lambda folder: (folder / "data").rename(folder / "other"),
        lambda folder: ((folder / "x").mkdir(), (folder / "x").rmdir()),
    ],
)
def test_what_a_run_wrote_is_seen_by_no_other(run, what):
    """Not even what it made and took away again, or in a folder below."""
    run(what, number=1)

    assert run.kept() == ["1"]
    assert run(number=2) == ["data/days.csv", "etl.py"]


def test_a_project_that_has_changed_is_laid_out_anew(run, project):
    """A file that came since the last run is there, in whichever folder."""
    run(number=1)
    (project / "jobs" / "data" / "more.csv").write_text("day")

    assert run(number=2) == ["data/days.csv", "data/more.csv", "etl.py"]


def test_two_runs_at_once_have_folders_of_their_own(run):
    """The second begins while the first is on."""
    inner = []
    run(lambda _folder: inner.append(run(number=2)), number=1)

    assert inner == [["data/days.csv", "etl.py"]]
    assert run.kept() == ["kept1", "kept2"]


def test_not_more_than_so_many_are_kept(run, project):
    """Those of other notebooks' folders go, the longest unused first."""
    for name in "abc":
        (project / name).mkdir()
        (project / name / "nb.py").write_text("1")
    for number, name in enumerate("abc"):
        run(number=number, path=f"{name}/nb.py")

    assert run.kept() == ["kept1", "kept2"]


def test_a_kept_folder_that_was_deleted_costs_nothing(run, project):
    """A notebook may clear the machine's temporary files."""
    run(number=1)
    shutil.rmtree(project.parent / "runs" / "kept1")

    assert run(number=2) == ["data/days.csv", "etl.py"]
