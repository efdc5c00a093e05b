"""Notebooks and files of a workspace, by the SDK."""

from __future__ import annotations

import base64
import json

import pytest
from data_fixtures import client, rehearsal
from databricks.sdk import errors
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

__all__ = ["client", "rehearsal"]

SOURCE = b"# Databricks notebook source\nx = 1\n\n# COMMAND ----------\n\n# MAGIC %sql\n# MAGIC SELECT 1\n"
JUPYTER = json.dumps(
    {
        "cells": [
            {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ["x = 1"]},
            {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]},
        ],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 2,
    }
).encode()


@pytest.fixture
def folder(client, request):
    """A folder of the test's own."""
    path = f"/Shared/{request.node.name.replace('[', '-').replace(']', '').replace('.', '-')[:120]}"
    client.workspace.mkdirs(path)
    return path


def test_a_name_that_no_file_may_have_is_refused(client):
    """What lies on a workspace lies in files here."""
    with pytest.raises(errors.InvalidParameterValue, match="a name is longer than this machine's files may have"):
        client.workspace.mkdirs("/Shared/" + "x" * 256)


def download(client, path, form=None):
    """What an export gives."""
    with client.workspace.download(path, format=form) as file:
        return file.read()


@pytest.mark.parametrize(
    ("name", "content", "stands_as", "kind"),
    [
        ("etl.py", SOURCE, "etl", ObjectType.NOTEBOOK),
        ("etl.ipynb", JUPYTER, "etl", ObjectType.NOTEBOOK),
        ("q.sql", b"-- Databricks notebook source\nSELECT 1\n", "q", ObjectType.NOTEBOOK),
        ("mod.py", b"def f():\n    return 1\n", "mod.py", ObjectType.FILE),
        ("data.csv", b"a,b\n1,2\n", "data.csv", ObjectType.FILE),
    ],
)
def test_auto_tells_notebooks_from_files(client, folder, *, name, content, stands_as, kind):
    """By suffix and header; a notebook loses its suffix, and all come back as they were, but for a last newline of source."""
    client.workspace.upload(f"{folder}/{name}", content, format=ImportFormat.AUTO)

    found = client.workspace.get_status(f"{folder}/{stands_as}")

    assert found.object_type == kind
    is_source = kind == ObjectType.NOTEBOOK and not name.endswith(".ipynb")
    assert download(client, f"{folder}/{stands_as}", ExportFormat.AUTO) == (content.rstrip() if is_source else content)
    assert [one.path for one in client.workspace.list(folder)] == [f"{folder}/{stands_as}"]


def test_source_is_a_notebook_with_or_without_its_header(client, folder):
    """The export has the header."""
    path = f"{folder}/plain"
    client.workspace.upload(path, b"print(1)", format=ImportFormat.SOURCE, language=Language.PYTHON)

    assert client.workspace.get_status(path).language == Language.PYTHON
    assert download(client, path) == b"# Databricks notebook source\nprint(1)"


def test_json_and_forms_are_the_same(client, folder):
    """The SDK has a call for each."""
    encoded = base64.b64encode(SOURCE).decode()
    client.workspace.import_(f"{folder}/a", content=encoded, format=ImportFormat.SOURCE, language=Language.PYTHON)
    client.workspace.upload(f"{folder}/b", SOURCE, format=ImportFormat.SOURCE, language=Language.PYTHON)

    exported = client.workspace.export(f"{folder}/a")

    assert base64.b64decode(exported.content) == download(client, f"{folder}/b") == SOURCE.rstrip()
    assert exported.file_type == "py"


def test_a_notebook_is_given_in_the_other_form(client, folder):
    """Source as Jupyter, and Jupyter as source."""
    client.workspace.upload(f"{folder}/a", SOURCE, format=ImportFormat.SOURCE, language=Language.PYTHON)
    client.workspace.upload(f"{folder}/b", JUPYTER, format=ImportFormat.JUPYTER)

    cells = json.loads(download(client, f"{folder}/a", ExportFormat.JUPYTER))["cells"]
    source = download(client, f"{folder}/b", ExportFormat.SOURCE)

    assert ["".join(cell["source"]) for cell in cells] == ["x = 1", "%sql\nSELECT 1"]
    assert source == b"# Databricks notebook source\nx = 1\n\n# COMMAND ----------\n\n# MAGIC %md\n# MAGIC # Title"


