"""General ability: the frozen texts and questions, what is measured on them, and before against after."""

import importlib.util
import json
import math
from importlib.resources import files

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_model import save_tiny_model  # noqa: E402

from tool_gym.cli import app  # noqa: E402
from tool_gym.errors import InputError, UnknownName  # noqa: E402
from tool_gym.evaluation.ability import harness  # noqa: E402
from tool_gym.evaluation.ability.measure import Measure, measure, rows  # noqa: E402
from tool_gym.models.local import LocalModel  # noqa: E402


def lines(name):
    text = (files("tool_gym.evaluation.ability") / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


PASSAGES, QUESTIONS = lines("passages.jsonl"), lines("questions.jsonl")
EXTRACTS = files("tool_gym.generation.backends.worlds") / "extracts"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("models")
    return [save_tiny_model(home / f"tiny-{seed}", seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def model(folders):
    return LocalModel(folders[0], device="cpu")


def test_every_item_has_an_id_of_its_own_and_every_question_four_different_options():
    assert len({each["id"] for each in PASSAGES}) == len(PASSAGES) == 20
    assert len({each["id"] for each in QUESTIONS}) == len(QUESTIONS) == 120
    assert all(len(set(each["options"])) == 4 and 0 <= each["answer"] < 4 for each in QUESTIONS)


def test_the_sums_are_right_and_only_one_option_is():
    sums = [each for each in QUESTIONS if each["task"] == "arithmetic"]
    assert len(sums) == 48
    for each in sums:
        one, sign, other = each["question"].removeprefix("What is ").removesuffix("?").split()
        result = {"+": int(one) + int(other), "-": int(one) - int(other), "*": int(one) * int(other)}[sign]
        assert each["options"][each["answer"]] == str(result)


def test_the_facts_are_those_of_the_extracts():
    truth = {}
    for name, kind, about in (("countries", "country", ("capital", "continent")), ("elements", "element", ("id",))):
        table = json.loads((EXTRACTS / f"{name}.json").read_text(encoding="utf-8"))["types"][kind]
        for row in table["rows"]:
            values = dict(zip(table["columns"], row, strict=True))
            truth.update({(values["name"], column): values[column] for column in about})
    forms = {
        "capital": ("What is the capital of ", "capital"),
        "continent": ("On which continent is ", "continent"),
        "symbol": ("What is the chemical symbol of ", "id"),
    }
    facts = [each for each in QUESTIONS if each["task"] == "facts"]
    assert len(facts) == 72
    for each in facts:
        opening, column = forms[each["id"].split("-")[0]]
        name = each["question"].removeprefix(opening).removesuffix("?")
        assert each["options"][each["answer"]] == truth[name, column]


def test_a_model_that_knows_nothing_needs_the_bits_of_its_vocabulary(folders):
    blank = LocalModel(folders[0], device="cpu")
    with torch.no_grad():
        blank.model.lm_head.weight.zero_()
    text = next(each for each in measure(blank) if each.task == "English text")
    for each in PASSAGES:
        characters = len(each["text"])  # the tiny model's tokens are bytes, the first of which nothing foretells
        assert text.items[each["id"]] == pytest.approx(math.log2(258) * (characters - 1) / characters, rel=1e-5)


def test_the_answer_is_the_option_that_is_likeliest_per_character(model):
    found = {name: value for each in measure(model)[1:] for name, value in each.items.items()}
    assert 0 < sum(found.values()) < len(found)
    for question in [*QUESTIONS[:6], *QUESTIONS[-6:]]:
        likely = []
        for option in question["options"]:
            start = model.tokenizer(f"Question: {question['question']}\nAnswer:")["input_ids"]
            end = model.tokenizer(f" {option}")["input_ids"]
            with torch.inference_mode():
                logp = model.model(torch.tensor([start + end])).logits[0].log_softmax(-1)
            own = [logp[len(start) + i - 1, token].item() for i, token in enumerate(end)]
            likely.append(sum(own) / len(option))
        assert found[question["id"]] == (likely.index(max(likely)) == question["answer"])


def test_a_model_does_not_differ_from_itself(model):
    for row in rows(measure(model), measure(model)):
        assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)
        assert (row["better"], row["worse"], row["p_value"]) == (0, 0, 1)


def test_fewer_bits_are_better_and_fewer_right_answers_worse():
    ids = [f"item-{i}" for i in range(10)]
    before = [Measure("text", "bits", dict.fromkeys(ids, 2.0), higher_is_better=False)]
    after = [Measure("text", "bits", dict.fromkeys(ids, 1.5), higher_is_better=False)]
    [row] = rows(after, before)
    assert (row["base"], row["model"], row["difference"], row["better"], row["worse"]) == (2.0, 1.5, -0.5, 10, 0)
    [row] = rows([Measure("sums", "share", dict.fromkeys(ids, 0.0))], [Measure("sums", "share", dict.fromkeys(ids, 1))])
    assert (row["difference"], row["high"], row["better"], row["worse"]) == (-1, -1, 0, 10)


def test_without_a_base_the_table_shows_the_models_own_intervals(model):
    table = rows(measure(model))
    assert [row["task"] for row in table] == ["English text", "arithmetic", "facts"]
    assert all(row["low"] <= row["model"] <= row["high"] for row in table)


def test_the_command_compares_a_model_with_its_base(folders):
    base, trained = map(str, folders)
    said = CliRunner().invoke(app, ["ability", trained, "--base", base, "--json"])
    assert said.exit_code == 0, said.output
    printed = json.loads(said.stdout)
    assert [row["items"] for row in printed] == [20, 48, 72]
    assert printed[0]["difference"] == pytest.approx(printed[0]["model"] - printed[0]["base"])


def test_options_of_the_harness_without_a_task_are_a_mistake(folders):
    said = CliRunner().invoke(app, ["ability", str(folders[0]), "--limit", "3"])
    assert isinstance(said.exception, InputError)
    assert "--tasks" in str(said.exception)


needs_harness = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="needs the harness: pip install 'tool-gym[ability]'"
)


@pytest.fixture(scope="module")
def own_tasks(tmp_path_factory):
    """A folder with a task of one's own, `greater`, over local data: which of two numbers is greater."""
    folder = tmp_path_factory.mktemp("tasks")
    items = [{"question": f"{a} or {b}?", "options": [str(a), str(b)], "label": int(b > a)} for a, b in zip(
        range(10, 22), reversed(range(5, 29, 2)), strict=True)]  # fmt: skip
    (folder / "data.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    for name, data in (("greater", "data"), ("lost", "nowhere")):
        (folder / f"{name}.yaml").write_text(f"""\
task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {folder / data}.jsonl
test_split: test
output_type: multiple_choice
doc_to_text: "Which is greater, {{{{question}}}}"
doc_to_choice: "{{{{options}}}}"
doc_to_target: label
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
""")
    return folder


@needs_harness
def test_a_task_of_ones_own_runs_in_the_harness_item_by_item(model, own_tasks):
    found = harness.run_tasks(model, ["greater"], own_tasks)
    assert [(each.task, each.figure, len(each.items)) for each in found] == [
        ("greater", "acc", 12),
        ("greater", "acc_norm", 12),
    ]
    assert all(each.higher_is_better and set(each.items.values()) <= {0.0, 1.0} for each in found)
    [first, *_] = harness.run_tasks(model, ["greater"], own_tasks, limit=5)
    assert first.items == dict(list(found[0].items.items())[:5])


@needs_harness
def test_the_command_puts_tasks_of_the_harness_into_the_same_table(folders, own_tasks):
    base, trained = map(str, folders)
    options = ["--tasks", "greater", "--include", str(own_tasks), "--json"]
    said = CliRunner().invoke(app, ["ability", trained, "--base", base, *options])
    assert said.exit_code == 0, said.output
    printed = json.loads(said.stdout[said.stdout.index("[\n") :])
    assert [row["task"] for row in printed] == ["English text", "arithmetic", "facts", "greater", "greater"]
    assert printed[-1]["items"] == 12


@needs_harness
def test_an_unknown_task_and_data_that_is_not_there_are_errors_that_name_the_task(model, own_tasks):
    with pytest.raises(UnknownName, match=r"'greeter'.*'greater'"):
        harness.run_tasks(model, ["greeter"], own_tasks)
    with pytest.raises(InputError, match="lost"):
        harness.run_tasks(model, ["lost"], own_tasks)
