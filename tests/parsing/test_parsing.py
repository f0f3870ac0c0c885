"""The parsers on each family's own words, on what went wrong in them, and on text made to break them.

Where a family's chat template is there to be rendered, it is tested in `test_parsing_templates.py`. No template is
published for the format `json`, and Llama 4's comes in no package: what is rendered for these two here is written after
their documentation.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tool_gym.errors import UnknownName
from tool_gym.jsonvalue import canonical
from tool_gym.messages import MAX_CALLS_READ, AssistantMessage, read_action
from tool_gym.parsing.parser import PARSERS, parser

FAMILIES = ("hermes", "llama3", "mistral", "json", "pythonic")
BIG = 10**40 + 7
TAGS = (
    "<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "```json\n", "```",
    "<think>",
    "</think>", "[THINK]", "[/THINK]", "<|im_end|>", "<|eot_id|>", "</s>", "<|tool_call_start|>", "<|tool_call_end|>",
)  # fmt: skip

texts = st.one_of(st.text(max_size=12), st.sampled_from(TAGS))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name not in ("None", "True"))
arguments = st.dictionaries(names, values, max_size=3)
calls = st.lists(st.tuples(names, arguments), min_size=1, max_size=3)


def pairs(message: AssistantMessage) -> list[tuple[str, dict[str, Any]]]:
    """Name and arguments of each call, every one of them a good one."""
    assert [call.error for call in message.tool_calls] == [None] * len(message.tool_calls)
    assert message.parse_error is None
    return [(call.name, call.arguments) for call in message.tool_calls]


def same(got: object, expected: object) -> bool:
    """Equality as JSON: 1 is not 1.0, order of keys aside."""
    return canonical(json.loads(json.dumps(got))) == canonical(json.loads(json.dumps(expected)))


GOOD = {
    "hermes": 'Let me look.\n<tool_call>\n{"name": "f", "arguments": {"a": BIG}}\n</tool_call>\n'
    '<tool_call>\n{"name": "g", "arguments": "{\\"b\\": [\\"é\\"]}"}\n</tool_call><|im_end|>\n<|endoftext|>',
    "llama3": 'Let me look.<|python_tag|>{"name": "f", "parameters": {"a": BIG}}; '
    '{"name": "g", "parameters": {"b": ["é"]}}<|eom_id|>',
    "mistral": 'Let me look.[TOOL_CALLS] [{"name": "f", "arguments": {"a": BIG}, "id": "x"}, '
    '{"name": "g", "arguments": {"b": ["é"]}}]</s>',
    "json": 'Let me look.\n```json\n[{"name": "f", "arguments": {"a": BIG}},\n'
    ' {"type": "function", "function": {"name": "g", "arguments": "{\\"b\\": [\\"é\\"]}"}}]\n```\n',
    "pythonic": "Let me look.<|python_start|>[f(a=BIG), g(b=['é'])]<|python_end|><|eot|>",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_two_calls_after_some_text_are_read_with_exact_numbers_and_without_end_tokens(family: str) -> None:
    message = parser(family)(GOOD[family].replace("BIG", str(BIG)))
    assert message.content == "Let me look."
    assert pairs(message) == [("f", {"a": BIG}), ("g", {"b": ["é"]})]
    assert type(message.tool_calls[0].arguments["a"]) is int


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("llama3", '{"name": "f", "parameters": {"a": 1}}\n{"name": "g", "parameters": {}}<|eot_id|>'),
        ("llama3", '<|python_tag|>{"name": "f", "parameters": {"a": 1}}<|python_tag|>{"name": "g", "parameters": {}}'),
        ("llama3", '[{"name": "f", "parameters": {"a": 1}}, {"name": "g"}]'),
        ("mistral", '[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}</s>'),
        ("mistral", '[TOOL_CALLS]f[CALL_ID]abcdefghi[ARGS]{"a": 1}[TOOL_CALLS]g{}'),
        ("json", '{"name": "f", "arguments": {"a": 1}}\n{"name": "g"}'),
        ("json", '[{"name": "f", "parameters": {"a": 1}}, {"function": {"name": "g", "arguments": ""}}]'),
        ("json", '```\n{"name": "f", "arguments": {"a": 1}}\n```\n```JSON\n{"name": "g", "arguments": null}\n```'),
        ("pythonic", '[f(a=1), g()]'),
        ("pythonic", "<|tool_call_start|>[ f ( a = 1 , ) , g( ) ]<|tool_call_end|><|im_end|>"),
        ("pythonic", "<|python_tag|>[f(a=1), g()]<|eom_id|>"),
    ],
)  # fmt: skip
def test_each_variant_of_a_family_is_read(family: str, text: str) -> None:
    message = parser(family)(text)
    assert pairs(message) == [("f", {"a": 1}), ("g", {})]
    assert message.content == ""


def test_an_id_that_the_model_gave_is_kept() -> None:
    for text in ('[TOOL_CALLS][{"name": "f", "arguments": {}, "id": "abc"}]', "[TOOL_CALLS]f[CALL_ID]abc[ARGS]{}"):
        assert parser("mistral")(text).tool_calls[0].id == "abc"


BROKEN_NEXT_TO_GOOD = [
    ("hermes", '<tool_call>{"name": "f", "arguments": {"a": }}</tool_call><tool_call>{"name": "g"}</tool_call>', "f"),
    ("hermes", '<tool_call>{"name": "f"}<tool_call>{"name": "g"}</tool_call>', "f"),
    ("hermes", '<tool_call>{"name": "f", "arguments": [1]}</tool_call><tool_call>{"name": "g"}</tool_call>', "f"),
    ("hermes", '<tool_call>{"name": "f", "arguments": "{"}</tool_call><tool_call>{"name": "g"}</tool_call>', "f"),
    ("hermes", '<tool_call>{"arguments": {}}</tool_call><tool_call>{"name": "g"}</tool_call>', ""),
    ("hermes", '<tool_call>["f"]</tool_call><tool_call>{"name": "g"}</tool_call>', ""),
    ("hermes", '</tool_call><tool_call>{"name": "g"}</tool_call>', ""),
    ("llama3", '{"name": "f", "parameters": {"a": tru}}; {"name": "g", "parameters": {}}', "f"),
    ("llama3", '<|python_tag|>print(1)<|python_tag|>{"name": "g", "parameters": {}}', ""),
    ("mistral", '[TOOL_CALLS][{"name": "f", "arguments": {"a": NaN}}, {"name": "g", "arguments": {}}]', "f"),
    ("mistral", '[TOOL_CALLS]f[ARGS]{"a": [TOOL_CALLS]g[ARGS]{}', "f"),
    ("mistral", "[TOOL_CALLS][TOOL_CALLS]g[ARGS]{}", ""),
    ("json", '[{"name": "f", "arguments": 5}, {"name": "g", "arguments": {}}]', "f"),
    ("json", '```json\n{"name": "f", "arguments": {\n```\n```json\n{"name": "g", "arguments": {}}\n```', "f"),
    ("pythonic", "[f(a=open('x')), g()]", "f"),
    ("pythonic", "[f(1), g()]", "f"),
    ("pythonic", "[f(a=1, a=2), g()]", "f"),
    ("pythonic", "[f(a=1e999), g()]", "f"),
    ("pythonic", "[f(a={1: 2}), g()]", "f"),
    ("pythonic", r"[f(a='\U00110000'), g()]", "f"),
    ("pythonic", "<|tool_call_end|><|tool_call_start|>[g()]<|tool_call_end|>", ""),
]


@pytest.mark.parametrize(("family", "text", "name"), BROKEN_NEXT_TO_GOOD)
def test_a_malformed_call_next_to_a_good_one_is_reported_with_its_text(family: str, text: str, name: str) -> None:
    message = parser(family)(text)
    bad, good = message.tool_calls
    assert bad.name == name
    assert bad.error
    assert bad.raw
    assert bad.raw in text
    assert (good.name, good.arguments, good.error) == ("g", {}, None)
    assert message.parse_error is None


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("hermes", "<tool_call>"),
        ("hermes", "</tool_call>"),
        ("hermes", 'I call <tool_call>\n{"name": "f", "arguments": {"a": "b<|im_end|>'),
        ("hermes", '<tool_call>{"name": "f", "arguments": {}}'),
        ("llama3", "<|python_tag|>"),
        ("llama3", '{"name": "f", "parameters": {'),
        ("mistral", "[TOOL_CALLS]"),
        ("mistral", "[TOOL_CALLS][]"),
        ("mistral", "[TOOL_CALLS]f[ARGS]"),
        ("json", '{"name": "f", "arguments": '),
        ("json", '```json\n[{"function": {"name": "f"'),
        ("pythonic", "[f("),
        ("pythonic", "<|tool_call_start|>"),
        ("pythonic", "<|tool_call_start|>[]<|tool_call_end|>"),
        ("pythonic", "[f(a='"),
    ],
)
def test_a_text_with_nothing_but_a_leftover_of_a_call_is_one_malformed_call_and_says_so(family: str, text: str) -> None:
    message = parser(family)(text)
    assert len(message.tool_calls) == 1
    assert message.tool_calls[0].error == message.parse_error
    assert message.parse_error


def test_a_list_that_is_not_closed_is_reported_beside_its_good_calls() -> None:
    for family, text in (("mistral", '[TOOL_CALLS][{"name": "g"}'), ("pythonic", "[g()"), ("json", '[{"name": "g"}, ')):
        good, bad = parser(family)(text).tool_calls
        assert (good.name, good.error) == ("g", None)
        assert "not closed" in str(bad.error)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text",
    [
        "", "Oslo is the capital.", "[1, 2, 3]", '{"answer": 42}', '{"name": "Oslo", "population": 7}',
        "[see (1)]", "{", "[",
        "[]", "f(x) = 2", "```python\nprint({})\n```", 'For example:\n```json\n{"answer": [1]}\n```\nand so on.',
        "Two\n\nparagraphs,  kept   as they are",
    ],
)  # fmt: skip
def test_a_text_without_a_call_is_content(family: str, text: str) -> None:
    assert parser(family)(text) == AssistantMessage(content=text)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_thought_is_kept_apart_also_when_its_opening_tag_stood_in_the_prompt(family: str) -> None:
    call = GOOD[family].replace("BIG", "1")
    for thought in ("<think>\nhm, {\n</think>\n\n", "hm, {\n</think>", "[THINK]hm, {[/THINK]", " <think>hm, {</think>"):
        message = parser(family)(thought + call)
        assert (message.reasoning, message.content) == ("hm, {", "Let me look.")
        assert [name for name, _ in pairs(message)] == ["f", "g"]
    assert parser(family)("<think>\n\n</think>\n\nOslo") == AssistantMessage(content="Oslo")
    assert parser(family)("<think>and so on and") == AssistantMessage(reasoning="and so on and")
    assert parser(family)("Well <think>hm</think>: Oslo") == AssistantMessage(content="Well : Oslo", reasoning="hm")


@pytest.mark.parametrize("family", FAMILIES)
def test_calls_that_a_thought_only_considers_are_not_made(family: str) -> None:
    message = parser(family)(f"I could say {GOOD[family]} but no.</think>Oslo")
    assert (message.content, message.tool_calls) == ("Oslo", ())


def test_a_name_nobody_has_is_an_unknown_name_and_qwen_is_hermes() -> None:
    with pytest.raises(UnknownName, match="did you mean 'hermes'"):
        parser("hermse")
    assert parser("qwen") is parser("hermes")
    assert all(PARSERS[family].name == family for family in FAMILIES)


def test_arguments_nested_too_deep_make_the_call_malformed() -> None:
    deep = "[" * 300 + "]" * 300
    for family, text in (
        ("hermes", f'<tool_call>{{"name": "f", "arguments": {{"a": {deep}}}}}</tool_call>'),
        ("pythonic", f"[f(a={deep})]"),
    ):
        (call,) = parser(family)(text).tool_calls
        assert call.name == "f"
        assert "nested" in str(call.error)


def test_python_escapes_mean_what_python_means_by_them() -> None:
    text = r"""[f(a='\n\t\\\'\x41\u00e9\U0001F600\101\q', b="\"\ud83d\ude00")]"""
    assert pairs(parser("pythonic")(text)) == [("f", {"a": "\n\t\\'Aé😀A\\q", "b": '"😀'})]


@given(calls=calls)
def test_calls_written_in_python_come_back(calls: list[tuple[str, dict[str, Any]]]) -> None:
    written = ", ".join(
        f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})" for name, given in calls
    )
    assert same(pairs(parser("pythonic")(f"[{written}]<|eot|>")), calls)
    assert same(pairs(parser("pythonic")(f"<|python_start|>[{written}]<|python_end|><|eot|>")), calls)


@given(calls=calls, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_calls_written_as_json_come_back(
    calls: list[tuple[str, dict[str, Any]]], ascii_only: bool, indent: int | None
) -> None:
    flat = [{"name": name, "arguments": given} for name, given in calls]
    nested = [{"type": "function", "function": {"name": name, "arguments": json.dumps(given)}} for name, given in calls]
    for listed in (flat, nested):
        text = json.dumps(listed, ensure_ascii=ascii_only, indent=indent)
        assert same(pairs(parser("json")(text)), calls)
        assert same(pairs(parser("json")(f"```json\n{text}\n```")), calls)


FRAGMENTS = (
    *TAGS, "{", "}", "[", "]", "(", ")", '"', "'", "\\", ",", ";", ":", "=", "f", '{"name": "f", "arguments": {',
    '"parameters": {}', '{"name": "f"}', "f(a=", "[f(a=1)", "1e999", "9" * 20, "\x00", "\ud800", "\udc00",
    "\\ud800", "é", " ", "\n",
    '"function"', "-", "0x", "nan", "NaN", "<pad>", "null", "{}", '"a": 1',
)  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)), max_size=30).map("".join)


def check_survives(text: str) -> None:
    for family in FAMILIES:
        message = parser(family)(text)
        read = read_action(message, max_chars=10**9)
        assert (read.content, read.reasoning) == (message.content, message.reasoning)
        assert bool(read.parse_error) == bool(message.parse_error)
        assert len(read.tool_calls) == len(message.tool_calls)
        for before, after in zip(message.tool_calls, read.tool_calls, strict=True):
            if len(before.name) <= 128:
                assert (after.name, bool(after.error)) == (before.name, bool(before.error))
                assert after.arguments == before.arguments
            assert before.error is None or before.arguments == {}


@settings(max_examples=400, deadline=None)
@given(text=hostile)
@example('<tool_call>{"name": "\ud800", "arguments": {"\ud800": "\udc00"}}</tool_call>')
@example('<tool_call>{"name": "\\ud800", "arguments": {"\\udfff": 12345678901234567890123}}</tool_call>')
@example('<tool_call>{"name": "f", "arguments": {"a": 1e999, "b": 12345678901234567890123}}</tool_call>')
@example('[TOOL_CALLS]f[ARGS]{"a": ' + "9" * 5000 + "}")
@example("[f(a=" + "9" * 5000 + ")]")
@example('{"name": "f", "arguments": {"a": "\x00"}}')
def test_no_text_raises_and_what_is_read_stays_as_it_is_at_the_border_of_the_environment(text: str) -> None:
    check_survives(text)


MEGABYTE = 1 << 20
FLOODS = (
    *TAGS, "[", "{", "(", '"', "'", "\\", '\\"', "a", " ", "\n", "9", "\x00", "\ud800", "{}", "[]", '{"a":', '["',
    "[[[[[]",
    '<tool_call>{"a": "', "<tool_call>{", "<tool_call>[]", '<tool_call>{"name": "f"}</tool_call>', "```{",
    '```json\n{"', "```{}",
    '[TOOL_CALLS]{"', "[TOOL_CALLS][{", "[TOOL_CALLS]f{", "[TOOL_CALLS]f[ARGS]", '<|python_tag|>{"',
    "<|python_tag|>[f('",
    "<|python_tag|>[f(a=[", "f(", "f(a=1),", "f(a='", "-", "1.", "<think>x</think>", '{"name": "f"};',
    '{"name": "f", }', "{[}",
    '{"name":', '"name"   ', "<|im_end|> ",
)  # fmt: skip
STARTS = (
    "",
    "[f(a=",
    '[{"name": "f", "arguments": ',
    '{"name": "f", "arguments": {"a": ',
    "[TOOL_CALLS][",
    "<tool_call>",
)


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS)
def test_a_megabyte_of_anything_is_read_in_one_go(start: str) -> None:
    for flood in FLOODS:
        check_survives(start + flood * (MEGABYTE // len(flood)))


def test_calls_past_the_number_that_is_read_become_one_malformed_call() -> None:
    message = parser("hermes")('<tool_call>{"name": "f"}</tool_call>' * (MAX_CALLS_READ + 50))
    assert len(message.tool_calls) == MAX_CALLS_READ + 1
    assert [call.error is None for call in message.tool_calls[-2:]] == [True, False]
    check_survives("<tool_call>" * 5000)
