from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pytest

from harness.errors import ArchiveError, CellWriteError
from harness.notebook import read_archive, replace_cell


def command(text, position, **more):
    """Give one command as an archive holds it."""
    return {"command": text, "position": position, "commandTitle": "", **more}


def inner(*commands, language="python") -> str:
    """Give the JSON document of one notebook."""
    return json.dumps({"version": "NotebookV1", "language": language, "commands": list(commands)})


@pytest.fixture
def make_archive(tmp_path):
    """Give a maker of archives from member names and contents."""

    def make(members: dict[str, str | bytes], name: str = "a.dbc"):
        data = BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        path = tmp_path / name
        path.write_bytes(data.getvalue())
        return path

    return make


def test_notebooks_are_read_in_order_of_position(make_archive):
    """Cells stand in the order of their position, and carry titles, languages and magics."""
    path = make_archive(
        {
            "top/b.python": inner(
                command("y = 2", 2.5), command("%run ./a", 2.0, commandTitle="Setup"), command("%md T\r\nx", 1), "odd"
            ),
            "top/": "{}",
            "top/a.scala": inner(command("val x = 1", 1), language="scala"),
            "top/readme.html": "<html>",
        }
    )

    first, second = read_archive(path)

    assert [notebook.path for notebook in (first, second)] == [path / "top/a.scala", path / "top/b.python"]
    assert (first.format, first.language, first.exact_lines) == ("dbc", "scala", False)
    assert [(c.number, c.language, c.source, c.title, c.first_line) for c in second.cells] == [
        (1, "markdown", "%md T\nx", None, 1),
        (2, "run", "%run ./a", "Setup", 3),
        (3, "python", "y = 2", None, 4),
    ]


def test_bytes_are_those_of_the_inner_document(make_archive):
    """A notebook of an archive gives the bytes of its own document."""
    text = inner(command("x", 1))

    (notebook,) = read_archive(make_archive({"n.python": text}))

    assert notebook.to_bytes() == text.encode()


def test_cells_of_an_archive_are_only_read(make_archive):
    """A cell of an archive can't be replaced."""
    path = make_archive({"n.python": inner(command("x", 1))})
    (notebook,) = read_archive(path)

    with pytest.raises(CellWriteError) as caught:
        replace_cell(notebook, 1, "y")

    assert str(caught.value) == (
        f"{path.as_posix()}/n.python (cell 1): NBH113 a notebook of an archive can't be changed\n"
        "  cause: .dbc archives are only read\n"
        "  mend:  import the archive into a workspace, export the notebook as source, and change that\n"
        "  more:  docs/errors.md#nbh113"
    )


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"commands": 1}', b"\xff\xfe\x00", "[" * 100_000])
def test_broken_member_costs_only_itself(make_archive, content):
    """A document that is no notebook is told, and the others are read."""
    path = make_archive({"a.python": content, "b.python": inner(command("x", 1))})

    broken, sound = read_archive(path)

    assert (broken.cells, [(p.code, str(p.location)) for p in broken.problems]) == (
        (),
        [("NBH103", f"{path.as_posix()}/a.python")],
    )
    assert [cell.source for cell in sound.cells] == ["x"]


def test_unusable_cells_are_told(make_archive):
    """A cell that no source text can hold, and one with a foreign magic, are unknown and told."""
    path = make_archive({"a.sql": inner(command("x\0", 1), command("%lsmagic", 2), command("select 1", 3), language="sql")})

    (notebook,) = read_archive(path)

    assert [cell.language for cell in notebook.cells] == ["unknown", "unknown", "sql"]
    assert [problem.code for problem in notebook.problems] == ["NBH102", "NBH112"]


def test_damaged_member_is_told(make_archive):
    """A member whose bytes don't fit their checksum is told."""
    path = make_archive({"a.python": inner(command("x = 1", 1))})
    raw = bytearray(path.read_bytes())
    raw[45] ^= 0xFF
    path.write_bytes(bytes(raw))

    (notebook,) = read_archive(path)

    assert [problem.code for problem in notebook.problems] == ["NBH103"]


def test_other_file_is_no_archive(tmp_path):
    """A .dbc file that is no zip shows so."""
    path = tmp_path / "a.dbc"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")

    with pytest.raises(ArchiveError) as caught:
        read_archive(path)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH103 the archive is not a zip file\n"
        "  cause: file is not a zip file\n"
        "  mend:  export it again as DBC, or leave it out\n"
        "  more:  docs/errors.md#nbh103"
    )


@pytest.mark.parametrize("name", ["../a.python", "x/../../a.python", "/etc/a.python", "C:/a.python", "x\\..\\a.python"])
def test_member_outside_the_archive_is_refused(make_archive, name):
    """A member that climbs out of its archive is refused, though nothing is ever unpacked."""
    path = make_archive({name: inner(command("x", 1))})

    with pytest.raises(ArchiveError) as caught:
        read_archive(path)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH103 the archive has a member outside itself\n"
        f"  cause: the member is named {name!r}\n"
        "  mend:  don't trust this file; export the notebooks again\n"
        "  more:  docs/errors.md#nbh103"
    )


def test_zip_bomb_is_refused_by_its_ratio(make_archive):
    """An archive that unpacks to far more than notebooks do is refused before it is unpacked."""
    path = make_archive({"a.python": b"\0" * 5_000_000})

    with pytest.raises(ArchiveError) as caught:
        read_archive(path)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH103 the archive is packed too tightly to be one of notebooks\n"
        f"  cause: {path.stat().st_size:,} bytes unpack to 5,000,000; 200 times are allowed\n"
        "  mend:  don't trust this file; export the notebooks again\n"
        "  more:  docs/errors.md#nbh103"
    )


def test_large_archive_is_refused_by_its_size(make_archive):
    """An archive that would unpack to more than is allowed is refused."""
    path = make_archive({"a.python": b"\0" * 5_000})

    with pytest.raises(ArchiveError) as caught:
        read_archive(path, max_bytes=4_000)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH103 the archive is too large unpacked\n"
        "  cause: it says 5,000 bytes, and 4,000 are allowed\n"
        "  mend:  export fewer notebooks at once, or raise max_bytes\n"
        "  more:  docs/errors.md#nbh103"
    )
