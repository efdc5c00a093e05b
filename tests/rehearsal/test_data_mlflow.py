"""MLflow's own client and Databricks' SDK on the workspace's experiments and models."""

from __future__ import annotations

import os

import pytest
from data_fixtures import ask, client, rehearsal, sql
from databricks.sdk.errors import BadRequest, DatabricksError

for needed in ("mlflow", "sqlalchemy", "flask", "flask_cors"):
    pytest.importorskip(needed)

__all__ = ["ask", "client", "rehearsal", "sql"]

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def logged(ask, client, rehearsal):
    """A model that was logged, registered and given an alias: what MLflow's client then told of it."""
    client.schemas.create("models", "main")
    return ask(log_and_load, rehearsal.host, rehearsal.token, str(rehearsal.ca))


def sign_in(host, token, ca):
    import mlflow

    os.environ |= {"DATABRICKS_HOST": host, "DATABRICKS_TOKEN": token, "REQUESTS_CA_BUNDLE": ca}
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"  # what is refused is not to be asked for minutes
    mlflow.set_tracking_uri("databricks")
    mlflow.set_registry_uri("databricks-uc")
    return mlflow


def log_and_load(host, token, ca):
    import pandas as pd

    mlflow = sign_in(host, token, ca)

    class Doubles(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input * 2

    mlflow.set_experiment("/Users/rehearsal@example.com/doubling")
    frame = pd.DataFrame({"n": [1, 2]})
    with mlflow.start_run() as run:
        mlflow.log_param("depth", 3)
        mlflow.log_metric("error", 0.5)
        mlflow.log_text("seen", "notes.txt")
        signature = mlflow.models.infer_signature(frame, frame)
        given = {"python_model": Doubles(), "signature": signature, "registered_model_name": "main.models.doubles"}
        mlflow.pyfunc.log_model(name="model", **given)
    told = mlflow.MlflowClient()
    told.set_registered_model_alias("main.models.doubles", "champion", 1)
    told.set_model_version_tag("main.models.doubles", "1", "checked", "yes")
    loaded = mlflow.pyfunc.load_model("models:/main.models.doubles@champion")
    found = told.get_run(run.info.run_id)
    version = told.get_model_version_by_alias("main.models.doubles", "champion")
    return {
        "prediction": loaded.predict(frame)["n"].tolist(),
        "params": found.data.params,
        "metrics": found.data.metrics,
        "artifacts": [one.path for one in told.list_artifacts(run.info.run_id)],
        "note": mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes.txt"),
        "version": (version.version, version.status, version.run_id == run.info.run_id, version.tags),
        "found": [one.version for one in told.search_model_versions("name='main.models.doubles'")],
        "runs": len(mlflow.search_runs(experiment_names=["/Users/rehearsal@example.com/doubling"])),
    }


def test_a_run_is_tracked(logged):
    """Parameters, metrics and files of a run."""
    assert logged["params"] == {"depth": "3"}
    assert logged["metrics"] == {"error": 0.5}
    assert logged["artifacts"] == ["notes.txt"]
    assert logged["note"] == "seen"
    assert logged["runs"] == 1


def test_a_model_is_loaded_by_its_alias(logged):
    """What was logged and registered comes back, and predicts."""
    assert logged["prediction"] == [2, 4]
    assert logged["version"] == ("1", "READY", True, {"checked": "yes"})
    assert logged["found"] == ["1"]


def test_the_sdk_sees_the_same_models(logged, client):
    """By Unity Catalog's own REST; and an alias that it moves."""
    model = client.registered_models.get("main.models.doubles")

    assert (model.name, model.owner) == ("doubles", "rehearsal@example.com")
    assert [(one.alias_name, one.version_num) for one in model.aliases] == [("champion", 1)]
    assert [one.version for one in client.model_versions.list("main.models.doubles")] == [1]
    client.registered_models.set_alias("main.models.doubles", "challenger", 1)
    assert client.model_versions.get_by_alias("main.models.doubles", "challenger").version == 1
    assert [one.full_name for one in client.registered_models.list()] == ["main.models.doubles"]


def test_files_of_a_ready_version_stay(logged, client):
    """Once a version is ready, nobody changes what it is."""
    with pytest.raises(DatabricksError, match="can't be changed once it is ready"):
        client.api_client.do("PUT", "/api/2.0/fs/files/Models/main/models/doubles/1/MLmodel?overwrite=true", data=b"x")

    names = [one.name for one in client.files.list_directory_contents("/Models/main/models/doubles/1")]
    assert "MLmodel" in names


def refused(host, token, ca):
    import pandas as pd
    from mlflow.exceptions import MlflowException

    mlflow = sign_in(host, token, ca)

    class Plain(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    told = mlflow.MlflowClient()
    frame = pd.DataFrame({"n": [1]})
    signature = mlflow.models.infer_signature(frame, frame)

    def log(name, with_signature):
        mlflow.set_experiment("/Users/rehearsal@example.com/refused")
        given = {"signature": signature} if with_signature else {}
        with mlflow.start_run():
            mlflow.pyfunc.log_model(name="m", python_model=Plain(), registered_model_name=name, **given)

    calls = {
        "two levels": lambda: told.create_registered_model("models.doubles"),
        "no schema": lambda: told.create_registered_model("main.nope.doubles"),
        "no catalog": lambda: told.create_registered_model("nope.models.doubles"),
        "no signature": lambda: log("main.models.plain", with_signature=False),
        "stage": lambda: told.transition_model_version_stage("main.models.doubles", "1", "Production"),
        "no alias": lambda: told.get_model_version_by_alias("main.models.doubles", "nobody"),
        "no model": lambda: told.get_registered_model("main.models.nobody"),
        "experiment": lambda: mlflow.set_experiment("no-path"),
        "twice": lambda: told.create_registered_model("main.models.doubles"),
    }
    found = {}
    for name, call in calls.items():
        try:
            call()
        except MlflowException as exc:
            found[name] = f"{exc.error_code} {exc}"
    return found


def test_unity_catalogs_rules(logged, ask, rehearsal):
    """What a registry under Unity Catalog refuses is refused."""
    found = ask(refused, rehearsal.host, rehearsal.token, str(rehearsal.ca))

    assert "specify all three levels" in found["two levels"]
    assert "Schema 'main.nope' does not exist" in found["no schema"]
    assert "Catalog 'nope' does not exist" in found["no catalog"]
    assert "signature" in found["no signature"]
    assert "stage" in found["stage"].lower()
    assert "does not exist" in found["no alias"]
    assert "does not exist" in found["no model"]
    assert "absolute path" in found["experiment"]
    assert "already exists" in found["twice"]


def test_a_schema_with_models_is_not_empty(logged, client, ask, rehearsal):
    """It goes by force, and its models with it."""
    client.schemas.create("with_models", "main")
    client.registered_models.create(catalog_name="main", schema_name="with_models", name="one")

    with pytest.raises(BadRequest, match=r"1 model\(s\)"):
        client.schemas.delete("main.with_models")

    client.schemas.delete("main.with_models", force=True)
    assert "main.with_models.one" not in [one.full_name for one in client.registered_models.list()]


def test_the_old_registry_is_disabled(client):
    """As in a workspace that has Unity Catalog only."""
    with pytest.raises(DatabricksError, match="databricks-uc") as caught:
        client.api_client.do("GET", "/api/2.0/mlflow/registered-models/search")

    assert caught.value.error_code == "FEATURE_DISABLED"
