"""Fields of jobs and clusters that a workspace obeys and the rehearsal doesn't: refused by name.

What only says how large, fast or dear a cluster is (machines, workers, disks, spot prices, Photon) is taken, for no result
hangs on it; so are names, tags and whom to write mails to. What names something that a workspace would look for is refused,
as there is none of it here, and so is what changes what a notebook finds around it, or when a job is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError
from harness.rehearsal.grants import GROUPS
from harness.rehearsal.identity import PRINCIPAL, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

_SINGLE_NODE = {"spark.databricks.cluster.profile", "spark.master"}
"""What says that a cluster has no workers; no task can tell it here."""
_USUAL = {"PYSPARK_PYTHON": "/databricks/python3/bin/python3"}
"""What a workspace sets by itself, and its page of a new cluster writes into each spec."""
_POOLS = ("instance_pool_id", "driver_instance_pool_id")
_IDENTITIES = (("aws_attributes", "instance_profile_arn"), ("gcp_attributes", "google_service_account"))
_NEVER = {
    "init_scripts": "run init_scripts of a cluster",
    "docker_image": "run the docker_image of a cluster",
    "cluster_log_conf": "deliver the logs of a cluster, as cluster_log_conf asks",
    "ssh_public_keys": "let anybody in to a cluster by ssh_public_keys",
    "use_ml_runtime": "have the packages of the ML runtime, as use_ml_runtime asks; it has those that are installed here",
}
"""What no cluster does here, by its field."""
_BY_ITSELF = ("schedule", "trigger", "triggers", "continuous")
_BUDGETS = ("budget_policy_id", "usage_policy_id")
_OF_TASKS = ("environment_variables_key", "compute")
_WHO = ("user_name", "service_principal_name", "group_name")
_KNOWN = {USER.name, PRINCIPAL.name, *GROUPS}


def refuse_of_job(settings: Mapping[str, Any], *, caller: str) -> None:
    """Refuse what a job or a submission asks for and its run wouldn't have.

    Raises:
        ApiError: It asks for such.
    """
    run_as = settings.get("run_as")
    if run_as:
        who = [str(value) for value in run_as.values()] if isinstance(run_as, dict) else [str(run_as)]
        if who != [caller]:
            raise _refused(f"run a job as {', '.join(who)}: run_as may only be the caller, {caller}")
    for entry in settings.get("access_control_list") or ():
        who = [str(entry[name]) for name in _WHO if entry.get(name)] if isinstance(entry, dict) else []
        for one in who or ["nobody"]:
            if one not in _KNOWN:
                raise _refused(f"know {one}, whom access_control_list names; it knows {', '.join(sorted(_KNOWN))}")
    _refuse_plans(settings)
    _refuse_destinations(settings)
    for task in settings.get("tasks") or ():
        if isinstance(task, dict):
            _refuse_of_task(task)
    limit = settings.get("timeout_seconds") or 0
    if type(limit) is not int:
        raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: Expected 'timeout_seconds' to be a number")
    if limit < 0:
        raise _refused(f"do anything with timeout_seconds {limit}; it takes a whole number from 0 on")


def _refuse_plans(settings: Mapping[str, Any]) -> None:
    """Refuse when a job is to be run, and on whose account."""
    for name in _BY_ITSELF:
        told = settings.get(name)
        if told and not (isinstance(told, dict) and told.get("pause_status") == "PAUSED"):
            raise _refused(f"start a job by itself: {name} has to have the pause_status PAUSED")
    for name in _BUDGETS:
        if settings.get(name):
            raise _refused(f"have the {name} {settings[name]}; it has no such policies")
    if settings.get("environment_variables"):
        raise _refused("set environment_variables of a job")


def _refuse_of_task(task: Mapping[str, Any]) -> None:
    for name in _OF_TASKS:
        if task.get(name):
            raise _refused(f"give a task its {name}")
    if task.get("retry_on_timeout") and task.get("max_retries"):
        raise _refused("try a task again after its time, as retry_on_timeout asks")
    _refuse_destinations(task)


def _refuse_destinations(of: Mapping[str, Any]) -> None:
    """Refuse webhooks: they are named by ids, which a workspace looks for."""
    told = of.get("webhook_notifications") or {}
    found = [str(one.get("id")) for when in told.values() for one in when or ()]
    if found:
        raise _refused(f"know the destination {', '.join(found)} of webhook_notifications; it has none")


def refuse_of_cluster(spec: Mapping[str, Any]) -> None:
    """Refuse what a cluster is asked to have, and wouldn't.

    Raises:
        ApiError: It is asked for such.
    """
    if spec.get("policy_id"):
        raise _refused(f"have the policy_id {spec['policy_id']}; it has no policies")
    for name in _POOLS:
        if spec.get(name):
            raise _refused(f"have the {name} {spec[name]}; it has no pools")
    for name, what in _NEVER.items():
        if spec.get(name):
            raise _refused(what)
    for cloud, name in _IDENTITIES:
        if (spec.get(cloud) or {}).get(name):
            raise _refused(f"give a cluster another identity, as {name} in {cloud} asks")
    user = spec.get("single_user_name")
    if user and user not in _KNOWN:
        raise _refused(f"know {user}, whom single_user_name names; it knows {', '.join(sorted(_KNOWN))}")
    if False in ((spec.get("workload_type") or {}).get("clients") or {}).values():
        raise _refused("keep notebooks or jobs from a cluster, as workload_type asks")
    conf = sorted(set(spec.get("spark_conf") or ()) - _SINGLE_NODE)
    if conf:
        raise _refused(f"set spark_conf of a cluster ({', '.join(conf)}); set it in the notebook, by spark.conf.set")
    variables = sorted(name for name, value in (spec.get("spark_env_vars") or {}).items() if _USUAL.get(name) != value)
    if variables:
        raise _refused(f"set spark_env_vars of a cluster ({', '.join(variables)})")


def _refused(what: str) -> ApiError:
    return ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not {what}.")
