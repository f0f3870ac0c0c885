"""Samples: k tool turns give k + 1 prompts, tool output is not the model's, and rewards are those of the episode."""

import pytest

pytest.importorskip("torch")
from tiny_model import TOOL_TEMPLATE, save_tiny_model

from tool_gym.models.decoding import Sampling
from tool_gym.models.local import Branch, LocalModel
from tool_gym.packs.reader import load_pack
from tool_gym.parsing.parser import parser
from tool_gym.policies.policy import Decision, Policy
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays
from tool_gym.training.samples import (
    Rules,
    Turn,
    answer_prefixes,
    played,
    prefix_samples,
    whole_response,
)


class TokenOracle(Policy):
    """Reference calls with made-up tokens: what is read grows by what was said and one token of the tools."""

    def __init__(self, pack):
        self._oracle, self._read = OraclePolicy(pack), {}

    def act(self, requests):
        decisions = []
        for request, decision in zip(requests, self._oracle.act(requests), strict=True):
            read = self._read.get(request.episode_id, (1, 2, 3))
            said = (10 + len(read), 20)
            self._read[request.episode_id] = (*read, *said, 7)
            decisions.append(Decision(decision.message, said, (0.0, 0.0), prompt_ids=read))
        return decisions


@pytest.fixture(scope="module")
def pack(pack_folder):
    return load_pack(str(pack_folder))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return LocalModel(save_tiny_model(tmp_path_factory.mktemp("m") / "m", TOOL_TEMPLATE, context=8192), device="cpu")


def oracle_game(pack, executor):
    ((_, trajectory, turns),) = played(TokenOracle(pack), plays(["multi-1"]), Rules(pack, executor), seed=0, at_once=1)
    return trajectory, turns


def test_k_tool_turns_give_one_prompt_more(pack, executor):
    trajectory, turns = oracle_game(pack, executor)
    tool_turns = sum(bool(step.action.tool_calls) for step in trajectory.transitions)
    samples = prefix_samples(trajectory, turns)
    assert tool_turns >= 2
    assert [len(sample.actions) for sample in samples] == list(range(tool_turns + 1))
    assert [sample.prompt_ids for sample in samples] == [turn.prompt_ids for turn in turns]


def test_a_whole_episode_keeps_sampled_ids_and_marks_what_the_tools_said(pack, executor):
    trajectory, turns = oracle_game(pack, executor)
    response = whole_response(trajectory, turns)
    assert response.ids[:6] == (13, 20, 7, 16, 20, 7)
    assert response.chosen[:6] == (True, True, False, True, True, False)
    assert len(response.ids) == len(response.chosen) == 3 * len(turns) - 1
    assert response.reward == pytest.approx(1.0)
    assert response.whole


def test_an_episode_whose_earlier_turns_were_rewritten_ends_before_the_rewriting(pack, executor):
    trajectory, turns = oracle_game(pack, executor)
    changed = [turns[0], Turn((9, *turns[1].prompt_ids[1:]), turns[1].token_ids), *turns[2:]]
    response = whole_response(trajectory, changed)
    assert response.ids == turns[0].token_ids
    assert not response.whole


def test_responses_to_a_prefix_are_rewarded_for_their_turn_alone(pack, executor, model):
    """The paper pays a reply that answers nothing by what was solved before: nothing at the start, half at the end."""
    trajectory, turns = oracle_game(pack, executor)
    samples = prefix_samples(trajectory, [Turn((5, 6, 7), ())] * len(turns))
    rules = Rules(pack, executor, "ftrl_f1")
    seeds = [[(0, i, j) for j in range(3)] for i in range(len(samples))]
    groups = answer_prefixes(
        model, samples, rules, parser("hermes"), Sampling(1.0, max_tokens=4), seeds=seeds, at_once=6
    )
    assert [len(group.responses) for group in groups] == [3] * len(samples)
    assert {each.reward for each in groups[0].responses} == {0.0}
    assert [each.reward for each in groups[-1].responses] == [0.5] * 3
    assert all(each.ids and all(each.chosen) for group in groups for each in group.responses)


def test_responses_do_not_depend_on_how_many_are_sampled_together(pack, executor, model):
    trajectory, turns = oracle_game(pack, executor)
    samples = prefix_samples(trajectory, [Turn((5, 6, 7), ())] * len(turns))
    seeds = [[(1, i, j) for j in range(2)] for i in range(len(samples))]
    found = [
        answer_prefixes(
            model, samples, Rules(pack, executor), parser("hermes"), Sampling(1.0, max_tokens=6), seeds=seeds, at_once=n
        )
        for n in (2, 64)
    ]
    assert found[0] == found[1]


def test_branches_of_a_prompt_are_what_each_alone_would_be(model):
    sampling = Sampling(1.0, max_tokens=8)
    together = model.branch([Branch([5, 6, 7], [(1,), (2,), (3,)]), Branch([8, 9], [(4,)])], sampling)
    alone = [model.branch([Branch([5, 6, 7], [(seed,)])], sampling)[0][0].token_ids for seed in (1, 2, 3)]
    assert [answer.token_ids for answer in together[0]] == alone
    assert together[1][0].prompt_ids == (8, 9)
    assert len(set(alone)) > 1
