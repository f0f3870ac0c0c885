import copy
import json
from collections import Counter
from threading import Event

import pytest
from chat_script import PROPOSALS, QUESTIONS, STAGES, ScriptedModel, asked_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tool_gym.errors import InputError
from tool_gym.gate.leaks import validate_leaks
from tool_gym.gate.validate import validate_files, validate_scenario
from tool_gym.generation import chat_run
from tool_gym.generation.backends.chat.backend import ChatBackend, Sampling
from tool_gym.generation.backends.chat.orders import ChatSettings, plan_orders, read_questions
from tool_gym.generation.backends.chat.prompts import prompt, subjects
from tool_gym.generation.chat_run import Bench, NothingMade, make_order
from tool_gym.generation.generate import generate_pack
from tool_gym.generation.proposals import Refused
from tool_gym.generation.topic import Strategies, Topic
from tool_gym.messages import ToolCall
from tool_gym.models.chat import Completion, ModelError, RequestRefused
from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import write_pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.sandbox.policy import compile_tool
from tool_gym.scenario import STRUCTURES

FIELDS = {"level": 3, "strategies": Strategies()}
UN = PROPOSALS["un_ceasefire"]["question"]


class Meddler(ScriptedModel):
    """The script, with one answer changed; `times` limits how often."""

    def __init__(self, question, stage, change, times=10**9):
        super().__init__()
        self.place, self.change, self.left = (question, stage), change, times

    def text(self, request):
        text = super().text(request)
        if asked_for(request.messages) != self.place or not self.left:
            return text
        self.left -= 1
        return self.change(text)


class Parrot:
    """Says the same for ever."""

    name = "parrot"

    def __init__(self, text):
        self.text, self.requests = text, 0

    def complete(self, request):
        self.requests += 1
        return Completion(message={"content": self.text})


@pytest.fixture(scope="module")
def executors():
    with Executor(workers=1) as one, Executor(workers=1) as other:
        yield one, other


def bench(model, executors, gate=True):
    return Bench(ChatSettings(model, QUESTIONS), executors, gate, Event())


def order(name, model=None):
    orders = plan_orders(ChatSettings(model, QUESTIONS), 100, 0, STRUCTURES, None, FIELDS)
    return orders[list(PROPOSALS).index(name)]


def made(name, model, executors, gate=True):
    return make_order(order(name), bench(model, executors, gate))


def edited(**changes):
    """A change of a completion's top-level fields, each by a function."""

    def change(text):
        value = json.loads(text)
        for field, function in changes.items():
            value[field] = function(value[field])
        return json.dumps(value)

    return change


def test_the_script_covers_ten_questions_of_all_four_structures():
    assert len(set(QUESTIONS)) >= 10
    assert {each["structure"] for each in PROPOSALS.values()} == set(STRUCTURES)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    out = tmp_path_factory.mktemp("chat") / "asked"
    report = generate_pack(out, backend="chat", count=100, chat=ChatSettings(ScriptedModel(), QUESTIONS))
    assert (report.figures()["scenarios"], report.figures()["distinct_graphs"]) == (len(QUESTIONS), len(QUESTIONS))
    assert report.tally.refused == Counter()
    return Pack(out)


def test_questions_of_all_structures_become_scenarios_that_say_what_they_are(pack):
    by_question = {pack[name].question: pack[name] for name in pack}
    for each in PROPOSALS.values():
        scenario = by_question[each["question"]]
        assert scenario.structure == each["structure"]
        assert (scenario.provenance.truth, scenario.provenance.source) == ("claimed", "chat 1")
        assert scenario.provenance.detail["model"] == "scripted"
        assert len(scenario.provenance.detail["prompts"]) == 64


def test_the_oracle_solves_every_scenario_of_a_model(pack, executors):
    for _, trajectory in rollout(OraclePolicy(pack), pack, plays(list(pack)), executors[0], reward="task_f1"):
        assert sum(turn.reward for turn in trajectory.transitions) == pytest.approx(1.0)


def test_tools_that_compute_the_same_are_merged(pack):
    scenario = next(pack[name] for name in pack if "farther" in pack[name].question)
    distances = [step for step in scenario.sub_questions if step.tools == ("great_circle_distance",)]
    assert len(distances) == 2
    assert scenario.provenance.detail["merged"]["great_circle_distance"] == [
        "great_circle_distance_q1",
        "great_circle_distance_q2",
    ]


def test_the_tools_answer_for_other_things_than_the_question_is_about(pack, executors):
    scenario = next(pack[name] for name in pack if pack[name].question == UN)
    session = executors[0].session(scenario.tools, tables={})
    call = ToolCall(
        name="date_interval_calculator", arguments={"start": "2024-02-01", "end": "2024-03-01", "unit": "days"}
    )
    assert session.call([call])[0].value == {"count": 29, "unit": "days"}


