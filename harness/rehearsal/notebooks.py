"""The workspace's notebooks and files: imported, exported, listed, removed."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.rehearsal.answers import ApiError, Call, invalid, route
from harness.rehearsal.faults import DroppedError, cut
from harness.rehearsal.forms import as_jupyter, as_source, rewritten, with_header
from harness.rehearsal.identity import PRINCIPAL, USER
from harness.rehearsal.tree import SUFFIXES, Tree

if TYPE_CHECKING:
    from starlette.requests import Request

    from harness.rehearsal.tree import Item
    from harness.rehearsal.workspace import Workspace

MOST_BYTES = 10 * 1024 * 1024
_FORMATS = ("SOURCE", "HTML", "JUPYTER", "DBC", "R_MARKDOWN", "AUTO", "RAW")
_SERVED = ("SOURCE", "JUPYTER", "AUTO", "RAW")
_HEADERS = {
    ".py": (b"# Databricks notebook source", "PYTHON"),
    ".sql": (b"-- Databricks notebook source", "SQL"),
    ".scala": (b"// Databricks notebook source", "SCALA"),
    ".r": (b"# Databricks notebook source", "R"),
}
_FORM_OVERHEAD = 1 << 20


def tree_of(workspace: Workspace) -> Tree:
    """The workspace's tree."""
    found = workspace.shared.get("tree")
    if not isinstance(found, Tree):
        made = Tree(workspace.place.notebooks, workspace.clock, [USER.name, PRINCIPAL.name])
        found = workspace.shared.setdefault("tree", made)
    return found


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    tree = tree_of(workspace)

    async def import_(request: Request) -> JSONResponse:
        given, content = await _uploaded(request)
        await run_in_threadpool(take, given, content)
        return JSONResponse({})

    def take(given: Call, content: bytes) -> None:
        path, overwrite = given.text("path"), given.flag("overwrite")
        form = given.text("format", "SOURCE")
        if len(content) > MOST_BYTES:
            message = f"File size imported is ({len(content)} bytes), exceeded max size ({MOST_BYTES} bytes)"
            raise ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", message)
        kind, path, language, kept = _what(path, form, given.text("language", ""), content)
        if kept == "SOURCE":
            content = with_header(content, language)
        content, is_cut = cut(workspace, path, content)
        tree.write(path, content, kind=kind, language=language, form=kept, overwrite=overwrite)
        if is_cut:
            raise DroppedError

    def export(call: Call) -> dict[str, Any] | Response:
        item = tree.find(call.text("path"))
        content, suffix = _exported(tree, item, call.text("format", "SOURCE"))
        if len(content) > MOST_BYTES:
            message = f"The size of {item.path} ({len(content)} bytes) exceeds the limit ({MOST_BYTES} bytes)"
            raise ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", message)
        if call.flag("direct_download"):
            return Response(content, media_type="application/octet-stream")
        return {"content": base64.b64encode(content).decode(), "file_type": suffix}

    def status(call: Call) -> dict[str, Any]:
        return tree.find(call.text("path")).facts()

    def list_(call: Call) -> dict[str, Any]:
        since = call.number("notebooks_modified_after", 0)
        found = tree.children(tree.find(call.text("path")))
        found = [one for one in found if not since or one.kind != "NOTEBOOK" or one.modified >= since]
        return {"objects": [one.facts() for one in found]} if found else {}

    def mkdirs(call: Call) -> dict[str, Any]:
        tree.make_folders(call.text("path"))
        return {}

    def delete(call: Call) -> dict[str, Any]:
        tree.remove(call.text("path"), recursive=call.flag("recursive"))
        return {}

    return [
        Route("/api/2.0/workspace/import", import_, methods=["POST"]),
        route("GET", "/api/2.0/workspace/export", export),
        route("GET", "/api/2.0/workspace/get-status", status),
        route("GET", "/api/2.0/workspace/list", list_),
        route("POST", "/api/2.0/workspace/mkdirs", mkdirs),
        route("POST", "/api/2.0/workspace/delete", delete),
    ]


async def _uploaded(request: Request) -> tuple[Call, bytes]:
    """The fields and the content of an import, which comes as JSON or as a form.

    Raises:
        ApiError: It is neither, or too large.
    """
    import json

    if not request.headers.get("content-type", "").startswith("multipart/"):
        call = Call(request, await request.body())
        try:
            content = base64.b64decode(call.text("content", ""), validate=True)
        except binascii.Error as exc:
            raise invalid("Invalid base64-encoded string in field: content") from exc
        return call, content
    async with request.form(max_part_size=MOST_BYTES + _FORM_OVERHEAD) as form:
        part = form.get("content", b"")
        content = await part.read() if isinstance(part, UploadFile) else str(part).encode()
        fields = {name: value for name, value in form.items() if name != "content" and isinstance(value, str)}
    return Call(request, json.dumps(fields).encode()), content


def _what(path: str, form: str, language: str, content: bytes) -> tuple[str, str, str, str]:
    """What an import makes: kind, path, language and form.

    Raises:
        ApiError: The format, the language and the content don't fit.
    """
    if form not in _FORMATS:
        raise invalid(f"Unsupported format {form}; use one of {', '.join(_FORMATS)}")
    if form not in _SERVED:
        raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not import {form}; it takes {', '.join(_SERVED)}.")
    if language and language not in SUFFIXES:
        raise invalid(f"Unsupported language {language}; use one of {', '.join(SUFFIXES)}")
    suffix = "." + path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
    if form == "RAW":
        return "FILE", path, "", ""
    if form == "SOURCE":
        if not language:
            raise invalid("The language field is required when format is SOURCE.")
        return "NOTEBOOK", path, language, "SOURCE"
    if form == "JUPYTER" or suffix == ".ipynb":
        as_source(content)  # a broken one is refused now, not when it is run
        return "NOTEBOOK", path[: -len(".ipynb")] if form == "AUTO" else path, "PYTHON", "JUPYTER"
    header, of_header = _HEADERS.get(suffix, (b"", ""))
    if header and content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(header):
        return "NOTEBOOK", path[: -len(suffix)], of_header, "SOURCE"
    return "FILE", path, "", ""


def _exported(tree: Tree, item: Item, form: str) -> tuple[bytes, str]:
    """The content of an export, and the suffix that goes with it.

    Raises:
        ApiError: It can't be had in this format.
    """
    if item.kind == "DIRECTORY":
        raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not export folders; {item.path} is one.")
    if form not in _FORMATS:
        raise invalid(f"Unsupported format {form}; use one of {', '.join(_FORMATS)}")
    if form not in _SERVED:
        raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not export {form}; it gives {', '.join(_SERVED)}.")
    content = tree.on_disk(item).read_bytes()
    if item.kind == "FILE":
        if form == "JUPYTER":
            raise invalid(f"{item.path} is a file; a file is exported as AUTO or RAW")
        return content, item.path.rpartition(".")[2] if "." in item.path else ""
    if form == "RAW":
        raise invalid(f"{item.path} is a notebook; a notebook is not exported as RAW")
    wanted = item.form if form == "AUTO" else form
    if wanted == "JUPYTER":
        return (content if item.form == "JUPYTER" else as_jupyter(content, item.language)), "ipynb"
    source = as_source(content) if item.form == "JUPYTER" else content
    return rewritten(source, item.language), SUFFIXES[item.language].lstrip(".")
