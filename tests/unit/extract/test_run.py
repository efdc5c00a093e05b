"""``%run`` lines as users write them, and targets that can't be used."""

from __future__ import annotations

import pytest

from harness.errors import UnresolvedNameError
from harness.extract.run import find_target, parse_run, why_missing


@pytest.mark.parametrize(
    ("argument", "target", "values"),
    [
        ('"./my setup" $catalog=dev $reset=false', "./my setup", {"catalog": "dev", "reset": "false"}),
        ("./my setup $a=1", "./my setup", {"a": "1"}),
        ("./setup $title=two words $b=2", "./setup", {"title": "two words", "b": "2"}),
        ("./today's setup $a=1", "./today's setup", {"a": "1"}),
    ],
    ids=["quoted", "bare blank", "blank in a value", "lone quote"],
)
def test_run_line_is_read_as_databricks_reads_it(argument, target, values):
    """The path, then the widget values."""
    line = parse_run(argument)

    assert (line.target, dict(line.arguments)) == (target, values)


def test_unreadable_run_target_costs_only_its_names(project):
    """Its own error is the cause of the problem, and of each name that is missing for it."""
    (project.folder / "broken.ipynb").write_text("{")
    module = project.load("# MAGIC %run ./broken", "def f():\n    return 1", "def g():\n    return gone")

    (problem,) = module.__units__.problems

    assert module.f() == 1
    assert (problem.code, problem.location.cell) == ("NBH104", 1)
    assert "not valid JSON" in problem.cause
    with pytest.raises(UnresolvedNameError, match=r"the %run target './broken' can't be used"):
        module.g()


@pytest.mark.parametrize(
    ("target", "file", "prefix", "folder"),
    [
        ("/Repos/prod/shop/functions/helpers", "functions/helpers.py", "/Repos/prod/shop", "."),
        ("/Workspace/Repos/me/shop/team/lib/rates", "team/lib/rates.sql", "/Workspace/Repos/me/shop", "."),
        ("/Shared/lib/rates", "team/lib/rates.sql", "/Shared", "team"),
        ("/Shared/etl", "etl.py", "/Shared", "."),
        ("/functions/helpers", "functions/helpers.py", "/functions", "functions"),
    ],
    ids=["of another folder", "with Workspace", "below a folder above", "its name alone", "all of it"],
)
def test_missing_workspace_path_names_the_entry_that_finds_it(tmp_path, target, file, prefix, folder):
    """Where a file of the project's path ends as the target's does, the entry that is told leads there."""
    for name in ("functions/helpers.py", "team/lib/rates.sql", "team/jobs/daily.py", "etl.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    beside, root = str(tmp_path / "team" / "jobs" / "daily.py"), str(tmp_path)

    cause, mend = why_missing(target, beside=beside, prefixes={}, root=root)

    assert cause == "it is a workspace path, and no run_prefixes entry fits it"
    assert mend == (
        f'if it is {file}, map its workspace folder in pyproject.toml: [tool.nbh] run_prefixes = {{ "{prefix}" = "{folder}" }}'
    )
    assert find_target(target, beside=beside, prefixes={prefix: folder}, root=root) == str(tmp_path / file)


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("rates", "no notebook of that name lies beside etl.py"),
        ("./rates", "no notebook of that name lies beside etl.py"),
        ("../nbs/rates", "no notebook of that name lies beside etl.py"),
        ("../rates", "seen from etl.py that is rates, and no notebook of that name is there"),
        ("./lib/rates", "seen from etl.py that is nbs/lib/rates, and no notebook of that name is there"),
        ("../../rates", "seen from etl.py that is {above}/rates, and no notebook of that name is there"),
    ],
)
def test_missing_target_beside_or_elsewhere(tmp_path, target, cause):
    """Where it was looked for is told, also where that is out of the project."""
    found, mend = why_missing(target, beside=str(tmp_path / "nbs" / "etl.py"), prefixes={}, root=str(tmp_path))

    assert found == cause.format(above=tmp_path.parent)
    assert mend == "correct the path, or add the notebook to the repository"


def test_missing_workspace_path_that_the_project_has_not(tmp_path):
    """Nothing is promised to be the file."""
    cause, mend = why_missing("/Shared/lib/rates", beside=str(tmp_path / "etl.py"), prefixes={}, root=str(tmp_path))

    assert cause == "it is a workspace path, and no run_prefixes entry fits it"
    assert mend == (
        "add the notebook to the repository, and map its workspace folder in pyproject.toml: "
        '[tool.nbh] run_prefixes = { "/Shared/lib" = "its folder" }'
    )


def test_missing_workspace_path_that_is_mapped(tmp_path):
    """Where it was looked for is told, not that nothing fits."""
    beside = str(tmp_path / "etl.py")

    cause, mend = why_missing("/Shared/lib/rates", beside=beside, prefixes={"/Shared": "src"}, root=str(tmp_path))

    assert cause == "run_prefixes makes src/lib/rates of it, and no notebook of that name is there"
    assert mend == "correct the path, or that entry"


def test_problem_of_a_missing_workspace_path_says_why(project):
    """As it is listed, and in the error of a name that it would have given."""
    (project.folder / "rates.py").write_text("# Databricks notebook source\nRATE = 2\n")
    module = project.load("# MAGIC %run /Repos/me/shop/rates", "def f():\n    return RATE")

    (problem,) = module.__units__.problems

    assert (problem.code, problem.what) == ("NBH104", "the %run target '/Repos/me/shop/rates' isn't there")
    assert 'run_prefixes = { "/Repos/me/shop" = "." }' in problem.mend
