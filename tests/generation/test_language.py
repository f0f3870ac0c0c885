"""Questions in words: whole, unlike each other, without what only a tool knows, and other ones in the test split."""

import re
from collections import Counter

import pytest
from sample_worlds import order

from tool_gym.generation.backends.worlds.domain import domain_names
from tool_gym.generation.backends.worlds.grammar import be, possessive, series
from tool_gym.generation.backends.worlds.language import Speaker
from tool_gym.generation.backends.worlds.planner import draw_plan
from tool_gym.generation.backends.worlds.world import build_world
from tool_gym.generation.proposals import Refused
from tool_gym.generation.seeds import rng_of
from tool_gym.scenario import STRUCTURES

WORLD = 5


def spoken(count, split="train"):
    """Questions of all domains, structures and levels: the world, the plan, who says it, and what."""
    names = domain_names()
    for index in range(count):
        domain = names[index * len(names) // count]
        world, level = build_world(domain, WORLD), index // 4 % 6
        topic = order(STRUCTURES[index % 4], index=index, level=level, source={"domain": domain, "world": WORLD})
        try:
            plan = draw_plan(world, topic, rng_of("spoken", index))
        except Refused:
            continue
        speaker = Speaker(world, plan, rng_of("words", split, index), split, level)
        yield world, plan, speaker, speaker.question()


@pytest.fixture(scope="module", params=["train", "test"])
def questions(request):
    return list(spoken(240, request.param))


def test_a_question_has_no_holes_no_doubled_words_and_ends_its_sentences(questions):
    for _, _, _, question in questions:
        assert not re.search(r"[{}_]|  |\?\?|\.\.|\bNone\b", question), question
        assert not re.search(r"\b(the|of|that|a|is|in|to) \1\b", question), question
        assert question[0].isupper() or question[0].isdigit()
        assert question[-1] in ".?"


def test_every_entity_that_a_plan_starts_from_is_named_in_the_question(questions):
    for _, plan, _, question in questions:
        for operation in plan.operations:
            for name in operation.inputs:
                assert not name.startswith("=") or name[1:] in question


def test_no_answer_of_a_step_stands_in_the_question(questions):
    for _, plan, _, question in questions:
        for step, answer in plan.answers.items():
            if answer.kind == "text" and len(answer.value) > 3 and plan.operation(step).op != "spell":
                named = [name for each in plan.operations for name in each.inputs if answer.value in name]
                assert named or not re.search(rf"\b{re.escape(answer.value)}\b", question)


def test_every_step_has_a_question_that_names_what_it_needs_and_nothing_else(questions):
    for _, plan, speaker, _ in questions:
        for operation in plan.operations:
            assert set(re.findall(r"\{(q\d+)\}", speaker.step(operation))) == set(operation.needs)


def test_what_is_measured_says_in_which_unit_and_how_exactly(questions):
    said = 0
    for world, plan, _, question in questions:
        if plan.conclusion == "value" and plan.answer.unit == world.currency != "":
            assert world.currency in question
            said += 1
        if plan.conclusion == "value" and plan.operation(plan.ends[0]).op in ("distance", "convert", "measure"):
            assert "decimal place" in question
            said += 1
        if plan.answer.kind == "date":
            assert "YYYY-MM-DD" in question
            said += 1
    assert said > 10


def test_plural_values_have_plural_verbs(questions):
    plural = 0
    for world, _, _, question in questions:
        nouns = [
            noun for kind in world.domain.types.values() for each in kind.attributes.values() for noun in each.nouns
        ]
        many = "|".join(re.escape(noun) for noun in nouns if be(noun) == "are")
        one = rf"the (average |mean |median |total |combined )?({many})\b"
        assert not many or not re.search(rf"\b(is|does) {one}", question), question
        plural += bool(many and re.search(rf"\b(are|do) {one}", question))
    assert plural


def test_a_limit_does_not_name_what_is_counted_twice(questions):
    assert any(each.limits for _, plan, _, _ in questions for each in plan.operations)
    for _, _, _, question in questions:
        assert not re.search(r"(\w+) count (?:is at least|is at most|is) [\d,]+ \1s", question), question


def test_the_splits_share_no_phrasing():
    chosen = {
        split: {phrase for _, _, speaker, _ in spoken(160, split) for phrase in speaker.chosen}
        for split in ("train", "test")
    }
    assert len(chosen["test"]) > 100
    assert not chosen["train"] & chosen["test"]


def test_hardly_any_two_questions_are_built_alike(questions):
    skeletons = Counter()
    for world, plan, speaker, question in questions:
        text = question.removeprefix(speaker.preamble)
        names = {name[1:] for each in plan.operations for name in each.inputs if name.startswith("=")}
        for name in sorted(names | {world.currency} - {""}, key=len, reverse=True):
            text = text.replace(name, "_")
        skeletons[re.sub(r"\d+", "#", text)] += 1
    assert len(skeletons) > 0.9 * len(questions)


@pytest.mark.parametrize(
    ("noun", "verb"),
    [("operating hours", "are"), ("days at sea", "are"), ("risk class", "is"), ("mass", "is"), ("status", "is"),
     ("number of nights", "is"), ("length in days", "is"), ("gifts so far", "are"), ("yearly takings", "are")],
)  # fmt: skip
def test_a_plural_noun_has_a_plural_verb(noun, verb):
    assert be(noun) == verb


def test_series_and_genitives_are_written_as_people_write_them():
    assert series(["A"], "and") == "A"
    assert series(["A", "B"], "or") == "A or B"
    assert series(["A", "B", "C"], "and") == "A, B and C"
    assert possessive("Oslo") == "Oslo's"
    assert possessive("Kola Lines") == "Kola Lines'"
