"""The environment that tests run in, and the workspace behind one that isn't this machine."""

from __future__ import annotations

import contextlib
import os
import re
from difflib import get_close_matches
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from harness.collect.session import SESSION
from harness.collect.watching import tell
from harness.environments import LOCAL, REHEARSAL, Environment, environment_of, known_environments, unknown
from harness.errors import EnvironmentUseError, HarnessError, SettingsError
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.rehearsal.control import Running
    from harness.remote.session import Remote

ENVIRONMENT: pytest.StashKey[Environment] = pytest.StashKey()
"""In ``config.stash`` from the start of the run."""

SENT_BY: pytest.StashKey[Environment] = pytest.StashKey()
"""In ``config.stash`` of a pytest that runs in a job: the environment whose run has sent the tests there."""

_REMOTE: pytest.StashKey[Remote | HarnessError] = pytest.StashKey()
_BEFORE: pytest.StashKey[dict[str, str]] = pytest.StashKey()
_TOLD: pytest.StashKey[bool] = pytest.StashKey()


def settle(config: pytest.Config) -> Environment:
    """Find the run's environment, from ``--databricks-env`` and the project's settings.

    Raises:
        pytest.UsageError: It is unknown (with the near miss), a value of it is wrong, or it is protected and not spelled out on
            the command line; pytest exits with 4.
    """
    if ENVIRONMENT in config.stash:
        return config.stash[ENVIRONMENT]
    name = str(config.getoption("--databricks-env"))
    if name == LOCAL:
        environment = Environment(LOCAL)
    else:
        try:
            options = {"concurrency": config.getoption("--nbh-concurrency")}
            environment = environment_of(name, settings_for(str(config.rootpath / "x")), options=options)
        except SettingsError as exc:
            raise pytest.UsageError(f"--databricks-env: {exc}") from exc
        if environment.protected and not _is_spelled_out(config, name):
            raise pytest.UsageError(
                f"--databricks-env={name}: it is protected, so only a command line that spells it out leads there; "
                "here it comes from addopts or PYTEST_ADDOPTS"
            )
    config.stash[ENVIRONMENT] = environment
    if environment.is_remote:
        _turn_to_no_other_spark(config)
    return environment


