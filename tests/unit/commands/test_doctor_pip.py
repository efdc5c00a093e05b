"""What `nbh doctor` says of the packages that notebooks install."""

from __future__ import annotations

import pytest

pytest.importorskip("nbclient", reason="packages are for whole runs (the extra `local`)")

from harness.commands.doctor_pip import pip_facts

HEADER = "# Databricks notebook source\n"


def write(folder, **notebooks):
    """Write notebooks of these %pip lines."""
    for name, lines in notebooks.items():
        path = folder / "nbs" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + "\n# COMMAND ----------\n".join(f"# MAGIC %pip {line}\n" for line in lines))


def test_all_that_is_missing_is_told_at_once(tmp_path):
    """With the place of the first that asks, and what installs all of it; what is here isn't among that."""
    (tmp_path / "nbs").mkdir()
    (tmp_path / "nbs" / "more.txt").write_text("nosuch-of-a-file\npytest\n")
    write(
        tmp_path,
        a=["install nosuch-one pytest", "list", "install 'nosuch-two[x]==1.0' # a note"],
        b=[
            "install nosuch-one",
            "install -r more.txt",
            "install $library",
            "uninstall -y pytest",
            "install 'pytest<1' Nosuch_One>1",
        ],
    )

    (fact,) = pip_facts(str(tmp_path))

    assert fact.ok is None
    assert fact.value.split("; ")[:3] == [
        "nosuch-one is not installed (nbs/a.py:2)",
        "nosuch-two==1.0 is not installed (nbs/a.py:8)",
        "nosuch-of-a-file is not installed (nbs/b.py:5)",
    ]
    assert fact.mend == "pip install nosuch-one 'nosuch-two[x]==1.0' nosuch-of-a-file 'pytest<1'"


def test_what_can_not_be_told_is_not_installed(tmp_path):
    """An address may hold anything."""
    write(tmp_path, a=["install git+https://example.com/x.git"])

    (fact,) = pip_facts(str(tmp_path))

    assert "can't be told (nbs/a.py:2)" in fact.value
    assert fact.mend == ""


def test_where_nothing_is_missing(tmp_path):
    """One line, or none where nobody installs anything; a broken notebook costs only itself."""
    assert pip_facts(str(tmp_path)) == []
    (tmp_path / "broken.ipynb").write_text("{")
    write(tmp_path, a=["install pytest"], b=[])

    (fact,) = pip_facts(str(tmp_path))

    assert (fact.ok, fact.value) == (True, "all that they install is here")
