"""Turn what databricks-sdk raises into errors of ours: what stands in the way, why, and what mends it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.remote.errors import (
    AnswerError,
    CertificateError,
    MissingError,
    NotAllowedError,
    RateLimitError,
    RemoteError,
    SignInError,
    UnreachableError,
    WorkspaceFaultError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databricks.sdk.errors.base import DatabricksError

    from harness.remote.secrets import Masker

_NAME = re.compile(
    r"nodename nor servname|name or service not known|failed to resolve|getaddrinfo|temporary failure in name", re.IGNORECASE
)
_REFUSED = re.compile(r"connection refused|actively refused", re.IGNORECASE)
_SIGN_IN = re.compile(
    r"cannot configure default credentials|default auth|invalid_client|invalid_grant|unauthorized|refresh token|access token"
    r"|has no .* profile|no such profile|please run|az login|token.*expired|expired.*token|authentication",
    re.IGNORECASE,
)
_FEDERATION = re.compile(r"federation policy|failed to process token", re.IGNORECASE)
# What the SDK makes of an answer that isn't OAuth's, and OAuth's own codes of a fault; all others refuse.
_NO_TOKEN_NOW = re.compile(r"unknown: |temporarily_unavailable\b|server_error\b|slow_down\b|b['\"]")
_GONE = re.compile(r"does not exist|doesn't exist", re.IGNORECASE)
_LONGEST = 600


def told(exc: BaseException, *, doing: str, host: str, mask: Masker) -> RemoteError:
    """Give the error of ours for one that the SDK, or the library below it, raised while ``doing`` something."""
    if isinstance(exc, RemoteError):
        return exc
    import requests
    from databricks.sdk.errors.base import DatabricksError

    chain = list(_causes(exc))
    for one in chain:
        match one:
            case requests.exceptions.SSLError():
                return certificate(doing, host, mask(_first_line(one)))
            case DatabricksError():
                return _answered(one, doing=doing, host=host, cause=mask(_first_line(one)))
            case requests.exceptions.InvalidJSONError():
                break
            case requests.exceptions.RequestException():
                return unreachable(doing, host, mask(_first_line(one)))
    cause = mask(_first_line(exc))
    if is_token_fault(exc):
        return WorkspaceFaultError(
            f"{doing} failed",
            cause=f"{host} gave no token: {mask(_first_line(chain[-1]))}",
            mend="run it again; if it stays so, ask the workspace's support",
        )
    if isinstance(exc, TimeoutError | ConnectionError):
        return unreachable(doing, host, cause)
    if isinstance(exc, ValueError) and any(_SIGN_IN.search(str(one)) for one in chain):
        return sign_in(doing, host, cause)
    return AnswerError(
        f"{doing} failed", cause=f"{type(exc).__name__}: {cause}", mend="look whether that address is a workspace"
    )


def is_bad_sign_in(exc: BaseException) -> bool:
    """Whether the workspace refused a call for its sign-in alone."""
    from databricks.sdk import errors

    match exc:
        case errors.Unauthenticated():
            return True
        case errors.PermissionDenied():
            return _is_bad_token(_first_line(exc))
    return False


def is_token_fault(exc: BaseException) -> bool:
    """Whether the endpoint that gives tokens failed by itself: the SDK raises a ValueError, as for a refusal, and asks once."""
    return any(
        isinstance(one, ValueError) and _comes_of(one, "retrieve_token") and _NO_TOKEN_NOW.match(str(one)) is not None
        for one in _causes(exc)
    )


def _comes_of(exc: BaseException, function: str) -> bool:
    found = exc.__traceback__
    while found is not None:
        if found.tb_frame.f_code.co_name == function:
            return True
        found = found.tb_next
    return False


def _answered(exc: DatabricksError, *, doing: str, host: str, cause: str) -> RemoteError:
    """The workspace answered, with an error."""
    from databricks.sdk import errors

    if is_bad_sign_in(exc):
        return sign_in(doing, host, cause)
    match exc:
        case errors.PermissionDenied():
            return NotAllowedError(
                f"{host} doesn't allow {doing}",
                cause=cause,
                mend="grant the identity of the run that permission; docs/environments.md lists those it needs",
            )
        case errors.TooManyRequests():
            return RateLimitError(
                f"{host} takes no more calls for now",
                cause=f"while {doing}: {cause}",
                mend="lower concurrency in the environment's table, or run at another time",
            )
        case errors.TemporarilyUnavailable() | errors.DeadlineExceeded():
            return unreachable(doing, host, cause)
    if isinstance(exc, errors.NotFound) or (isinstance(exc, errors.BadRequest) and _GONE.search(cause)):
        return MissingError(f"{doing} failed: it isn't there", cause=cause, mend="correct the name, or make it")
    code = f"{exc.error_code}: " if exc.error_code else ""
    kind = WorkspaceFaultError if isinstance(exc, errors.InternalError) or _is_fault(exc) else AnswerError
    return kind(f"{doing} failed", cause=f"{host} answered {code}{cause}", mend=_mend_of(exc))


def unreachable(doing: str, host: str, cause: str) -> UnreachableError:
    """The workspace can't be reached; the mend is that of the cause."""
    if _NAME.search(cause):
        mend = "correct host in the environment's table: no machine has that name, or this one is offline"
    elif _REFUSED.search(cause):
        mend = "correct host in the environment's table: nothing listens there (is the rehearsal running?)"
    else:
        mend = "look at the network (VPN, proxy, firewall) and at https://status.databricks.com"
    return UnreachableError(f"{host} can't be reached", cause=f"while {doing}: {cause}", mend=mend)


