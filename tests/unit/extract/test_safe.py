"""Which held-back statements may run inside a test, and the words for why one may not."""

from __future__ import annotations

import pytest

SETUP = (
    "import os, random, json, requests, numpy as np",
    "from pyspark.sql import functions as F, SparkSession",
    "from pyspark.sql.types import StructType",
    "rows = [1]",
)


@pytest.fixture
def verdict(project):
    """Judge the last statement of a notebook that has these cells."""

    def judge(*cells, setup=SETUP):
        outline = project.load(*setup, *cells).__units__.values.outline
        return outline.verdict(len(outline.entries) - 1)

    return judge


@pytest.mark.parametrize(
    ("cell", "needs"),
    [
        ("x = str(1).upper()", set()),
        ("x: int = len('a')", set()),
        ("assert len('a'), 'a'", set()),
        ("x = sorted('ab', key=lambda y: len(y))", set()),
        ("x = len('a') ** 2", set()),
        ("rows[len('a')] = 1", set()),
        ("(x, *rows[0:len('a')]) = 1, 2", set()),
        ("del rows[len('a')]", set()),
        ("x = np.array([len('a')])", set()),
        ("x = json.loads('1').get('a')", set()),
        ("x = SparkSession.builder.appName('x').getOrCreate()", {"spark"}),
        ("x = F.col('a').alias('b')", {"spark"}),
        ("x = StructType()", set()),
        ("x = spark.table('t').where(F.col('a') > 1).collect()", {"spark"}),
        ("x = spark.sql('select 1').collect()", {"spark"}),
        ("x = spark.sql(f'SHOW TABLES IN {rows}').first()[0]", {"spark"}),
        ("x = sql('describe t')", {"spark"}),
        ("x = spark.sparkContext", {"spark"}),
        ("spark.sparkContext.setLogLevel('ERROR')", {"spark"}),
        ("x = dbutils.secrets.get('a', 'b')", {"dbutils"}),
        ("x = dbutils.widgets.get('a')", {"widget"}),
        ("x = getArgument('a')", {"widget"}),
        ("x = list([display])", {"display"}),
    ],
)
def test_statement_that_only_computes_may_run(verdict, cell, needs):
    """It needs of a test no more than it reads."""
    found = verdict(cell)

    assert found.reason == ""
    assert found.needs == needs


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("with open('a', 'w') as x:\n    pass", "enters `with open`"),
        ("with (rows or rows)[0]:\n    x = len('a')", "enters `with …`"),
        ("while len('a'):\n    x = 1", "loops with `while`"),
        ("os.environ['a'] = str(1)", "changes os.environ"),
        ("spark.a = str(1)", "changes spark.a"),
        ("x = [(yield)]", "uses `yield`"),
        ("x = 2 ** (3 + len('a'))", "raises to a computed power"),
        ("x = spark.sql('drop table t')", "runs SQL that may change something"),
        ("x = spark.sql(query)", "runs SQL that may change something"),
        ("x = spark.sql()", "runs SQL that may change something"),
        ("x = spark.sql(f'')", "runs SQL that may change something"),
        ("x = spark.sql('  ')", "runs SQL that may change something"),
        ("x = spark.sql('select 1').writeTo('t')", "runs SQL that may change something"),
        ("x = spark.table('t').write.save()", "calls spark.table.write.save()"),
        ("x = spark.stop()", "calls spark.stop()"),
        ("x = displayHTML('a')", "calls displayHTML()"),
        ("x = requests.get('u')", "calls requests.get()"),
        ("x = np.load('f')", "calls numpy.load()"),
        ("x = rows.whatever()", "calls .whatever()"),
        ("x = rows[0](1)", "calls rows()"),
        ("x = (rows or rows)()", "calls rows or rows()"),
        ("x = nowhere(1)", "calls nowhere()"),
        ("x = json.loads('1').send()", "calls .send()"),
        ("x = json.loads('1').write.get()", "calls .get()"),
        ("global x", "changes the global x"),
        ("async with rows:\n    pass", "enters `with rows`"),
        ("x = [y for y in rows if requests.get(y)]", "calls requests.get()"),
        # What stands in the middle of a chain counts as what stands at its end.
        ("x = np.array(requests.get('u').json()).T.tolist()", "calls requests.get.json()"),
        ("x = np.array([1]).base.to_file()", "calls .to_file()"),
        ("x = spark.table('t').toPandas().to_csv('f')", "calls spark.table.toPandas.to_csv()"),
        ("x = spark.createDataFrame(requests.get('u')).collect()[0].asDict()", "calls requests.get()"),
        ("x = spark.table('t').collect()[requests.get('u')].asDict()", "calls requests.get()"),
        ("x = spark.sql(f\"select {requests.get('u')}\").collect()", "calls requests.get()"),
    ],
)
def test_statement_that_acts_may_not(verdict, cell, reason):
    """Its placeholder says in these words what it does."""
    assert verdict(cell).reason == reason


