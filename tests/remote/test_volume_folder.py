"""A volume's folder on a workspace, given to what takes a path of this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.errors import ForeignFileError
from harness.remote.volume import VolumeFolder


@pytest.mark.parametrize(
    "call",
    [open, os.listdir, os.path.exists, Path, lambda folder: shutil.copy(__file__, folder)],
    ids=["open", "listdir", "exists", "Path", "copy"],
)
def test_it_is_no_path_of_this_machine(call):
    """Said plainly, with what works everywhere."""
    with pytest.raises(ForeignFileError, match="is on the workspace") as caught:
        call(VolumeFolder("/Volumes/main/s/v", files=lambda: None))

    assert "write_bytes" in str(caught.value)