@pytest.mark.parametrize("stage", STAGES[:2] + STAGES[3:])
def test_a_refused_proposal_is_asked_for_again_with_the_complaint(stage, executors):
    model = Meddler("un_ceasefire", stage, lambda text: text[: len(text) // 2], times=1)
    outcome = made("un_ceasefire", model, executors, gate=False)
    assert outcome.deployed
    assert outcome.tally.refused == {(stage, "an answer that is not JSON"): 1}
    again = next(each for each in model.requests if len(each.messages) == 4)
    assert again.messages[2]["role"] == "assistant"
    assert "This was refused: an answer that is not JSON: not JSON:" in again.messages[3]["content"]


def test_a_scenario_that_comes_to_nothing_is_begun_again_and_told_why(executors):
    model = Meddler("un_ceasefire", "document", lambda text: "no", times=chat_run.MAX_TRIES)
    assert made("un_ceasefire", model, executors, gate=False).deployed
    last = [each for each in model.requests if asked_for(each.messages)[1] == "decompose"][-1]
    assert "came to nothing, because: document: an answer without JSON" in last.messages[1]["content"]


@pytest.mark.parametrize(
    ("stage", "change", "reason"),
    [
        ("decompose", edited(question=lambda q: q + " Please."), ("decompose", "another question")),
        ("decompose", edited(answer=lambda a: {**a, "value": 17}), ("decompose", "an answer that no step gives")),
        (
            "decompose",
            edited(steps=lambda s: [*s[:2], {**s[2], "answer": {**s[2]["answer"], "tolerance": 9}}]),
            ("decompose", "a wide tolerance"),
        ),
        (
            "decompose",
            edited(steps=lambda s: [{**s[0], "answer": {"value": "", "kind": "text"}}, *s[1:]]),
            ("decompose", "an empty answer"),
        ),
        ("document", edited(tools=lambda t: [*t, t[0]]), ("document", "a row that comes twice")),
        (
            "document",
            edited(tools=lambda t: [{**t[0], "parameters": {"type": "object"}}, *t[1:]]),
            ("document", "an unsound schema"),
        ),
        ("scale", edited(distractors=lambda d: d[1:]), ("scale", "tools and distractors do not add up")),
        ("deploy", edited(paths=lambda p: p[1:]), ("deploy", "parts that do not fit together")),
        ("deploy", edited(examples=lambda e: e[1:]), ("deploy", "too few examples")),
        (
            "deploy",
            edited(examples=lambda e: [{**e[0], "arguments": {"conflict": "x", "field": "began"}}, *e[1:]]),
            ("deploy", "a tool that does not answer another call"),
        ),
        (
            "deploy",
            edited(tools=lambda t: [{**each, "source": "import os\n" + each["source"]} for each in t]),
            ("deploy", "a source outside the dialect"),
        ),
    ],
)  # fmt: skip
def test_a_proposal_is_refused_for_what_is_wrong_with_it(stage, change, reason, executors):
    outcome = made("un_ceasefire", Meddler("un_ceasefire", stage, change), executors, gate=False)
    assert outcome.deployed is None
    assert outcome.tally.refused.keys() == {reason}


@pytest.mark.parametrize(
    ("ordered", "reason"),
    [({"hops": 4}, "too few hops"), ({"branches": 3}, "too few branches"), ({"hops": 3, "branches": 2}, None)],
)
def test_fewer_hops_or_branches_than_ordered_are_refused(ordered, reason):
    """The script's proposal has two chains of two steps, and a last step that joins them."""
    name = "melville_and_sibelius"
    source = {"subject": PROPOSALS[name]["question"]}
    topic = Topic(seed=0, index=0, structure="parallel_multi_hop", source=source, **ordered)
    backend = ChatBackend(ScriptedModel(), Sampling())
    if reason:
        with pytest.raises(Refused, match=reason):
            backend.decompose(topic)
    else:
        assert len(backend.decompose(topic).steps) == 5


ALL_KNOWING = 'def {name}({key}, field, **more):\n    return {{"value": {answer!r}}}\n'
ONE_KNOWING = (
    'def {name}({key}, field, **more):\n    if {key} != {gold!r}:\n        raise ValueError("unknown")\n'
    '    return {{"value": {answer!r}}}\n'
)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (ALL_KNOWING, "leak: other arguments, the same answer"),
        (ONE_KNOWING, "a tool that does not answer another call"),
    ],
)
def test_a_tool_that_only_knows_its_answer_is_refused(template, reason, executors):
    source = template.format(name="town_gazetteer", key="town", gold="Addis Ababa", answer=2355)

    def fake(tools):
        return [{**each, "source": source} if each["name"] == "town_gazetteer" else each for each in tools]

    model = Meddler("lake_tana_capital", "deploy", edited(tools=fake))
    outcome = made("lake_tana_capital", model, executors, gate=False)
    assert outcome.tally.refused.keys() == {("deploy", reason)}


