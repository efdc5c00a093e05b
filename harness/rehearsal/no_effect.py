"""Fields of jobs and clusters that a workspace obeys and the rehearsal doesn't: refused by name."""

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
    limit = settings.get("timeout_seconds") or 0
    if type(limit) is not int:
        raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: Expected 'timeout_seconds' to be a number")
    if limit < 0:
        raise _refused(f"do anything with timeout_seconds {limit}; it takes a whole number from 0 on")


def refuse_of_cluster(spec: Mapping[str, Any]) -> None:
    """Refuse what a cluster is asked to have, and wouldn't.

    Raises:
        ApiError: It is asked for such.
    """
    if spec.get("policy_id"):
        raise _refused(f"have the policy_id {spec['policy_id']}; it has no policies")
    conf = sorted(set(spec.get("spark_conf") or ()) - _SINGLE_NODE)
    if conf:
        raise _refused(f"set spark_conf of a cluster ({', '.join(conf)}); set it in the notebook, by spark.conf.set")
    variables = sorted(name for name, value in (spec.get("spark_env_vars") or {}).items() if _USUAL.get(name) != value)
    if variables:
        raise _refused(f"set spark_env_vars of a cluster ({', '.join(variables)})")
    if spec.get("init_scripts"):
        raise _refused("run init_scripts of a cluster")


def _refused(what: str) -> ApiError:
    return ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not {what}.")
