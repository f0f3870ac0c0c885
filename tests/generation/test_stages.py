"""Each stage checks what it is given, whoever proposed it."""

import pytest
from sample_worlds import Meddler, order

from tool_gym.generation.decompose import decompose
from tool_gym.generation.deploy import deploy
from tool_gym.generation.document import document, telling
from tool_gym.generation.integrate import integrate
from tool_gym.generation.proposals import Call, Change, Refused
from tool_gym.generation.scale import scale
from tool_gym.generation.topic import Strategies
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Expected


@pytest.fixture(scope="module")
def executor():
    with Executor(execution="embedded") as made:
        yield made


def run(backend, executor, topic=None):
    topic = topic or order(level=3)
    scaled = scale(integrate(document(decompose(topic, backend), backend), backend), backend)
    return deploy(scaled, backend, executor, "s")


def first(mapping):
    return next(iter(mapping))


def changed(item, **fields):
    return item.model_copy(update=fields)


def with_step(place, **fields):
    def change(proposal):
        steps = list(proposal.steps)
        steps[place] = changed(steps[place], **fields)
        return changed(proposal, steps=tuple(steps))

    return change


def with_call(field, **arguments):
    def change(proposal):
        calls = proposal.calls
        last = list(calls)[-1]
        return changed(proposal, **{field: {**calls, last: changed(calls[last], arguments=arguments)}})

    return change


def test_what_worlds_proposes_passes_every_stage(executor):
    assert run(Meddler("nothing", lambda proposal: proposal), executor).scenario.structure == "multi_hop"


@pytest.mark.parametrize(
    ("stage", "change", "reason"),
    [
        ("decompose", with_step(1, question="What else?"), "dependencies not named"),
        ("decompose", with_step(1, id="q9"), "steps out of order"),
        ("decompose", with_step(1, question="What?", depends_on=()), "another structure"),
        ("decompose", lambda p: changed(p, answer=changed(p.answer, kind="bool")), "an answer of the wrong kind"),
        ("decompose", lambda p: changed(p, answer=p.steps[0].answer), "the last step is not the answer"),
        ("document", lambda p: changed(p, documents=dict(list(p.documents.items())[1:])), "not a document for each"),
        ("document", with_call("calls", nonsense=1), "a call that does not fit its tool"),
        ("document", lambda p: changed(p, calls=dict(list(p.calls.items())[1:])), "a step without a call"),
        ("integrate", lambda p: changed(p, merged={}), "an incomplete record of merges"),
        (
            "integrate",
            lambda p: changed(p, tools=tuple(changed(tool, function="the same") for tool in p.tools)),
            "overlapping tools are left",
        ),
        (
            "integrate",
            lambda p: changed(p, tools=tuple(changed(tool, parameters={"type": "array"}) for tool in p.tools)),
            "an unsound schema",
        ),
        ("scale", lambda p: changed(p, changes=()), "an unrecorded change"),
        ("scale", lambda p: changed(p, distractors=()), "tools and distractors do not add up"),
        (
            "scale",
            lambda p: changed(
                p, tools=tuple(changed(t, function=f) for t in p.tools for f in [p.tools[0].function])
            ),
            "a distractor that answers",
        ),
        ("deploy", lambda p: changed(p, probes=()), "a tool without a probe"),
        (
            "deploy",
            lambda p: changed(p, sources={n: changed(s, text="import os\n" + s.text) for n, s in p.sources.items()}),
            "a source outside the dialect",
        ),
        ("deploy", lambda p: changed(p, paths=dict.fromkeys(p.paths, "/nowhere")), "a gold call without its answer"),
    ],
)  # fmt: skip
def test_a_stage_refuses(stage, change, reason, executor):
    with pytest.raises(Refused, match=reason) as refusal:
        run(Meddler(stage, change), executor)
    assert refusal.value.stage == stage


