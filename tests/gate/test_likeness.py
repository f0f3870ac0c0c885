"""Scenarios that are alike are found, in a pack, across splits and across packs; all others are left alone."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from small_pack import SCENARIOS, SINGLE, STATEFUL, TABLES, people

from tool_gym.gate import examine as gate
from tool_gym.gate.likeness import LEAST, Sketch, find_alike, sketches
from tool_gym.packs.reader import load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import UserTurn

LONG = "How many people live in the town at the northern gate, and how many if one more comes to live there?"


def sketch(name, question=LONG, town="北门", count=880, pack="own", split="train", **fields):
    changes = {"id": name, "turns": (UserTurn(content=question),), "split": split}
    step = people("a", town, count)
    return Sketch.of(SINGLE.model_copy(update={**changes, "sub_questions": (step,), **fields}), pack)


def found(*own, others=()):
    return [(finding.level, finding.check, finding.scenario) for finding in find_alike(own, others)]


def test_scenarios_that_ask_different_things_are_left_alone():
    assert list(find_alike([Sketch.of(scenario, "small") for scenario in SCENARIOS])) == []


def test_the_same_question_in_other_letters_and_spaces_is_found():
    again = sketch("b", f"  {LONG.upper()} ", "Ålund", 5120)
    assert found(sketch("a"), again) == [("warning", "duplicates", "b")]


def test_the_same_calls_are_found_behind_another_question():
    assert found(sketch("a"), sketch("b", "Tell me about the gate.")) == [("warning", "duplicates", "b")]
    assert found(sketch("a"), sketch("b", "Tell me about the gate.", "Ålund", 5120)) == []


def test_a_copy_in_another_split_is_an_error_and_a_near_copy_there_a_warning():
    assert found(sketch("a"), sketch("b", split="test")) == [("error", "duplicates", "b")]
    near = sketch("b", LONG + " Tell me!", "Ålund", 5120, split="test")
    assert found(sketch("a"), near) == [("warning", "duplicates", "b")]


def test_what_another_pack_asks_is_contamination_and_its_own_doubles_are_its_own():
    others = [sketch("x", pack="other"), sketch("y", pack="other")]
    assert found(sketch("a"), others=others) == [("warning", "contamination", "a")]
    (finding,) = find_alike([sketch("a")], others)
    assert "'x' of split train of pack 'other'" in finding.message


def test_one_question_in_two_states_is_two_scenarios():
    first = Sketch.of(STATEFUL, "own")
    second = Sketch.of(STATEFUL.model_copy(update={"id": "b", "initial_state": {"items": ["milk"]}}), "own")
    assert found(first, second) == []
    assert found(first, first._replace(scenario="b")) == [("warning", "duplicates", "b")]


def test_many_questions_of_one_template_are_not_alike():
    towns = [f"Town{number} on the river Vesna{number}" for number in range(30)]
    template = "Somebody told me to ask you, since you know all about places: how many people live in {} this year?"
    own = [sketch(f"q-{i}", template.format(town), town, i) for i, town in enumerate(towns)]
    assert found(*own) == []


WORDS = st.lists(st.sampled_from(["red", "green", "blue", "boat", "house", "tree"]), max_size=12)


@settings(max_examples=60)
@given(st.lists(WORDS, max_size=6, unique_by=tuple))
def test_near_questions_are_exactly_those_that_share_enough_of_their_phrases(texts):
    own = [sketch(f"q-{i}", " ".join(text), f"town {i}", i) for i, text in enumerate(texts)]
    near = {finding.scenario for finding in find_alike(own) if "shares" in finding.message}
    shares = {
        later.scenario
        for i, later in enumerate(own)
        for earlier in own[:i]
        if min(len(later.phrases), len(earlier.phrases)) >= 4
        and len(later.phrases & earlier.phrases) >= LEAST * len(later.phrases | earlier.phrases)
    }
    same = {later.scenario for i, later in enumerate(own) if any(later.question == each.question for each in own[:i])}
    assert near == shares - same


def test_the_packs_that_ship_hold_nothing_twice_and_nothing_of_each_other():
    packs = [list(sketches(load_pack(name))) for name in ("starter", "lending", "invented", "extracted")]
    assert [finding for own in packs for finding in find_alike(own)] == []
    for one, other in pairwise(packs):
        assert list(find_alike(one, other)) == []


def test_the_gate_compares_a_pack_with_the_others_that_are_installed(tmp_path, monkeypatch):
    folders = {name: tmp_path / name for name in ("first", "second")}
    for name, folder in folders.items():
        write_pack(folder, name=name, scenarios=SCENARIOS[:2], tables=TABLES, license="CC0-1.0")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pack.json").write_text("{")
    monkeypatch.setattr("tool_gym.packs.discovery._entry_points", lambda: ())
    monkeypatch.setenv("TOOL_GYM_PACKS", f"{folders['first']}:{folders['second']}:{broken}")
    report = gate.examine(load_pack("first"), attacks=False)
    assert [finding[:3] for finding in report.findings if finding.check == "contamination"] == [
        ("warning", "contamination", "single-1"),
        ("warning", "contamination", "parallel-1"),
    ]
