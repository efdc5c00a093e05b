"""The errors of remote runs: what stands between a test and a workspace, each with its cause and mend.

    RemoteError
    ├── UnreachableError       NBH330   nothing answers at the workspace's address, or no longer
    ├── SignInError            NBH331   the workspace doesn't take the sign-in, or there is none
    ├── NotAllowedError        NBH332   the identity may not do that
    ├── CertificateError       NBH333   the workspace's certificate isn't trusted
    ├── RateLimitError         NBH334   the workspace asks to be asked less often
    ├── AnswerError            NBH335   the workspace answered what can't be used
    │   └── WorkspaceFaultError         … by a fault of its own
    ├── MissingError           NBH336   what was asked for isn't there
    ├── ClosureError
    │   ├── OutsideError       NBH337   a file leads out of the repository
    │   ├── CollisionError     NBH338   two files would have one path on the workspace
    │   ├── TooLargeError      NBH339   a file is larger than a workspace takes
    │   └── WorkspaceNameError NBH340   a workspace can't hold a file of that name
    ├── ForeignCopyError       NBH341   the workspace's own copy of a notebook is another than the repository's
    ├── UploadError            NBH342   what lies on the workspace isn't what was sent there
    ├── ClusterError           NBH343   the cluster isn't there, or doesn't start
    ├── PrivilegeError         NBH344   the identity could change what is protected
    ├── UnknownPrivilegeError  NBH345   whether it could isn't known
    ├── CatalogMentionError    NBH346   a notebook names a catalog of another environment
    ├── RemoteSparkError       NBH347   no Spark session can be had on the workspace
    ├── LeftoverError          NBH348   something that was made there couldn't be removed
    ├── RecordError            NBH435   answers of a workspace can't be recorded so
    ├── ContractError          NBH436   a file holds no recorded answer
    ├── RunGoneError           NBH390   a run, or what it gave, was removed by somebody else
    ├── ContactLostError       NBH392   what became of a run isn't known
    ├── LeftUnknownError       NBH393   what a run put out or made isn't known
    ├── OnClusterRunError      NBH420   the job that was to run tests didn't come to its end
    ├── OnClusterResultError   NBH421   what became of a test on the cluster isn't known
    ├── WheelError             NBH422   a wheel of the project can't be built
    └── TravelError            NBH423   a package that tests on the cluster need can't go along

What became of a single run is no error but its outcome: see ``harness.remote.outcome``. ``NBH390`` to ``NBH392``
are texts of such outcomes, and never raised.
"""

from __future__ import annotations

from harness.errors import HarnessError


class RemoteError(HarnessError):
    """A workspace can't be used, or not in that way."""


class UnreachableError(RemoteError):
    """Nothing answers at the workspace's address; whether a call that was on its way was carried out isn't known."""

    code = "NBH330"
    about = "the workspace can't be reached"


class SignInError(RemoteError):
    """There is no sign-in, or the workspace doesn't take it (any more)."""

    code = "NBH331"
    about = "the workspace doesn't take the sign-in"


class NotAllowedError(RemoteError):
    """The identity of the run lacks a permission."""

    code = "NBH332"
    about = "the identity may not do that on the workspace"


class CertificateError(RemoteError):
    """The certificate that the workspace shows isn't trusted on this machine."""

    code = "NBH333"
    about = "the workspace's certificate isn't trusted"


class RateLimitError(RemoteError):
    """The workspace still answers "too many requests" after as long as the harness waits."""

    code = "NBH334"
    about = "the workspace takes no more calls for now"


class AnswerError(RemoteError):
    """The workspace answered with an error of its own, or refused the call as wrong."""

    code = "NBH335"
    about = "the workspace answered what can't be used"


class WorkspaceFaultError(AnswerError):
    """The workspace failed at the call by a fault of its own (5xx); whether it was carried out isn't known."""


class MissingError(RemoteError):
    """An object of the workspace isn't there: never made, removed by somebody else, or hidden from this identity."""

    code = "NBH336"
    about = "what was asked for isn't on the workspace"


