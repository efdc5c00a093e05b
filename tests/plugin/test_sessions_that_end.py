"""A Spark session of a workspace that ends in the middle of a run costs the test that used it, and no other."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal"),
    pytest.mark.skipif(find_spec("databricks") is None, reason="needs the extra remote"),
]

TOML = """
    [tool.nbh.env.rehearsal.compute]
    spark_version = "17.3.x-scala2.13"
    node_type_id = "Standard_D4ds_v5"
    num_workers = 1
"""
TESTS = """
    import pytest
    from databricks.sdk import WorkspaceClient

    def test_stops_it(spark, uc):
        uc.make_table(name="orders", rows=[{"id": 1}])
        spark.stop()

    def test_after_that(spark, uc):
        uc.make_table(name="orders", rows=[{"id": 1}])
        assert uc.table("orders").count() == 1
        spark.range(1).createOrReplaceTempView("v")

    def test_loses_its_cluster(spark, uc, databricks_env):
        uc.make_table(name="orders", rows=[{"id": 1}])
        client = WorkspaceClient(host=databricks_env.host)
        for one in client.clusters.list():
            if one.cluster_name.startswith("nbh-"):
                client.clusters.permanent_delete(one.cluster_id)
        with pytest.raises(Exception):  # it takes it for the one that it expects
            spark.range(3).count()

    def test_on_another_cluster(spark):
        assert spark.range(3).count() == 3
        assert not spark.catalog.tableExists("v")
        assert [row[0] for row in spark.sql("SHOW SCHEMAS IN main").collect() if row[0].startswith("nbh_test_")] == []
"""


def test_the_next_test_has_another_session(make_folder):
    """After a stop, and on another cluster where ours has gone; the one that lost it is told so, and leaves nothing."""
    folder = make_folder({"pyproject.toml": TOML, "test_it.py": TESTS})

    said = folder.run_apart("pytest", "--databricks-env=rehearsal", "-v").stdout

    assert "= 1 failed, 3 passed" in said, said
    assert "NBH309 the Spark session on the workspace ended during this test" in said
    assert re.search(r"^  cause: INVALID_PARAMETER_VALUE: Cluster \S+ does not exist$", said, flags=re.MULTILINE), said
    assert re.search(r"^FAILED test_it.py::test_loses_its_cluster", said, flags=re.MULTILINE), said
    assert "2 cluster starts" in said
