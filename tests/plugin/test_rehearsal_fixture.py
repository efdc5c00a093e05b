"""The fixture ``rehearsal``: a workspace for those who test what talks to one."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="the rehearsal needs its extra")
pytest.importorskip("databricks.sdk", reason="its clients need the extra `remote`")

TESTS = """
    import os

    import pytest
    import requests
    from databricks.sdk.errors import InvalidParameterValue

    ME = "GET /api/2.0/preview/scim/v2/Me"

    def test_signing_in(rehearsal, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/not/there")
        monkeypatch.setenv("DATABRICKS_CLIENT_ID", "mine")
        before = dict(os.environ)
        client = rehearsal.client()
        assert client.current_user.me().user_name == "rehearsal@example.com"
        assert dict(os.environ) == before
        assert rehearsal.token not in repr(rehearsal)

    def test_by_another_client(rehearsal):
        headers = {"Authorization": f"Bearer {rehearsal.token}"}
        answer = requests.get(f"{rehearsal.host}/api/2.0/preview/scim/v2/Me", headers=headers, verify=str(rehearsal.ca))
        assert answer.json()["userName"] == "rehearsal@example.com"

    def test_faults(rehearsal):
        rehearsal.faults("too_many_requests", path="*/Me", times=2, seconds=0.1)
        rehearsal.client().current_user.me()
        assert rehearsal.calls()[ME] == 3
        rehearsal.faults("too_many_requests", path="*/Me", times=100)

    def test_faults_and_counts_end_with_their_test(rehearsal):
        assert ME not in rehearsal.calls()
        rehearsal.client().current_user.me()
        assert rehearsal.calls()[ME] == 1

    def test_an_unknown_fault_is_an_error(rehearsal):
        with pytest.raises(InvalidParameterValue, match="there is no fault 'nonsense'; there are too_many_requests"):
            rehearsal.faults("nonsense")
        with pytest.raises(InvalidParameterValue, match="times of a fault is a whole number from 1 on, and 'x' was given"):
            rehearsal.faults("slow", times="x")
        assert rehearsal.client().current_user.me().user_name == "rehearsal@example.com"

    def test_a_pipelines_sign_in(rehearsal, monkeypatch):
        from databricks.sdk import WorkspaceClient
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))
        for name, value in rehearsal.pipeline("github").items():
            monkeypatch.setenv(name, value)
        assert WorkspaceClient().current_user.me().user_name == os.environ["DATABRICKS_CLIENT_ID"]
        for name, value in rehearsal.pipeline("github", subject="repo:another/project:ref:refs/heads/main").items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ValueError, match="TOKEN_INVALID"):
            WorkspaceClient().current_user.me()
        with pytest.raises(InvalidParameterValue, match="there are those of github, azure-devops"):
            rehearsal.pipeline("gitlab")

    def test_time(rehearsal):
        client = rehearsal.client()
        spec = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_DS3_v2", "num_workers": 1}
        made = client.clusters.create(**spec, autotermination_minutes=30)
        assert client.clusters.get(made.cluster_id).state.value == "RUNNING"
        rehearsal.advance(3600)
        assert client.clusters.get(made.cluster_id).state.value == "TERMINATED"

    def test_one_for_all(rehearsal, request):
        with open(os.environ["TOLD"], "a") as file:
            file.write(rehearsal.host + chr(10))
"""


def test_it_is_had_without_an_option(make_folder, tmp_path):
    """Signed in to, made to fail, driven and counted; and nothing runs after it."""
    folder = make_folder({"test_tool.py": TESTS})

    done = folder.run_apart("pytest", "-q", TOLD=str(tmp_path / "told"))

    assert "8 passed" in done.stdout, done.stdout
    host = (tmp_path / "told").read_text().strip()
    assert not _answers(host)


def test_each_worker_has_its_own(make_folder, tmp_path):
    """Faults and the clock of one are none of the others'."""
    test = """
        import os

        def test_it(rehearsal):
            with open(os.environ["TOLD"], "a") as file:
                file.write(rehearsal.host + chr(10))
    """
    folder = make_folder({"test_it.py": test})

    done = folder.run_apart("pytest", "-q", "-n", "2", "--dist", "each", TOLD=str(tmp_path / "told"))

    assert "2 passed" in done.stdout, done.stdout
    assert len(set((tmp_path / "told").read_text().splitlines())) == 2


def test_with_the_environment_it_is_the_runs(make_folder, tmp_path):
    """Both talk to one workspace."""
    test = """
        def test_it(databricks_env, rehearsal):
            assert rehearsal.host == databricks_env.host
            rehearsal.client().workspace.mkdirs("/Shared/of-the-run")
    """
    folder = make_folder({"test_it.py": test})

    done = folder.run_apart("pytest", "-q", "--databricks-env=rehearsal", CI="1")

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def _answers(host):
    import socket

    try:
        socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=2).close()
    except OSError:
        return False
    return True
