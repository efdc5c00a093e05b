"""What a kernel measures, saved in the midst of a notebook's own code."""

from __future__ import annotations

import subprocess
import sys

SAVES = """
import sys, warnings
from harness.execute.measure import Recorder

wanted = {"branch": True, "include": ["/nowhere/*"], "omit": [], "context": "", "options": {}, "environment": {}}
recorder = Recorder({"folder": sys.argv[1], **wanted}, sys.argv[1])
recorder.start()
warnings.simplefilter("error")
recorder.save()
print("saved")
"""


def test_nothing_measured_yet_is_no_error_of_the_notebooks(tmp_path):
    """Also where the notebook has made errors of warnings, as the pytest does that a cell runs."""
    done = subprocess.run(
        [sys.executable, "-c", SAVES, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
    )

    assert (done.stdout, done.stderr) == ("saved\n", "")
