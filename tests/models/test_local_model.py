"""The local model: batches, the key-value cache, sampling, grammar."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_model import TOOL_TEMPLATE, save_tiny_model  # noqa: E402

from tool_gym.errors import InputError  # noqa: E402
from tool_gym.models.chat import ChatRequest  # noqa: E402
from tool_gym.models.decoding import Sampling  # noqa: E402
from tool_gym.models.local import Branch, LocalModel, Prompt  # noqa: E402
from tool_gym.parsing.parser import parser  # noqa: E402
from tool_gym.schema import argument_problem  # noqa: E402

GREEDY = Sampling(max_tokens=12)
WARM = Sampling(temperature=1.0, max_tokens=12)
TEXTS = ["How many people live in Ålund?", "Short.", "A longer question, with 北门 in it. " * 6]
TOOL = {
    "type": "function",
    "function": {
        "name": "fare",
        "description": "A fare.",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"enum": ["A", "B"]}, "adults": {"type": "integer", "minimum": 1, "maximum": 9}},
            "required": ["zone", "adults"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def model(folder):
    return LocalModel(folder, device="cpu")


def asked(model, text):
    return model.render([{"role": "user", "content": text}])


def test_the_likeliest_tokens_are_those_of_transformers_itself(model):
    prompts = [asked(model, text) for text in TEXTS]
    answers = model.generate([Prompt(str(i), text) for i, text in enumerate(prompts)], GREEDY)
    for prompt, answer in zip(prompts, answers, strict=True):
        inputs = model.tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
        whole = model.model.generate(**inputs, max_new_tokens=12, do_sample=False)
        assert whole[0, inputs["input_ids"].shape[1] :].tolist() == list(answer.token_ids)


@pytest.mark.parametrize("sampling", [GREEDY, WARM])
def test_who_else_is_in_the_batch_changes_no_token(model, sampling):
    prompts = [Prompt(str(i), asked(model, text), (7, i)) for i, text in enumerate(TEXTS)]
    together = model.generate(prompts, sampling)
    for prompt, answer in zip(prompts, together, strict=True):
        model.forget(prompt.key)
        (alone,) = model.generate([prompt], sampling)
        assert alone.token_ids == answer.token_ids
        assert alone.logprobs == pytest.approx(answer.logprobs, abs=1e-4)


def test_equal_batches_give_equal_bits(folder):
    def run():
        model = LocalModel(folder, device="cpu")
        return model.generate([Prompt(str(i), asked(model, text), (i,)) for i, text in enumerate(TEXTS)], WARM)

    assert run() == run()


def test_the_seed_decides_what_is_sampled(model):
    text = asked(model, TEXTS[0])
    samples = model.generate([Prompt(str(seed), text, (seed,)) for seed in (1, 1, 2, 3)], WARM)
    assert samples[0].token_ids == samples[1].token_ids
    assert len({sample.token_ids for sample in samples}) > 1


def test_sampled_frequencies_are_the_models_probabilities(model):
    text = asked(model, "x")
    one = Sampling(temperature=0.5, max_tokens=1)
    samples = model.generate([Prompt(str(seed), text, (seed,)) for seed in range(600)], one)
    counts: dict[int, int] = {}
    for sample in samples:
        counts[sample.token_ids[0]] = counts.get(sample.token_ids[0], 0) + 1
    told = {sample.token_ids[0]: float(np.exp(sample.logprobs[0])) for sample in samples}
    likely = [token for token, share in told.items() if share > 0.02]
    assert likely
    for token in likely:
        spread = (told[token] * (1 - told[token]) / 600) ** 0.5
        assert abs(counts[token] / 600 - told[token]) < 4 * spread


def test_a_small_top_p_takes_the_likeliest_token(model):
    text = asked(model, TEXTS[0])
    (likeliest,) = model.generate([Prompt("a", text)], GREEDY)
    (sampled,) = model.generate([Prompt("b", text, (5,))], Sampling(1.0, top_p=1e-6, max_tokens=12))
    assert sampled.token_ids == likeliest.token_ids


def test_a_conversation_is_read_once_and_keeps_the_tokens_it_was_written_in(model, monkeypatch):
    read = []
    forward = type(model.model).forward

    def counted(self, *args, **kwargs):
        read.append(kwargs["input_ids"].shape[1])
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(type(model.model), "forward", counted)
    first = asked(model, TEXTS[2])
    (answer,) = model.generate([Prompt("a", first, (1,))], WARM)
    written = model.tokenizer.decode(answer.token_ids)
    more = "<|im_end|>\n<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\n"
    ids = [model.tokenizer(text)["input_ids"] for text in (first, more)]
    read.clear()
    (kept,) = model.generate([Prompt("a", first + written + more, (2,))], WARM)
    assert read[0] == len(ids[1]) + 1, "the last sampled token was never read, all before it was"
    whole = [*ids[0], *answer.token_ids, *ids[1], *kept.token_ids]
    assert kept.prompt_tokens + len(kept.token_ids) == len(whole)
    with torch.no_grad():
        logprobs = model.model(input_ids=torch.tensor([whole])).logits[0].log_softmax(-1)
    expected = [float(logprobs[kept.prompt_tokens - 1 + i, token]) for i, token in enumerate(kept.token_ids)]
    assert kept.logprobs == pytest.approx(expected, abs=1e-4)


def test_a_conversation_that_was_rewritten_is_read_from_where_it_differs(model):
    model.generate([Prompt("a", asked(model, TEXTS[2]))], GREEDY)
    other = asked(model, TEXTS[2][:40] + "something else")
    (kept,) = model.generate([Prompt("a", other)], GREEDY)
    model.forget("a")
    (fresh,) = model.generate([Prompt("a", other)], GREEDY)
    assert fresh.token_ids == kept.token_ids


def test_a_full_context_gives_an_empty_answer_and_a_nearly_full_one_a_short_one(tmp_path):
    model = LocalModel(save_tiny_model(tmp_path / "small", context=64), device="cpu")
    answers = model.generate([Prompt("a", "x" * 64), Prompt("b", "x" * 60)], WARM)
    assert (answers[0].text, answers[0].token_ids, answers[0].ended) == ("", (), False)
    assert 1 <= len(answers[1].token_ids) <= 4


def test_what_a_template_ignores_is_found(model, tmp_path):
    assert model.template_ignores("tools")
    assert model.template_ignores("enable_thinking")
    other = LocalModel(save_tiny_model(tmp_path / "tools", TOOL_TEMPLATE), device="cpu")
    assert not other.template_ignores("tools")
    assert not other.template_ignores("enable_thinking")


def test_a_local_model_answers_chat_requests(model):
    completion = model.complete(ChatRequest(messages=({"role": "user", "content": "x"},), temperature=0, max_tokens=5))
    (same,) = model.generate([Prompt("a", asked(model, "x"))], Sampling(max_tokens=5))
    assert completion.text == same.text
    assert completion.finish == "length"
    assert completion.usage.output_tokens == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "absent", "no such folder"),
        (lambda path: path, "cannot load this model"),
    ],
)
def test_a_folder_without_a_model_is_an_error_that_names_it(tmp_path, make, message):
    with pytest.raises(InputError, match=message) as caught:
        LocalModel(make(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_a_random_model_under_the_grammar_writes_calls_that_fit_or_a_reply(model):
    pytest.importorskip("llguidance")
    text = asked(model, TEXTS[0])
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    ways = Branch(ids, [(seed,) for seed in range(1000)], (TOOL,))
    (first,) = model.branch([ways], Sampling(temperature=3.0, max_tokens=1))
    calling = [seed for seed, answer in enumerate(first) if answer.text == "<"]  # one in some hundred
    prompts = [Prompt(str(seed), text, (seed,), (TOOL,)) for seed in {*range(10), *calling[:30]}]
    calls = 0
    for answer in model.generate(prompts, Sampling(temperature=3.0, max_tokens=150)):
        message = parser("hermes")(answer.text)
        if answer.text.startswith("<") and answer.ended:
            assert message.tool_calls
            for call in message.tool_calls:
                assert call.error is None, answer.text
                assert argument_problem(TOOL["function"]["parameters"], call.arguments) is None, answer.text
                calls += 1
        elif not answer.text.startswith("<"):
            assert not message.tool_calls
    assert calls


def test_a_schema_beyond_the_grammars_means_leaves_the_arguments_free(model):
    pytest.importorskip("llguidance")
    odd = json.loads(json.dumps(TOOL))
    odd["function"]["parameters"] = {"type": "object", "not": {"required": ["x"]}, "patternProperties": {"(?=a)b": {}}}
    (answer,) = model.generate([Prompt("a", asked(model, "x"), (0,), (odd,))], Sampling(3.0, max_tokens=20))
    assert answer.token_ids
