import struct
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.messages import Status
from tool_gym.sandbox.wire import (
    MAX_REPLY_BYTES,
    REPLY_HEADER,
    REQUEST_HEADER,
    STATUSES,
    BadReply,
    Reply,
    pack_reply,
    pack_request,
    read_replies,
    unpack_request,
)

seconds = st.floats(0, 1000, width=32)
replies = st.builds(
    Reply, st.sampled_from(STATUSES), st.binary(max_size=50), st.booleans(), st.none() | st.binary(max_size=50), seconds
)
calls = st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=9), st.binary(max_size=32))
jobs = st.tuples(st.lists(calls, max_size=4), st.none() | st.binary(max_size=9), st.floats(allow_nan=False))
requests = st.tuples(
    st.integers(-1, 200),
    st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=9)), max_size=2),
    st.lists(st.tuples(st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.text())), max_size=2),
    st.lists(jobs, max_size=3),
)


def test_the_statuses_are_those_of_messages_but_for_calls_that_reach_no_worker():
    assert get_args(Status) == (*STATUSES, "unavailable")


@given(requests)
def test_a_request_comes_back_as_it_was(request):
    data = pack_request(request)
    assert REQUEST_HEADER.unpack_from(data) == (len(data) - REQUEST_HEADER.size,)
    assert unpack_request(data[REQUEST_HEADER.size :]) == request


@given(st.lists(replies, max_size=5), st.integers(0, 400))
def test_replies_come_back_as_they_were_wherever_the_stream_is_cut(sent, cut):
    data = b"".join(map(pack_reply, sent))
    first, rest = read_replies(data[:cut], len(sent))
    second, rest = read_replies(rest + data[cut:], len(sent) - len(first))
    assert first + second == sent
    assert rest == b""


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_replies_or_a_lie(data):
    try:
        found, rest = read_replies(data, 3)
    except BadReply:
        return
    assert b"".join(map(pack_reply, found)) + rest == data


def header(index=0, flags=1, took=0.0, length=0, state=0):
    return REPLY_HEADER.pack(index, flags, took, length, state)


@pytest.mark.parametrize(
    "data",
    [
        header(index=len(STATUSES)),
        header(flags=4),
        header(took=-1.0),
        header(took=float("nan")),
        header(took=float("inf")),
        header(state=1) + b"x",
        header(length=MAX_REPLY_BYTES + 1),
        header(state=2**32 - 1),
        header() + b"x",
        header() + header(),
    ],
    ids=[
        "status",
        "flags",
        "negative",
        "nan",
        "infinite",
        "unannounced-state",
        "length",
        "state",
        "byte-after",
        "reply-after",
    ],
)
def test_a_reply_that_no_honest_worker_sends_is_refused_at_once(data):
    with pytest.raises(BadReply):
        read_replies(data, 1)


def test_a_header_that_is_not_whole_waits_for_the_rest():
    assert read_replies(header()[:-1], 1) == ([], header()[:-1])
    assert struct.calcsize(REPLY_HEADER.format) == REPLY_HEADER.size
