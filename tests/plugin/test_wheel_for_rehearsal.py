"""The project's wheel in a run on the rehearsal: pip builds it with the variables that the run began with."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from wheel_backend import SETTINGS, backend

pytestmark = [
    pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal"),
    pytest.mark.skipif(find_spec("databricks") is None, reason="needs the extra remote"),
    pytest.mark.skipif(find_spec("pyspark") is None, reason="needs pyspark"),
]

TOML = f"""
    {SETTINGS.rstrip().replace(chr(10), chr(10) + "    ")}

    [[tool.nbh.env.rehearsal.environments]]
    environment_key = "default"
    spec = {{ client = "2", dependencies = ["."] }}
"""
LOOKS = """
import os

if os.environ.get("REQUESTS_CA_BUNDLE") != os.environ["MY_BUNDLE"]:
    raise SystemExit("no index is trusted here: " + os.environ.get("REQUESTS_CA_BUNDLE", ""))
if "DATABRICKS_TOKEN" in os.environ:
    raise SystemExit("pip could sign in")
"""


def test_pip_trusts_what_it_did_before(make_folder):
    """The run's clients trust the rehearsal alone, and pip, which fetches what builds the wheel, would find no index."""
    folder = make_folder(
        {
            "pyproject.toml": TOML,
            "backend.py": LOOKS + backend("churnwheel", "x = 41"),
            "nb.py": ["import churnwheel\ndbutils.notebook.exit(str(churnwheel.x))"],
            "test_nb.py": """
                def test_nb(run_notebook):
                    run = run_notebook("nb.py")
                    assert run.exit_value == "41", run.summary
                """,
        }
    )
    mine = pytest.importorskip("certifi").where()

    done = folder.run_apart("pytest", "--databricks-env=rehearsal", REQUESTS_CA_BUNDLE=mine, MY_BUNDLE=mine)

    assert done.returncode == 0, done.stdout
    assert "building the wheel of ." in done.stdout