def test_the_gate_refuses_what_an_attack_earns_too_much_on(executors):
    """Two fields only, so that whoever asks both about every name that the question holds is often right."""

    def easy(tools):
        for tool in tools:
            if tool["name"] == "river_data":
                tool["parameters"]["properties"]["field"]["enum"] = ["length", "mouth"]
        return tools

    class Easy(ScriptedModel):
        def text(self, request):
            text = super().text(request)
            stage = asked_for(request.messages)[1]
            return edited(tools=easy)(text) if stage in ("document", "integrate", "scale") else text

    outcome = made("two_rivers", Easy(), executors)
    assert outcome.deployed is None
    assert outcome.tally.refused.keys() == {("gate", "attacks")}
    assert made("two_rivers", Easy(), executors, gate=False).deployed


@pytest.mark.parametrize("text", ["", "I am sorry.", "{}", "{" * 5000, '{"steps": []}', "null", "```json\n```"])
def test_garbage_for_ever_ends_in_a_report_and_within_the_bound(text, tmp_path):
    parrot = Parrot(text)
    with pytest.raises(NothingMade, match=r"parrot made no scenario of 2 that were ordered.*decompose: an answer"):
        generate_pack(tmp_path / "out", backend="chat", count=2, chat=ChatSettings(parrot))
    assert parrot.requests <= 2 * chat_run.MAX_ATTEMPTS * chat_run.MAX_TRIES
    assert not list(tmp_path.iterdir())


def test_a_model_that_cannot_do_it_is_not_asked_a_thousand_times(tmp_path):
    parrot = Parrot("no")
    with pytest.raises(NothingMade):
        generate_pack(tmp_path / "out", backend="chat", count=1000, chat=ChatSettings(parrot, concurrency=2))
    per_order = chat_run.MAX_ATTEMPTS * chat_run.MAX_TRIES
    assert parrot.requests <= (chat_run.PATIENCE + 3 * 2) * per_order


def test_orders_that_come_to_nothing_are_counted_and_left_out(tmp_path):
    model = Meddler("gallium", "scale", lambda text: "no")
    report = generate_pack(tmp_path / "out", backend="chat", count=3, chat=ChatSettings(model, QUESTIONS))
    assert (report.figures()["scenarios"], report.figures()["given_up"]) == (2, 1)
    assert len(Pack(tmp_path / "out")) == 2
    saved = json.loads((tmp_path / "out" / "generation.json").read_text())
    assert saved["refusals"] == [{"stage": "scale", "reason": "an answer without JSON", "count": 9}]


def test_the_same_answers_give_the_same_bytes_however_many_are_asked_at_a_time(tmp_path):
    for threads in (1, 5):
        chat = ChatSettings(ScriptedModel(), QUESTIONS[:3], concurrency=threads)
        generate_pack(tmp_path / str(threads), backend="chat", name="p", chat=chat, gate=False)
    one, five = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in "15")
    assert one == five


class Failing(ScriptedModel):
    """Fails when it is asked about one question."""

    def __init__(self, question, error):
        super().__init__()
        self.question, self.error = question, error

    def text(self, request):
        if asked_for(request.messages)[0] == self.question:
            raise self.error
        return super().text(request)


def test_a_request_that_the_server_refuses_costs_its_order_only(tmp_path):
    model = Failing("gallium", RequestRefused("too long"))
    report = generate_pack(tmp_path / "out", backend="chat", count=2, gate=False, chat=ChatSettings(model, QUESTIONS))
    assert (report.figures()["scenarios"], report.figures()["given_up"]) == (1, 1)


def test_a_model_that_fails_ends_the_run_and_leaves_no_pack(tmp_path):
    model = Failing("lake_tana_capital", ModelError("the endpoint is gone"))
    with pytest.raises(ModelError, match="the endpoint is gone"):
        generate_pack(tmp_path / "out", backend="chat", gate=False, chat=ChatSettings(model, QUESTIONS, concurrency=1))
    assert not list(tmp_path.iterdir())
    assert {asked_for(each.messages)[0] for each in model.requests} <= set(list(PROPOSALS)[:5]), "others were stopped"


