import copy
import json
import pickle

import pytest

from tool_gym.frozen import FrozenDict, FrozenList, freeze, thaw
from tool_gym.jsonvalue import dumps, encode

DATA = {"a": [1, {"b": "ü"}], "c": None}


@pytest.mark.parametrize(
    "mutate",
    [
        lambda d: d.update(x=1),
        lambda d: d.pop("a"),
        lambda d: d.clear(),
        lambda d: d.setdefault("x", 1),
        lambda d: d.popitem(),
        lambda d: d.__setitem__("a", 1),
        lambda d: d.__delitem__("a"),
        lambda d: d.__ior__({"x": 1}),
        lambda d: d["a"].append(1),
        lambda d: d["a"].__setitem__(0, 9),
        lambda d: d["a"].__delitem__(0),
        lambda d: d["a"].__iadd__([1]),
        lambda d: d["a"].sort(),
        lambda d: d["a"].clear(),
        lambda d: d["a"][1].update(b=1),
    ],
)
def test_every_mutator_raises_and_changes_nothing(mutate):
    frozen = freeze(DATA)
    with pytest.raises(TypeError, match="read-only"):
        mutate(frozen)
    assert frozen == DATA


def test_a_deep_copy_is_ones_own_and_changes_nothing_else():
    frozen = freeze(DATA)
    copied = copy.deepcopy(frozen)
    assert copied == DATA
    assert type(copied) is type(frozen), "Gymnasium's checker compares copies with originals by type"
    copied["a"][1]["b"] = "changed"
    copied["a"].append(5)
    del copied["c"]
    assert copied == {"a": [1, {"b": "changed"}, 5]}
    assert frozen == DATA
    assert freeze(copied) is not copied
    with pytest.raises(TypeError):
        freeze(copied)["a"].append(6)


@pytest.mark.parametrize("copier", [lambda v: pickle.loads(pickle.dumps(v)), thaw])
def test_pickled_and_thawed_data_is_plain(copier):
    copied = copier(freeze(DATA))
    assert copied == DATA
    assert type(copied) is dict
    assert type(copied["a"]) is list
    assert type(copied["a"][1]) is dict


def test_frozen_data_is_json_data_to_every_encoder():
    frozen = freeze(DATA)
    assert json.loads(json.dumps(frozen)) == DATA
    assert encode(frozen) == dumps(frozen) == dumps(DATA)


def test_freezing_does_not_share_what_can_change():
    source = {"a": [1]}
    frozen = freeze(source)
    source["a"].append(2)
    assert frozen == {"a": [1]}
    assert isinstance(frozen, FrozenDict)
    assert isinstance(frozen["a"], FrozenList)