class ClosureError(RemoteError):
    """What a notebook needs can't go to a workspace."""


class OutsideError(ClosureError):
    """A symbolic link leads out of the repository."""

    code = "NBH337"
    about = "a file that a notebook needs lies outside the repository"


class CollisionError(ClosureError):
    """Files that are apart here would be one on the workspace, where notebooks have no suffix."""

    code = "NBH338"
    about = "two files would have the same path on the workspace"


class TooLargeError(ClosureError):
    """A file is larger than the workspace's import takes."""

    code = "NBH339"
    about = "a file is too large for the workspace"


class WorkspaceNameError(ClosureError):
    """A workspace can't hold a file of that name."""

    code = "NBH340"
    about = "a file's name can't be on a workspace"


class ForeignCopyError(RemoteError):
    """An absolute target names the workspace's own copy, which isn't the content that stands in the repository."""

    code = "NBH341"
    about = "the workspace's own copy of a notebook is another than the repository's"


class UploadError(RemoteError):
    """What lies on the workspace after an upload isn't what was sent, or a file changed while it was sent."""

    code = "NBH342"
    about = "an upload isn't whole"


class ClusterError(RemoteError):
    """The cluster isn't there, can't be used, or can't be made."""

    code = "NBH343"
    about = "the cluster can't be used"


class PrivilegeError(RemoteError):
    """The identity of the run may change a protected catalog."""

    code = "NBH344"
    about = "the identity could change a protected catalog"


class UnknownPrivilegeError(RemoteError):
    """What the identity may do on a protected catalog can't be read, and the settings take that for a refusal."""

    code = "NBH345"
    about = "the identity's privileges on a protected catalog can't be read"


class CatalogMentionError(RemoteError):
    """A notebook, or what it needs, names a protected catalog or one of another environment."""

    code = "NBH346"
    about = "a notebook names a catalog of another environment"


class RemoteSparkError(RemoteError):
    """No Spark session can be had on the workspace."""

    code = "NBH347"
    about = "no Spark session can be had on the workspace"


class LeftoverError(RemoteError):
    """Something that was made on the workspace couldn't be removed; the ledger still names it."""

    code = "NBH348"
    about = "something is left on the workspace"


class RunGoneError(RemoteError):
    """A run, or its output, isn't on the workspace any more: what became of it can't be known."""

    code = "NBH390"
    about = "a run was removed from the workspace"


class ContactLostError(RemoteError):
    """The workspace couldn't be asked what became of a run; it may have passed, failed, or still be on."""

    code = "NBH392"
    about = "what became of a run isn't known"


class LeftUnknownError(RemoteError):
    """What a run put out or made can't be had from the workspace, or not whole; it may be anything."""

    code = "NBH393"
    about = "what a run put out or made isn't known"


class RecordError(RemoteError):
    """Recording would make something where only reading is allowed, or write down what isn't to be written down."""

    code = "NBH435"
    about = "answers can't be recorded so"


class ContractError(RemoteError):
    """A file that is to hold a recorded answer holds none."""

    code = "NBH436"
    about = "a file holds no recorded answer"


class OnClusterRunError(RemoteError):
    """The job that was to run tests didn't come to its end, or gave nothing: what became of its tests isn't known."""

    code = "NBH420"
    about = "the job that was to run tests didn't come to its end"


class OnClusterResultError(RemoteError):
    """A test's result is missing, isn't whole, contradicts itself or is another run's."""

    code = "NBH421"
    about = "what became of a test on the cluster isn't known"


class WheelError(RemoteError):
    """A wheel that the environment asks for can't be built from the project."""

    code = "NBH422"
    about = "a wheel of the project can't be built"


class TravelError(RemoteError):
    """A package that tests on the cluster need can't be taken from this Python."""

    code = "NBH423"
    about = "a package that tests on the cluster need can't go along"


def is_passing(error: RemoteError) -> bool:
    """Whether a call may be answered if it is made again; whether it was carried out isn't known."""
    return isinstance(error, UnreachableError | RateLimitError | WorkspaceFaultError)
