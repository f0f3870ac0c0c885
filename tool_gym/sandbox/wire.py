"""What travels between an executor and its workers, in both directions.

Requests are `marshal` data: the worker trusts its parent. Replies are one fixed header and plain bytes for each call:
the parent trusts no worker, so it never unpickles and never reads a length it has not checked. This module imports only
the standard library, because workers load it before they are sealed.
"""

from __future__ import annotations

import marshal
import struct
from typing import NamedTuple, TypeAlias

STATUSES = ("ok", "invalid_call", "tool_error", "timeout", "limit", "bad_result", "crashed")
"""The statuses of `tool_gym.messages.Status` that a call in a worker can have; a reply names one by its place."""

MAX_REPLY_BYTES = 2_000_000
"""Longest payload or state that a parent reads before it calls its worker a liar: twice what a runtime lets through."""
READ_BYTES = 65536
"""Bytes asked of a socket at once; larger buffers cost more to allocate than they save."""


Call: TypeAlias = tuple[str, bytes | None, bytes]
"""One call, a pure function of its bytes: the key of its source; its arguments as JSON text of an object, or None to
compile and load the source without calling it; and the 32 bytes that random numbers and the clock derive from."""

Source: TypeAlias = tuple[str, str, str, dict[str, str]]
"""A tool's code: its digest, which is its key; its name; its text; the digest of each table that it reads, by name."""

Table: TypeAlias = tuple[str, bytes]
"""A table's digest, and its rows as JSON text."""

Job: TypeAlias = tuple[list[Call], bytes | None, float]
"""Calls of one session, to be run in order; its state as JSON text, or None; and the seconds that all may take."""

Request: TypeAlias = tuple[int, list[Table], list[Source], list[Job]]
"""One message to a worker: the processor to run on, -1 for any; tables and sources that it does not have; the jobs."""

REQUEST_HEADER = struct.Struct("<Q")
"""Length of a request's body in bytes."""
_PLAIN = 2
"""The last version of `marshal` that does not spend time on finding shared objects."""


def pack_request(request: Request) -> bytes:
    """The request with its header."""
    body = marshal.dumps(request, _PLAIN)
    return REQUEST_HEADER.pack(len(body)) + body


def unpack_request(body: bytes) -> Request:
    """The request in a body; only for bytes that a parent wrote."""
    return marshal.loads(body)  # type: ignore[no-any-return]


REPLY_HEADER = struct.Struct("<BBfII")
"""Status, flags, seconds taken, length of the payload, length of the state."""
_HEADER_BYTES = REPLY_HEADER.size
_DETERMINISTIC, _HAS_STATE = 1, 2
_INDEX = {status: index for index, status in enumerate(STATUSES)}


class BadReply(Exception):
    """A worker sent what no honest worker sends."""


class Reply(NamedTuple):
    """One call's outcome.

    Attributes:
        status: One of `STATUSES`.
        payload: JSON text of the value if ok, else the reason as UTF-8 text.
        deterministic: False where the clock or memory decided.
        state: The session's new state as JSON text, or None where it did not change.
        seconds: Time taken, >= 0.
    """

    status: str
    payload: bytes
    deterministic: bool
    state: bytes | None
    seconds: float


def pack_reply(reply: Reply) -> bytes:
    """The reply with its header."""
    status, payload, deterministic, state, seconds = reply
    flags = _DETERMINISTIC if deterministic else 0
    if state is None:
        return REPLY_HEADER.pack(_INDEX[status], flags, seconds, len(payload), 0) + payload
    header = REPLY_HEADER.pack(_INDEX[status], flags | _HAS_STATE, seconds, len(payload), len(state))
    return header + payload + state


def read_replies(data: bytes, most: int) -> tuple[list[Reply], bytes]:
    """The whole replies at the front of what a worker sent, and the rest.

    Args:
        data: Bytes from a worker.
        most: Replies that are still expected; more is a lie.

    Raises:
        BadReply: If the bytes are not replies, are too many, or announce more than `MAX_REPLY_BYTES`.
    """
    replies: list[Reply] = []
    start, end = 0, len(data)
    while end - start >= _HEADER_BYTES and len(replies) < most:
        index, flags, seconds, length, state_length = REPLY_HEADER.unpack_from(data, start)
        if index >= len(STATUSES) or flags > 3 or not 0 <= seconds < 1e6 or (state_length and flags < _HAS_STATE):
            raise BadReply("a header that means nothing")
        if length > MAX_REPLY_BYTES or state_length > MAX_REPLY_BYTES:
            raise BadReply(f"a reply of {length + state_length} bytes")
        body = start + _HEADER_BYTES
        middle, stop = body + length, body + length + state_length
        if stop > end:
            break
        state = data[middle:stop] if flags & _HAS_STATE else None
        replies.append(Reply(STATUSES[index], data[body:middle], flags & _DETERMINISTIC != 0, state, seconds))
        start = stop
    if len(replies) == most and start < end:
        raise BadReply("bytes after the last reply")
    return replies, data[start:]
