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
