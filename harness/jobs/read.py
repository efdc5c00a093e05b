"""A job from its settings: looked through as Databricks would, before anything of it is run."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs.compute import Computes, set_by_clusters
from harness.jobs.entries import Entries
from harness.jobs.errors import JobShapeError, JobVariableError
from harness.jobs.given import Given
from harness.jobs.job import (
    CONDITION,
    FOR_EACH,
    NOTEBOOK,
    OPERATORS,
    RUN_IF,
    RUN_JOB,
    SCRIPT,
    WHEEL,
    Condition,
    Dependency,
    Job,
    Loop,
    Task,
)
from harness.jobs.loops import MOST_AT_ONCE
from harness.jobs.nested import Found, Nested
from harness.jobs.order import check_references, ordered, with_inner
from harness.jobs.sources import Sources
from harness.jobs.without import without
from harness.jobs.written import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from harness.jobs.described import Described

MOST_TASKS = 100
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_KEYS_OF_JOB = ("environments", "job_clusters", "parameters", "timeout_seconds")
_KEYS = ("depends_on", "run_if", "timeout_seconds")
_KEYS_OF = {
    NOTEBOOK: ("base_parameters",),
    SCRIPT: ("parameters",),
    WHEEL: ("named_parameters", "parameters"),
    FOR_EACH: ("concurrency",),
    RUN_JOB: ("job_parameters",),
}
"""What of a task, and of what it runs, may be left out and counts here: misspelt, it would be left out without a word."""


def read_job(
    found: Described,
    *,
    root: str,
    find: Callable[[str, str], str | None],
    is_notebook: Callable[[str], bool],
    with_compute: bool = False,
    given: Collection[str] = (),
    skip: Collection[str] = (),
    files: str = "",
    above: str = "",
) -> Job:
    """Make a job of its settings.

    Args:
        found: The settings.
        root: The project's folder.
        find: Gives the file of a notebook by its path as it is written and the file that names it, None if there is none.
        is_notebook: Says of a file whether it is one.
        with_compute: Whether what the tasks run on is wanted, too.
        given: Names of parameters that the run is given: their defaults aren't needed, and may be what only a workspace knows.
        skip: Tasks that are left out, see `harness.jobs.without`: of these only what they wait for is read.
        files: The folder that has the bundle's files where it runs, see `Variables.resolve`; "" where none has all of them.
        above: The one that has that as its "files"; "" where none has.

    Raises:
        JobVariableError: A variable has no value.
        JobShapeError: The settings are none that Databricks takes.
        JobNotebookError: A notebook, a script, or what a wheel's task calls, isn't in the project.
        JobFileError: What the project says of its packages can't be read.
    """
    sources = Sources(found, root, find, is_notebook)

    def read(other: Described, given: Collection[str]) -> Job:
        places = {"root": root, "files": files, "above": above}
        return read_job(other, find=find, is_notebook=is_notebook, with_compute=with_compute, given=given, **places)

    return _Reader(
        found, root, sources, read, with_compute=with_compute, given=given, skip=skip, files=files, above=above
    ).job()


class _Reader:
    def __init__(
        self,
        found: Described,
        root: str,
        sources: Sources,
        read: Callable[[Described, Collection[str]], Job],
        *,
        with_compute: bool,
        given: Collection[str],
        skip: Collection[str],
        files: str,
        above: str,
    ) -> None:
        self._found, self._root, self._sources, self._with_compute, self._given = found, root, sources, with_compute, given
        self._nested, self._skip = Nested(found, read, self._wrong), tuple(dict.fromkeys(skip))
        self._entries, self._given_to = Entries(found, root), Given(found, self._wrong, files=files, above=above)
        self._computes = Computes(found, self._list, self._wrong)

    def job(self) -> Job:
        settings, resolve = self._found.settings, self._found.variables.resolve
        entries = settings.get("tasks")
        if not isinstance(entries, list) or not entries:
            raise self._wrong("the job has no tasks", "it needs at least one", "write its tasks")
        if len(entries) > MOST_TASKS:
            raise self._wrong("the job has too many tasks", f"it has {len(entries)}, a run takes {MOST_TASKS}", "split it")
        name = str(resolve(settings.get("name") or self._found.key))
        self._check_keys((settings, _KEYS_OF_JOB), what="the job")
        parameters = self._parameters()
        self._names = tuple(parameters)
        tasks = tuple(self._task(one) for one in self._list(entries, "tasks"))
        tasks_in_order = ordered(tasks, self._wrong)
        check_references(tasks_in_order, parameters, self._wrong)
        left = without(tasks_in_order, self._skip, self._wrong)
        seconds = self._seconds(settings, "the job")
        environments = self._computes.environments() if self._with_compute else ()
        notes = tuple(self._notes(left))
        return Job(name, self._found.path, left, parameters, seconds, environments, notes, self._found.files, self._skip)

    def _parameters(self) -> dict[str, str]:
        """The job's own, each with its default: the Jobs API takes none without one."""
        found: dict[str, str] = {}
        for one in self._list(self._found.settings.get("parameters"), "parameters"):
            name = self._found.variables.resolve(one.get("name"))
            if not isinstance(name, str):
                raise self._wrong("a parameter of the job has no name", f"it is {one!r}", "write its name")
            if name in found:
                raise self._wrong(f'two parameters of the job have the name "{name}"', "each needs its own", "rename one", name)
            if one.get("default") is None:
                what = f'the parameter "{name}" of the job has no default'
                raise self._wrong(what, "Databricks takes none without one", 'write its default, which may be ""', name)
            found[str(name)] = "" if name in self._given else self._default(name, one)
        return found

    def _notes(self, tasks: Sequence[Task]) -> Iterator[str]:
        """What a copy leaves out, or does otherwise."""
        if self._found.is_raw:
            yield "the job is run as its file has it: what the bundle's mutators make of it is run by its key"
        retried = [task.key for task in with_inner(tasks) if task.retries]
        if retried:
            yield f"the copy tries no task again, which the job asks for: {', '.join(retried)}"
        if self._sources.of_sql:
            yield f"the copy runs on no SQL warehouse, which the job names for: {', '.join(self._sources.of_sql)}"
        if not self._with_compute and (set_there := set_by_clusters(self._found.settings)):
            yield f"the copy hasn't what the job's clusters set: {', '.join(set_there)}"
        above = os.path.relpath(self._found.files, self._root).replace(os.sep, "/")
        if self._found.files != self._found.home and above.startswith(os.pardir):
            what = f"the bundle's files go up to {above}, and the copy works with those of the folder that pytest is run from"
            yield f"{what}: run it from there"

    def _default(self, name: str, entry: Mapping[str, Any]) -> str:
        try:
            return self._given_to.text(self._given_to.resolve(entry["default"]), f"the default of the parameter {name}")
        except JobVariableError as exc:
            mend = f'{exc.mend}, or give the parameter in the test: parameters={{"{name}": "…"}}'
            raise JobVariableError(exc.what, cause=exc.cause, mend=mend, location=exc.location) from None

    def _task(self, entry: Mapping[str, Any]) -> Task:
        resolve = self._found.variables.resolve
        key = resolve(entry.get("task_key"))
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise self._wrong(f"the task_key {key!r} can't be one", "it takes letters, digits, - and _", "rename it", key)
        kinds = [one for one in entry if str(one).endswith("_task") and entry[one] is not None]
        if len(kinds) != 1:
            cause = f"it has {' and '.join(kinds)}" if kinds else "it has none, such as notebook_task"
            raise self._wrong(f'the task "{key}" has to be of one kind', cause, "write one", key)
        (kind,) = kinds
        if resolve(entry.get("disabled")):
            cause = "what then becomes of those that depend on it, Databricks doesn't say"
            raise self._wrong(f'the task "{key}" is disabled', cause, "leave it out of the job, or run it by a condition", key)
        run_if = str(resolve(entry.get("run_if") or "ALL_SUCCESS"))
        self._one_of(run_if, RUN_IF, f'run_if of the task "{key}"', key)
        own = entry[kind] if isinstance(entry[kind], dict) else {}
        waits = self._list(resolve(entry.get("depends_on")), "depends_on")
        self._check_keys(
            (entry, _KEYS),
            (own, _KEYS_OF.get(kind, ())),
            *((one, ("outcome",)) for one in waits),
            what=f'the task "{key}"',
            near=key,
        )
        after = tuple(Dependency(str(one.get("task_key") or ""), self._outcome(one.get("outcome"), key)) for one in waits)
        self._computes.check(entry, key)
        if key in self._skip:
            return Task(str(key), kind, after, run_if)
        called = self._entries.of(entry, own, key) if kind == WHEEL else self._entries.beside(entry, kind)
        parameters, arguments = self._given_to.of(kind, own, key)
        nested = self._nested.of(own, key, {**parameters, **dict.fromkeys(self._names)}) if kind == RUN_JOB else Found()
        return Task(
            str(key),
            kind,
            after,
            run_if,
            path=called.path or self._sources.path(kind, own, key),
            parameters=parameters,
            arguments=arguments,
            condition=self._condition(own, key) if kind == CONDITION else None,
            timeout_s=self._seconds(entry, f'the task "{key}"'),
            retries=retries if isinstance(retries := entry.get("max_retries"), int) else 0,
            compute=self._computes.of(entry, key) if self._with_compute else {},
            loop=self._loop(own, key) if kind == FOR_EACH else None,
            entry=called.entry,
            wheels=called.wheels,
            asked=called.asked,
            environment=self._computes.environment(entry) if kind in (SCRIPT, WHEEL) or called.wheels else {},
            requires=self._entries.requirements(entry),
            job=nested.job,
            unclear=called.unclear or nested.unclear or self._given_to.unclear(kind, parameters, arguments),
        )

    def _outcome(self, value: Any, key: str) -> str:
        if isinstance(value, bool):  # as YAML has it
            return str(value).lower()
        if value not in (None, "true", "false"):
            raise self._wrong(
                f'outcome in depends_on of the task "{key}" is {value!r}', "a condition comes to true or false", "", key
            )
        return value or ""

    def _check_keys(self, *held: tuple[Mapping[str, Any], Sequence[str]], what: str, near: Any = None) -> None:
        """See that nothing is misspelt of what may be left out: Databricks passes over a key that it doesn't know.

        Raises:
            JobShapeError: Something is.
        """
        for found, known in held:
            left_out = [one for one in known if one not in found]
            for name in found:
                meant = get_close_matches(str(name).lower(), left_out, n=1, cutoff=0.75) if name not in known else []
                if meant:
                    cause = "Databricks knows no such key, and passes it over"
                    raise self._wrong(
                        f'{what} has "{name}"', cause, f'did you mean "{meant[0]}"?', name if near is None else near
                    )

    def _loop(self, own: Mapping[str, Any], key: str) -> Loop:
        """What a loop runs over, and what it runs."""
        resolve, inner = self._found.variables.resolve, own.get("task")
        inputs, at_once = self._given_to.resolve(own.get("inputs")), resolve(own.get("concurrency"))
        if not isinstance(inputs, str) or not inputs.strip():
            mend = "write a JSON array as text, or a reference to one"
            raise self._wrong(f'inputs of the task "{key}" are no text', f"they are {str(inputs)[:200]!r}", mend, key)
        at_once = 1 if at_once is None else at_once
        if type(at_once) is not int or not 1 <= at_once <= MOST_AT_ONCE:
            cause = f"it is a number from 1 to {MOST_AT_ONCE}"
            raise self._wrong(f'concurrency of the task "{key}" is {at_once!r}', cause, "correct it", key)
        if not isinstance(inner, dict):
            raise self._wrong(f'the loop of the task "{key}" runs nothing', "task is missing", "write the task it runs", key)
        if inner.get(FOR_EACH) is not None:
            cause = "Databricks takes no loop within a loop"
            raise self._wrong(f'the loop of the task "{key}" runs another loop', cause, "make one array of both", key)
        task = self._task(inner)
        if task.after:
            cause = "what its loop waits for is written with the loop"
            raise self._wrong(f'the task "{task.key}" in a loop depends on others', cause, f'move depends_on to "{key}"', key)
        return Loop(inputs, task, at_once)

    def _condition(self, own: Mapping[str, Any], key: str) -> Condition:
        found = self._given_to.resolve({name: own.get(name) for name in ("op", "left", "right")})
        if any(found[name] is None for name in found):
            raise self._wrong(f'the condition of the task "{key}" isn\'t whole', "it needs op, left and right", "add it", key)
        self._one_of(str(found["op"]), OPERATORS, f'op of the task "{key}"', key)
        left, right = (self._given_to.text(found[side], f'{side} of the task "{key}"', key) for side in ("left", "right"))
        return Condition(str(found["op"]), left, right)

    def _one_of(self, given: str, known: Sequence[str], what: str, key: str) -> None:
        if given not in known:
            near = get_close_matches(given, known, n=1)
            raise self._wrong(f"{what} is {given!r}", f"known are {', '.join(known)}", f"write {near[0]}" if near else "", key)

    def _seconds(self, entry: Mapping[str, Any], what: str) -> float:
        found = self._found.variables.resolve(entry.get("timeout_seconds") or 0)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise self._wrong(f"timeout_seconds of {what} is {found!r}", "it is a number of seconds", "correct it")
        return float(found)

    def _list(self, value: Any, what: str) -> list[dict[str, Any]]:
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self._wrong(f"{what} is no list of names with values", f"it is {str(value)[:200]!r}", "mend the file")
        return value

    def _wrong(self, what: str, cause: str, mend: str, near: Any = None) -> JobShapeError:
        return JobShapeError(what, cause=cause, mend=mend or "correct it", location=self._place(near))

    def _place(self, value: Any) -> Any:
        return place_of(value, otherwise=self._found.path, root=self._root)
