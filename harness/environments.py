"""Environments: where Spark, Unity Catalog and notebook runs live, built from ``[tool.nbh.env.<name>]`` and what overrides it.

A value comes from the first of these that has it: an option, an ``NBH_…`` variable, pyproject.toml, the target of the same name
in databricks.yml; each remembers which.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.errors import HarnessError, OnePlaceError, SettingsError, UnknownEnvironmentError
from harness.jobs.targets import target_of, targets_of
from harness.settings import ENVIRONMENT_KEYS, location_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.model import Location
    from harness.settings import Settings

LOCAL, REHEARSAL = "local", "rehearsal"
BUILT_IN = (LOCAL, REHEARSAL)
BUNDLE = "databricks.yml"
PROTECTED = ("prd",)
"""Environments in which tests only read, unless their table says otherwise."""

VARIABLES = MappingProxyType(
    {
        "host": "NBH_HOST",
        "profile": "NBH_PROFILE",
        "catalog": "NBH_CATALOG",
        "workspace_root": "NBH_WORKSPACE_ROOT",
        "timeout_minutes": "NBH_TIMEOUT_MINUTES",
        "concurrency": "NBH_CONCURRENCY",
        "cluster_id": "NBH_CLUSTER_ID",
    }
)
"""Which variable overrides which key of an environment's table."""

_COMPUTE_OWN = ("cluster_id", "serverless", "share")
_TEXTS = ("host", "profile", "catalog", "workspace_root")


@dataclass(frozen=True, slots=True)
class Compute:
    """What runs notebooks: an ``existing`` cluster, a ``new`` one made of a spec as the Jobs API takes it, or ``serverless``.

    ``share`` says of a new one whether the notebooks of a pytest run share it ("run") or each has its own ("never").
    """

    kind: str = "serverless"
    cluster_id: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    share: str = "run"


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment. ``origins`` says where each value that isn't a default came from, by its key in the table.

    ``other_catalogs`` are those of the project's other environments: a notebook that names one is refused, unless it is among
    the ``allowed_catalogs``; ``others`` is what the files say of those environments. ``protected`` means
    that tests only read there. ``unknown_privileges`` says what becomes of a run whose identity's privileges on a protected
    catalog can't be read: "refuse" or "allow". ``privileges`` are the rehearsal's alone: all that the
    identity of the run has on the catalog; None is that everything is open to it.
    """

    name: str
    host: str = ""
    profile: str = ""
    catalog: str = ""
    protected_catalogs: tuple[str, ...] = ()
    other_catalogs: tuple[str, ...] = ()
    allowed_catalogs: tuple[str, ...] = ()
    compute: Compute = Compute()
    libraries: tuple[Mapping[str, Any], ...] = ()
    environments: tuple[Mapping[str, Any], ...] = ()
    data_files: tuple[str, ...] = ()
    workspace_root: str = ""
    timeout_s: float = 3600.0
    concurrency: int = 8
    protected: bool = False
    unknown_privileges: str = "refuse"
    privileges: tuple[str, ...] | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_remote(self) -> bool:
        """Whether notebooks run on a workspace rather than in processes of this machine's own."""
        return self.name != LOCAL


def known_environments(settings: Settings) -> tuple[str, ...]:
    """The names that ``--databricks-env`` takes in this project, those that are always there first, those of a bundle last."""
    try:
        targets = targets_of(settings.folder)
    except HarnessError:  # told where one of them is used
        targets = ()
    return tuple(dict.fromkeys((*BUILT_IN, *settings.env, *targets)))


def environment_of(
    name: str, settings: Settings, *, variables: Mapping[str, str] | None = None, options: Mapping[str, Any] | None = None
) -> Environment:
    """Build an environment from its table and what overrides it.

    Args:
        name: One of `known_environments`.
        settings: The project's.
        variables: Those of the process (default: ``os.environ``).
        options: Keys of the table that were given on the command line.

    Raises:
        UnknownEnvironmentError: There is no such environment; the near miss is named.
        SettingsError: A key or value of it is wrong.
        OnePlaceError: It is the place of another environment, and only one of the two is protected.
    """
    known = known_environments(settings)
    if name not in known:
        targets_of(settings.folder)
        raise unknown(name, known, settings)
    if name == LOCAL:
        return Environment(LOCAL)
    environ = os.environ if variables is None else variables
    layers = _layers(name, settings, environ, options or {})
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, table in layers:
        for key, value in table.items():
            values[key], origins[key] = value, origin
    made = _checked(name, values, origins, settings)
    others = {other: _plain_of(other, settings, environ) for other in known if other not in (name, *BUILT_IN)}
    catalogs = sorted({str(table["catalog"]) for table in others.values() if table.get("catalog")})
    made = replace(made, other_catalogs=tuple(one for one in catalogs if one != made.catalog), others=others)
    return _apart(made, location_of(settings.folder))


