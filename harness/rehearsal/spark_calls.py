"""Spark Connect's calls as bytes: whose they are, and the few that the gateway makes or changes itself."""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "/spark.connect.SparkConnectService/"

METHODS = frozenset(
    {
        "ExecutePlan",
        "AnalyzePlan",
        "Config",
        "AddArtifacts",
        "ArtifactStatus",
        "Interrupt",
        "ReattachExecute",
        "ReleaseExecute",
        "ReleaseSession",
        "FetchErrorDetails",
        "CloneSession",
        "GetStatus",
    }
)
"""All that Spark's own server answers."""

OPENING = frozenset({"ExecutePlan", "AnalyzePlan", "Config", "AddArtifacts", "ArtifactStatus", "CloneSession"})
"""Those that open a session where there is none of that name."""

LETTING_GO = frozenset({"Interrupt", "ReleaseExecute", "ReleaseSession", "FetchErrorDetails"})
"""Those that only let go of something, or ask why it went; clients send some of them late, when nobody waits for them."""

_EXTENSION = "nbh/"
_OURS = (b"nbh/", b"NBH ", b"nbh ")
_DBR_VERSION = 800


@dataclass(frozen=True, slots=True)
class Whose:
    """The session of a call, as the client names it, and the user that the client says it is."""

    session: str
    user: bytes

    @property
    def key(self) -> tuple[str, str]:
        """By what the engine tells sessions apart."""
        from pyspark.sql.connect.proto import UserContext

        return UserContext.FromString(self.user).user_id, self.session


def whose(call: bytes) -> Whose:
    """Whose call it is. Every call has the session and the user in the same two fields, whatever else a client's version adds.

    Raises:
        google.protobuf.message.DecodeError: That is no call.
    """
    head = _head().FromString(call)
    return Whose(head.session_id, head.user_context)


@functools.cache
def _head() -> Any:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    file = FileDescriptorProto(name="nbh/head.proto", package="nbh", syntax="proto3")
    head = file.message_type.add(name="Head")
    head.field.add(name="session_id", number=1, type=Field.TYPE_STRING, label=Field.LABEL_OPTIONAL)
    head.field.add(name="user_context", number=2, type=Field.TYPE_BYTES, label=Field.LABEL_OPTIONAL)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("nbh.Head"))


def refusal_of(method: str, call: bytes) -> str:
    """Why a workspace wouldn't know what this call asks for, while this machine's engine would; "" where it would."""
    if method != "ExecutePlan" or not any(word in call for word in _OURS):
        return ""
    from pyspark.sql.connect.proto import ExecutePlanRequest

    plan = ExecutePlanRequest.FromString(call).plan
    if plan.command.extension.type_url.startswith(_EXTENSION):
        return "[INTERNAL_ERROR] No handler found for extension SQLSTATE: XX000"
    statement = plan.command.sql_command
    if any(text.split(maxsplit=1)[:1] in (["NBH"], ["nbh"]) for text in (statement.sql, statement.input.sql.query)):
        return "[PARSE_SYNTAX_ERROR] Syntax error at or near 'NBH'. SQLSTATE: 42601"
    return ""


def engine_command(by: Whose, verb: str, text: str = "") -> bytes:
    """A call that asks the engine for something of its own."""
    from google.protobuf.any_pb2 import Any as Packed
    from pyspark.sql.connect.proto import Command, ExecutePlanRequest, Plan

    command = Command(extension=Packed(type_url=f"{_EXTENSION}{verb}", value=text.encode()))
    made = ExecutePlanRequest(session_id=by.session, operation_id=str(uuid.uuid4()), plan=Plan(command=command))
    made.user_context.MergeFromString(by.user)
    return bytes(made.SerializeToString())


def set_conf(by: Whose, conf: Mapping[str, str]) -> bytes:
    """A call that sets a session's configuration."""
    from pyspark.sql.connect.proto import ConfigRequest, KeyValue

    pairs = [KeyValue(key=name, value=value) for name, value in conf.items()]
    made = ConfigRequest(session_id=by.session, operation=ConfigRequest.Operation(set=ConfigRequest.Set(pairs=pairs)))
    made.user_context.MergeFromString(by.user)
    return bytes(made.SerializeToString())


def release_session(by: Whose) -> bytes:
    """A call that ends a session."""
    from pyspark.sql.connect.proto import ReleaseSessionRequest

    made = ReleaseSessionRequest(session_id=by.session)
    made.user_context.MergeFromString(by.user)
    return bytes(made.SerializeToString())


def with_runtime(answer: bytes, runtime: str) -> bytes:
    """An answer to AnalyzePlan; one that tells Spark's version tells the runtime's too, in Databricks' own field."""
    from google.protobuf.internal.encoder import TagBytes
    from google.protobuf.internal.wire_format import WIRETYPE_LENGTH_DELIMITED
    from pyspark.sql.connect.proto import AnalyzePlanResponse

    told = AnalyzePlanResponse.FromString(answer)
    if not told.HasField("spark_version"):
        return answer
    text = runtime.encode()
    told.spark_version.MergeFromString(TagBytes(_DBR_VERSION, WIRETYPE_LENGTH_DELIMITED) + bytes([len(text)]) + text)
    return bytes(told.SerializeToString())


def cloned(call: bytes, answer: bytes) -> Whose:
    """The session that a CloneSession made."""
    from pyspark.sql.connect.proto import CloneSessionResponse

    return Whose(CloneSessionResponse.FromString(answer).new_session_id, whose(call).user)
