"""Jobs of pipelines that sign in by federation: they ask GitHub or Azure DevOps for an ID token, and here they ask a stand-in.

The tokens are signed by a key of the rehearsal's own, so nobody's pipeline can sign in to it, and it to no workspace.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError, invalid, not_found, route
from harness.rehearsal.federation import Policy, issue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

ISSUERS = "/rehearsal/issuers/"
"""Calls of a pipeline's job on whoever issues its ID tokens: by the job's own token, and not by one of the workspace's."""

_GITHUB, _AZURE_DEVOPS = "github", "azure-devops"
_LIFETIME_S = 300
_ORGANISATION = "00000000-0000-4000-9000-000000000301"
_PROJECT = "00000000-0000-4000-9000-000000000302"
_TOLD = ("kind", "issuer", "subject", "audience", "lifetime_s", "is_forged")


def policies_of(host: str) -> dict[str, Policy]:
    """By who issues the tokens: the policies of the service principal.

    For GitHub the audience is the one that databricks-sdk asks for; Azure DevOps knows one alone.
    """
    return {
        _GITHUB: Policy(
            "https://token.actions.githubusercontent.com", "repo:rehearsal/project:environment:pps", (f"{host}/oidc/v1/token",)
        ),
        _AZURE_DEVOPS: Policy(
            f"https://vstoken.dev.azure.com/{_ORGANISATION}",
            "p://rehearsal/project/pipeline",
            ("api://AzureADTokenExchange",),
        ),
    }


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a pipeline: what its ID tokens say; ``audience`` is what they say whatever is asked for."""

    kind: str
    id: str
    policy: Policy
    audience: str = ""
    lifetime_s: float = _LIFETIME_S
    is_forged: bool = False

    def id_token(self, audience: str, *, now: float) -> str:
        """A token of this job for whom it is asked for."""
        policy = Policy(self.policy.issuer, self.policy.subject, (self.audience or audience,))
        # One that is over was issued as long ago as it lives.
        begun = now if self.lifetime_s > 0 else now + self.lifetime_s - _LIFETIME_S
        lives_s = self.lifetime_s if self.lifetime_s > 0 else _LIFETIME_S
        return issue(policy, now=begun, lifetime_s=lives_s, is_forged=self.is_forged)


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    jobs = _Jobs(workspace)
    of_job = "{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/jobs/{job}/oidctoken"
    return [
        route("POST", "/rehearsal/pipelines", jobs.begin),
        route("GET", f"{ISSUERS}{_GITHUB}/token", jobs.of_github),
        route("POST", f"{ISSUERS}{_AZURE_DEVOPS}/{of_job}", jobs.of_azure_devops),
    ]


class _Jobs:
    """The calls, each a method."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._by_token: dict[str, Job] = {}

    def begin(self, call: Call) -> dict[str, Any]:
        """Begin a job; gives the variables that a step of it would have."""
        job = _job(call.json(), policies_of(self._workspace.host))
        token = secrets.token_urlsafe(32)
        self._by_token[token] = job
        at = f"{self._workspace.host}{ISSUERS}{job.kind}"
        if job.kind == _GITHUB:
            url = f"{at}/token?api-version=2.0"
            return {"variables": {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}}
        return {
            "variables": {
                "SYSTEM_ACCESSTOKEN": token,
                "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": f"{at}/",
                "SYSTEM_TEAMPROJECTID": _PROJECT,
                "SYSTEM_HOSTTYPE": "build",
                "SYSTEM_PLANID": job.id,
                "SYSTEM_JOBID": job.id,
            }
        }

    def of_github(self, call: Call) -> dict[str, Any]:
        job = self._asking(call, _GITHUB)
        token = job.id_token(call.text("audience", "") or "https://github.com/rehearsal", now=self._workspace.clock.now())
        return {"count": len(token), "value": token}

    def of_azure_devops(self, call: Call) -> dict[str, Any]:
        job = self._asking(call, _AZURE_DEVOPS)
        if not call.text("api-version", ""):
            raise ApiError(400, "VssVersionNotSpecifiedException", "No api-version was supplied for the request.")
        asked = [call.path[name] for name in ("project", "hub", "plan", "job")]
        if asked != [_PROJECT, "build", job.id, job.id]:
            raise not_found("The token is of another job.")
        (audience,) = policies_of(self._workspace.host)[_AZURE_DEVOPS].audiences
        return {"oidcToken": job.id_token(audience, now=self._workspace.clock.now())}

    def _asking(self, call: Call, kind: str) -> Job:
        scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
        job = self._by_token.get(token.strip())
        if scheme.lower() != "bearer" or job is None or job.kind != kind:
            raise ApiError(401, "401", "That is the token of no job that runs.")
        return job


def _job(given: Mapping[str, Any], policies: Mapping[str, Policy]) -> Job:
    for name in given:
        if name not in _TOLD:
            raise invalid(f"a pipeline's job has no {name!r}; it has {', '.join(_TOLD)}")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in policies:
        raise invalid(f"there are no pipelines of {kind!r}; there are those of {', '.join(policies)}")
    texts = {name: given.get(name, "") for name in ("issuer", "subject", "audience")}
    lifetime_s, is_forged = given.get("lifetime_s", _LIFETIME_S), given.get("is_forged", False)
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(is_forged, bool):
        raise invalid("issuer, subject and audience of a pipeline's job are texts, is_forged is true or false")
    if type(lifetime_s) not in {int, float} or not -(10**6) <= lifetime_s <= 10**6:
        raise invalid("lifetime_s of a pipeline's job is a number of seconds; of a token that is over, one below 0")
    policy = Policy(texts["issuer"] or policies[kind].issuer, texts["subject"] or policies[kind].subject, ())
    return Job(kind, str(uuid.uuid4()), policy, texts["audience"], lifetime_s, is_forged)
