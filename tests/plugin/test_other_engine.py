"""Tests that are marked for the other engine, where the run has arguments of its own."""

from __future__ import annotations


def test_the_other_process_leaves_the_temporary_folder_alone(project, workers):
    """What pytest empties at its start is the folder of ``--basetemp``; the other process has one of its own in it."""
    project.write(
        {
            "test_a.py": """
                import pytest

                @pytest.fixture(scope="session")
                def file(tmp_path_factory):
                    path = tmp_path_factory.mktemp("here") / "file"
                    path.write_text("x")
                    return path

                def test_before(file): assert file.exists()

                @pytest.mark.nbh_engine("classic")
                def test_there(tmp_path): assert "apart-classic" in str(tmp_path)

                def test_after(file): assert file.exists()
                """
        }
    )

    done = project.run_apart("pytest", "--basetemp=temp", *workers)

    assert "3 passed" in done.stdout, done.stdout


def test_a_mark_that_names_no_engine_costs_its_own_test(project, workers):
    """The others are run."""
    project.write(
        {
            "test_a.py": """
                import pytest

                @pytest.mark.nbh_engine("classik")
                def test_wrong(): pass

                @pytest.mark.nbh_engine
                def test_none(): pass

                def test_right(): pass
                """
        }
    )

    done = project.run(*workers)

    done.assert_outcomes(errors=2, passed=1)
    done.stdout.fnmatch_lines(['*test_wrong: nbh_engine(\'classik\'): write nbh_engine("classic") or nbh_engine("connect")*'])


def test_a_test_that_ends_its_process(project):
    """It is told where it was; the next ones get a process of their own, and what can't start is started once."""
    project.write(
        {
            "test_a.py": """
                import os
                import pytest

                pytestmark = pytest.mark.nbh_engine("classic")

                def test_before(): pass
                def test_crash(): os.abort()
                def test_after(): pass
                def test_exit(): os._exit(3)
                def test_last(): pass
                """
        }
    )

    done = project.run_apart("pytest", "-v")

    assert "2 failed, 3 passed" in done.stdout, done.stdout
    assert "has ended, killed by SIGABRT: native code gave up; it said last:\nCurrent thread " in done.stdout
    assert 'test_a.py", line 7 in test_crash' in done.stdout
    assert "Extension modules" not in done.stdout
    assert "has ended, with exit code 3" in done.stdout


def test_a_process_that_can_not_start(project):
    """It isn't tried for each test anew."""
    project.write(
        {
            "conftest.py": """
                import os
                from pathlib import Path

                def pytest_configure(config):
                    if config.getoption("--nbh-engine") == "classic":
                        with Path("starts").open("a") as file:
                            file.write("x")
                        raise RuntimeError("no licence")
                """,
            "test_a.py": """
                import pytest

                pytestmark = pytest.mark.nbh_engine("classic")

                def test_one(): pass
                def test_two(): pass
                """,
        }
    )

    done = project.run_apart("pytest")

    assert "2 failed" in done.stdout, done.stdout
    assert "RuntimeError: no licence" in done.stdout
    assert (project.path / "starts").read_text() == "x"
