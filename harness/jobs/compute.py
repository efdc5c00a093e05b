"""What the tasks of a job run on, as the job says it: clusters, libraries and environments."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobVariableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.jobs.described import Described
    from harness.jobs.errors import JobShapeError

_KEYS = ("existing_cluster_id", "new_cluster", "job_cluster_key", "environment_key", "libraries")
_SET = ("spark_env_vars", "spark_conf", "init_scripts")
"""What a cluster may set that code can see."""


class Computes:
    """Reads it; ``lists`` gives a value as a list of names with values, ``wrong`` makes the error of a wrong shape."""

    def __init__(
        self,
        found: Described,
        lists: Callable[[Any, str], list[dict[str, Any]]],
        wrong: Callable[[str, str, str, Any], JobShapeError],
    ) -> None:
        self._settings, self._resolve = found.settings, found.variables.resolve
        self._lists, self._wrong = lists, wrong

    def check(self, entry: Mapping[str, Any], key: str) -> None:
        """See that the job has what a task names of it to run on.

        Raises:
            JobShapeError: It hasn't.
        """
        for name, held, what in (
            ("job_cluster_key", "job_clusters", "job cluster"),
            ("environment_key", "environments", "environment"),
        ):
            try:
                wanted = self._resolve(entry.get(name))
                known = [self._resolve(one.get(name)) for one in self._lists(self._settings.get(held), held)]
            except JobVariableError:
                continue  # which only a workspace knows
            if wanted is not None and wanted not in known:
                near = get_close_matches(str(wanted), map(str, known), n=1)
                mend = f'did you mean "{near[0]}"?' if near else f"correct it, or add it to {held}"
                raise self._wrong(f'the task "{key}" runs on the {what} "{wanted}"', "the job has none of that name", mend, key)

    def environments(self) -> tuple[dict[str, Any], ...]:
        """All of the job's."""
        return tuple(self._lists(self._resolve(self._settings.get("environments")), "environments"))

    def of(self, entry: Mapping[str, Any], key: str) -> dict[str, Any]:
        """What a task runs on; a cluster that tasks of a job share is one for each in a run without a job."""
        made = {name: self._resolve(entry[name]) for name in _KEYS if name in entry}
        shared = made.pop("job_cluster_key", None)
        if shared is None:
            return made
        clusters = self._lists(self._resolve(self._settings.get("job_clusters")), "job_clusters")
        spec = next((one.get("new_cluster") for one in clusters if one.get("job_cluster_key") == shared), None)
        if not isinstance(spec, dict):
            raise self._wrong(f'the task "{key}" runs on the job cluster "{shared}"', "it has no new_cluster", "write it", key)
        return {**made, "new_cluster": spec}

    def environment(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """The job's environment that a task names; none where a variable in it has no value, for it may not be needed."""
        try:
            key, known = self._resolve(entry.get("environment_key")), self.environments()
        except JobVariableError:
            return {}
        return next((one for one in known if key is not None and one.get("environment_key") == key), {})


def set_by_clusters(settings: Mapping[str, Any]) -> list[str]:
    """What the clusters of a job set that code can see, as "spark_env_vars ENV, REGION": names, for values may be secret."""
    holders = [*_dicts(settings.get("job_clusters")), *_dicts(settings.get("tasks"))]
    clusters = [one["new_cluster"] for one in holders if isinstance(one.get("new_cluster"), dict)]
    found: dict[str, dict[str, None]] = {}
    for kind, value in ((kind, cluster.get(kind)) for cluster in clusters for kind in _SET):
        if value:
            found.setdefault(kind, {}).update(dict.fromkeys(map(str, value)) if isinstance(value, dict) else {})
    return [f"{kind} {', '.join(names)}".rstrip() for kind, names in found.items()]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