def test_source_is_written_anew(client, folder):
    """What is kept are the cells: the blank lines around them aren't."""
    path, text = f"{folder}/by hand", "\n\nx = 1\n# COMMAND ----------\n\n\n# MAGIC %md x\n\n# COMMAND ----------\ny = 1\n\n"
    client.workspace.upload(path, f"# Databricks notebook source{text}".encode(), language=Language.PYTHON)

    exported = download(client, path).decode()

    separator = "\n\n# COMMAND ----------\n\n"
    assert exported == f"# Databricks notebook source\n{separator.join(('x = 1', '# MAGIC %md x', 'y = 1'))}"


def test_nothing_is_overwritten_unasked(client, folder):
    """And with ``overwrite`` it is, under the same id."""
    path = f"{folder}/etl"
    client.workspace.upload(path, SOURCE, format=ImportFormat.SOURCE, language=Language.PYTHON)
    before = client.workspace.get_status(path).object_id
    with pytest.raises(DatabricksError, match="already exists") as caught:
        client.workspace.upload(path, b"y = 2", format=ImportFormat.SOURCE, language=Language.PYTHON)

    client.workspace.upload(path, b"y = 2", format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)

    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"
    assert download(client, path).endswith(b"y = 2")
    assert client.workspace.get_status(path).object_id == before


@pytest.mark.parametrize("form", [ImportFormat.SOURCE, ImportFormat.AUTO])
def test_eleven_megabytes_are_too_many(client, folder, form):
    """By a form or by JSON, and nothing is kept."""
    content = b"# Databricks notebook source\n" + b"#" * (11 * 1024 * 1024)
    language = Language.PYTHON if form == ImportFormat.SOURCE else None

    with pytest.raises(DatabricksError) as caught:
        client.workspace.upload(f"{folder}/big.py", content, format=form, language=language)
    encoded = base64.b64encode(content).decode()
    with pytest.raises(DatabricksError):
        client.workspace.import_(f"{folder}/big.py", content=encoded, format=form, language=language)

    assert caught.value.error_code == "MAX_NOTEBOOK_SIZE_EXCEEDED"
    assert list(client.workspace.list(folder)) == []


def test_a_folder_must_be_there(client):
    """An import makes none."""
    with pytest.raises(NotFound, match="parent folder"):
        client.workspace.upload("/Shared/no/such/x.py", SOURCE, format=ImportFormat.AUTO)


@pytest.mark.parametrize("call", ["get_status", "list", "export", "delete"])
def test_what_is_not_there_is_told(client, call):
    """By every call that asks for it."""
    with pytest.raises(NotFound, match="doesn't exist"):
        list(getattr(client.workspace, call)("/Shared/nothing") or ())


def test_a_full_folder_is_not_deleted_unasked(client, folder):
    """Only with ``recursive``, and then whole."""
    client.workspace.upload(f"{folder}/a.py", SOURCE, format=ImportFormat.AUTO)
    with pytest.raises(BadRequest) as caught:
        client.workspace.delete(folder)

    client.workspace.delete(folder, recursive=True)

    assert caught.value.error_code == "DIRECTORY_NOT_EMPTY"
    with pytest.raises(NotFound):
        client.workspace.get_status(f"{folder}/a")


def test_names_may_hold_spaces_and_umlauts(client, folder):
    """They come back as they went."""
    path = f"{folder}/Kündigungen im März"

    client.workspace.upload(path, SOURCE, format=ImportFormat.SOURCE, language=Language.PYTHON)

    assert [one.path for one in client.workspace.list(folder)] == [path]
    assert download(client, path) == SOURCE.rstrip()


def test_a_notebook_without_a_language_is_refused(client, folder):
    """SOURCE doesn't say by itself what it is written in."""
    with pytest.raises(DatabricksError, match="language"):
        client.workspace.upload(f"{folder}/x", b"1", format=ImportFormat.SOURCE)


def test_a_broken_ipynb_is_refused(client, folder):
    """When it comes, and not when it is run."""
    with pytest.raises(DatabricksError, match="not a Jupyter notebook"):
        client.workspace.upload(f"{folder}/x.ipynb", b"{", format=ImportFormat.AUTO)


def test_a_format_that_is_not_served_is_told(client, folder):
    """Archives and pages are no quiet success."""
    with pytest.raises(errors.NotImplemented, match="DBC"):
        client.workspace.upload(f"{folder}/x", b"PK", format=ImportFormat.DBC)
