"""What a terminal shows of a workspace while tests run on it, and what it cost: said once, however many processes there are."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal"),
    pytest.mark.skipif(find_spec("databricks") is None, reason="needs the extra remote"),
]

ETL = "1 + 1\n"
TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_run(run_notebook, number):
        assert run_notebook("etl.py").passed
"""
OWN_CLUSTERS = """
    [tool.nbh.env.rehearsal.compute]
    share = "never"
    spark_version = "17.3.x-scala2.13"
    node_type_id = "Standard_D4ds_v5"
    num_workers = 1
"""


def test_workers_say_what_goes_on_and_cost_is_told_once(make_folder):
    """By the controller, which alone has a terminal: each run with its page, and one line of cost for all workers."""
    folder = make_folder({"etl.py": [ETL], "pyproject.toml": OWN_CLUSTERS, "test_it.py": TESTS})

    said = folder.run_apart("pytest", "--databricks-env=rehearsal", "-v", "-n", "2").stdout

    assert "4 passed" in said
    assert len(re.findall(r"^etl\.py is submitted as run \d+$", said, re.MULTILINE)) == 4, said
    pages = re.findall(r"^etl\.py (?:is running|passed): (https://\S+)$", said, re.MULTILINE)
    assert len(pages) == len(set(pages)) == 4, said
    assert len(re.findall(r"^etl\.py passed(?:, run \d+|: https://\S+)$", said, re.MULTILINE)) == 4, said
    assert re.findall(r"^on the workspace: (.*), \d+ run seconds$", said, re.MULTILINE) == ["4 cluster starts"]


def test_quiet_workers_say_nothing(make_folder):
    """As `-q` asks for."""
    folder = make_folder({"etl.py": [ETL], "test_it.py": TESTS})

    said = folder.run_apart("pytest", "--databricks-env=rehearsal", "-q", "-n", "2").stdout

    assert "4 passed" in said
    assert "submitted" not in said


def test_what_stands_in_the_way_is_told_in_full_once(make_folder):
    """A hundred tests on a workspace that can't be reached are a hundred errors, and one text to read."""
    settings = """
        [tool.nbh.env.pps]
        host = "https://127.0.0.1:9"
        catalog = "pps"
    """
    folder = make_folder({"etl.py": [ETL], "pyproject.toml": settings, "test_it.py": TESTS})

    said = folder.run_apart("pytest", "--databricks-env=pps", DATABRICKS_TOKEN="dapi0").stdout

    assert "4 failed" in said or "4 errors" in said, said
    assert len(re.findall(r"^E .*mend:", said, re.MULTILINE)) == 1, said
    assert len(re.findall(r"^E .*as the first test was told", said, re.MULTILINE)) == 3, said