def test_a_document_that_holds_an_answer_is_refused():
    decomposed = decompose(order(), Meddler("nothing", lambda p: p))
    answer = str(decomposed.decomposition.steps[0].answer.value)

    def tell(proposal):
        name = first(proposal.documents)
        talkative = changed(proposal.documents[name], description=f"Knows about {answer}.")
        return changed(proposal, documents={**proposal.documents, name: talkative})

    with pytest.raises(Refused, match="a document holds an answer"):
        document(decomposed, Meddler("document", tell))


def test_a_call_that_ignores_what_it_depends_on_is_refused():
    def forget(proposal):
        last = list(proposal.calls)[-1]
        call = proposal.calls[last]
        lost = {name: "Nobody" if isinstance(value, str) else value for name, value in call.arguments.items()}
        return changed(proposal, calls={**proposal.calls, last: Call(tool=call.tool, arguments=lost)})

    backend = Meddler("document", forget)
    for index in range(20):  # until a last step takes nothing but a name
        decomposed = decompose(order(index=index, level=0), Meddler("nothing", lambda p: p))
        if decomposed.decomposition.detail["plan"][-1]["op"] == "attribute":
            with pytest.raises(Refused, match="a dependency that is not used"):
                document(decomposed, backend)
            return
    pytest.fail("no chain ended with an attribute")


def test_a_tool_that_returns_the_answer_to_anybody_is_refused(executor):
    def answer_all(proposal):
        probe = proposal.probes[0]
        source = proposal.sources[probe.call.tool]
        gold = WORLD_ANSWERS[probe.step]
        path = proposal.paths[probe.step].split("/")[1:]
        result = repr(gold)
        for key in reversed(path):
            result = f"[{result}]" if key == "0" else f"{{{key!r}: {result}}}"
        text = f"def {probe.call.tool}(**arguments):\n    return {result}\n"
        return changed(proposal, sources={**proposal.sources, probe.call.tool: changed(source, text=text)})

    # Two steps, so that the tool of the second one serves no other step.
    topic = order(level=3, hops=2)
    plain = decompose(topic, Meddler("nothing", lambda p: p))
    WORLD_ANSWERS = {step.id: step.answer.value for step in plain.decomposition.steps}
    with pytest.raises(Refused, match="leak"):
        run(Meddler("deploy", answer_all), executor, topic)


def test_a_gold_call_that_answers_another_step_as_well_is_refused(executor):
    backend = Meddler("nothing", lambda p: p)
    for index in range(200):  # until one tool tells two unlike things of two entities
        topic = order("parallel_single_hop", level=1, branches=2, index=index)
        scaled = scale(integrate(document(decompose(topic, backend), backend), backend), backend)
        one, other = scaled.decomposition.detail["plan"]
        if one["op"] == other["op"] == "attribute" and one["kind"] == other["kind"] and one["field"] != other["field"]:
            break
    else:
        pytest.fail("no tool told two unlike things")

    def tell_both(proposal):
        name = scaled.scaling.calls["q1"].tool
        told = {
            proposal.paths[step.id].split("/")[1]: {"value": step.answer.value} for step in scaled.decomposition.steps
        }
        text = f"def {name}(**arguments):\n    return {told!r}\n"
        return changed(proposal, sources={**proposal.sources, name: changed(proposal.sources[name], text=text)})

    with pytest.raises(Refused, match="one call answers two steps"):
        deploy(scaled, Meddler("deploy", tell_both), executor, "s")


def test_a_strategy_that_is_off_may_change_nothing(executor):
    topic = order(level=3, strategies=Strategies.of_level(0))
    change = Change(strategy="parameter_expansion", tool="x", what="more")
    with pytest.raises(Refused, match="a strategy that is off"):
        run(Meddler("scale", lambda p: changed(p, changes=(change,))), executor, topic)


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [(3.0, "number", False), (-5.0, "number", False), (12, "number", False), (345, "number", True),
     (5.75, "number", True), ("Oslo", "text", True), ("north", "enum", False), (True, "bool", False)],
)  # fmt: skip
def test_answers_of_a_character_or_two_are_not_looked_for_in_texts_however_they_are_written(value, kind, right):
    assert telling(Expected(value=value, kind=kind, path="")) is right
