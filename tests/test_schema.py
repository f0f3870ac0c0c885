import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.schema import argument_problem, sample_arguments, schema_problem

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "count": {"type": "integer", "minimum": 1, "maximum": 5},
        "unit": {"enum": ["km", "mi"]},
        "when": {"type": "string", "format": "date"},
        "share": {"type": "number", "exclusiveMaximum": 1},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
        "flag": {"type": ["boolean", "null"]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "required": ["city", "count"],
    "additionalProperties": False,
}


@given(st.integers(0, 2**32))
def test_sampled_arguments_fit_their_schema(seed):
    assert argument_problem(SCHEMA, sample_arguments(SCHEMA, np.random.default_rng(seed))) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ["city", "required"]),
        ({"city": 5, "count": 1}, ["city", "string"]),
        ({"city": "x", "count": 9}, ["count", "maximum"]),
        ({"city": "x", "count": 1, "unit": "m"}, ["unit"]),
        ({"city": "x", "count": 1, "zzz": 1}, ["zzz"]),
        ({"city": "x", "count": 1, "place": {"lat": "n"}}, ["place.lat"]),
    ],
)
def test_a_misfit_is_explained_with_its_place(arguments, words):
    problem = argument_problem(SCHEMA, arguments)
    assert problem is not None
    assert all(word in problem for word in words)


@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": "object", "properties": 5}, {"type": "nonsense"}])
def test_an_unsound_schema_is_named(schema):
    assert schema_problem(schema)


def test_a_schema_may_not_refer_to_anything_outside():
    assert "may not refer" in (schema_problem({"type": "object", "$ref": "https://example.org/x.json"}) or "")
    assert schema_problem({"type": "object", "$ref": "file:///etc/passwd"})


def test_foreign_keys_in_a_schema_do_no_harm():
    assert schema_problem({"type": "object", "properties": {"a": {"type": "string", "optional": True}}}) is None
