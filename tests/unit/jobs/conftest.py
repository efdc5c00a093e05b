from __future__ import annotations

import re
import textwrap

import pytest
from job_files import notebooks_of

from harness.jobs.described import describe
from harness.jobs.read import read_job
from harness.notebook import is_notebook


@pytest.fixture
def project(tmp_path):
    """Write files of a project; ``read`` reads a job of it as a test in ``tests`` names it."""

    class Project:
        """A folder with a user's files."""

        root = tmp_path

        def write(self, **files):
            """Names as Python takes them: src__load_py is src/load.py."""
            for name, text in files.items():
                path = tmp_path / re.sub(r"_(yml|json|py)$", r".\1", name.replace("__", "/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(textwrap.dedent(text).lstrip("\n"))
            return self

        def read(self, asked, *, target="local", environ=None, user=None, root=tmp_path, **more):
            beside = str(root / "tests" / "test_it.py")
            found = describe(asked, beside=beside, root=str(root), target=target, environ=environ or {}, user=user)
            return read_job(found, root=str(root), find=notebooks_of(root), is_notebook=is_notebook, **more)

    return Project()
