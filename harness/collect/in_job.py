"""Tests that another pytest has sent to a cluster: run here, in the job's notebook, and told in a text that goes back."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.inside import run_pytest
from harness.collect.journal import Journal
from harness.collect.remote import SENT_BY
from harness.collect.warned import MOST, as_data
from harness.environments import Environment
from harness.remote.on_cluster import packed
from harness.runtime.around import Around, runtime_here

if TYPE_CHECKING:
    import warnings
    from collections.abc import Iterator, Mapping, Sequence

_LONGEST = 8000


def run_sent(order: Mapping[str, Any], root: str, spark: Any, dbutils: Any) -> str:
    """Run the tests of an order in the folder where its files lie; gives what the job's notebook exits with.

    Red tests raise nothing here: whoever has sent them shows them as his own. The order is that of
    `harness.remote.on_cluster.Order`, as plain data.

    Raises:
        OnClusterResultError: The results are longer than a workspace gives back.
    """
    root = os.path.realpath(root)
    environment = Environment(str(order["environment"]), host=str(order["host"]), catalog=str(order["catalog"]))
    around = Around(spark, dbutils, runtime_here())
    journal = Journal(str(order["folder"]), str(order["token"]), root)
    sender = _Sender(order["tests"], environment, journal)
    with _measured(order["measure"], root) as data, journal.kept():
        ended = run_pytest(root, [*order["arguments"], *order["files"]], around, [sender])
    said = sender.stopped or ended.why or (f"pytest ended with {ended.code}" if ended.code > 1 else "")
    facts = {
        "token": order["token"],
        "root": root,
        "code": ended.code,
        "reports": sender.reports,
        "warnings": sender.warnings,
        "unread": [[name, text[-_LONGEST:]] for name, text in ended.unread],
        "said": said,
        "coverage": base64.b85encode(data[0]).decode() if data else "",
    }
    return packed(facts, pieces=0 if journal.failed else journal.count)


class _Sender:
    """A plugin that runs the tests that are asked for alone, in their order, and keeps their reports as plain data."""

    def __init__(self, wanted: Sequence[str], environment: Environment, journal: Journal) -> None:
        self._wanted = list(wanted)
        self._environment = environment
        self._journal = journal
        self._config: pytest.Config | None = None
        self.reports: list[Any] = []
        self.warnings: list[dict[str, Any]] = []
        self.stopped = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        self._config = config
        config.stash[SENT_BY] = self._environment

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        found = {item.nodeid: item for item in items}
        items[:] = [found[one] for one in self._wanted if one in found]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._journal.begins(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        assert self._config is not None  # noqa: S101 -- configured before any test
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        plain = json.loads(json.dumps(data, default=str))
        self.reports.append(plain)
        self._journal.add(plain)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        if when == "runtest" and len(self.warnings) < MOST:  # those of collecting are had where the tests were sent from
            self.warnings.append(as_data(warning_message, nodeid, when))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        stopped = session.shouldfail or session.shouldstop
        if stopped:
            self.stopped = f"the tests were stopped before it was run: {stopped}"


@contextlib.contextmanager
def _measured(measure: Mapping[str, Any] | None, root: str) -> Iterator[list[bytes]]:
    """Have coverage measure what is asked for; what it found stands in the list at the end."""
    found: list[bytes] = []
    if measure is None:
        yield found
        return
    from coverage import Coverage

    def there(text: str) -> str:
        """A folder of the project, or a name as it is."""
        place = os.path.normpath(os.path.join(root, text))
        return place if os.path.exists(place) else text

    cov = Coverage(
        data_file=None,
        config_file=False,
        branch=bool(measure["branch"]),
        source=[there(one) for one in measure["source"]] or [root],
        omit=[os.path.join(os.path.dirname(root), "packages", "*")],
        messages=False,
    )
    if measure["plugin"]:
        cov.set_option("run:plugins", [measure["plugin"]])
    cov.start()
    try:
        yield found
    finally:
        cov.stop()
        found.append(cov.get_data().dumps())
