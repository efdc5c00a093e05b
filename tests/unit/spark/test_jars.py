from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.errors import JarsMissingError
from harness.spark import jars
from harness.spark.java import Java
from harness.spark.versions import FITS, Fit, Jar

pytest.importorskip("filelock", reason="one process at a time fetches, by filelock (the extra `local`)")

CONTENT = b"a jar"
JAR = Jar("io.delta", "delta-x", "1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
FIT = Fit("9.9", "1.0", (17,), "17.3", (JAR,))


@pytest.fixture
def make_java(tmp_path):
    """A java whose Ivy serves this text as the jar, or says this and serves nothing."""

    def make(served="a jar", says=""):
        path = tmp_path / "java"
        serve = f"printf '%s' '{served}' > \"${{last%/*}}/delta-x-1.0.jar\"" if served else ""
        path.write_text(
            f"#!/bin/sh\necho \"$@\" >> {tmp_path}/asked\nfor last; do :; done\necho '{says}'\n"
            f"case $last in *artifact*) {serve};; esac\n"
        )
        path.chmod(0o755)
        return Java(tmp_path, path, 21, "21.0.8", "PATH")

    return make


@pytest.fixture
def fetch(tmp_path):
    """Fetch into a cache of the test's own; gives the paths and what was told."""

    def run(java, env=None):
        told = []
        found = jars.fetch(tmp_path, FIT, java=java, spark_jars=Path("/spark"), env=env or {}, progress=told.append)
        return found, told

    return run


def test_jars_are_fetched_once(make_java, fetch, tmp_path):
    """With the size told; afterwards no Java is asked any more."""
    found, told = fetch(make_java())
    again, quiet = fetch(make_java(served=""))

    assert [path.read_bytes() for path in found] == [CONTENT]
    assert told[0] == "fetching Delta 1.0: 1 jars, 0 MB, once for this user …"
    assert (again, quiet) == (found, [])


def test_a_corrupt_jar_is_fetched_anew(make_java, fetch, tmp_path):
    """Cut off by a full disk, or changed."""
    found, _ = fetch(make_java())
    found[0].write_bytes(b"a jab")

    assert jars.kept(tmp_path, FIT) is None
    assert fetch(make_java())[0][0].read_bytes() == CONTENT


def test_a_jar_that_is_not_what_was_pinned_is_refused(make_java, fetch, tmp_path):
    """Whatever a mirror serves under that name."""
    with pytest.raises(JarsMissingError) as caught:
        fetch(make_java(served="evil!"))

    assert str(caught.value) == (
        "NBH308 delta-x-1.0.jar isn't what it must be\n"
        f"  cause: its SHA-256 is {hashlib.sha256(b'evil!').hexdigest()}, but {JAR.sha256} is pinned\n"
        "  mend:  look at what the mirror serves (NBH_MAVEN_URL, NBH_IVY_SETTINGS); "
        "the harness uses no other file in its place\n"
        "  more:  docs/errors.md#nbh308"
    )
    assert jars.kept(tmp_path, FIT) is None


def test_jars_that_cant_be_had_say_why(make_java, fetch, tmp_path):
    """And for a while nobody waits for the network again."""
    with pytest.raises(JarsMissingError) as caught:
        fetch(make_java(served="", says="	Server access error at url x: UnknownHostException"))

    assert str(caught.value) == (
        "NBH308 Delta 1.0 can't be fetched\n"
        "  cause: Server access error at url x: UnknownHostException\n"
        "  mend:  behind a company's mirror set NBH_MAVEN_URL to its address, or NBH_IVY_SETTINGS to an ivysettings file;\n"
        "         then run `nbh spark install`. Until then Spark works without Delta tables\n"
        "  more:  docs/errors.md#nbh308"
    )
    assert jars.failed_lately(tmp_path, FIT) == "Server access error at url x: UnknownHostException"


def test_a_mirror_is_told_to_ivy(make_java, fetch, tmp_path):
    """By a settings file of ours, or by the user's own."""
    fetch(make_java(), {"NBH_IVY_SETTINGS": "/etc/ivy.xml", "NBH_MAVEN_URL": "ignored"})

    assert "-settings /etc/ivy.xml" in (tmp_path / "asked").read_text()
    assert 'root="https://maven.example/a&amp;b"' in jars.mirror("https://maven.example/a&b")


def test_every_pinned_jar_has_a_digest():
    """The table is whole."""
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for fit in FITS for jar in fit.jars)
    assert jars.wanted(FITS[0]).count('transitive="false"') == len(FITS[0].jars) == 7
