"""The policy of a local model, on a tiny one."""

import warnings

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_model import TOOL_TEMPLATE, save_tiny_model

import tool_gym
from tool_gym.errors import InputError
from tool_gym.models.decoding import Sampling
from tool_gym.models.local import LocalModel
from tool_gym.policies.local import LocalPolicy
from tool_gym.policies.shots import Shots
from tool_gym.rollouts import plays, rollout

SAMPLING = Sampling(temperature=1.0, max_tokens=24)


@pytest.fixture(scope="module")
def pack(pack_folder):
    return tool_gym.load_pack(str(pack_folder))


@pytest.fixture(scope="module")
def deaf(tmp_path_factory):
    return LocalModel(save_tiny_model(tmp_path_factory.mktemp("models") / "deaf", context=8192), device="cpu")


@pytest.fixture(scope="module")
def hearing(tmp_path_factory):
    folder = save_tiny_model(tmp_path_factory.mktemp("models") / "hearing", TOOL_TEMPLATE, context=8192)
    return LocalModel(folder, device="cpu")


def played(policy, pack, executor, **options):
    todo = plays(["single-1", "multi-1", "turns-1"])
    return list(rollout(policy, pack, todo, executor, max_turns=3, **options))


def test_a_template_that_ignores_tools_is_said_and_remedied(deaf):
    with pytest.warns(UserWarning, match="ignores tools.*system message"):
        policy = LocalPolicy(deaf, SAMPLING)
    assert policy.fingerprint["form"] == "text"


def test_a_template_that_ignores_tools_cannot_be_forced_to_take_them(deaf):
    with pytest.raises(InputError, match="choose the form 'text'"):
        LocalPolicy(deaf, SAMPLING, form="native")


def test_a_template_that_takes_tools_gets_them(hearing):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert LocalPolicy(hearing, SAMPLING, reasoning=True).fingerprint["form"] == "native"


def test_reasoning_that_the_template_does_not_know_is_said(deaf):
    with pytest.warns(UserWarning, match="knows no reasoning"):
        LocalPolicy(deaf, SAMPLING, form="text", reasoning=True)


def test_examples_imply_text_and_stand_before_the_question(hearing):
    example = ({"role": "user", "content": "Example?"}, {"role": "assistant", "content": "Yes."})
    assert LocalPolicy(hearing, SAMPLING, shots=Shots(("x",), example)).fingerprint["form"] == "text"


@pytest.mark.parametrize("options", [{"parser": "mistral"}, {"reasoning": True}])
def test_constrained_decoding_refuses_what_it_cannot_do(hearing, options):
    with pytest.raises(InputError, match="constrained decoding"):
        LocalPolicy(hearing, SAMPLING, constrained=True, **options)


@pytest.mark.parametrize("form", ["native", "text"])
def test_episodes_keep_their_tokens_and_two_runs_are_equal(hearing, pack, executor, form):
    runs = [played(LocalPolicy(hearing, SAMPLING, form=form), pack, executor) for _ in range(2)]
    assert runs[0] == runs[1]
    for _, trajectory in runs[0]:
        for turn in trajectory.transitions:
            assert 1 <= len(turn.token_ids) <= 24
            assert len(turn.logprobs) == len(turn.token_ids)
            assert all(logprob <= 0 for logprob in turn.logprobs)


def test_a_random_model_that_is_constrained_makes_only_well_formed_calls(hearing, pack, executor):
    pytest.importorskip("llguidance")
    policy = LocalPolicy(hearing, Sampling(temperature=1.0, max_tokens=200), constrained=True)
    calls = [
        call
        for _, trajectory in played(policy, pack, executor)
        for turn in trajectory.transitions
        for call in turn.action.tool_calls
        if not (call.error and len(turn.token_ids) == 200)  # cut off in the middle
    ]
    assert all(call.error is None for call in calls)


def test_ended_episodes_are_forgotten(hearing, pack, executor):
    policy = LocalPolicy(hearing, SAMPLING, form="text")
    played(policy, pack, executor)
    assert not hearing._kept
