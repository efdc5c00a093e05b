"""The bodies of this folder, run once more on the rehearsal by a pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.util import find_spec

import pytest

BODIES = "tests/parity/test_bodies.py"


@pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal")
def test_the_bodies_pass_on_the_rehearsal(root, tmp_path):
    """All of them, each as it is: none skipped, none left out."""
    report = tmp_path / "report.xml"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    command = [sys.executable, "-m", "pytest", BODIES, "--databricks-env=rehearsal", "-q", f"--junitxml={report}"]

    done = subprocess.run(command, cwd=root, env=clean, capture_output=True, text=True, timeout=500, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    suite = ET.parse(report).getroot().find("testsuite")
    names = (root / BODIES).read_text(encoding="utf-8").count("\ndef test_")
    assert (int(suite.get("tests")), suite.get("skipped"), suite.get("failures"), suite.get("errors")) == (names, "0", "0", "0")
