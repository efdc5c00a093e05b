"""Clusters, by the SDK."""

from __future__ import annotations

import pytest
from data_fixtures import client, rehearsal
from databricks.sdk.errors import BadRequest, InvalidParameterValue, InvalidState, ResourceDoesNotExist
from databricks.sdk.errors import NotImplemented as NotServed
from databricks.sdk.service.compute import ClusterSource, DataSecurityMode, EventType, State

from harness.rehearsal.clusters import EXISTING

__all__ = ["client", "rehearsal"]

SPEC = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 1}


@pytest.fixture
def control(client):
    """Drive the workspace; clusters start at once again after the test."""

    def post(subject, /, **body):
        return client.api_client.do("POST", f"/rehearsal/{subject}", body=body)

    yield post
    post("clusters", start_s=0)


@pytest.fixture
def cluster(client):
    """A cluster that runs, with an id; it is gone after the test."""
    made = client.clusters.create(cluster_name="own", custom_tags={"team": "churn"}, autotermination_minutes=10, **SPEC)
    yield made.cluster_id
    client.clusters.permanent_delete(made.cluster_id)


def test_a_cluster_starts_on_the_clock(client, control):
    """PENDING until its time has come, then RUNNING."""
    control("clusters", start_s=240)
    made = client.clusters.create(cluster_name="slow", **SPEC)
    assert client.clusters.get(made.cluster_id).state == State.PENDING

    control("clock", advance_s=239)
    assert client.clusters.get(made.cluster_id).state == State.PENDING
    control("clock", advance_s=2)

    found = client.clusters.get(made.cluster_id)
    assert found.state == State.RUNNING
    kinds = {event.type for event in client.clusters.events(made.cluster_id)}
    assert {EventType.CREATING, EventType.RUNNING} <= kinds


def test_what_was_asked_for_is_told(client, cluster):
    """Tags, runtime, limits and who made it."""
    found = client.clusters.get(cluster)

    assert found.custom_tags == {"team": "churn"}
    assert found.spark_version == SPEC["spark_version"]
    assert found.autotermination_minutes == 10
    assert found.creator_user_name == "rehearsal@example.com"
    assert found.cluster_source == ClusterSource.API


def test_a_single_users_cluster_says_whose_it_is(client):
    """The access mode comes back as it was asked for."""
    mode = DataSecurityMode.SINGLE_USER
    made = client.clusters.create(data_security_mode=mode, single_user_name="rehearsal@example.com", **SPEC)

    found = client.clusters.get(made.cluster_id)

    assert (found.data_security_mode, found.single_user_name) == (mode, "rehearsal@example.com")


def test_an_idle_cluster_ends_by_itself(client, cluster, control):
    """After the minutes that it was given, with the reason."""
    assert client.clusters.get(cluster).state == State.RUNNING

    control("clock", advance_s=601)

    found = client.clusters.get(cluster)
    assert found.state == State.TERMINATED
    assert found.termination_reason.code.value == "INACTIVITY"


def test_starts_are_counted(client, cluster):
    """The first, and one after it has been ended; a restart too."""
    client.clusters.delete(cluster)
    client.clusters.start(cluster)
    client.clusters.restart(cluster)

    counted = client.api_client.do("GET", "/rehearsal/clusters")

    assert counted["starts"][cluster] == 3


def test_a_running_cluster_is_not_started_again(client, cluster):
    """That is refused by its state."""
    with pytest.raises(InvalidState, match="unexpected state Running"):
        client.clusters.start(cluster)


def test_an_ended_cluster_is_not_restarted(client, cluster):
    """That is refused by its state, too."""
    client.clusters.delete(cluster)

    with pytest.raises(InvalidState, match="unexpected state Terminated"):
        client.clusters.restart(cluster)


def test_an_unknown_cluster_is_told(client):
    """As the SDK looks for it: it turns the code into one of its own at ``get``."""
    with pytest.raises(ResourceDoesNotExist, match="Cluster 0101-000000-nope does not exist"):
        client.clusters.get("0101-000000-nope")
    with pytest.raises(InvalidParameterValue):
        client.clusters.start("0101-000000-nope")


