"""The kernel's side of a run: a notebook's names around it, and its cells one by one, at their own lines of its file."""

from __future__ import annotations

import ast
import linecache
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from IPython.core.inputtransformer2 import leading_empty_lines

from harness.errors import DbutilsCallError, RunCycleError, RunTargetError
from harness.execute.hints import hint
from harness.execute.job import load_job, tell
from harness.execute.magics import UnsupportedError, install
from harness.execute.steps import step_of
from harness.extract.run import find_target, parse_run
from harness.model import Location
from harness.notebook import read_notebook
from harness.runtime.dbutils import Dbutils
from harness.runtime.files import Files, workspace_of
from harness.runtime.fs import Fs
from harness.runtime.fuse import serve as serve_files
from harness.runtime.notebook import NotebookExit, NotebookPart

if TYPE_CHECKING:
    from harness.execute.job import Job
    from harness.model import Cell, Notebook


def serve(connection: str, job: str) -> None:
    """Be a kernel until it is told to end."""
    NotebookKernel.job = load_job(job)
    os.chdir(NotebookKernel.job.work)
    settings = ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"]
    IPKernelApp.launch_instance(argv=["-f", connection, *settings], kernel_class=NotebookKernel)


class NotebookKernel(IPythonKernel):  # type: ignore[misc]  # the library has no types that mypy reads
    """An IPython kernel that is sent the numbers of cells instead of their text: it has the notebook itself."""

    job: Job

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            self.runner = Runner(self.shell, self.job)
        except BaseException as exc:
            tell(self.job.folder, "lost", error="".join(traceback.format_exception_only(exc)).strip())
            raise

    async def do_execute(self, code: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run the cell of that number."""
        number = code.strip()
        text = self.runner.begin(int(number)) if number.isdigit() else code
        reply: dict[str, Any] = await super().do_execute(text, *args, **kwargs)
        error = self.runner.error
        if reply["status"] == "ok" and error is not None:
            # %%capture and its like run a cell inside the cell, show its error and go on: nobody may take that for passed.
            return {**reply, "status": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": []}
        return reply


class Runner:
    """Runs cells in IPython's shell and tells what became of them."""

    def __init__(self, shell: Any, job: Job) -> None:
        self.shell = shell
        self.job = job
        self.notebook: Notebook = read_notebook(job.path)
        self.chain = [job.path]
        self.cell: Cell | None = None
        self.error: BaseException | None = None
        self.path, self._offset = job.path, 0
        files = _files(job)
        self.dbutils = Dbutils(widgets=job.widgets, fs=Fs(files))
        vars(self.dbutils)["notebook"] = NotebookPart()
        self._known: dict[str, Notebook] = {job.path: self.notebook}
        _show_lines(self.notebook)
        _keep_lines(shell, self)
        self.spark: Any = _open_spark(job) if job.space else None
        _fill(shell, self)
        install(shell, self)
        shell.set_custom_exc((NotebookExit,), _on_exit)
        shell.events.register("post_run_cell", self._ended)
        serve_files(files)

    def begin(self, number: int) -> str:
        """Turn to a cell; gives what IPython is to run for it."""
        self.cell, self.error = self.notebook.cells[number - 1], None
        self.path, self._offset = self.job.path, self.cell.first_line - 1
        step = step_of(self.cell)
        if step.kind == "unsupported":
            return f"get_ipython().run_line_magic('nbh_unsupported', {step.text!r})"
        return step.text if step.kind == "code" else ""

    def shift(self, tree: ast.AST) -> ast.AST:
        """Put what IPython has parsed to its lines in the file."""
        return ast.increment_lineno(tree, self._offset)

    def _ended(self, result: Any) -> None:
        error = result.error_before_exec or result.error_in_exec
        if error is None or self.cell is None:
            return
        self.error = error
        place = self._place(error)
        facts = {"cell": self.cell.number, "path": place.path, "line": place.line, "in_cell": place.cell, "at": place.cell_line}
        if isinstance(error, NotebookExit):
            tell(self.job.folder, "exit", value=error.value, **facts)
        elif isinstance(error, (UnsupportedError, DbutilsCallError)):
            tell(self.job.folder, "unsupported", why=str(getattr(error, "what", error)), **facts)
        else:
            what = "".join(traceback.format_exception_only(error)).strip()
            tell(self.job.folder, "failed", error=what + hint(what), **facts)

    def _place(self, error: BaseException) -> Location:
        """The innermost line of a notebook that an error came through."""
        assert self.cell is not None  # noqa: S101 -- asked only while one runs
        frames = traceback.extract_tb(error.__traceback__)
        found = [(frame.filename, frame.lineno) for frame in frames if frame.filename in self._known]
        if isinstance(error, SyntaxError) and error.filename in self._known and error.lineno is not None:
            found.append((error.filename, error.lineno + self._offset))
        for path, line in reversed(found):
            notebook = self._known[path]
            shown = os.path.relpath(path, self.job.root).replace(os.sep, "/")
            for cell in notebook.cells:
                if line is not None and cell.first_line <= line <= cell.last_line:
                    exact = line if notebook.exact_lines else None
                    return Location(shown, exact, cell.number, line - cell.first_line + 1)
        shown = os.path.relpath(self.job.path, self.job.root).replace(os.sep, "/")
        return Location(shown, cell=self.cell.number)

    def run_other(self, argument: str) -> None:
        """``%run``: the cells of another notebook, among the same names.

        Raises:
            RunTargetError: There is no such notebook.
            RunCycleError: It is one of those that lead here.
        """
        line = parse_run(argument)
        target = find_target(line.target, beside=self.path, prefixes=self.job.run_prefixes, root=self.job.project)
        if target is None:
            raise RunTargetError(
                f"the %run target {line.target!r} isn't there",
                cause="no notebook of that name lies beside this one, and no run_prefixes entry fits it",
                mend="correct the path, or map the workspace folder under [tool.nbh] run_prefixes",
            )
        if target in self.chain:
            circle = " -> ".join(os.path.basename(path) for path in [*self.chain[self.chain.index(target) :], target])
            raise RunCycleError("notebooks %run each other in a circle", cause=circle, mend="break the circle")
        notebook = self._known.setdefault(target, read_notebook(target))
        _show_lines(notebook)
        before = (self.path, self._offset)
        self.chain.append(target)
        given = self.dbutils.widgets.give(dict(line.arguments))
        try:
            for cell in notebook.cells:
                self.path = target
                self._run_cell(cell)
        finally:
            self.dbutils.widgets.take_back(given)
            self.chain.pop()
            self.path, self._offset = before

    def _run_cell(self, cell: Cell) -> None:
        step = step_of(cell)
        if step.kind == "unsupported":
            raise UnsupportedError(f"{os.path.basename(self.path)}, cell {cell.number}: {step.text}")
        if step.kind != "code":
            return
        self._offset = cell.first_line - 1
        tree = ast.parse(self.shell.transform_cell(step.text), self.path)
        self.shift(tree)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, self.path, "exec"), self.shell.user_ns)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), self.path, "eval"), self.shell.user_ns)  # noqa: S307 -- as above
            self.shell.displayhook(value)