def _turn_to_no_other_spark(config: pytest.Config) -> None:
    """Have pyspark's own builder turn to no other Spark, whose answers would be shown as the workspace's.

    Neither to a server that ``SPARK_REMOTE`` names, nor to this machine; databricks-connect opens none here. What is set is as
    pyspark sets it itself with the first session of a server's.
    """
    before = {name: os.environ.get(name) for name in ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE")}
    os.environ.pop("SPARK_REMOTE", None)
    if find_spec("databricks") is None or find_spec("databricks.connect") is None:
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    config.add_cleanup(partial(_put_back, before))


def _put_back(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _is_spelled_out(config: pytest.Config, name: str) -> bool:
    if hasattr(config, "workerinput"):
        return True  # its controller has looked
    told = [str(argument) for argument in config.invocation_params.args]
    return f"--databricks-env={name}" in told or ("--databricks-env", name) in pairwise(told)


def environment_here(config: pytest.Config) -> Environment:
    """The run's environment."""
    return config.stash.get(ENVIRONMENT, None) or Environment(LOCAL)


def environment_of_tests(config: pytest.Config) -> Environment:
    """The environment that tests are in: in a job that another run has sent, that one's."""
    return config.stash.get(SENT_BY, None) or environment_here(config)


def remote_of(config: pytest.Config) -> Remote:
    """The workspace of this process's tests, signed in to and checked once.

    Raises:
        HarnessError: It can't be reached or used, said in full once; further tests are told where.
    """
    if _REMOTE not in config.stash:
        try:
            config.stash[_REMOTE] = _open(config, partial(tell, config))
        except HarnessError as exc:
            config.stash[_REMOTE] = exc
    found = config.stash[_REMOTE]
    if isinstance(found, HarnessError):
        if config.stash.get(_TOLD, False):
            raise type(found)(found.what, cause="as the first test was told that asked for it; see there for the mend")
        config.stash[_TOLD] = True
        raise found.with_traceback(None)
    return found


def _open(config: pytest.Config, tell: Callable[[str], None]) -> Remote:
    run_id = str(getattr(config, "workerinput", {}).get("testrunuid", ""))
    remote = _made(config, tell, run_id=run_id)
    remote.check()
    return remote


def hold(config: pytest.Config, run_id: str) -> None:
    """In xdist's controller: have what its workers share on the workspace stay until the last of them has ended."""
    if environment_here(config).is_remote and _REMOTE not in config.stash:
        from harness.collect.waiting import Relay

        try:
            config.stash[_REMOTE] = remote = _made(config, partial(tell, config), run_id=run_id)
            remote.hold()
            config.add_cleanup(Relay(config, remote).stop)
        except HarnessError as exc:  # each worker finds the same, and its tests tell of it
            config.stash[_REMOTE] = exc


def stop_all(config: pytest.Config) -> None:
    """In xdist's controller, which stops before its tests have ended: have no worker wait for results any more."""
    remote = remote_if_used(config)
    if remote is not None and not hasattr(config, "workerinput"):
        remote.stop()


def _made(config: pytest.Config, tell: Callable[[str], None], *, run_id: str) -> Remote:
    from harness.remote.session import Remote

    made: list[Remote] = []
    if hasattr(config, "workerinput"):  # it has no terminal; the controller's `Relay` has
        tell = partial(_say, made)
    environment = environment_here(config)
    if environment.name == REHEARSAL:
        environment = rehearse(config, environment, tell)
    remote = Remote(
        environment,
        str(config.rootpath),
        roots=tuple(config.stash[SESSION].finder.roots),
        progress=tell,
        of_runs=tell if config.get_verbosity() > 0 else lambda _line: None,
        run_id=run_id,
        run_prefixes=settings_for(str(config.rootpath / "x")).run_prefixes,
        allowed_catalogs=environment.allowed_catalogs,
        pip_env=config.stash.get(_BEFORE, None),
    )
    made.append(remote)
    config.add_cleanup(partial(_close, remote, tell))
    return remote


def _say(made: list[Remote], line: str) -> None:
    for remote in made:
        remote.say(line)


def _close(remote: Remote, tell: Callable[[str], None]) -> None:
    """Remove what the run made on the workspace; what can't be removed is told, for nobody else will."""
    error = remote.close().error()
    if error is not None:
        tell(str(error))


def remote_if_used(config: pytest.Config) -> Remote | None:
    """The workspace of this process's tests, if any of them has asked for it and got it."""
    remote = config.stash.get(_REMOTE, None)
    return None if isinstance(remote, HarnessError) else remote


def rehearsal_of_run(config: pytest.Config, tell: Callable[[str], None]) -> Running:
    """The workspace on this machine that the run with ``--databricks-env=rehearsal`` has, its workers too.

    Raises:
        RehearsalStartError: It doesn't start.
    """
    from harness.rehearsal import control
    from harness.spark.idle import idle_s

    settings = settings_for(str(config.rootpath / "x"))
    run_pid = os.getppid() if hasattr(config, "workerinput") else os.getpid()
    owner = 0 if idle_s(settings, os.environ) else run_pid
    return control.start(settings, env=os.environ, progress=tell, owner=owner)


def rehearse(config: pytest.Config, environment: Environment, tell: Callable[[str], None]) -> Environment:
    """Have a workspace on this machine, once, and this process's clients trust it and sign in to it.

    Raises:
        RehearsalStartError: It doesn't start.
        RehearsalGrantError: The privileges that the settings name can't be granted.
    """
    if environment.host:
        return environment
    from harness.rehearsal.clients import rehearsed

    running = rehearsal_of_run(config, tell)
    config.stash[_BEFORE] = dict(os.environ)
    stack = contextlib.ExitStack()
    there = config.stash[ENVIRONMENT] = stack.enter_context(rehearsed(environment, running))
    config.add_cleanup(stack.close)
    return there


def skip_elsewhere(item: pytest.Item) -> None:
    """Skip a test whose marks say that it isn't for the run's environment.

    Raises:
        pytest.UsageError: A mark names no environment, or one that nobody knows, or is itself misspelt.
    """
    _check_marks(item)
    name = environment_of_tests(item.config).name
    if item.get_closest_marker("nbh_local_only") is not None and name != LOCAL:
        pytest.skip(f"for the environment local only; this run's is {name}")
    marker = item.get_closest_marker("nbh_env")
    if marker is None:
        return
    settings = settings_for(str(item.config.rootpath / "x"))
    known = known_environments(settings)
    for wanted in marker.args:
        if wanted not in known:
            raise pytest.UsageError(str(unknown(str(wanted), known, settings)))
    if not marker.args:
        raise pytest.UsageError(f'{item.nodeid}: nbh_env names no environment; write @pytest.mark.nbh_env("pps")')
    if name not in marker.args:
        pytest.skip(f"for the environment {' or '.join(marker.args)}; this run's is {name}")


def _check_marks(item: pytest.Item) -> None:
    """See that no mark of ours is misspelt: pytest only warns of it, and what it asks for isn't done.

    Raises:
        pytest.UsageError: One is, or an engine that it names.
    """
    names = {marker.name for marker in item.iter_markers() if marker.name.startswith("nbh_")}
    if "nbh_engine" in names:
        from harness.collect.apart import check_engine

        check_engine(item)
    for name in names:
        known = sorted({re.split(r"[(:]", line)[0].strip() for line in item.config.getini("markers")})
        if name not in known:
            ours = [one for one in known if one.startswith("nbh_")]
            near = get_close_matches(name, ours, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise pytest.UsageError(f"{item.nodeid}: there is no mark {name}; {meant}known: {', '.join(ours)}")


def is_left_out(item: pytest.Item) -> bool:
    """Whether marks leave a test out whatever else is so: nothing of it is to begin before its turn."""
    if item.get_closest_marker("skip") is not None:
        return True
    try:
        skip_elsewhere(item)
    except (pytest.skip.Exception, pytest.UsageError):
        return True
    return False


def refuse_writing(config: pytest.Config, what: str) -> None:
    """Refuse what may write, in an environment where tests only read.

    Raises:
        EnvironmentUseError: It is one.
    """
    environment = environment_here(config)
    if environment.protected:
        raise EnvironmentUseError(
            f"{what} may write, and tests only read in the environment {environment.name!r}",
            cause="it is protected",
            mend="run this test in another environment, or leave it out there: @pytest.mark.nbh_env names those it is for",
        )
