from __future__ import annotations

import pytest

from harness.execute.hints import hint_of, with_hint


def hint(error, **given):
    """What is said of an error, by the text that has it."""
    return hint_of(with_hint(error, **given))


def test_a_marker_that_nobody_gave_a_value():
    """Spark says what it can't read; the hint says what the notebook had wanted there."""
    error = (
        "[UNBOUND_SQL_PARAMETER] Found the unbound parameter: day. Please, fix `args` and provide a mapping. SQLSTATE: 42P02"
    )

    assert hint(error) == "no widget has the name day, whose value was to stand there: give it by widgets, or by -p day=…"


def test_a_widget_of_the_old_form_that_is_not_there():
    """It stays in the text, and Spark stops at its first character."""
    error = "ParseException: \n[PARSE_SYNTAX_ERROR] Syntax error at or near '$'. SQLSTATE: 42601 (line 1, pos 4)"

    assert hint(error).startswith("a ${name} is left in the statement")


def test_another_error():
    """Nothing is said."""
    assert hint("[PARSE_SYNTAX_ERROR] Syntax error at or near '.'. SQLSTATE: 42601") == ""


def test_a_path_of_python_given_to_spark():
    """It has another name there, whether or not Python finds a file."""
    error = "AnalysisException: [PATH_NOT_FOUND] Path does not exist: dbfs:/dbfs/tmp/x.csv. SQLSTATE: 42K03"

    assert hint(error).startswith("Spark knows it as dbfs:/tmp/x.csv;")


def test_a_table_that_nobody_made():
    """On a workspace it may be there; here the test makes it."""
    missing = "cannot be found. Verify the spelling and correctness of the schema and catalog."

    assert "make `main`.`sales` first" in hint(f"[SCHEMA_NOT_FOUND] The schema `main`.`sales` {missing}")
    assert "make `sales`.`orders` first" in hint(f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `sales`.`orders` {missing}")


def test_a_module_that_nobody_knows():
    """It may be a library of the cluster's; those that the runtime brings are told apart before."""
    assert hint("ModuleNotFoundError: No module named 'our_lib.io'").startswith("our_lib.io is neither installed")


def test_a_module_that_the_project_keeps_elsewhere(tmp_path):
    """Its folder is named, with what puts it on the path; a script has no such path."""
    (tmp_path / "src" / "our_lib").mkdir(parents=True)
    (tmp_path / "src" / "our_lib" / "io.py").write_text("")
    error = "ModuleNotFoundError: No module named 'our_lib'"
    where = "our_lib is in src, which isn't on the path; on Databricks a wheel of it or sys.path may bring it: "

    assert hint(error, root=str(tmp_path)) == (
        where + 'pythonpath = ["src"] under [tool.pytest.ini_options], or install the project beside the tests'
    )
    assert hint(error, root=str(tmp_path), script=True) == where + "install the project beside the tests"
    assert "nor a module of the project" in hint("ModuleNotFoundError: No module named 'other'", root=str(tmp_path))


def test_a_catalog_that_nobody_made():
    """As a schema's or a table's."""
    error = "AnalysisException: [NO_SUCH_CATALOG_EXCEPTION] Catalog 'sales_dev' was not found. Please verify the catalog name"

    assert hint(error).endswith("make sales_dev first, by make_catalog")
    of_function = "AnalysisException: [MISSING_CATALOG_ABILITY.CREATE_FUNCTION] Catalog main does not support CREATE FUNCTION."
    assert hint(of_function).endswith("(main is the current one): make it first, by make_catalog")


def test_a_file_of_the_workspace_leads_to_the_setting():
    """Unless a folder that holds it is mapped: then it isn't there."""
    error = "FileNotFoundError: [Errno 2] No such file or directory: '/Workspace/Shared/etl/conf/x.yml'"

    assert hint(error).endswith('[tool.nbh] run_prefixes = { "/Workspace/Shared/etl/conf" = "." }')
    assert hint(error, mapped=["/Shared/other", "/Shared/et"]) == hint(error)
    assert hint(error, mapped=["/Shared/etl"]) == ""
    assert with_hint(error, mapped=["/Shared/etl"]) == error


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/Workspace/Repos/me/shop/conf/x.yml", "/Repos/me/shop"),
        ("/Workspace/Repos/me/copy_of_it/conf/x.yml", "/Repos/me/copy_of_it"),
        ("/Workspace//shop", "/shop"),
        ("/Workspace/Repos/me/shop/conf/gone.yml", "/Repos/me/shop"),
        ("/Workspace/Shared/other/gone.yml", "/Workspace/Shared/other"),
    ],
    ids=["a file of it", "by another name", "its folder", "what it hasn't", "nothing of it"],
)
def test_a_file_of_the_workspace_that_the_project_has(tmp_path, path, prefix):
    """The setting leads to it: by what lies below it in the project, or by the project's name."""
    (tmp_path / "shop" / "conf").mkdir(parents=True)
    (tmp_path / "shop" / "conf" / "x.yml").write_text("")
    error = f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"

    assert hint(error, project=str(tmp_path / "shop")).endswith(f'[tool.nbh] run_prefixes = {{ "{prefix}" = "." }}')
