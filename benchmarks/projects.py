"""Write the small projects that are measured: notebooks beside plain modules of the same code."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_BODY = """import json
import math
LIMIT = 10

def f{n}(x):
    '''Scale.'''
    y = math.sqrt(x) * LIMIT
    return json.dumps({{'v': y}})
"""
_HEADER = "# Databricks notebook source\n"
_CELL = "\n# COMMAND ----------\n\n"
_ACTS = "df = spark.table('a.b.c')\ndisplay(df)\n"
_INI = "[tool.pytest.ini_options]\npythonpath = ['.']\n"

# The median of 180 public notebooks that define anything: 6.2 kB, 153 lines, 11 cells, 7 of Python with 23 statements,
# 2 of them definitions.
_TELLING = "".join(
    f"# MAGIC This cell tells, at some length, what the next one does and why it is done so: line {n}.\n" for n in range(16)
)
_MEDIAN = """# Databricks notebook source
# MAGIC %md
# MAGIC # Customer features @n@
@telling@
# COMMAND ----------

import json
import math
from datetime import datetime, timedelta
from collections import defaultdict
import re

# COMMAND ----------

catalog = "main"
schema = "churn"
source_table = f"{catalog}.{schema}.events"

# COMMAND ----------

dbutils.widgets.text("day", "2024-01-01")
day = dbutils.widgets.get("day")
print(f"working on {day}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Helpers
@telling@
# COMMAND ----------

def f@n@(x, limit=10):
    '''Scale a value and write it as JSON.'''
    if x < 0:
        raise ValueError("negative")
    y = math.sqrt(x) * limit
    parts = defaultdict(list)
    for word in re.split(r"[^a-z]+", "some words to split"):
        parts[len(word)].append(word)
    return json.dumps({"v": y, "words": sum(map(len, parts.values()))})


def window@n@(start, days=7):
    '''Give the days of a window.'''
    first = datetime.fromisoformat(start)
    return [(first + timedelta(days=d)).date().isoformat() for d in range(days)]

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT customer_id, count(*) AS events FROM main.churn.events
# MAGIC GROUP BY customer_id

# COMMAND ----------

df = spark.table(source_table)
df = df.where(df.day == day)
counts = df.groupBy("customer_id").count()
display(counts)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Write
@telling@
# COMMAND ----------

(counts.write.format("delta")
    .mode("overwrite")
    .option("overwriteSchema", "true")
    .saveAsTable(f"{catalog}.{schema}.counts"))
spark.sql(f"OPTIMIZE {catalog}.{schema}.counts")

# COMMAND ----------

for row in counts.limit(10).collect():
    print(row)
assert counts.count() > 0
dbutils.notebook.exit("done")
"""


def small_notebook(n: int, *, acts: bool = True) -> str:
    """Give a source notebook of one function; ``acts`` adds a cell that only a workspace could run."""
    imports, _, function = _BODY.format(n=n).partition("\n\n")
    return _HEADER + imports + "\n" + _CELL + function + (_CELL + _ACTS if acts else "")


def small_ipynb(n: int, *, acts: bool = False) -> str:
    """Give the same notebook as ``.ipynb``."""
    imports, _, function = _BODY.format(n=n).partition("\n\n")
    return ipynb([imports + "\n", function, *([_ACTS] if acts else [])])


def plain_module(n: int) -> str:
    """Give the same code as a plain module."""
    return _BODY.format(n=n)


def median_notebook(n: int) -> str:
    """Give a notebook as large and as mixed as the median of public ones that define anything."""
    return _MEDIAN.replace("@telling@\n", _TELLING).replace("@n@", str(n))


def ipynb(cells: Iterable[str], outputs: Iterable[str] = ()) -> str:
    """Give a Jupyter notebook; the outputs go to its first cell."""
    streams = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)} for text in outputs]
    code: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell{n}",
            "metadata": {},
            "outputs": streams if n == 0 else [],
            "source": text.splitlines(keepends=True),
        }
        for n, text in enumerate(cells)
    ]
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return (
        json.dumps(
            {
                "cells": code,
                "metadata": {"kernelspec": spec, "language_info": {"name": "python"}},
                "nbformat": 4,
                "nbformat_minor": 5,
            },
            indent=1,
        )
        + "\n"
    )


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write a project's files, with a pyproject.toml that lets its folders be imported."""
    for name, text in {"pyproject.toml": _INI, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def importing_test(package: str, count: int, prelude: str = "") -> str:
    """Give a test file that imports one function of each module and calls it once, and prints the CPU seconds that took."""
    imports = "".join(f"from {package}.m{n} import f{n}\n" for n in range(count))
    calls = ", ".join(f"f{n}" for n in range(count))
    return (
        f"{prelude}import time\nbefore = time.process_time()\n{imports}imported = time.process_time() - before\n\n"
        f"def test_all():\n    before = time.process_time()\n    for f in ({calls}):\n        assert f(4.0)\n"
        "    print('CPU', imported + time.process_time() - before)\n"
    )


def forget_caches(root: Path) -> None:
    """Remove every ``__pycache__`` below a folder."""
    for folder in list(root.rglob("__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)