def found_at(environment: Environment, host: str) -> Environment:
    """The environment, once the sign-in has told the host of one that names none: whose workspace it is wasn't known before.

    Raises:
        OnePlaceError: It is the place of another environment, and only one of the two is protected.
    """
    if environment.host:
        return environment
    apart = _apart(replace(environment, host=host, origins={"host": "the sign-in", **environment.origins}), None)
    return replace(environment, protected_catalogs=apart.protected_catalogs)


def _apart(made: Environment, location: Location | None) -> Environment:
    return replace(
        made, protected_catalogs=tuple(dict.fromkeys((*made.protected_catalogs, *_beside(made, made.others, location))))
    )


def _plain_of(name: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the files say of another environment; it isn't checked."""
    return {**_of_bundle(name, settings, environ), **settings.env.get(name, {})}


def _beside(made: Environment, others: Mapping[str, Mapping[str, Any]], location: Location | None) -> list[str]:
    """The catalogs of protected environments on the same workspace, which this one's tests may reach.

    Raises:
        OnePlaceError: It is one of them itself.
    """
    found = []
    for other, table in others.items():
        catalog = str(table.get("catalog") or "")
        is_protected = table.get("protected", other in PROTECTED)
        if not _is_on(made, table) or is_protected == made.protected:
            continue
        if not catalog or not made.catalog or catalog.lower() == made.catalog.lower():
            both = f"both are {made.host or f'the profile {made.profile}'}"
            both += f" with the catalog {catalog}" if catalog and made.catalog else ", and one of them names no catalog"
            raise OnePlaceError(
                f"the environments {made.name!r} and {other!r} are one place, and only {other if is_protected else made.name!r}"
                " is protected",
                cause=f"{both}; {made.name!r} has its host from {made.origins.get('host') or made.origins.get('profile')}",
                mend="correct the host or the catalog of one of them, or protect both (protected = true)",
                location=location,
            )
        if is_protected:
            found.append(catalog)
    return found


def is_this_machine(address: str) -> bool:
    """Whether an address leads nowhere else: a workspace there is a rehearsal, under whatever name it is reached."""
    return urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}


