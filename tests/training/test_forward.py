"""Responses that share their prompt's keys and values: the same log-probabilities and gradients as read whole."""

import pytest

torch = pytest.importorskip("torch")
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM  # noqa: E402

from tool_gym.training.forward import score  # noqa: E402

SMALL = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
NETWORKS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SMALL)),
    "neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SMALL)),
}
PROMPTS = [[3, 4, 5, 6, 7, 8], [9, 10], [11, 12, 13]]
OWNERS = [0, 0, 1, 2, 2, 2]
RESPONSES = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10], [11], [12, 13]]


def plain_logp(model, temperature):
    rows = []
    for owner, response in zip(OWNERS, RESPONSES, strict=True):
        ids = torch.tensor([PROMPTS[owner] + response])
        logp = torch.log_softmax(model(input_ids=ids).logits[0].double() / temperature, -1)
        places = range(len(PROMPTS[owner]) - 1, ids.shape[1] - 1)
        rows.append([logp[place, token] for place, token in zip(places, response, strict=True)])
    return rows


@pytest.mark.parametrize("name", NETWORKS)
def test_shared_prompts_give_the_log_probabilities_and_gradients_of_reading_each_response_whole(name):
    torch.manual_seed(0)
    model = NETWORKS[name]().double().eval()
    found = score(model, PROMPTS, OWNERS, RESPONSES, 0.7).logp
    expected = plain_logp(model, 0.7)
    for row, tokens in zip(found, expected, strict=True):
        assert row[: len(tokens)].tolist() == pytest.approx([float(token) for token in tokens], abs=1e-5)
        assert not row[len(tokens) :].any()
    weights = [1.0, -2.0, 3.0, 0.5, 1.5, -1.0]

    def gradients(rows):
        model.zero_grad()
        sum(weight * sum(row) for weight, row in zip(weights, rows, strict=True)).backward()
        return [each.grad.clone() for each in model.parameters()]

    ours, theirs = gradients(found), gradients(expected)
    error = max(float((a - b).norm() / b.norm().clamp(min=1e-9)) for a, b in zip(ours, theirs, strict=True))
    assert error < 1e-5


def test_the_entropy_is_that_of_the_distribution_a_token_was_drawn_from():
    torch.manual_seed(0)
    model = NETWORKS["llama"]().eval()
    found = score(model, PROMPTS[:1], [0], [[1]], 0.5).entropy
    logits = model(input_ids=torch.tensor([PROMPTS[0]])).logits[0, -1] / 0.5
    assert float(found[0, 0]) == pytest.approx(
        float(torch.distributions.Categorical(logits=logits).entropy()), rel=1e-5
    )


def test_scoring_one_token_responses_needs_no_second_pass():
    model = NETWORKS["llama"]().eval()
    assert score(model, PROMPTS, [0, 1, 2], [[1], [2], [3]], 1.0).logp.shape == (3, 1)
