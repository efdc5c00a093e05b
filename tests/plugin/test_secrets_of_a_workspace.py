"""Notebooks' functions read a workspace's own secrets where --databricks-env names one, and nothing of the run tells them."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal"),
    pytest.mark.skipif(find_spec("databricks") is None, reason="needs the extra remote"),
]

ETL = """
    def token():
        return dbutils.secrets.get("nbh-app", "token")

    def login():
        raise ValueError(f"bad token {token()}")
"""
CONFTEST = """
    import pytest
    from databricks.sdk import WorkspaceClient

    @pytest.fixture(autouse=True)
    def scope(databricks_env, dbutils):  # dbutils: by then everybody is signed in
        client = WorkspaceClient(host=databricks_env.host)
        client.secrets.create_scope("nbh-app")
        client.secrets.put_secret("nbh-app", "token", string_value="".join(["hunter", "two", "hunter"]))
        yield
        client.secrets.delete_scope("nbh-app")
"""
TESTS = """
    import base64
    import logging
    import pytest
    from etl import login, token

    VALUE = "".join(["hunter", "two", "hunter"])

    def test_read(dbutils):
        assert token() == VALUE
        assert dbutils.secrets.getBytes("nbh-app", "token") == VALUE.encode()
        assert [one.key for one in dbutils.secrets.list("nbh-app")] == ["token"]
        assert "nbh-app" in [one.name for one in dbutils.secrets.listScopes()]

    @pytest.mark.nbh_secrets({"nbh-app": {"token": "own"}})
    def test_own_wins(dbutils):
        assert token() == "own"

    def test_missing(dbutils):
        with pytest.raises(LookupError, match="Secret does not exist with scope: nbh-app and key: none"):
            dbutils.secrets.get("nbh-app", "none")

    def test_raised():
        value = token()
        print("out", value, base64.b64encode(value.encode()).decode())
        login()
"""


def test_a_workspaces_secrets_are_read_and_told_by_nobody(make_folder):
    """Neither tracebacks with locals, captured output and the SDK's own debug log, nor JUnit."""
    folder = make_folder({"etl.py": [ETL], "conftest.py": CONFTEST, "test_it.py": TESTS})

    done = folder.run_apart(
        *("pytest", "--databricks-env=rehearsal", "--showlocals", "--log-level=DEBUG", "-rA", "--junitxml=junit.xml")
    )

    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    told = done.stdout + done.stderr + (folder.path / "junit.xml").read_text()
    assert "ValueError: bad token [REDACTED]" in told
    assert "out [REDACTED] [REDACTED]" in told
    assert "huntertwohunter" not in told
    assert "aHVudGVydHdvaHVudGVy" not in told


SIGNS_IN = """
    import json
    from databricks.sdk import WorkspaceClient

    def test_headers(databricks_env, spark, record_property):
        headers = WorkspaceClient(host=databricks_env.host).config.authenticate()
        token = headers["Authorization"].split()[1]
        print("sent", headers)
        record_property("headers", headers)
        with open("token.txt", "w") as file:
            file.write(token)
        assert json.dumps(headers) == ""
"""


def test_what_signs_in_is_told_by_nobody(make_folder):
    """Not by the locals of a traceback, the error of an assertion, what a test prints, nor JUnit."""
    folder = make_folder({"test_it.py": SIGNS_IN})

    done = folder.run_apart("pytest", "--databricks-env=rehearsal", "--showlocals", "-rA", "--junitxml=junit.xml")

    token = (folder.path / "token.txt").read_text()
    told = done.stdout + done.stderr + (folder.path / "junit.xml").read_text()
    assert "sent {'Authorization'" in told
    assert len(token) > 20
    assert token not in told


KEPT_FOR_THE_RUN = """
    import os
    from databricks.sdk import WorkspaceClient

    IS_HERE = "nbh-on-cluster" not in os.getcwd()

    def pytest_sessionstart():
        if IS_HERE:
            client = WorkspaceClient()
            client.secrets.create_scope("nbh-there")
            client.secrets.put_secret("nbh-there", "token", string_value="".join(["hunter", "two", "hunter"]))

    def pytest_sessionfinish():
        if IS_HERE:
            WorkspaceClient().secrets.delete_scope("nbh-there")
"""
ON_A_CLUSTER = """
    import base64
    import pytest
    from etl import token

    pytestmark = pytest.mark.nbh_on_cluster

    def test_raised(dbutils, record_property):
        value = dbutils.secrets.get("nbh-there", "token")
        record_property("seen", value)
        print("out", value, base64.b64encode(value.encode()).decode())
        raise ValueError(f"bad token {value}")

    @pytest.mark.nbh_secrets({"nbh-app": {"token": "own"}})
    def test_own_ones_beside_it(dbutils):
        assert token() == "own"
        assert [one.key for one in dbutils.secrets.list("nbh-there")] == ["token"]
        assert {"nbh-app", "nbh-there"} <= {one.name for one in dbutils.secrets.listScopes()}
"""


def test_tests_on_a_cluster_tell_none_either(make_folder):
    """What they read there is in nothing that comes back, and their own marks hold there."""
    folder = make_folder({"etl.py": [ETL], "conftest.py": KEPT_FOR_THE_RUN, "test_it.py": ON_A_CLUSTER})

    done = folder.run_apart("pytest", "--databricks-env=rehearsal", "--showlocals", "-rA", "--junitxml=junit.xml")

    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    told = done.stdout + done.stderr + (folder.path / "junit.xml").read_text()
    assert "ValueError: bad token [REDACTED]" in told
    assert "out [REDACTED] [REDACTED]" in told
    assert "huntertwohunter" not in told
    assert "aHVudGVydHdvaHVudGVy" not in told