def certificate(doing: str, host: str, cause: str) -> CertificateError:
    """The certificate isn't trusted."""
    return CertificateError(
        f"the certificate of {host} isn't trusted",
        cause=f"while {doing}: {cause}",
        mend="name the file of your organisation's certificates in REQUESTS_CA_BUNDLE and GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    )


def sign_in(doing: str, host: str, cause: str) -> SignInError:
    """The sign-in isn't taken."""
    has_expired = "expire" in cause.lower()
    login = f" --host {host}" if "://" in host else ""
    if _FEDERATION.search(cause) and has_expired:
        mend = "sign in by github-oidc or azure-devops-oidc, which ask for a new ID token; one in a variable is soon over"
    elif _FEDERATION.search(cause):
        mend = (
            "have a federation policy of the service principal name issuer, subject and audience as the cause has them,\n"
            "and DATABRICKS_CLIENT_ID that service principal: see docs/environments.md"
        )
    elif "cannot configure default credentials" in cause:
        mend = (
            f"none of the SDK's ways to sign in is set up here: az login, databricks auth login{login}, a profile,\n"
            "or the DATABRICKS_… variables of your pipeline"
        )
    else:
        expired = "it has expired" if has_expired else "it is wrong"
        mend = (
            f"{expired}, or it is of another workspace: sign in again (databricks auth login{login}, az login), or set the\n"
            "DATABRICKS_… variables of your pipeline; the clock of this machine must be right, too"
        )
    return SignInError(f"{host} doesn't take the sign-in", cause=f"while {doing}: {cause}", mend=mend)


def _is_fault(exc: DatabricksError) -> bool:
    """A 5xx that the SDK has no class for, such as a gateway's 502: it carries no code of Databricks' own."""
    return type(exc).__name__ == "DatabricksError" and not exc.error_code


def _mend_of(exc: BaseException) -> str:
    from databricks.sdk import errors

    if isinstance(exc, errors.InternalError):
        return "run it again; if it stays so, ask the workspace's support"
    if isinstance(exc, errors.NotImplemented):
        return "that workspace doesn't have this call; a rehearsal says which it has"
    return "correct what the workspace names"


def _is_bad_token(cause: str) -> bool:
    text = cause.lower()
    return (
        "invalid access token" in text or "invalid token" in text or (("token" in text or "jwt" in text) and "expired" in text)
    )


def _first_line(exc: BaseException) -> str:
    text = " ".join(str(exc).split()) or type(exc).__name__
    # The SDK adds all its settings to an error of its sign-in.
    text = text.partition(" Config: ")[0]
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The error, and those that it came of, nearest first."""
    seen: set[int] = set()
    one: BaseException | None = exc
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