def test_a_removed_cluster_is_gone(client):
    """For good."""
    made = client.clusters.create(**SPEC)

    client.clusters.permanent_delete(made.cluster_id)

    with pytest.raises(ResourceDoesNotExist):
        client.clusters.get(made.cluster_id)


@pytest.mark.parametrize(
    "node", ["Standard_E4-2ds_v5", "Standard_NC24ads_A100_v4", "i3.xlarge", "g4dn.12xlarge", "n2-highmem-4"]
)
def test_any_machine_of_a_cloud_is_taken(client, node):
    """Which of them a workspace has is its own; the result is the same."""
    made = client.clusters.create(**{**SPEC, "node_type_id": node})

    assert client.clusters.get(made.cluster_id).node_type_id == node
    client.clusters.permanent_delete(made.cluster_id)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"spark_version": "3.5"}, "Invalid spark version"),
        ({"node_type_id": "toaster"}, "Node type toaster"),
        ({"node_type_id": "Standard_ZZ"}, "Node type Standard_ZZ"),
        ({"driver_node_type_id": "kettle"}, "Node type kettle"),
        ({"num_workers": 0}, "SingleNode"),
        ({"autotermination_minutes": 3}, "at least 10"),
    ],
)
def test_what_no_cluster_can_be_is_refused(client, changed, told):
    """When it is made, and not when it starts."""
    with pytest.raises(BadRequest, match=told):
        client.clusters.create(**{**SPEC, **changed})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"num_workers": -1}, "number of workers"),
        ({"num_workers": "two"}, "'num_workers' to be a number"),
        ({"num_workers": None, "autoscale": 3}, "'autoscale' to be an object"),
        ({"num_workers": None, "autoscale": {"min_workers": 1, "max_workers": "x"}}, "'max_workers' to be a number"),
        ({"num_workers": None, "autoscale": {"min_workers": 5, "max_workers": 2}}, "min_workers 5 is more than max_workers 2"),
    ],
)
def test_a_size_that_none_has_is_refused(client, changed, told):
    """Of a job's own cluster, too; and what was refused harms no later call."""
    spec = {**SPEC, **changed}
    task = {"task_key": "main", "notebook_task": {"notebook_path": "/Shared/x"}, "new_cluster": spec}

    for path, body in (("2.1/clusters/create", spec), ("2.2/jobs/runs/submit", {"tasks": [task]})):
        with pytest.raises(BadRequest, match=told):
            client.api_client.do("POST", f"/api/{path}", body=body)

    assert [one.cluster_id for one in client.clusters.list()]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"spark_version": "15.4.x-scala2.12"}, r"no runtime 15\.4\.x-scala2\.12; it has 16\.4"),
        ({"spark_version": "17.3.x-cpu-ml-scala2.13"}, "no runtime 17"),
        ({"policy_id": "ABC123", "spark_version": None}, "the policy_id ABC123"),
        ({"spark_conf": {"spark.sql.ansi.enabled": "false", "spark.master": "x"}}, r"spark_conf .*\(spark.sql.ansi.enabled\)"),
        ({"spark_env_vars": {"STAGE": "dev"}}, r"spark_env_vars .*\(STAGE\)"),
        ({"spark_env_vars": {"PYSPARK_PYTHON": "/usr/bin/python3"}}, r"spark_env_vars .*\(PYSPARK_PYTHON\)"),
        ({"init_scripts": [{"workspace": {"destination": "/x.sh"}}]}, "init_scripts"),
        ({"instance_pool_id": "0101-pool-1", "node_type_id": None}, "the instance_pool_id 0101-pool-1; it has no pools"),
        ({"driver_instance_pool_id": "0101-pool-2"}, "the driver_instance_pool_id 0101-pool-2; it has no pools"),
        ({"docker_image": {"url": "x/y:1"}}, "docker_image"),
        ({"cluster_log_conf": {"dbfs": {"destination": "dbfs:/logs"}}}, "cluster_log_conf"),
        ({"ssh_public_keys": ["ssh-rsa AAAA"]}, "ssh_public_keys"),
        ({"use_ml_runtime": True}, "use_ml_runtime"),
        ({"aws_attributes": {"instance_profile_arn": "arn:aws:iam::1:instance-profile/x"}}, "instance_profile_arn"),
        ({"gcp_attributes": {"google_service_account": "a@b.iam"}}, "google_service_account"),
        ({"data_security_mode": "SINGLE_USER", "single_user_name": "nobody@example.com"}, "know nobody@example.com"),
        ({"workload_type": {"clients": {"jobs": False, "notebooks": True}}}, "workload_type"),
    ],
)
def test_what_would_have_no_effect_on_a_cluster_is_refused_loudly(client, changed, told):
    """A workspace would do it, the rehearsal doesn't; of a job's own cluster, too."""
    spec = {name: value for name, value in {**SPEC, **changed}.items() if value is not None}
    task = {"task_key": "main", "notebook_task": {"notebook_path": "/Shared/x"}, "new_cluster": spec}

    for path, body in (("2.1/clusters/create", spec), ("2.2/jobs/runs/submit", {"tasks": [task]})):
        with pytest.raises(NotServed, match=told):
            client.api_client.do("POST", f"/api/{path}", body=body)


