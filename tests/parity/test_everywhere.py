"""The bodies of this folder, run once more on the rehearsal by a pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.util import find_spec

import connect_client
import pytest

BODIES = "tests/parity/test_bodies.py"
RUN = ("pytest", BODIES, "--databricks-env=rehearsal", "-p", "no:cacheprovider")


@pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal")
def test_the_bodies_pass_on_the_rehearsal(root, tmp_path):
    """All of them, each as it is: none skipped, none left out."""
    report = tmp_path / "report.xml"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    command = [sys.executable, "-m", *RUN, f"--junitxml={report}"]

    done = subprocess.run(command, cwd=root, env=clean, capture_output=True, text=True, timeout=500, check=False)

    check_all_passed(done, report, (root / BODIES).read_text(encoding="utf-8").count("\ndef test_"))
    assert re.search(r"^databricks notebooks: .*, client pyspark \d", done.stdout, re.MULTILINE), done.stdout


@connect_client.needed
def test_the_bodies_pass_through_databricks_connect(root, tmp_path):
    """In an environment that has it in place of pyspark; the rehearsal is started from there, and the head names the client.

    Left out are those that look at runs of notebooks alone: no client of Spark's takes part in them.
    """
    connect_client.lend_spark()
    report = tmp_path / "report.xml"
    # Raised by its own look at the version of pandas, by way of setuptools.
    ignored = "ignore:distutils Version classes:DeprecationWarning"

    bodies = re.findall(r"^def (test_\w+)\((.*)\):", (root / BODIES).read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [f"{BODIES}::{name}" for name, asked in bodies if {"spark", "uc", "orders"} & set(asked.split(", "))]
    run = ["pytest", *wanted, *RUN[2:], f"--junitxml={report}", f"-W{ignored}"]

    done = connect_client.run(*run, folder=root)

    check_all_passed(done, report, len(wanted))
    assert re.search(r"^databricks notebooks: .*, client databricks-connect \d", done.stdout, re.MULTILINE), done.stdout


def test_the_page_says_how_many_runs_the_bodies_begin(root):
    """For whoever pays for them."""
    begun = re.findall(r"\b(?:run_notebook(?:\.submit)?|nbh_run|run_job)\(", (root / BODIES).read_text(encoding="utf-8"))
    told = re.search(r"(\w+) one-time job runs", (root / "docs" / "real-workspace.md").read_text(encoding="utf-8"))

    assert told[1] == {11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen"}[len(begun)]


def check_all_passed(done, report, count):
    """Each of the bodies passed, and none was skipped or left out."""
    assert done.returncode == 0, done.stdout + done.stderr
    suite = ET.parse(report).getroot().find("testsuite")
    assert (int(suite.get("tests")), suite.get("skipped"), suite.get("failures"), suite.get("errors")) == (count, "0", "0", "0")