@pytest.mark.parametrize(
    ("definition", "call", "reason"),
    [
        ("def own():\n    y: int\n    return", "own()", ""),
        ("def own():\n    try:\n        len('a')\n    except ValueError:\n        raise", "own()", ""),
        ("def own():\n    raise ValueError('a')", "own()", ""),
        ("def own():\n    import json as j, os.path\n    from math import sqrt as r\n    return j.loads(r(4))", "own()", ""),
        ("def own():\n    import requests\n    return requests.get('u')", "own()", "calls own(), which calls requests.get()"),
        ("def own():\n    from shutil import rmtree as r\n    r('x')", "own()", "calls own(), which calls shutil.rmtree()"),
        ("def own(n):\n    return own(n - 1) if n else 0", "own(1) + own(2)", ""),
        ("def own():\n    global rows\n    rows = []", "own()", "calls own(), which changes the global rows"),
        ("async def own():\n    pass", "own()", "calls own()"),
        ("def own():\n    async def inner():\n        pass\n    def g():\n        pass", "own()", ""),
        ("class Own:\n    def __init__(self):\n        self.a = self.make(), self.make()\n    def make(self):\n        pass",
         "Own()", ""),
        ("class Own:\n    def __init__(self):\n        self.__setattr__('a', 1)", "Own()", ""),
        ("class Own:\n    def __init__(self):\n        self.base()", "Own()", "calls Own(), which calls self.base()"),
        ("class Own:\n    def __init__(self):\n        self.make()\n    def make(self):\n        open('a')",
         "Own()", "calls Own(), which calls open()"),
        ("class Own:\n    def go(self):\n        open('a')", "Own()", ""),
        ("class Own:\n    def go(self):\n        open('a')", "Own().go()", "calls Own(), which calls open()"),
        ("class Own:\n    def go(self):\n        pass\n    def other(self):\n        open('a')",
         "Own().go(), Own().other()", "calls Own(), which calls open()"),
        ("class Own:\n    def go(self):\n        pass", "Own(requests.get('u')).go()", "calls requests.get()"),
        ("def own(x=1):\n    return x", "own().send()", "calls .send()"),
        ("def own(x=1):\n    return x", "own(requests.get('u')).strip()", "calls requests.get()"),
        ("def own(x=1):\n    return x", "own('a').strip()", ""),
    ],
)  # fmt: skip
def test_call_of_an_own_function_is_as_safe_as_its_body(verdict, definition, call, reason):
    """Every statement of it counts, and what it calls in turn."""
    assert verdict(definition, f"x = [{call}]").reason == reason


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("if len('a'):\n    def own():\n        return len('a')\n    x = own()", ""),
        ("if len('a'):\n    def own():\n        return requests.get('u')\n    x = own()",
         "calls own(), which calls requests.get()"),
        ("if len('a'):\n    @requests.get('u')\n    def own():\n        return 1\n    x = 1", "calls requests.get()"),
        ("if len('a'):\n    def own(a=open('f', 'w')):\n        return 1\n    x = 1", "calls open()"),
        # Which of the two it is depends on the way there.
        ("if len('a'):\n    def outer():\n        return requests.get('u')\n    x = outer()",
         "calls outer(), which calls requests.get()"),
        ("if len('a'):\n    def act():\n        return len('a')\n    x = act()", "calls act(), which calls requests.post()"),
    ],
)  # fmt: skip
def test_function_that_the_statement_defines_is_as_safe_as_its_body(verdict, cell, reason):
    """Also where the notebook has one of that name besides: then both count."""
    outside = "def outer():\n    return 1\ndef act():\n    requests.post('u')"

    assert verdict(outside, cell).reason == reason