def test_what_a_workspace_has_anyway_is_taken(client):
    """The profile of a single node, and the Python that each cluster has."""
    conf = {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"}
    usual = {"PYSPARK_PYTHON": "/databricks/python3/bin/python3"}

    made = client.clusters.create(**{**SPEC, "num_workers": 0}, spark_conf=conf, spark_env_vars=usual)

    assert client.clusters.get(made.cluster_id).state == State.RUNNING
    client.clusters.permanent_delete(made.cluster_id)


def test_what_no_result_hangs_on_is_taken(client):
    """How large, fast and dear it is; it is told as it was given."""
    asked = {
        **SPEC,
        "driver_node_type_id": "Standard_D8ds_v5",
        "runtime_engine": "PHOTON",
        "enable_elastic_disk": True,
        "azure_attributes": {"availability": "SPOT_WITH_FALLBACK_AZURE", "first_on_demand": 1},
        "custom_tags": {"team": "churn"},
        "data_security_mode": "SINGLE_USER",
        "single_user_name": client.current_user.me().user_name,
    }

    made = client.api_client.do("POST", "/api/2.1/clusters/create", body=asked)["cluster_id"]

    told = client.api_client.do("GET", "/api/2.1/clusters/get", query={"cluster_id": made})
    assert {name: told[name] for name in asked} == asked
    client.clusters.permanent_delete(made)


def test_one_token_makes_one_cluster(client):
    """Asked twice with one idempotency token, it is the same one, started once."""
    first = client.api_client.do("POST", "/api/2.1/clusters/create", body={**SPEC, "idempotency_token": "t1"})
    second = client.api_client.do("POST", "/api/2.1/clusters/create", body={**SPEC, "idempotency_token": "t1"})

    assert first == second
    assert client.api_client.do("GET", "/rehearsal/clusters")["starts"][first["cluster_id"]] == 1


def test_a_cluster_that_the_cloud_refuses_says_so(client, control):
    """It ends with the cloud's reason."""
    control("faults", kind="cluster_refused", path="unlucky")
    made = client.clusters.create(cluster_name="unlucky", **SPEC)

    found = client.clusters.get(made.cluster_id)

    assert found.state == State.TERMINATED
    assert found.termination_reason.type.value == "CLOUD_FAILURE"


def test_one_cluster_is_there_from_the_start(client):
    """It has not been started."""
    found = [one for one in client.clusters.list() if one.cluster_id == EXISTING]

    assert [one.state for one in found] == [State.TERMINATED]


def test_a_client_can_choose_runtime_and_machine(client):
    """By the SDK's own helpers."""
    assert client.clusters.select_spark_version(long_term_support=True)
    assert client.clusters.select_node_type(local_disk=True)
