"""Talk to a pytest on a terminal, from a process of its own: pexpect forks, and a test's process may have Spark's threads."""

from __future__ import annotations

import json
import subprocess
import sys

_TALK = """
import json, os, sys
import pexpect

arguments, steps = json.loads(sys.argv[1])
variables = {**os.environ, "NO_COLOR": "1", "TERM": "dumb"}
child = pexpect.spawn(sys.executable, ["-m", "pytest", *arguments], encoding="utf-8", timeout=60, env=variables)
child.logfile_read = sys.stdout
for line, shown in steps:
    if line:
        child.sendline(line)
    child.expect(shown)
child.expect(pexpect.EOF)
"""


def talk(folder, *arguments, steps):
    """Run pytest in a folder; each step types a line (none, if it is empty) and waits for what is shown then, to the end."""
    command = [sys.executable, "-c", _TALK, json.dumps([arguments, steps])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
