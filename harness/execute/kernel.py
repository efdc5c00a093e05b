"""The kernel's side of a run: a notebook's names around it, and its cells one by one, at their own lines of its file."""

from __future__ import annotations

import ast
import contextlib
import linecache
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ipykernel.ipkernel import IPythonKernel
from IPython.core.inputtransformer2 import leading_empty_lines

from harness.errors import DbutilsCallError, LostAnswerError, RunCycleError, RunTargetError
from harness.execute import figures, scripts
from harness.execute.app import SETTINGS, App, make_app
from harness.execute.cases import watch_cases
from harness.execute.folder import copy_before_writing
from harness.execute.guard import hold_modules, protect, refuse_shutdown
from harness.execute.hints import hinted, with_hint
from harness.execute.job import AFTER, WORK, clipped, load_job, tell
from harness.execute.line import asking
from harness.execute.lines import leave_lines
from harness.execute.magics import UnsupportedError, install
from harness.execute.measure import Recorder
from harness.execute.names import fill, lead_imports, open_spark, stand_for_runtime, tell_cluster
from harness.execute.outputs import METER, keep_no_copy
from harness.execute.queries import ENDLESS, Queries
from harness.execute.refusals import (
    connect_only,
    databricks_only,
    hear_of_queries,
    hear_of_requests,
    is_by_library,
    newer_python,
    refuse_sessions,
    why_refused,
)
from harness.execute.shell import watch_programs
from harness.execute.shown import display
from harness.execute.steps import NO_AWAIT, step_of
from harness.execute.tables_named import tables_named
from harness.execute.threads import AT_WORK, left_at_work
from harness.execute.tracebacks import in_words, trim_tracebacks
from harness.execute.tracking import serve_mlflow
from harness.execute.under_magics import keep_lines_under_magics
from harness.extract.awaits import awaits
from harness.extract.run import find_target, parse_run, why_missing
from harness.model import Location
from harness.notebook import read_notebook
from harness.runtime.clock import set_time_zone
from harness.runtime.dbutils import Dbutils
from harness.runtime.files import Files, workspace_of
from harness.runtime.fs import Fs
from harness.runtime.fuse import serve as serve_files
from harness.runtime.fuse import stand
from harness.runtime.fuse_imports import real_folder, serve_imports
from harness.runtime.library import PythonRestart
from harness.runtime.notebook import NotebookExit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.execute.job import Job
    from harness.model import Cell, Notebook

_Tree = TypeVar("_Tree", bound=ast.AST)


def serve(connection: str, job: str) -> None:
    """Be a kernel until it is told to end."""
    NotebookKernel.job = load_job(job)
    set_time_zone(NotebookKernel.job.time_zone)
    leave_lines(NotebookKernel.job.folder)
    if NotebookKernel.job.measure is not None:
        NotebookKernel.recorder = Recorder(NotebookKernel.job.measure, NotebookKernel.job.folder)
    os.chdir(NotebookKernel.job.work)
    copy_before_writing(os.path.join(NotebookKernel.job.folder, WORK))
    watch_programs()
    app = App.instance()
    app.begin(connection)
    app.initialize([])
    app.start()


def prepare(folder: str) -> None:
    """Make in the warm parent what takes the longest of a kernel's start: IPython's shell, and the application around it."""
    stand()
    NotebookKernel.instance(config=SETTINGS, profile_dir=make_app(folder, NotebookKernel), user_ns=None)
    hold_modules()


