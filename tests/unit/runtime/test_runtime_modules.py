from __future__ import annotations

import subprocess
import sys

from harness.runtime import modules

USE = """
import sys
sys.modules["databricks"] = None  # as where databricks-sdk isn't installed
sys.modules["pyspark"] = None
from harness.runtime import modules
given = {name: f"the {name}" for name in ("dbutils", "spark", "display")}
modules.install(given)
from databricks.sdk.runtime import *
assert (dbutils, spark, display) == ("the dbutils", "the spark", "the display")
from databricks.sdk.runtime import dbutils as again
assert again == "the dbutils"
from pyspark.dbutils import DBUtils
assert DBUtils(spark) == DBUtils() == "the dbutils"
try:
    from databricks.sdk.runtime import sql
except ImportError as error:
    print(error)
"""


def test_no_package_is_needed():
    """A run without the SDK has the same names; one that isn't there is an ImportError as everywhere."""
    done = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "cannot import name 'sql' from 'databricks.sdk.runtime'" in done.stdout


def test_the_sdk_finds_no_sign_in_there():
    """It asks this module for ways to sign in, and passes over those that are None."""
    made = modules.put(lambda name: name)
    try:
        from databricks.sdk.runtime import init_runtime_legacy_auth, init_runtime_native_auth, init_runtime_repl_auth
    finally:
        modules.take_away(made)

    assert (init_runtime_legacy_auth, init_runtime_native_auth, init_runtime_repl_auth) == (None, None, None)


def test_a_late_name_is_looked_up_at_each_use():
    """A helper module keeps it, from one test to the next."""
    found = {"thing": "abc"}
    late = modules.Late("thing", found.__getitem__)
    assert late.upper() == "ABC"
    found["thing"] = str.title
    assert late("def") == "Def"
    assert repr(late) == "<thing of the running test>"
    assert not hasattr(late, "__wrapped__")
