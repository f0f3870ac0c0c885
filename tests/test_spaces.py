import copy
import pickle

import pytest
from gymnasium.vector.utils import batch_space, create_shared_memory, read_from_shared_memory, write_to_shared_memory
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.spaces import JsonSpace, MessageSpace, TextSpace

SPACES = [JsonSpace(4096, seed=1), MessageSpace(4096, seed=1), TextSpace(4096, seed=1)]


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_samples_belong_to_their_space_and_follow_the_seed(space):
    space.seed(5)
    samples = [space.sample() for _ in range(20)]
    assert all(sample in space for sample in samples)
    space.seed(5)
    assert [space.sample() for _ in range(20)] == samples
    assert space.from_jsonable(space.to_jsonable(samples)) == samples


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_spaces_compare_by_value_and_survive_copying_and_pickling(space):
    for twin in (copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
        assert twin == space
        assert hash(twin) == hash(space)
    assert type(space)(8192) != space
    assert space not in [other for other in SPACES if other is not space]
    assert not space.is_np_flattenable
    assert len(batch_space(space, 3).sample()) == 3


anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["content", "tool_calls", "name"]) | st.text(), inner)
    ),
    max_leaves=10,
)


@given(anything)
def test_membership_never_raises(value):
    for space in SPACES:
        assert (value in space) in (True, False)


def test_membership_knows_messages_in_both_forms():
    space = MessageSpace(4096)
    assert {"content": "ü", "tool_calls": ({"name": "f", "arguments": {}},)} in space
    assert AssistantMessage(tool_calls=(ToolCall(name="f"),)) in space
    assert {"tool_calls": [{"name": 5}]} not in space
    assert {"content": "x" * 5000} not in space
    assert 5 not in space


def test_shared_memory_is_read_at_each_copy():
    space = JsonSpace(2048)
    memory = create_shared_memory(space, n=2)
    live = read_from_shared_memory(space, memory, n=2)
    assert copy.deepcopy(live) == ([], [])
    write_to_shared_memory(space, 1, [{"role": "user", "content": "مرحبا"}], memory)
    assert copy.deepcopy(live) == ([], [{"role": "user", "content": "مرحبا"}])
    write_to_shared_memory(space, 1, [{"role": "user"}], memory)
    assert live[1] == [{"role": "user"}]
    with pytest.raises(ValueError, match="exceeds"):
        write_to_shared_memory(space, 0, [{"content": "x" * 3000}], memory)
    assert live[1] == [{"role": "user"}]