def of_one_place(made: Environment, settings: Settings, *, variables: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The other environments on the same workspace with the same catalog: what tests make in one is in all of them."""
    environ = os.environ if variables is None else variables
    found = []
    for other in known_environments(settings):
        table = _plain_of(other, settings, environ)
        is_same = str(table.get("catalog") or "").lower() == made.catalog.lower()
        if other not in (made.name, *BUILT_IN) and is_same and _is_on(made, table):
            found.append(other)
    return tuple(found)


def _is_on(made: Environment, table: Mapping[str, Any]) -> bool:
    """Whether what a table says is on the workspace of an environment."""
    if made.host:
        return urlsplit(str(table.get("host") or "").lower()).netloc == urlsplit(made.host.lower()).netloc
    return bool(made.profile) and table.get("profile") == made.profile


def unknown(name: str, known: Sequence[str], settings: Settings) -> UnknownEnvironmentError:
    """What to tell of an environment that there isn't."""
    near = get_close_matches(name, known, n=1)
    if near:
        mend = f'did you mean "{near[0]}"?'
    else:
        mend = f"add [tool.nbh.env.{name if re.fullmatch(r'[A-Za-z0-9_-]+', name) else 'pps'}] with its host and catalog"
    return UnknownEnvironmentError(
        f'unknown environment "{name}"', cause=f"known: {', '.join(known)}", mend=mend, location=location_of(settings.folder)
    )


def _layers(
    name: str, settings: Settings, variables: Mapping[str, str], options: Mapping[str, Any]
) -> list[tuple[str, Mapping[str, Any]]]:
    """What says something of the environment, the weakest first."""
    by_variable = {key: variables[variable] for key, variable in VARIABLES.items() if variables.get(variable)}
    if name == REHEARSAL:  # variables are a workspace's; this one is made here
        by_variable = {}
    table = dict(settings.env.get(name, {}))
    compute = table.get("compute", {})
    from_variables: list[tuple[str, Mapping[str, Any]]] = []
    for key, value in by_variable.items():
        if key == "cluster_id":
            compute = {"cluster_id": value}
            from_variables.append((VARIABLES[key], {"compute": compute}))
        else:
            from_variables.append((VARIABLES[key], {key: _number(key, value)}))
    return [
        (f"{BUNDLE}, target {name}", _of_bundle(name, settings, variables)),
        (f"pyproject.toml, [tool.nbh.env.{name}]", table),
        *from_variables,
        ("the command line", {key: value for key, value in options.items() if value is not None}),
    ]


def _of_bundle(name: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the bundle's target says.

    One of the mode "production" is protected as long as no table of its own says what tests may do there.
    """
    found = target_of(settings.folder, name, environ)
    if name in settings.env:
        found.pop("protected", None)
    return found


def _number(key: str, text: str) -> Any:
    if key not in ("timeout_minutes", "concurrency"):
        return text
    try:
        return float(text) if key == "timeout_minutes" and "." in text else int(text)
    except ValueError:
        return text  # the check tells of it


def _is_host(value: Any) -> bool:
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and parts.scheme == "https" and bool(parts.hostname) and parts.path in ("", "/")


def _is_folder(value: Any) -> bool:
    return isinstance(value, str) and (not value or value.startswith("/"))


def _are(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(one, kind) and one for one in value)


_RULES: tuple[tuple[str, Callable[[Any], bool], str, str], ...] = (
    ("host", _is_host, "it is the workspace's address", '"https://adb-….azuredatabricks.net"'),
    *((key, lambda value: isinstance(value, str), "it is a text", '"…"') for key in ("profile", "catalog")),
    ("workspace_root", _is_folder, "it is a folder of the workspace, from its root on", '"/Workspace/Shared/nbh"'),
    *((key, _are(str), "it is a list of texts", '["…"]') for key in ("protected_catalogs", "allowed_catalogs", "data_files")),
    ("privileges", _are(str), "it is a list of privileges on the catalog", '["USE CATALOG", "CREATE SCHEMA"]'),
    *(
        (key, _are(dict), "it is a list of tables, as the Jobs API takes them", "[{ … }]")
        for key in ("libraries", "environments")
    ),
    ("timeout_minutes", lambda value: type(value) in (int, float) and value > 0, "it is a number of minutes above 0", "60"),
    ("concurrency", lambda value: type(value) is int and value > 0, "it is a whole number from 1 on", "8"),
    ("protected", lambda value: isinstance(value, bool), "it is true or false", "true"),
    ("unknown_privileges", lambda value: value in ("refuse", "allow"), 'it is "refuse" or "allow"', '"refuse"'),
    ("compute", lambda value: isinstance(value, dict), "it is a table", '{ cluster_id = "…" }'),
)
"""Of each key: whether a value fits, what it has to be, and an example."""


def _checked(name: str, values: dict[str, Any], origins: Mapping[str, str], settings: Settings) -> Environment:
    def wrong(key: str, cause: str, mend: str) -> SettingsError:
        where = origins[key]
        in_file = where.startswith("pyproject")
        return SettingsError(
            f"{key} of the environment {name!r} is {values[key]!r}",
            cause=cause,
            mend=f"{mend} under [tool.nbh.env.{name}]" if in_file else f"{mend}; it comes from {where}",
            location=location_of(settings.folder) if in_file else None,
        )

    for key, value in values.items():
        if key not in ENVIRONMENT_KEYS:
            near = get_close_matches(key, ENVIRONMENT_KEYS, n=1)
            known = f"it is no key of an environment; known: {', '.join(ENVIRONMENT_KEYS)}"
            raise wrong(key, known, f"write {near[0]!r}" if near else "remove it")
        if origins[key].startswith(BUNDLE) and (variable := re.search(r"\$\{([^{}]*)\}", str(value))):
            own = variable[1].removeprefix("var.")
            mend = f"set BUNDLE_VAR_{own}, or write {key} under [tool.nbh.env.{name}]"
            raise wrong(key, f"nothing gives {variable[0]} a value that is known here", mend)
    for key, fits, cause, example in _RULES:
        if key in values and not fits(values[key]):
            raise wrong(key, cause, f"write {key} = {example}")
    if "privileges" in values and name != REHEARSAL:
        raise wrong("privileges", "a workspace's own grants say what its identities may", "leave privileges out")
    if values.get("host") and values.get("profile"):
        # Each says which workspace it is, so the one that was given nearer to the run counts.
        weaker = min(("host", "profile"), key=lambda key: _rank(origins[key]))
        if _rank(origins["host"]) != _rank(origins["profile"]):
            values[weaker] = ""
        elif not origins["profile"].startswith(BUNDLE):  # in a bundle the profile is how to sign in to the host
            raise wrong("profile", f"host is given too, as {values['host']!r}, and a profile has its own", "leave one out")
    return Environment(
        name,
        host=values.get("host", "").rstrip("/"),
        profile=values.get("profile", ""),
        catalog=values.get("catalog", ""),
        protected_catalogs=tuple(values.get("protected_catalogs", ())),
        allowed_catalogs=tuple(values.get("allowed_catalogs", ())),
        compute=_compute(values.get("compute", {}), wrong),
        libraries=tuple(values.get("libraries", ())),
        environments=tuple(values.get("environments", ())),
        data_files=tuple(values.get("data_files", ())),
        workspace_root=values.get("workspace_root", "").rstrip("/"),
        timeout_s=values.get("timeout_minutes", 60) * 60.0,
        concurrency=values.get("concurrency", 8),
        protected=values.get("protected", name in PROTECTED),
        unknown_privileges=values.get("unknown_privileges", "refuse"),
        privileges=tuple(values["privileges"]) if "privileges" in values else None,
        origins=dict(origins),
    )


def _rank(origin: str) -> int:
    return next(
        (rank for rank, start in enumerate((BUNDLE, "pyproject", "NBH_", "the command")) if origin.startswith(start)), 0
    )


def _compute(table: Mapping[str, Any], wrong: Callable[[str, str, str], SettingsError]) -> Compute:
    share = table.get("share", "run")
    if share not in ("run", "never"):
        raise wrong("compute", 'share is "run" or "never"', 'write share = "run"')
    spec = {key: value for key, value in table.items() if key not in _COMPUTE_OWN}
    kinds = [
        kind
        for kind, given in (("existing", table.get("cluster_id")), ("serverless", table.get("serverless")), ("new", spec))
        if given
    ]
    if len(kinds) > 1:
        raise wrong("compute", f"it says {' and '.join(kinds)} at once", "keep cluster_id, serverless or the spec of a cluster")
    cluster = table.get("cluster_id", "")
    if not isinstance(cluster, str):
        raise wrong("compute", "cluster_id is a text", 'write cluster_id = "0123-456789-abcdefgh"')
    if kinds == ["new"] and not ({"spark_version", "policy_id"} & spec.keys()):
        raise wrong(
            "compute",
            "a new cluster needs a spark_version, or a policy_id that has one",
            'add spark_version = "17.3.x-scala2.13"',
        )
    return Compute(kinds[0] if kinds else "serverless", cluster, spec, share)


def table_of(environment: Environment) -> list[tuple[str, str, str]]:
    """Each value of an environment as (name, text, where it came from), for people to read."""
    rows = []
    for one in fields(environment):
        if one.name in ("name", "origins", "other_catalogs", "others"):
            continue
        value = getattr(environment, one.name)
        if value is None:
            continue
        key = "timeout_minutes" if one.name == "timeout_s" else one.name
        if isinstance(value, Compute):
            text = value.kind + (f" {value.cluster_id}" if value.cluster_id else "")
            text += f" {dict(value.spec)}, shared: {value.share}" if value.spec else ""
        elif isinstance(value, tuple):
            text = ", ".join(str(part) for part in value)
        else:
            text = f"{value / 60:g}" if key == "timeout_minutes" else str(value)
        rows.append((key, text, environment.origins.get(key, "default" if text else "not set")))
    return rows
