"""What a bundle knows of the Git repository that it lies in: ``${bundle.git.commit}`` and its like.

They are read as Databricks' own command line does: https://docs.databricks.com/dev-tools/bundles/settings#git.
"""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_S = 10.0
NAMES = ("branch", "actual_branch", "commit", "origin_url", "bundle_root_path")


class NoRepositoryError(LookupError):
    """Nobody can say: there is no repository, or git can't read it."""


@lru_cache(maxsize=16)
def details_of(folder: str) -> Mapping[str, str]:
    """What is known of the repository around a folder, by `NAMES`.

    A branch is empty where a commit is checked out rather than a branch, as pipelines do it, and an origin where there is none:
    a deployed bundle finds them so. A name and a password in the origin's address are left out.

    Raises:
        NoRepositoryError: There is none, or git can't read it; with git's own words.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    branch = _git(folder, "symbolic-ref", "--quiet", "--short", "HEAD", or_empty=True)
    return {
        "branch": branch,
        "actual_branch": branch,
        "commit": _git(folder, "rev-parse", "--quiet", "--verify", "HEAD", or_empty=True),  # none yet in a new repository
        "origin_url": _without_user(_git(folder, "config", "--get", "remote.origin.url", or_empty=True)),
        "bundle_root_path": os.path.relpath(os.path.realpath(folder), os.path.realpath(top)).replace(os.sep, "/"),
    }


def _git(folder: str, *asked: str, or_empty: bool = False) -> str:
    """What git answers; with ``or_empty``, nothing where it says by its exit code that there is no such thing."""
    try:
        done = subprocess.run(  # noqa: S603 -- the words are ours
            ["git", "-C", folder, *asked],  # noqa: S607 -- whichever the user has
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise NoRepositoryError(f"git can't be run: {exc}") from exc
    if done.returncode == 0:
        return done.stdout.strip()
    if or_empty and done.returncode == 1:
        return ""
    raise NoRepositoryError(" ".join(done.stderr.split()) or f"git {asked[0]} ended with {done.returncode}")


def _without_user(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else address
