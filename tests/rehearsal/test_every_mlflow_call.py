"""Each call that MLflow's own client can make of a workspace is answered: by a result, a refusal, or a loud 501."""

from __future__ import annotations

import collections
import inspect
import os
import re

import pytest
from data_fixtures import ask, client, rehearsal

for needed in ("mlflow", "sqlalchemy", "flask", "flask_cors"):
    pytest.importorskip(needed)

__all__ = ["ask", "client", "rehearsal"]

LEFT_OUT = {
    "log_stream": "asks as long as a stream gives something",
    "start_trace": "traces go another way, by a thread of their own",
    "start_span": "as above",
    "end_span": "as above",
    "end_trace": "as above",
}


def asked_of_the_server(host, token, ca, left_out):
    """Call every method of MLflow's client; gives each request that it made, with the status of the answer."""
    import mlflow
    import requests

    os.environ |= {"DATABRICKS_HOST": host, "DATABRICKS_TOKEN": token, "REQUESTS_CA_BUNDLE": ca}
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    mlflow.set_tracking_uri("databricks")
    mlflow.set_registry_uri("databricks-uc")
    told = mlflow.MlflowClient()
    experiment = told.create_experiment("/Users/rehearsal@example.com/every-call")
    run = told.create_run(experiment).info.run_id
    known = {"experiment_id": experiment, "experiment_ids": [experiment], "run_id": run, "run_ids": [run]}
    known |= {"name": "main.models.none", "model_name": "main.models.none", "version": "1", "status": "FINISHED", "value": 1.0}
    known |= {"stage": "Staging", "timestamp": 1, "metrics": [], "params": [], "tags": [], "text": "x", "dictionary": {"x": 1}}
    asked, doing = [], [""]
    send = requests.Session.send

    def watched(session, request, **how):
        answer = send(session, request, **how)
        asked.append((doing[0], request.method, request.path_url.partition("?")[0], answer.status_code))
        return answer

    requests.Session.send = watched
    # What deletes comes last: others are to find something.
    for name, method in sorted(inspect.getmembers(told, inspect.ismethod), key=lambda one: one[0].startswith("delete")):
        if name.startswith("_") or name in left_out:
            continue
        doing[0] = name
        wanted = [one for one in inspect.signature(method).parameters.values() if one.default is one.empty]
        given = {one.name: known.get(one.name, "x") for one in wanted if one.kind <= one.KEYWORD_ONLY and one.name != "kwargs"}
        try:
            method(**given)
        except Exception:  # noqa: BLE001 -- what counts is how the server answered, and the least that it takes may be wrong
            continue
    return asked


@pytest.fixture(scope="module")
def asked(client, rehearsal, ask):
    """All requests of all methods."""
    return ask(asked_of_the_server, rehearsal.host, rehearsal.token, str(rehearsal.ca), LEFT_OUT)


def test_no_request_is_left_without_an_answer(asked):
    """None is a fault of the server's: what it doesn't know is a 501."""
    broken = [one for one in asked if one[3] >= 500 and one[3] != 501]

    assert broken == []
    count = collections.Counter(status for *_, status in asked)
    print(dict(count), len({name for name, *_ in asked}))  # noqa: T201 -- the figures, with -s
    assert len({name for name, *_ in asked}) > 80
    assert count[200] > 20


@pytest.mark.parametrize(
    "method", ["create_run", "log_metric", "log_param", "set_tag", "search_runs", "get_experiment", "log_text"]
)
def test_what_tracking_does_is_done(asked, method):
    """These are what a training notebook asks for."""
    statuses = [status for name, _, path, status in asked if name == method and not re.search("/traces", path)]

    assert statuses
    assert all(status < 300 for status in statuses), statuses


def test_an_experiment_is_not_renamed_to_what_is_no_path(asked):
    """As it couldn't be made with such a name."""
    assert [status for _, _, path, status in asked if path.endswith("/experiments/update")] == [400]
