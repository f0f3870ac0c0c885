import asyncio
import json
import pickle

import pytest
from small_pack import JOINED, MULTI, PARALLEL, SCENARIOS, SINGLE, STATEFUL, TABLES, TURNS

from tool_gym.episode import Caps, Episode
from tool_gym.errors import EpisodeError, InputError, UnknownName
from tool_gym.jsonvalue import dumps


def calls(*pairs):
    return {"content": "", "tool_calls": [{"name": name, "arguments": arguments} for name, arguments in pairs]}


@pytest.fixture
def play(executor):
    def open_episode(scenario, **options):
        return Episode(scenario, executor, tables=TABLES, **options)

    return open_episode


def test_right_calls_and_the_right_answer_earn_exactly_one(play):
    episode = play(JOINED)
    first = episode.step(calls(("population", {"town": "Ålund"}), ("population", {"town": "北门"})))
    assert first.info["tool_statuses"] == ["ok", "ok"]
    second = episode.step(calls(("add", {"numbers": [5120, 880]})))
    last = episode.step({"content": "<answer>6000</answer>"})
    assert last.terminated
    assert last.info["termination"] == "answer"
    assert last.info["score"]["answer_correct"]
    assert first.reward + second.reward + last.reward == pytest.approx(1.0, abs=1e-12)


def test_a_wrong_answer_after_right_calls_earns_half(play):
    episode = play(SINGLE)
    earned = episode.step(calls(("population", {"town": "北门"}))).reward
    assert earned + episode.step({"content": "<answer>881</answer>"}).reward == pytest.approx(0.5)


def test_each_call_is_answered_in_order_whatever_becomes_of_it(play):
    episode = play(SINGLE)
    result = episode.step(
        {
            "tool_calls": [
                {"name": "population", "arguments": {"town": "nowhere"}},
                {"name": "population", "arguments": {"town": 5}},
                {"name": "popullation", "arguments": {}},
                {"name": "add", "arguments": "{oops"},
                {"name": "broken", "arguments": {}},
                {"name": "slow", "arguments": {}},
                {"name": "population", "arguments": {"town": "北门"}},
            ]
        }
    )
    statuses = ["tool_error", "invalid_call", "invalid_call", "invalid_call", "tool_error", "timeout", "ok"]
    assert result.info["tool_statuses"] == statuses
    tools = [message for message in result.observation["messages"] if message["role"] == "tool"]
    assert [message["name"] for message in tools][:3] == ["population", "population", "popullation"]
    assert [json.loads(message["content"])["error"] for message in tools[:6]] == statuses[:6]
    asked = result.observation["messages"][-8]["tool_calls"]
    assert [call["id"] for call in asked] == [message["tool_call_id"] for message in tools]


def test_past_messages_are_shared_and_read_only(play):
    episode = play(SINGLE)
    before = episode.observation
    after = episode.step(calls(("add", {"numbers": [1, 2]}))).observation
    assert after["messages"][0] is before["messages"][0]
    assert len(before["messages"]) == 1
    with pytest.raises(TypeError):
        after["messages"][1]["tool_calls"][0]["function"]["arguments"]["numbers"].append(3)
    with pytest.raises(TypeError):
        after["tools"][0]["function"]["name"] = "other"


def test_the_turn_limit_truncates(play):
    episode = play(SINGLE, max_turns=2)
    episode.step(calls(("add", {"numbers": [1]})))
    result = episode.step(calls(("add", {"numbers": [1]})))
    assert (result.terminated, result.truncated, result.info["termination"]) == (False, True, "max_turns")
    with pytest.raises(EpisodeError, match=r"reset\(\)"):
        episode.step({"content": "too late"})


def test_calls_beyond_the_limit_of_a_turn_are_answered_and_count(play):
    episode = play(SINGLE, caps=Caps(max_calls_per_turn=2))
    result = episode.step(calls(*[("add", {"numbers": [i]}) for i in range(5)]))
    assert result.info["tool_statuses"] == ["ok", "ok", "invalid_call", "invalid_call", "invalid_call"]
    assert result.info["score"]["calls"] == 5


def test_turns_of_only_invalid_calls_end_the_episode_where_a_bound_is_set(play):
    episode = play(SINGLE, caps=Caps(max_invalid_calls=2))
    assert not episode.step(calls(("nothing", {}))).terminated
    assert not episode.step(calls(("nothing", {}), ("add", {"numbers": [1]}))).terminated
    assert not episode.step(calls(("nothing", {}))).terminated
    result = episode.step(calls(("nothing", {})))
    assert result.terminated
    assert result.info["termination"] == "invalid_calls"


def test_a_long_result_is_cut_for_the_agent_and_whole_for_the_record(play):
    episode = play(SINGLE, caps=Caps(max_result_chars=200))
    result = episode.step(calls(("river_of", {"town": "x" * 500}), ("add", {"numbers": [1], "zzz": 1})))
    episode = play(MULTI, caps=Caps(max_result_chars=120))
    result = episode.step(calls(("population", {"town": "y" * 500})))
    shown = result.observation["messages"][-1]["content"]
    assert len(shown) <= 120
    assert "cut" in shown