BOX = """
class Box:
    def __init__(self):
        self.items = {}
        self.send = len
    def put(self, **items):
        for name in items:
            self.keep(name)
    def keep(self, name):
        self.items[name] = 1
    def fetch(self):
        return requests.get('u')
    def get(self):
        return requests.get('u')
    def send(self):
        return 1
    @staticmethod
    def close():
        return 1
"""


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["box = Box()", "box.put(a=1)"], ""),
        (["box = Box()", "box.put(a=1)", "x = box.keep('a')"], ""),
        (["box = Box()", "box.put(a=requests.get('u'))"], "calls requests.get()"),
        (["box = Box()", "x = box.fetch()"], "calls Box.fetch(), which calls requests.get()"),
        (["box = Box()", "x = box.get()"], "calls Box.get(), which calls requests.get()"),
        (["box = Box()", "x = box.send()"], "calls .send()"),
        (["box = Box()", "x = box.close()"], "calls .close()"),
        (["box = Box()", "x = box.nothing()"], "calls .nothing()"),
        (["box = Box()", "x = box.items.put(a=1)"], "calls .put()"),
        (["box = Box()", "if rows:\n    box = requests", "box.put(a=1)"], "calls .put()"),
        (["box = requests.Box()", "box.put(a=1)"], "calls .put()"),
        (["box, rows = Box(), 1", "box.put(a=1)"], "calls .put()"),
        (["box = Box()", "def swap():\n    global box\n    box = 1", "box.put(a=1)"], "calls .put()"),
        (["box = Box()", "class Box:\n    def put(self, a):\n        requests.get(a)", "box.put(a=1)"], ""),
        (["def make():\n    return Box()", "box = make()", "box.put(a=1)"], "calls .put()"),
    ],
)
def test_method_of_an_object_of_the_notebooks_own_class_is_as_safe_as_its_body(verdict, cells, reason):
    """Where the class is sure: the only one that the name's value can be made by."""
    assert verdict(BOX, *cells).reason == reason


@pytest.mark.parametrize(
    ("base", "bases", "reason"),
    [
        ("def __init__(self):\n        self.a = len('a')", "Base", ""),
        ("def __init__(self):\n        self.a = requests.get('u')", "Base", "calls Own(), which calls requests.get()"),
        ("pass", "Base", ""),
        ("pass", "object", ""),
        ("pass", "ValueError", ""),
        ("pass", "ABC", ""),
        ("pass", "type", "calls Own(), which calls super().__init__()"),
        ("pass", "requests.Session", "calls Own(), which calls super().__init__()"),
        ("pass", "Unknown", "calls Own(), which calls super().__init__()"),
        ("pass", "Base, requests.Session", "calls Own(), which calls super().__init__()"),
    ],
)
def test_call_of_super_is_as_safe_as_that_of_each_base(verdict, base, bases, reason):
    """Bases of the notebook are looked into; of others only the plainest are known."""
    cells = (
        "from abc import ABC",
        f"class Base:\n    {base}",
        f"class Own({bases}):\n    def __init__(self):\n        super().__init__()",
    )

    assert verdict(*cells, "x = Own()").reason == reason


def test_call_of_super_that_is_no_constructor_is_looked_into(verdict):
    """Its bases' method, or those of their bases."""
    cells = (
        "class First:\n    def go(self):\n        return requests.get('u')",
        "class Base(First):\n    pass",
        "class Own(Base):\n    def go(self):\n        return super().go()",
    )

    assert verdict(*cells, "x = Own().go()").reason == "calls Own(), which calls requests.get()"
    assert verdict("class Own(dict):\n    def go(self):\n        return super().go()", "x = Own().go()").reason == (
        "calls Own(), which calls super().go()"
    )


def test_names_of_a_star_import_are_told_by_their_form(verdict):
    """Spark's types only describe, its functions need a session, another module's names are as safe as the module."""
    types = "from pyspark.sql.types import *"
    functions = "from pyspark.sql.functions import *"

    assert verdict("x = StringType()", setup=[types]).needs == set()
    assert verdict("x = StructField(1)", setup=[types]).reason == ""
    assert verdict("x = col('a')", setup=[functions]).needs == {"spark"}
    assert verdict("x = sqrt(2)", setup=["from math import *"]).reason == ""
    assert verdict("x = rmtree('a')", setup=["from shutil import *"]).reason == "calls rmtree()"


def test_object_of_a_pure_class_answers_every_question(verdict):
    """Not so what it is asked with."""
    fake = "from faker import Faker", "fake = Faker()"

    assert verdict("x = fake.name().upper()", setup=fake).reason == ""
    assert verdict("x = fake.name(open('a')).upper()", setup=fake).reason == "calls open()"
    assert verdict("def own():\n    f = Faker()\n    return f.name()", "x = own()", setup=fake).reason == ""


def test_statement_nested_without_end_is_not_run(verdict):
    """Judging it must not end the process."""
    deep = "len('a')" + " + 1" * 2000

    assert verdict(f"x = {deep}", setup=[]).reason == "is nested too deeply"