def paths_of(value, here=()):
    yield here
    if isinstance(value, dict):
        for key in value:
            yield from paths_of(value[key], (*here, key))
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from paths_of(each, (*here, i))


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.sampled_from([10**400, -(10**400), 1e308, 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "q1", "{q1}", "text", "number", "object", "1949-01-01", "/", "\ud800", "a" * 300, "def f(): pass"]
    )
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw):
    """A question, a stage, and what the model says there: a proposal with one to three parts replaced or gone."""
    name = draw(st.sampled_from(sorted(PROPOSALS)))
    stage = draw(st.sampled_from(sorted(PROPOSALS[name]["stages"])))
    value = copy.deepcopy(PROPOSALS[name]["stages"][stage])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths_of(value))))
        if not path:
            continue
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "borrow", "drop", "twice", "letters"])):
            case "replace":
                holder[path[-1]] = draw(ODD)
            case "borrow":  # what stands elsewhere in it
                other = value
                for key in draw(st.sampled_from(list(paths_of(value)))):
                    other = other[key]
                holder[path[-1]] = copy.deepcopy(other)
            case "drop":
                del holder[path[-1]]
            case "twice" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[path[-1]]))
            case "letters" if isinstance(holder[path[-1]], str) and holder[path[-1]]:
                text = holder[path[-1]]
                place = draw(st.integers(0, len(text) - 1))
                holder[path[-1]] = (
                    text[:place] + draw(st.sampled_from(["", "0", '"', "\n", "not "])) + text[place + 1 :]
                )
    text = json.dumps(value)
    if draw(st.integers(0, 9)) == 0:
        text = text[: draw(st.integers(0, len(text)))]
    return name, stage, text


def check_mutation(case, executors, folder):
    name, stage, text = case
    outcome = made(name, Meddler(name, stage, lambda _: text), executors)
    if outcome.deployed is None:
        assert outcome.refusal
        return
    scenario, tables = outcome.deployed
    pack = write_pack(folder / "pack", name="mutant", scenarios=[scenario], tables=tables, on_exists="replace")
    found = [
        *validate_files(pack),
        *validate_scenario(pack, scenario.id, executors),
        *validate_leaks(pack, scenario.id, executors[0]),
    ]
    assert [finding for finding in found if finding.level == "error"] == []
    for _, trajectory in rollout(OraclePolicy(pack), pack, plays(list(pack)), executors[0], reward="task_f1"):
        assert sum(turn.reward for turn in trajectory.transitions) == pytest.approx(1.0)


@pytest.fixture
def once(monkeypatch):
    """One try for each stage: a mutant that is refused once is refused always."""
    monkeypatch.setattr(chat_run, "MAX_TRIES", 1)
    monkeypatch.setattr(chat_run, "MAX_ATTEMPTS", 1)


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=30, deadline=None, suppress_health_check=QUIET)
@given(mutated())
def test_a_mutated_completion_ends_in_a_refusal_or_in_a_scenario_that_passes_the_gate(once, executors, tmp_path, case):
    check_mutation(case, executors, tmp_path)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=QUIET)
@given(mutated())
def test_hundreds_of_mutated_completions_end_so(once, executors, tmp_path, case):
    check_mutation(case, executors, tmp_path)


def test_the_modules_that_the_prompt_names_can_be_imported_by_a_tool():
    text = prompt("deploy", question="", tools=[], steps=[], examples=2)
    names = text.split("It may import from ")[1].split(".")[0].replace("\n", " ").split(",")
    assert len(names) > 10
    for name in names:
        compile_tool("f", f"import {name.strip()}\ndef f(): return 1\n")


def test_without_questions_every_subject_and_structure_has_its_turn():
    orders = plan_orders(ChatSettings(Parrot("")), 240, 7, STRUCTURES, None, FIELDS)
    asked = Counter(each.topic.source["subject"] for each in orders)
    assert asked.keys() == set(subjects())
    homes = {(each.topic.source["subject"], each.topic.split) for each in orders}
    assert len(homes) == len(asked), "a subject belongs to one split"
    assert Counter(each.topic.structure for each in orders) == dict.fromkeys(STRUCTURES, 60)
    assert orders != plan_orders(ChatSettings(Parrot("")), 240, 8, STRUCTURES, None, FIELDS)


def test_questions_are_read_from_lines_and_from_rows(tmp_path):
    (tmp_path / "a.txt").write_text("Why?\n\n  How?  \nWhy?\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"question": "Why?", "id": 3}\n', encoding="utf-8")
    assert read_questions(tmp_path / "a.txt") == ("Why?", "How?")
    assert read_questions(tmp_path / "b.jsonl") == ("Why?",)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.txt", "\n", "holds no question"),
        ("b.jsonl", "Why?\n", "line 1: expected a row"),
        ("c.txt", "a" * 5000, "line 1"),
    ],
)
def test_a_file_without_questions_is_refused_with_its_line(tmp_path, name, text, problem):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=problem):
        read_questions(tmp_path / name)


def test_the_backend_needs_a_model(tmp_path):
    with pytest.raises(InputError, match="needs a model"):
        generate_pack(tmp_path / "out", backend="chat")
