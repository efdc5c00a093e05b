"""A workspace in memory, of the shape that `harness.remote.protocol.Workspace` describes; each test says how it misbehaves."""

# The methods are those of the protocol.
# ruff: noqa: D102, A002

from __future__ import annotations

import base64
import itertools
import json
import threading

from harness.remote.errors import MissingError, UnreachableError
from harness.remote.protocol import Identity


def missing(what):
    """The error of something that isn't there."""
    return MissingError(f"{what} isn't there", cause="never made", mend="make it")


def lost():
    """The error of a call whose answer never came."""
    return UnreachableError("https://pps can't be reached", cause="connection reset", mend="wait")


class FakeWorkspace:
    """Answers as a workspace does; ``faults`` are called before (and ``after`` after) each call with its name."""

    def __init__(self, *, host="https://pps.example.com"):
        self.host = host
        self.calls = []
        self.objects = {"/Workspace": ("DIRECTORY", b"", 1)}
        self.clusters_made = {}
        self.runs_made = {}
        self.tokens = {}
        self.outputs = {}
        self.iterations_made = {}
        self.pages = {}
        self.catalogs_made = {}
        self.objects_made = set()  # (kind, name) of tables, views, volumes and functions in schemas of others
        self.owners = {}  # of those
        self.schemas_made = {}
        self.secrets_made = {}
        self.privileges = {}
        self.identity = Identity("me@example.com", ("team",))
        self.before = lambda *_: None
        self.after = lambda *_: None
        self.numbers = itertools.count(1000)
        self.clock = itertools.count(1)
        self.lock = threading.RLock()

    def __getattribute__(self, name):
        found = object.__getattribute__(self, name)
        if name in CALLS:

            def call(*args, **kwargs):
                self.before(name, *args)
                with self.lock:
                    self.calls.append((name, *args, kwargs))
                    answer = found(*args, **kwargs)
                self.after(name, *args)
                return answer

            return call
        return found

    def count(self, *names):
        """How many calls of these names there were."""
        return sum(call[0] in names for call in self.calls)

    def me(self):
        return self.identity

    # -- runs

    def submit(self, body):
        json.dumps(body)
        token = body["idempotency_token"]
        assert 0 < len(token) <= 64
        if token not in self.tokens:
            run_id = next(self.numbers)
            self.tokens[token] = run_id
            self.runs_made[run_id] = {
                "run_id": run_id,
                "run_name": body["run_name"],
                "start_time": 1_000_000 + next(self.clock),
                "run_page_url": f"{self.host}/#job/1/run/{run_id}",
                "state": {"life_cycle_state": "PENDING"},
                "tasks": [
                    {**task, "run_id": run_id * 10 + n, "attempt_number": 0, "state": {"life_cycle_state": "PENDING"}}
                    for n, task in enumerate(body["tasks"])
                ],
                "body": body,
            }
        return self.tokens[token]

    def set_state(self, run_id, life, result=None, *, message="", code="", kind=""):
        state = {"life_cycle_state": life, **({"result_state": result} if result else {}), "state_message": message}
        run = self.runs_made[run_id]
        run["state"] = state
        status = {"state": "TERMINATED", "termination_details": {"code": code, "type": kind, "message": message}}
        for task in run["tasks"]:
            task["state"] = dict(state)
            if code:
                run["status"] = task["status"] = status

    def finish(self, run_id, output=None, result="SUCCESS", **how):
        """End a run with all its tasks; its conditions come to true."""
        self.set_state(run_id, "TERMINATED", result, **how)
        for task in self.runs_made[run_id]["tasks"]:
            if "condition_task" in task:
                task["condition_task"] = {**task["condition_task"], "outcome": "true"}
            elif task.keys() & {"spark_python_task", "python_wheel_task"}:  # which have no exit value
                told = {name: value for name, value in (output or {}).items() if name != "notebook_output"}
                self.outputs[task["run_id"]] = {"metadata": {}, "logs": "", **told}
            else:
                self.outputs[task["run_id"]] = output or {}

    def run(self, run_id):
        if run_id not in self.runs_made:
            raise missing(f"run {run_id}")
        return json.loads(json.dumps(self.runs_made[run_id]))

    def iterations(self, run_id):
        return self.iterations_made.get(run_id, [])

    def output(self, run_id):
        if run_id not in self.outputs:
            raise missing(f"output {run_id}")
        return self.outputs[run_id]

    def runs_page(self, *, since_ms, page_token="", active_only=False):
        runs = sorted(self.runs_made.values(), key=lambda run: -run["start_time"])
        if active_only:
            runs = [run for run in runs if run["state"]["life_cycle_state"] not in {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}]
        at = int(page_token or 0)
        page = [{key: run[key] for key in ("run_id", "run_name", "state", "start_time")} for run in runs[at : at + 24]]
        return page, str(at + 24) if at + 24 < len(runs) else ""

    def export_run(self, run_id):
        return self.pages.get(run_id, [])

    def cancel(self, run_id):
        self.run(run_id)
        self.set_state(run_id, "TERMINATED", "CANCELED")
        self.outputs[run_id * 10] = {}

    # -- clusters

    def create_cluster(self, spec):
        cluster_id = f"1128-{next(self.numbers)}-x"
        self.clusters_made[cluster_id] = {**spec, "cluster_id": cluster_id, "state": "PENDING"}
        return cluster_id

    def cluster(self, cluster_id):
        if cluster_id not in self.clusters_made:
            raise missing(f"cluster {cluster_id}")
        return self.clusters_made[cluster_id]

    def clusters(self):
        return list(self.clusters_made.values())

    def delete_cluster(self, cluster_id):
        self.cluster(cluster_id)
        del self.clusters_made[cluster_id]

    # -- secrets

    def secret(self, scope, key):
        if key not in self.secrets_made.get(scope, {}):
            raise missing(key)
        return {"key": key, "value": base64.b64encode(self.secrets_made[scope][key]).decode()}

    def secrets(self, scope):
        if scope not in self.secrets_made:
            raise missing(scope)
        return [{"key": key} for key in self.secrets_made[scope]]

    def secret_scopes(self):
        return [{"name": scope} for scope in self.secrets_made]

    # -- files

    def make_folder(self, path):
        parts = path.strip("/").split("/")
        for depth in range(len(parts)):
            self.objects.setdefault("/" + "/".join(parts[: depth + 1]), ("DIRECTORY", b"", next(self.numbers)))

    def upload(self, path, data, *, format, language=""):
        if path.rpartition("/")[0] not in self.objects:
            raise missing(path.rpartition("/")[0])
        kind = "FILE" if format == "RAW" else "NOTEBOOK"
        if kind == "NOTEBOOK" and format == "SOURCE":
            assert language
        with self.lock:
            known = self.objects.get(path)
            self.objects[path] = (kind, bytes(data), known[2] if known else next(self.numbers), next(self.clock))

    def export(self, path, *, format):
        if path not in self.objects:
            raise missing(path)
        return self.objects[path][1]

    def list_folder(self, path):
        if path not in self.objects:
            raise missing(path)
        found = []
        for one, entry in sorted(self.objects.items()):
            if one.rpartition("/")[0] == path:
                facts = {"path": one, "object_type": entry[0], "object_id": entry[2]}
                if len(entry) > 3:
                    facts["modified_at"] = entry[3]
                if entry[0] == "FILE":
                    facts["size"] = len(entry[1])
                found.append(facts)
        return found

    def delete_folder(self, path):
        if path not in self.objects:
            raise missing(path)
        for one in [one for one in self.objects if one == path or one.startswith(path + "/")]:
            del self.objects[one]

    # -- Unity Catalog

    def catalog(self, name):
        if name not in self.catalogs_made:
            raise missing(name)
        return self.catalogs_made[name]

    def catalogs(self):
        return [{"name": one, "catalog_type": "MANAGED_CATALOG", **facts} for one, facts in self.catalogs_made.items()]

    def schemas(self, catalog):
        return [
            {"name": one, "full_name": f"{catalog}.{one}", **facts} for one, facts in self.schemas_made.get(catalog, {}).items()
        ]

    def effective_privileges(self, kind, name):
        found = self.privileges.get((kind, name), [])
        if isinstance(found, Exception):
            raise found
        return [{"principal": who, "privileges": [{"privilege": one} for one in privileges]} for who, privileges in found]

    def objects_in(self, kind, schema):
        return [
            {"full_name": name, "owner": self.owners.get(name, "admins")}
            for of, name in sorted(self.objects_made)
            if of == kind and name.startswith(f"{schema}.")
        ]

    def object(self, kind, name):
        if (kind, name) not in self.objects_made:
            raise missing(name)
        return {"full_name": name}

    def delete_schema(self, name):
        catalog, _, schema = name.partition(".")
        if schema not in self.schemas_made.get(catalog, {}):
            raise missing(name)
        del self.schemas_made[catalog][schema]

    def delete_object(self, kind, name):
        if (kind, name) not in self.objects_made:
            raise missing(name)
        self.objects_made.remove((kind, name))

    def delete_catalog(self, name):
        self.catalog(name)
        del self.catalogs_made[name]


CALLS = frozenset(
    {
        *(
            "me",
            "submit",
            "run",
            "output",
            "iterations",
            "export_run",
            "runs_page",
            "cancel",
            "create_cluster",
            "cluster",
            "clusters",
            "delete_cluster",
        ),
        *("make_folder", "upload", "export", "list_folder", "delete_folder", "catalog", "catalogs", "schemas"),
        *(
            "effective_privileges",
            "delete_schema",
            "delete_catalog",
            "delete_object",
            "secret",
            "secrets",
            "secret_scopes",
            "object",
            "objects_in",
        ),
    }
)


def where_runs_end(**output):
    """A workspace where each run ends with this output as soon as it is looked at."""
    ws = FakeWorkspace()

    def after(name, *_):
        if name == "submit":
            for run_id, run in ws.runs_made.items():
                if run["state"]["life_cycle_state"] == "PENDING":
                    ws.finish(run_id, output)

    ws.after = after
    return ws
