import ast

import pytest

from tool_gym.authoring.hints import schema_of


def _schema(text: str, **aliases: str):
    return schema_of(_tree(text), {name: _tree(value) for name, value in aliases.items()})


def _tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        ("str", {"type": "string"}),
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("'str'", {"type": "string"}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("List[list[str]]", {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
        ("Literal['km', 'mi']", {"type": "string", "enum": ["km", "mi"]}),
        ("typing.Literal[1, 2]", {"type": "integer", "enum": [1, 2]}),
        ("str | None", {"type": ["string", "null"]}),
        ("None | str", {"type": ["string", "null"]}),
        ("Optional[float]", {"type": ["number", "null"]}),
        ("Literal['a'] | None", {"type": ["string", "null"], "enum": ["a", None]}),
        ("str | list[str]", {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
        ("Union[int, str, None]", {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}),
    ],
)
def test_a_type_hint_becomes_the_json_schema_of_its_values(hint, schema):
    assert _schema(hint) == schema


def test_a_hint_may_be_a_name_that_the_module_gives_to_another_hint():
    assert _schema("list[Unit]", Unit="Literal['km']") == {"type": "array", "items": {"type": "string", "enum": ["km"]}}


@pytest.mark.parametrize(
    "hint", ["dict", "list", "Any", "date", "Literal[1, 'a']", "Literal[True]", "'1 +'", "tuple[int]"]
)
def test_a_hint_without_a_json_form_is_refused_by_name(hint):
    with pytest.raises(ValueError, match=r"use |must be all"):
        _schema(hint)


def test_names_that_stand_for_each_other_in_a_circle_are_refused():
    with pytest.raises(ValueError, match="not understood"):
        _schema("A", A="B", B="A")
