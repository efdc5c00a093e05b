"""What goes wrong with a rehearsal itself, as its user is told.

RehearsalError
├── RehearsalStartError    NBH400   it didn't start
├── RehearsalStopError     NBH401   it doesn't end
└── RehearsalGrantError    NBH402   its principal can't be given what the settings say
"""

from __future__ import annotations

from harness.errors import HarnessError


class RehearsalError(HarnessError):
    """The workspace on this machine can't be had."""


class RehearsalStartError(RehearsalError):
    """It didn't start."""

    code = "NBH400"
    about = "the rehearsal didn't start"


class RehearsalStopError(RehearsalError):
    """It was told to end and didn't, or isn't ours to end."""

    code = "NBH401"
    about = "the rehearsal can't be stopped"


class RehearsalGrantError(RehearsalError):
    """The privileges that the settings name can't be granted in it."""

    code = "NBH402"
    about = "the rehearsal can't grant what the settings say"
