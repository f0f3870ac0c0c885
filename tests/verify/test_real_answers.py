"""The matchers on the real records' answers."""

import json

import pytest
from making import call, expect, ok

from tool_gym.verify.matching import matcher


@pytest.fixture(scope="module")
def answers(real_data):
    lines = (real_data / "ftrl_dev.jsonl").read_text(encoding="utf-8").splitlines()
    unsolved = [json.loads(json.loads(line)["unsolved_set"]) for line in lines]
    return [answer for record in unsolved for listed in record.values() for answer in listed]


def ways_to_pass(answer):
    """Arguments that hand the answer in."""
    pieces = answer.split()
    return [
        {"query": answer},
        {"query": answer.upper(), "limit": 3},
        {"filters": [{"name": f"where is {answer} please"}]},
        {f"part_{i}": piece for i, piece in enumerate(pieces)},
        {"names": {answer: True}},
        {"query": answer.replace(" ", "_")},
    ]


def test_no_answer_of_a_real_record_is_earned_by_echo_under_typed_and_every_one_under_the_papers_rule(answers):
    earned = {"ftrl": 0, "typed": 0}
    for answer in answers:
        for arguments in ways_to_pass(answer):
            made = call(**arguments)
            for value in (f"no results for {answer}", {"error": "unknown", "query": answer}, answer):
                for name in earned:
                    earned[name] += matcher(name).accepts(expect(answer), made, ok(value, made), None)
    assert earned == {"ftrl": len(answers) * 18, "typed": 0}


def test_every_answer_of_a_real_record_is_found_whole_in_a_sentence_and_as_a_field(answers):
    typed, made = matcher("typed"), call(query="something else")
    for answer in answers:
        assert typed.accepts(expect(answer), made, ok(f"The answer: {answer}.", made), None), answer
        assert typed.accepts(expect(answer, path="/found"), made, ok({"found": answer}, made), None), answer
