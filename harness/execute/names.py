"""The names that a notebook finds around it when it is run whole, and where it finds modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.execute import databricks_session
from harness.execute.imports import refuse_notebooks, tell_of_what_is_missing
from harness.execute.pip import stay_out
from harness.execute.refusals import NoContext, no_workspace
from harness.execute.scripts import leave_bare
from harness.execute.shown import display, display_html
from harness.execute.wheel_imports import on_path, refuse_what_no_wheel_has
from harness.runtime import context, modules
from harness.runtime.around import RUNTIME, STANDS_FOR
from harness.spark.star_import import StarImport

if TYPE_CHECKING:
    from harness.execute.job import Job
    from harness.execute.kernel import Runner


def lead_imports(job: Job) -> None:
    """Have modules found: what the run installs, what lies beside the notebook and in the project, and what the run writes.

    Before Spark's session is opened: its Python workers are told this path then. Of a script only what is installed is sure to
    be found, see `harness.execute.scripts`; of a wheel what is surely in it. Wheels come last, but before what is installed:
    https://docs.databricks.com/libraries names that order.
    """
    stay_out(job.site)
    folders = [job.site, *(() if job.arguments is not None else (os.path.dirname(job.path), *job.roots)), *on_path(job.wheels)]
    if job.arguments is None or job.entry is not None:
        refuse_what_no_wheel_has(job.wheels, root=job.root)
    sys.path[:0] = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
    if job.arguments is None:
        sys.path.append(job.work)
    refuse_notebooks()
    tell_of_what_is_missing()


def stand_for_runtime(job: Job) -> None:
    """Set the variable by which notebooks tell Databricks from other places.

    A run stands for one of a job there: told that it is elsewhere, a notebook would leave out its work, and have passed. A
    value that the test has set stays.
    """
    if job.runtime and RUNTIME not in os.environ:
        os.environ[RUNTIME] = os.environ[STANDS_FOR] = job.runtime


def tell_cluster(spark: Any, runtime: str) -> None:
    """Give the settings by which a notebook learns of its cluster and workspace: plainly local ones, as its context's are."""
    from harness.spark.clients import set_all

    ours = {
        "workspaceUrl": context.HOST,
        "clusterUsageTags.clusterId": context.CLUSTER,
        "clusterUsageTags.clusterOwnerOrgId": context.WORKSPACE,
        "unityCatalog.enabled": "true",
        "service.client.enabled": "false",  # Databricks' own way to tell a cluster from its old client asks for it
        **({"clusterUsageTags.sparkVersion": f"{runtime}.x-scala2.13"} if runtime else {}),
    }
    set_all(spark, {f"spark.databricks.{name}": value for name, value in ours.items()})


def open_spark(job: Job) -> Any:
    """Open the run's session, in the catalogs of its test; after a restart of Python it is the one that there was.

    Raises:
        EngineLostError: The engine ended while Python began anew, and the session with it.
    """
    from harness.settings import settings_for
    from harness.spark import choose, conf, connect

    settings = settings_for(os.path.join(job.project, "x"))
    opened = connect.open_session(
        choose.wishes_of(settings),
        roots=[Path(root) for root in job.roots],
        space=job.space,
        session=job.resumed.get("session", ""),
        files=job.files,
        whose=job.whose,
        bare=conf.DBFS,  # as on Databricks, so that whatever the notebook writes by a bare path goes with its test
        progress=lambda _line: None,
    )
    if job.resumed.get("session") and opened.engine.has_catalogs and opened.spark.conf.get("spark.nbh.space", "") != job.space:
        raise opened.lost_error()
    return opened


def fill(shell: Any, runner: Runner) -> None:
    """Give the notebook the names that it finds on Databricks; a script finds none of them but in their modules."""
    names: dict[str, Any] = {
        "dbutils": runner.dbutils,
        "display": display,
        "displayHTML": display_html,
        "getArgument": runner.dbutils.widgets.getArgument,
        # IPython's own leave a kernel as it is, and the notebook would go on where its author ended it.
        **dict.fromkeys(("exit", "quit"), sys.exit),
    }
    if runner.spark is not None:
        from pyspark.sql.functions import udf

        from harness.spark.methods import add

        spark = runner.spark
        add(spark, display)
        names |= {"spark": spark, "sqlContext": spark, "sql": spark.sql, "table": spark.table, "udf": udf, "sc": NoContext()}
    if runner.job.arguments is None:
        shell.user_ns.update(names)
    else:
        leave_bare(shell.user_ns)
    modules.install(names, sign_in=no_workspace)
    StarImport().install()
    if runner.spark is not None:
        databricks_session.install(runner.spark)