@pytest.mark.parametrize("text", ["x" * 3000, "\x01" * 3000, "🙂" * 3000, '"' * 3000])
def test_an_observation_never_exceeds_its_bytes_and_the_last_one_fits(play, text):
    limit = 12_000
    episode = play(SINGLE, caps=Caps(max_observation_bytes=limit))
    for _ in range(20):
        result = episode.step({**calls(("river_of", {"town": "北门"}), (text[:200], {"a": text})), "content": text})
        assert len(dumps(result.observation)) <= limit
        if result.truncated:
            break
    assert result.info["termination"] == "limit"


def test_a_scenario_that_does_not_fit_its_observation_is_refused(play):
    with pytest.raises(EpisodeError, match="max_observation_bytes"):
        play(SINGLE, caps=Caps(max_observation_bytes=1100))


def test_user_turns_follow_replies_and_bring_their_tools(play):
    episode = play(TURNS)
    names = [tool["function"]["name"] for tool in episode.observation["tools"]]
    assert "add" not in names
    early = episode.step(calls(("population", {"town": "Ålund"}), ("add", {"numbers": [5120, 100]})))
    assert early.info["tool_statuses"] == ["ok", "invalid_call"]
    reply = episode.step({"content": "5120"})
    assert not reply.terminated
    assert reply.observation["messages"][-1] == {"role": "user", "content": "And if a hundred come?"}
    assert "add" in [tool["function"]["name"] for tool in reply.observation["tools"]]
    assert episode.step(calls(("add", {"numbers": [5120, 100]}))).info["tool_statuses"] == ["ok"]
    last = episode.step({"content": "5220"})
    assert last.terminated
    assert last.info["score"]["solved"] == 2


def test_tools_change_the_state_and_a_failed_call_does_not(play):
    episode = play(STATEFUL)
    result = episode.step(
        calls(("order", {"item": "bread"}), ("order", {"item": "nothing"}), ("order", {"item": "salt"}))
    )
    assert result.info["tool_statuses"] == ["ok", "tool_error", "ok"]
    assert episode.session.state == {"items": ["bread", "salt"]}
    last = episode.step({"content": "<answer>2</answer>"})
    assert last.info["score"]["solved"] == 1


def test_a_snapshot_goes_on_as_the_episode_did_however_often(play):
    episode = play(STATEFUL, seed=4)
    episode.step(calls(("order", {"item": "bread"})))
    saved = pickle.loads(pickle.dumps(episode.snapshot()))
    script = [calls(("order", {"item": "salt"})), {"content": "<answer>2</answer>"}]
    first = [episode.step(action) for action in script]
    recorded = episode.trajectory()
    for fresh in (False, True):
        if fresh:
            episode = play(STATEFUL, seed=9)
        episode.restore(saved)
        assert [episode.step(action) for action in script] == first
        assert episode.trajectory() == recorded


def test_a_snapshot_of_another_scenario_is_refused(play):
    with pytest.raises(EpisodeError, match="not of scenario"):
        play(SINGLE).restore(play(MULTI).snapshot())


def test_the_same_seed_and_actions_give_the_same_bytes_and_another_seed_other_luck(play):
    def throw(seed):
        episode = play(SINGLE, seed=seed)
        episode.step(calls(("dice", {}), ("dice", {})))
        return episode.trajectory().transitions

    assert throw(1) == throw(1)
    assert throw(1)[0].results[0].value != throw(1)[0].results[1].value
    assert throw(1)[0].results[0].value != throw(2)[0].results[0].value


def test_a_step_can_wait_without_blocking_other_tasks(play):
    async def both():
        one, two = play(SINGLE), play(PARALLEL)
        return await asyncio.gather(
            one.astep(calls(("population", {"town": "北门"}))), two.astep(calls(("population", {"town": "مرسى"})))
        )

    for result in asyncio.run(both()):
        assert result.info["score"]["solved"] == 1


def test_the_halves_of_a_step_must_alternate(play):
    episode = play(SINGLE)
    with pytest.raises(EpisodeError, match="begin"):
        episode.finish([])
    episode.begin(calls(("add", {"numbers": [1]})))
    with pytest.raises(EpisodeError, match="finish"):
        episode.begin({"content": "x"})


def test_info_holds_no_gold(play):
    for scenario in SCENARIOS:
        text = dumps(play(scenario).info).decode()
        assert str(scenario.answer.value) not in text


def test_wrong_names_are_refused_with_the_known_ones(play):
    with pytest.raises(UnknownName, match="solve_f1"):
        play(SINGLE, reward="solve_f2")
    with pytest.raises(UnknownName, match="typed"):
        play(SINGLE, matcher="typd")
    with pytest.raises(InputError, match="max_turns"):
        play(SINGLE, max_turns=0)
