"""Instances as JSON data: what goes out comes back, with its cycles, its chance and its keys."""

import datetime
import json
import random

from hypothesis import given
from hypothesis import strategies as st

from tool_gym.packs.importers.bfcl_backend import call, dump, load, view


class Node:
    def __init__(self, name, parent=None):
        self.name, self.parent, self.children, self._secret = name, parent, [], 1


def there_and_back(value):
    return load(json.loads(json.dumps(dump(value))))


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.integers() | st.text(), inner)
        | st.tuples(inner, inner)
        | st.sets(st.integers())
    ),
)


@given(st.dictionaries(st.integers() | st.text(), values))
def test_plain_data_comes_back_with_its_types_and_keys(value):
    assert there_and_back(value) == value


def test_what_is_held_twice_is_one_thing_again_and_a_circle_closes():
    root = Node("root")
    child = Node("child", parent=root)
    root.children += [child, child]
    back = there_and_back(root)
    assert back.children[0] is back.children[1]
    assert back.children[0].parent is back
    assert type(back) is Node


def test_chance_goes_on_where_it_was():
    chance = random.Random(7)
    chance.gauss(0, 1)
    back = there_and_back([chance])[0]
    assert [back.gauss(0, 1), back.random()] == [chance.gauss(0, 1), chance.random()]


def test_dates_come_back():
    moment = datetime.datetime(2024, 9, 1, 10, 30)
    assert there_and_back({"at": moment}) == {"at": moment}


def test_a_view_shows_what_a_comparison_looks_at():
    root = Node("root")
    root.children.append(Node("child", parent=root))
    shown = view(root)
    assert shown == {"Node": {"name": "root", "children": [{"Node": {"name": "child", "children": []}}]}}
    assert view({1: 2.0}) == view({1: 2})
    assert view({1: 2}) != view({"1": 2})


class Counter:
    def _load_scenario(self, scenario, long_context=False):
        self.count, self.long = scenario.get("count", 0), long_context

    def more(self, by):
        self.count += by
        return {"count": self.count}

    def text(self):
        return self.count


def test_calls_share_an_instance_through_the_state():
    state = {"classes": {"Counter": __name__}, "config": {"Counter": {"count": 3}}, "long_context": False}
    assert call(state, "Counter", "more", {"by": 2}) == {"count": 5}
    first = state["Counter"]["view"]
    assert call(state, "Counter", "text", {}) == "5", "anything but an object is told as text"
    assert state["Counter"]["view"] == first
    call(state, "Counter", "more", {"by": 1})
    assert state["Counter"]["view"] != first
    assert state.keys() == {"Counter"}
