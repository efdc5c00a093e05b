"""What ``nbh explain`` tells of an error."""

from __future__ import annotations

import re

import pytest

from harness import cli, errors
from harness.commands.explain import explain
from harness.errors import SettingsError


def test_every_error_can_be_explained():
    """With what it means and what to do, and without marks that only a browser reads."""
    for code in errors.CODES:
        told = explain(code)

        assert told.startswith(f"{code}\n\n")
        assert "Mend: " in told, code
        assert not re.search(r"\*\*|\]\(|^##", told, flags=re.MULTILINE), code


def test_what_is_told(capsys):
    """One section, whole, by a code in any spelling."""
    assert cli.main(["explain", "nbh111"]) == cli.YES

    assert capsys.readouterr().out == (
        "NBH111\n\n"
        "The notebook changed on disk during the run. Its units were loaded from what it said before, "
        "and line numbers would be wrong.\n\n"
        "Mend: run the tests again.\n"
    )


@pytest.mark.parametrize(
    ("code", "mend"),
    [("NBH1066", 'did you mean "NBH106"?'), ("NBH999", "give the code"), ("x", "give the code as the error shows it")],
)
def test_a_code_that_there_is_not(code, mend):
    """Is wrong use, with the near one."""
    with pytest.raises(SettingsError) as caught:
        explain(code)

    assert caught.value.what == f'there is no error "{code}"'
    assert mend in caught.value.mend