def _on_exit(shell: Any, kind: type, error: NotebookExit, trace: Any, tb_offset: int | None = None) -> list[str]:  # noqa: ARG001 -- IPython's own signature
    sys.stdout.write(f"Notebook exited: {error.value}\n")
    return []


def _keep_lines(shell: Any, runner: Runner) -> None:
    """Have code compiled under the notebook's own path, at its own lines."""
    manager = shell.input_transformer_manager
    # It would take away the blank lines at a cell's head, and all lines after them would be told wrong.
    manager.cleanup_transforms.remove(leading_empty_lines)
    shell.compile.cache = lambda code, number=0, raw_code=None: runner.path  # noqa: ARG005 -- IPython's own signature
    shell.ast_transformers.append(_Shift(runner))


class _Shift:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def visit(self, tree: ast.AST) -> ast.AST:
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
    work = os.path.join(job.folder, "work")
    workspace = workspace_of(job.run_prefixes, job.project)
    return Files(job.files, own=lambda: [work], driver=job.work, workspace=workspace)


def _open_spark(job: Job) -> Any:
    from harness.settings import settings_for
    from harness.spark import choose, conf, connect

    settings = settings_for(os.path.join(job.project, "x"))
    roots = [Path(root) for root in job.roots]
    # A path without a scheme is one of dbfs, as on Databricks: whatever the notebook writes there goes with its test.
    return connect.open_session(
        choose.wishes_of(settings),
        roots=roots,
        progress=lambda _line: None,
        space=job.space,
        files=job.files,
        bare=conf.DBFS,
    ).spark


def _fill(shell: Any, runner: Runner) -> None:
    """Give the notebook the names that it finds on Databricks."""
    from harness.execute.shown import display, display_html

    names: dict[str, Any] = {
        "dbutils": runner.dbutils,
        "display": display,
        "displayHTML": display_html,
        "getArgument": runner.dbutils.widgets.getArgument,
    }
    if runner.spark is not None:
        from pyspark.sql.functions import udf

        spark = runner.spark
        names |= {"spark": spark, "sqlContext": spark, "sql": spark.sql, "table": spark.table, "udf": udf}
    shell.user_ns.update(names)
    folders = [os.path.dirname(runner.job.path), *runner.job.roots]
    sys.path[:0] = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