class NotebookKernel(IPythonKernel):  # type: ignore[misc]  # the library has no types that mypy reads
    """An IPython kernel that is sent the numbers of cells instead of their text: it has the notebook itself."""

    job: Job
    recorder: Recorder | None = None

    runner: Runner

    @classmethod
    def instance(cls, *args: Any, **kwargs: Any) -> NotebookKernel:
        """Give the one that the warm parent has made, with what is this process's own."""
        is_made = cls.initialized()
        kernel: NotebookKernel = super().instance(*args, **kwargs)
        if is_made and kwargs:
            kernel.begin({name: value for name, value in kwargs.items() if name != "user_ns"})
        return kernel

    def begin(self, own: dict[str, Any]) -> None:
        """Turn to this process: to its streams and its notebook."""
        for name, value in own.items():
            setattr(self, name, value)
        self._stdout, self._stderr = sys.stdout, sys.stderr
        shell = self.shell
        shell.profile_dir = self.profile_dir
        shell.init_environment()
        for hook in (shell.displayhook, shell.display_pub):
            hook.session, hook.pub_socket = self.session, self.iopub_socket
        try:
            self.runner = Runner(shell, self.job)
        except BaseException as exc:
            tell(self.job.folder, "lost", error="".join(traceback.format_exception_only(exc)).strip())
            raise
        if self.recorder is not None:
            self.recorder.start()

    async def do_execute(self, code: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run the cell of that number."""
        METER.begin()
        number = code.strip()
        text = self.runner.begin(int(number)) if number.isdigit() else code
        self.shell._last_traceback = None  # noqa: SLF001 -- the library does so itself, but not for a cell with an ``await``
        try:
            reply: dict[str, Any] = await super().do_execute(text, *args, **kwargs)
        except Exception as exc:  # noqa: BLE001 -- the notebook has broken the shell; without an answer this would be a time-out
            return {"status": "error", "ename": type(exc).__name__, "evalue": str(exc), "traceback": []}
        if self.recorder is not None:
            self.recorder.save()
        error = self.runner.error
        if isinstance(error, PythonRestart):
            return {**reply, "status": "ok", "user_expressions": {}, "payload": []}
        if reply["status"] == "error":
            self.runner.tell_displayed()
        if reply["status"] == "ok" and error is not None:
            # %%capture and its like run a cell inside the cell, show its error and go on: nobody may take that for passed.
            return {**reply, "status": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": []}
        return reply

    @property
    def _supports_kernel_subshells(self) -> bool:
        return False  # the library asks whether there is a thread for them

    def do_shutdown(self, restart: bool) -> NoReturn:  # noqa: FBT001, ARG002 -- the library's own signature
        """Refuse: who ends a kernel here kills it."""
        refuse_shutdown()


class Runner:
    """Runs cells in IPython's shell and tells what became of them."""

    def __init__(self, shell: Any, job: Job) -> None:
        self.shell = shell
        self.job = job
        self._pid = os.getpid()
        self.notebook: Notebook = job.read()
        self.chain = [job.path]
        self._within: list[dict[str, Any]] = []
        self._taken: list[dict[str, Any]] = []
        self.cell: Cell | None = None
        self.error: BaseException | None = None
        self._displayed: BaseException | None = None
        self._begun_at: Location | None = None
        self.path, self._offset = job.path, 0
        self.ask = asking(job.host)
        files = _files(job)
        self.dbutils = Dbutils(widgets=job.widgets, fs=Fs(files), ask=self.ask, show=display, restart=self.restart)
        self.dbutils.widgets.take_any(job.is_task)
        if job.arguments is not None:
            self.dbutils.notebook = scripts.NoNotebook(job.what)  # type: ignore[assignment]  # it refuses each call
        self.dbutils.widgets.resume(job.resumed.get("widgets", {}))
        self._known: dict[str, Notebook] = {job.path: self.notebook}
        _show_lines(self.notebook)
        _keep_lines(shell, self)
        lead_imports(job)
        stand_for_runtime(job)
        self._session: Any = open_spark(job) if job.space else None
        self.spark: Any = self._session.spark if self._session is not None else None
        if self._session is not None:
            self._session.real_entry = real_folder
        if self.spark is not None:
            tell_cluster(self.spark, job.runtime)
        else:
            refuse_sessions()
        fill(shell, self)
        install(shell, self)
        watch_cases(self)
        hear_of_requests()
        self.queries, self._is_after = Queries(self._here), False
        if self.spark is not None:
            hear_of_queries()
            self.queries.hear()
        DbutilsCallError.heard = UnsupportedError.heard = self.refused
        protect(shell, is_ours=lambda: self._is_after)
        keep_no_copy(shell)
        trim_tracebacks(shell, self._note)
        shell.set_custom_exc((NotebookExit, PythonRestart), _on_end)
        shell.events.register("post_run_cell", self._ended)
        shell.events.register("post_execute", figures.close_shown)
        serve_files(files)
        serve_imports()
        serve_mlflow(os.path.join(job.files, "mlflow"), has_schema=self._has_schema, session=lambda: self.spark)

    def _has_schema(self, name: str) -> bool:
        return self.spark is None or bool(self.spark.catalog.databaseExists(name))

    def begin(self, number: int) -> str:
        """Turn to a cell, or to what is left after the last one; gives what IPython is to run for it."""
        if number == AFTER:
            self._is_after = True
            self.error, self.path = None, __file__  # the call is ours: no traceback shows it
            return "get_ipython().run_line_magic('nbh_settle', '')"
        self.cell, self.error, self._displayed = self.notebook.cells[number - 1], None, None
        self.path, self._offset = self.job.path, self.cell.first_line - 1
        within = self.job.resumed.pop("within", None)
        if within:
            self.job.resumed["go_on"] = within
            return "get_ipython().run_line_magic('nbh_go_on', '')"
        if self.job.arguments is not None:
            self.path = __file__  # the call is ours: no traceback shows it, and no coverage counts it
            return scripts.CALL
        step = step_of(self.cell)
        if step.kind == "unsupported":
            return f"get_ipython().run_line_magic('nbh_unsupported', {step.text!r})"
        return step.text if step.kind == "code" else ""

    def shift(self, tree: _Tree) -> _Tree:
        """Put what IPython has parsed to its lines in the file."""
        return ast.increment_lineno(tree, self._offset)

    def shift_error(self, error: SyntaxError) -> None:
        """Put what can't be parsed to its lines in the file."""
        error.lineno = (error.lineno or 1) + self._offset
        error.end_lineno = error.end_lineno and error.end_lineno + self._offset

    def run_script(self) -> None:
        """Run what is no notebook, but a Python script."""
        self.path = self.job.path
        scripts.run(self.notebook, self.job, self.shell.user_ns)

    def settle(self) -> None:
        """Wait for the notebook's streaming queries.

        Raises:
            Exception: What one failed by, or that one goes on for ever.
        """
        late = self._settled()
        if late is not None:
            raise late.with_traceback(None)  # of the query's own way to tell it

    def _settled(self) -> BaseException | None:
        found = self.queries.settle()
        if found is None:
            frame = left_at_work()
            if frame is None:
                return None
            self._begun_at = self._place(traceback.extract_stack(frame))
            return UnsupportedError(AT_WORK)
        begun, error = found
        self.cell, self._begun_at = begun.cell, begun.place
        return error if error is not None else UnsupportedError(ENDLESS)

    def _here(self) -> tuple[Cell, Location] | None:
        return (self.cell, self._place(traceback.extract_stack())) if self.cell is not None else None

    def restart(self) -> NoReturn:
        """Have Python begin anew after this cell, with what Databricks keeps: widgets and Spark's session."""
        if self.job.arguments is not None:
            scripts.no_restart(self.job.what)
        session = self._session.lend(os.getppid()) if self._session is not None else ""
        for taken in reversed(self._taken):  # what is left of each %run gives it anew
            self.dbutils.widgets.take_back(taken)
        self.ask("restart", widgets=self.dbutils.widgets.state(), session=session, within=self._within)
        raise PythonRestart

    def refused(self, error: Exception) -> None:
        """Note at once that something was asked for that isn't served: the notebook may catch the error and go on."""
        frames = traceback.extract_stack()
        if self.cell is None or is_by_library(frames):
            return
        ends = "infrastructure_failed" if isinstance(error, LostAnswerError) else "unsupported"
        tell(self.job.folder, "refused", ends=ends, why=why_refused(error), **self._facts(self._place(frames)))

    @contextlib.contextmanager
    def one_line_down(self) -> Iterator[None]:
        """For as long as what runs begins one line lower than the cell."""
        self._offset += 1
        try:
            yield
        finally:
            self._offset -= 1

    def _note(self, error: BaseException) -> None:
        self._displayed = error

    def tell_displayed(self) -> None:
        """Of a cell that failed though its code didn't: what its value couldn't be shown for."""
        if self.error is None and self._displayed is not None:
            self._tell(self._displayed)

    def _ended(self, result: Any) -> None:
        self._tell(result.error_before_exec or result.error_in_exec)

    def _tell(self, error: BaseException | None) -> None:
        if error is None or self.cell is None or os.getpid() != self._pid:  # a process that the notebook forked has no say
            return
        self.error = error
        if isinstance(error, PythonRestart):
            return
        if isinstance(error, NotebookExit):
            error = self._settled() or error
        facts = self._facts(self._begun_at or self.place_of(error))
        if isinstance(error, NotebookExit):
            tell(self.job.folder, "exit", value=error.value, **facts)
        elif isinstance(error, (UnsupportedError, DbutilsCallError)):
            tell(self.job.folder, "unsupported", why=why_refused(error), **facts)
        elif why := connect_only(error) or databricks_only(error) or newer_python(error) or self._unclear(error):
            tell(self.job.folder, "unsupported", why=why, **facts)
        else:
            what = in_words(error)
            if self.job.arguments is not None and (own := scripts.hint_of(error, self.job)):
                what = hinted(clipped(what), own)
            mapped = [folder for folder, _ in workspace_of(self.job.run_prefixes, self.job.project)]
            root, project, script = self.job.root, self.job.project, self.job.arguments is not None
            said = with_hint(clipped(what), mapped=mapped, root=root, project=project, script=script, tables=self._tables_named)
            tell(self.job.folder, "failed", error=said, **facts)

    def _tables_named(self) -> object:
        return tables_named(read_notebook(self.job.path)) if self.job.arguments is None else ""

    def _unclear(self, error: BaseException) -> str:
        if self.job.arguments is None:
            return ""
        frames = traceback.extract_tb(error.__traceback__)
        return scripts.unclear(error, self.job, frames[-1].filename if frames else "")

    def shown(self, path: str) -> str:
        """Give a path as users see it."""
        return os.path.relpath(path, self.job.root).replace(os.sep, "/")

    def place_of(self, error: BaseException) -> Location:
        """The innermost line of a notebook that an error came through."""
        return self._place(traceback.extract_tb(error.__traceback__), error)

    def _facts(self, place: Location) -> dict[str, Any]:
        assert self.cell is not None  # noqa: S101 -- asked only while one runs
        where = {"path": place.path, "line": place.line, "in_cell": place.cell, "at": place.cell_line}
        return {"cell": self.cell.number, **where, **({"after": True} if self._begun_at is not None else {})}

    def _place(self, frames: traceback.StackSummary, error: BaseException | None = None) -> Location:
        """The innermost line of a notebook among these frames, or the one that can't be parsed."""
        assert self.cell is not None  # noqa: S101 -- as above
        if self._begun_at is not None:
            return self._begun_at
        found = [(frame.filename, frame.lineno) for frame in frames if frame.filename in self._known]
        if isinstance(error, SyntaxError) and error.filename in self._known and error.lineno is not None:
            found.append((error.filename, error.lineno))
        for path, line in reversed(found):
            notebook = self._known[path]
            for cell in notebook.cells:
                if line is not None and cell.first_line <= line <= cell.last_line:
                    exact = line if notebook.exact_lines else None
                    return Location(self.shown(path), exact, cell.number, line - cell.first_line + 1)
        return Location(self.shown(self.job.path), cell=self.cell.number)

    def run_other(self, argument: str) -> None:
        """``%run``: the cells of another notebook, among the same names.

        Raises:
            RunTargetError: There is no such notebook.
            RunCycleError: It is one of those that lead here.
        """
        line = parse_run(argument)
        target = find_target(line.target, beside=self.path, prefixes=self.job.run_prefixes, root=self.job.project)
        if target is None:
            cause, mend = why_missing(line.target, beside=self.path, prefixes=self.job.run_prefixes, root=self.job.project)
            raise RunTargetError(f"the %run target {line.target!r} isn't there", cause=cause, mend=mend)
        if target in self.chain:
            circle = " -> ".join(os.path.basename(path) for path in [*self.chain[self.chain.index(target) :], target])
            raise RunCycleError("notebooks %run each other in a circle", cause=circle, mend="break the circle")
        self._run_cells(target, {name: self._value(value) for name, value in dict(line.arguments).items()})

    def _value(self, given: str) -> str:
        """What ``$name=…`` of a ``%run`` gives: a value that is itself ``$other`` is the widget of that name."""
        return self.dbutils.widgets.get(given[1:]) if given.startswith("$") else given

    def go_on(self) -> None:
        """After a restart of Python in a notebook that was ``%run``: run what is left of it, and of those that led to it."""
        self._go_on(self.job.resumed.pop("go_on"))

    def _go_on(self, within: list[dict[str, Any]]) -> None:
        here, *inner = within
        self._run_cells(here["path"], here["given"], after=here["cell"], first=lambda: self._go_on(inner) if inner else None)

    def _run_cells(
        self, target: str, given: dict[str, str], *, after: int = 0, first: Callable[[], object] = lambda: None
    ) -> None:
        """Run the cells of another notebook after this number; ``first`` is what is done among its names before that."""
        notebook = self._known.setdefault(target, read_notebook(target))
        _show_lines(notebook)
        before = (self.path, self._offset)
        self.chain.append(target)
        taken = self.dbutils.widgets.give(given)
        at = {"path": target, "given": given, "cell": after}
        self._within.append(at)
        self._taken.append(taken)
        try:
            first()
            for cell in notebook.cells[after:]:
                self.path, at["cell"] = target, cell.number
                self._run_cell(cell)
        finally:
            self.dbutils.widgets.take_back(taken)
            self._taken.pop()
            self._within.pop()
            self.chain.pop()
            self.path, self._offset = before

    def _run_cell(self, cell: Cell) -> None:
        step = step_of(cell)
        if step.kind == "unsupported":
            raise UnsupportedError(f"{os.path.basename(self.path)}, cell {cell.number}: {step.text}")
        if step.kind != "code":
            return
        self._offset = cell.first_line - 1
        tree = self.shift(self.shell.compile.ast_parse(self.shell.transform_cell(step.text), self.path))
        if awaits(tree, self.path):
            raise UnsupportedError(f"{os.path.basename(self.path)}, cell {cell.number}: {NO_AWAIT}")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        # By the shell's own: what this module imports of __future__ is none of theirs, and what a cell does holds from then on.
        exec(self.shell.compile(tree, self.path, "exec"), self.shell.user_ns)
        if last is not None:
            value = eval(self.shell.compile(ast.Expression(last.value), self.path, "eval"), self.shell.user_ns)  # noqa: S307 -- as above
            self.shell.displayhook(value)


def _on_end(shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None) -> list[str]:  # noqa: ARG001 -- IPython's own signature
    if isinstance(error, NotebookExit):
        sys.stdout.write(f"Notebook exited: {clipped(error.value)}\n")
    return []


def _keep_lines(shell: Any, runner: Runner) -> None:
    """Have code compiled under the notebook's own path, at its own lines."""
    manager = shell.input_transformer_manager
    # It would take away the blank lines at a cell's head, and all lines after them would be told wrong.
    manager.cleanup_transforms.remove(leading_empty_lines)
    shell.compile.cache = lambda code, number=0, raw_code=None: runner.path  # noqa: ARG005 -- IPython's own signature
    shell.ast_transformers.append(_Shift(runner))
    keep_lines_under_magics(shell, runner)


class _Shift:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def visit(self, tree: _Tree) -> _Tree:
        return self._runner.shift(tree)


def _show_lines(notebook: Notebook) -> None:
    """Have tracebacks show an .ipynb's Python, not its JSON; other formats are what they are."""
    if notebook.format != "ipynb":
        return
    lines = [""] * max((cell.last_line for cell in notebook.cells), default=0)
    for cell in notebook.cells:
        for index, line in enumerate(cell.source.split("\n")):
            lines[cell.first_line - 1 + index : cell.first_line + index] = [line]
    linecache.cache[str(notebook.path)] = (1, None, [f"{line}\n" for line in lines], str(notebook.path))


def _files(job: Job) -> Files:
    work = os.path.join(job.folder, WORK)
    mapped = workspace_of(job.run_prefixes, job.project)
    own = [work, *(folder for _, folder in mapped if job.writes)]
    # What a notebook is told of its place is so: /Workspace and its path there lead to it.
    workspace = [*mapped, *([("", work)] if job.entry is None else [])]
    return Files(job.files, own=lambda: own, driver=job.work, workspace=workspace)
