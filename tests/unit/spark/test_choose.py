from __future__ import annotations

import pytest

from harness.errors import SettingsError
from harness.settings import RUNTIMES, Settings, settings_from
from harness.spark import conf, hints, idle, versions


@pytest.mark.parametrize(
    ("env", "minutes", "seconds"),
    [
        ({}, 30, 1800),
        ({}, 0, 0),
        ({"CI": "true"}, 30, 0),
        ({"CI": "false"}, 30, 1800),
        ({"TF_BUILD": "True"}, 30, 0),
        ({"CI": "", "TF_BUILD": "True"}, 30, 1800),
        ({"CI": "1", "NBH_SPARK_IDLE_MINUTES": "5"}, 30, 300),
        ({"NBH_SPARK_IDLE_MINUTES": "0"}, 30, 0),
    ],
)
def test_how_long_an_engine_waits(env, minutes, seconds):
    """The variable wins, then CI, then the settings."""
    assert idle.idle_s(Settings("", spark_idle_minutes=minutes), env) == seconds


def test_a_time_that_is_none_is_refused():
    """With the bad value."""
    with pytest.raises(SettingsError, match="NBH_SPARK_IDLE_MINUTES is 'long'"):
        idle.idle_s(Settings(""), {"NBH_SPARK_IDLE_MINUTES": "long"})


def test_every_runtime_of_the_settings_is_known():
    """The settings' list, which needs no Spark module, and the table are one."""
    assert set(RUNTIMES) == set(versions.RUNTIMES)
    assert all(runtime.gaps for runtime in versions.RUNTIMES.values())


def test_another_python_is_a_gap():
    """A newer one knows what the runtime doesn't; an older one lacks what that has."""
    runtime = versions.RUNTIMES["17.3"]

    assert runtime.gaps_to((3, 12)) == list(runtime.gaps)
    assert runtime.gaps_to((3, 13))[-1].endswith("syntax and modules that 3.13 adds work here and not there")
    assert runtime.gaps_to((3, 11))[-1] == "this Python is 3.11, and 3.12 there: what needs 3.12 fails here"


def test_a_runtime_sets_what_can_be_set():
    """16.4 is Spark 3.5, where ANSI mode was off."""
    wishes = conf.Wishes(partitions=4, runtime=versions.RUNTIMES["16.4"])

    told = conf.session_conf(wishes)

    assert (told["spark.sql.ansi.enabled"], told["spark.sql.shuffle.partitions"]) == ("false", "4")


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"runtime": "17.2"}, "runtime is '17.2'"),
        ({"spark_memory": "lots"}, "spark_memory is 'lots'"),
        ({"spark_memory": "400m"}, "spark_memory is '400m'"),
        ({"spark_idle_minutes": -1}, "spark_idle_minutes is -1"),
        ({"time_zone": "Vienna"}, "time_zone is 'Vienna'"),
        ({"time_zone": "../x"}, "time_zone is '../x'"),
        ({"time_zone": 1}, "time_zone is 1"),
        ({"notebook_memory": 4}, "notebook_memory is 4"),
        ({"notebook_memory": ""}, "notebook_memory is ''"),
        ({"notebook_memory": "100m"}, "notebook_memory is '100m'"),
    ],
)
def test_bad_settings_are_refused(table, what):
    """With the value, and what to write."""
    with pytest.raises(SettingsError) as caught:
        settings_from(table, "folder")

    assert caught.value.what == what
    assert caught.value.mend.startswith("write ")


class _SparkError(Exception):
    def getCondition(self):  # noqa: N802 -- Spark's name
        return self.args[0]


def test_an_error_that_only_connect_has_names_the_mark():
    """Others are left alone."""
    lacking, other = _SparkError("JVM_ATTRIBUTE_NOT_SUPPORTED"), _SparkError("TABLE_OR_VIEW_NOT_FOUND")

    for error in (lacking, other, ValueError()):
        hints.add_hint(error)

    assert '@pytest.mark.nbh_engine("classic")' in lacking.__notes__[0]
    assert not hasattr(other, "__notes__")
