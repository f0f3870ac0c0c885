"""Runs are read from their folders, with or without what may lie beside the trajectories."""

import json

import pytest
from playing import act, ask, played, say
from small_pack import MULTI, SINGLE

from tool_gym.errors import InputError
from tool_gym.evaluation.results import FIGURES, open_runs, result_of
from tool_gym.evaluation.tables import tables
from tool_gym.trajectory import write_trajectories

RIGHT = act(ask("population", town="北门"))


@pytest.fixture(scope="module")
def episodes(executor):
    return [
        played(executor, SINGLE, [RIGHT, say("880")], pack="small", version=3),
        played(executor, SINGLE, [say("880")], pack="small", version=3),
        played(executor, MULTI, [act(ask("river_of", town="x")), say("?")], pack="small", version=3),
    ]


@pytest.fixture
def folder(tmp_path, episodes):
    run = tmp_path / "one"
    run.mkdir()
    write_trajectories(run / "trajectories.jsonl", episodes)
    return run


def test_a_folder_with_trajectories_alone_is_a_run(folder):
    [run] = open_runs([folder])
    results = [result for _, result in run.episodes()]
    assert (run.name, run.about, run.count()) == ("one", {}, 3)
    assert [(each.scenario, each.repetition, each.structure) for each in results] == [
        ("single-1", 0, "single_hop"),
        ("single-1", 1, "single_hop"),
        ("multi-1", 0, "multi_hop"),
    ]
    assert [each.diagnosis.label for each in results] == ["success", "answer_without_calls", "wrong_tool"]
    assert [each.tools for each in results] == [("population",), (), ("river_of",)]
    first = results[0].figures
    assert list(first) == list(FIGURES)
    assert first == {
        "solve_f1": 1.0,
        "success": 1.0,
        "solve_p": 1.0,
        "solve_r": 1.0,
        "answer_correct": 1.0,
        "return": 1.0,
        "turns": 2.0,
        "calls": 1.0,
        "tokens": None,
        "cost": None,
        "seconds": None,
    }


def test_tokens_cost_and_time_come_from_the_meta_file_by_scenario_and_repetition(folder):
    lines = [
        {"scenario": "single-1", "repetition": 1, "completion_tokens": 40, "cost": 0.25, "seconds": 1.5},
        {"scenario": "multi-1", "repetition": 0, "completion_tokens": True, "seconds": "long"},
        {"host": "somewhere"},
    ]
    (folder / "meta.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    figures = [result.figures for _, result in open_runs([folder])[0].episodes()]
    assert [each["tokens"] for each in figures] == [None, 40.0, None]
    assert (figures[1]["cost"], figures[1]["seconds"], figures[2]["seconds"]) == (0.25, 1.5, None)


def test_sampled_tokens_are_counted_where_the_meta_file_says_nothing(episodes):
    turns = episodes[0].transitions
    counted = [turn.model_copy(update={"token_ids": (1, 2, 3)}) for turn in turns]
    sampled = episodes[0].model_copy(update={"transitions": tuple(counted)})
    assert result_of(sampled, 0, {}).figures["tokens"] == 6.0
    assert result_of(sampled, 0, {"completion_tokens": 5}).figures["tokens"] == 5.0


def test_an_answer_counts_for_nothing_where_none_is_asked_for(episodes):
    gold = episodes[0].gold.model_copy(update={"answer": None})
    unanswered = episodes[0].model_copy(update={"gold": gold, "transitions": episodes[0].transitions[:1]})
    figures = result_of(unanswered, 0, {}).figures
    assert (figures["answer_correct"], figures["success"]) == (None, 1.0)


def test_an_episode_without_a_turn_is_read(episodes):
    empty = episodes[0].model_copy(update={"transitions": (), "termination": None})
    result = result_of(empty, 0, {})
    assert result.diagnosis.label == "unfinished"
    assert (result.figures["solve_f1"], result.figures["turns"]) == (0.0, 0.0)


def test_runs_of_one_name_are_told_apart_by_the_folder_above(tmp_path, folder, episodes):
    other = tmp_path / "later" / "one"
    other.mkdir(parents=True)
    write_trajectories(other / "trajectories.jsonl", episodes)
    assert [run.name for run in open_runs([folder, other])] == [f"{tmp_path.name}/one", "later/one"]


def test_a_folder_of_runs_stands_for_its_runs(tmp_path, folder, episodes):
    (tmp_path / "another").mkdir()
    write_trajectories(tmp_path / "another" / "trajectories.jsonl", episodes)
    (tmp_path / "empty").mkdir()
    assert [run.name for run in open_runs([tmp_path])] == ["another", "one"]


def test_what_is_no_run_is_refused_with_what_was_expected(tmp_path, folder):
    with pytest.raises(
        InputError, match=r"no trajectories.jsonl in it, nor in a folder of it; expected what `tool-gym"
    ):
        open_runs([tmp_path / "elsewhere"])
    with pytest.raises(InputError, match="given twice"):
        open_runs([folder, folder / ".." / "one"])
    (folder / "run.json").write_text("[1]")
    with pytest.raises(InputError, match=r"run.json: expected a JSON object, got list"):
        open_runs([folder])
    (folder / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run.json: not JSON"):
        open_runs([folder])


def test_a_damaged_line_is_named(folder, episodes):
    file = folder / "trajectories.jsonl"
    torn = json.loads(file.read_text().splitlines()[0])
    torn["transitions"][0]["results"] = []
    with file.open("a") as lines:
        lines.write(json.dumps(torn) + "\n")
    with pytest.raises(InputError, match=r"trajectories.jsonl, line 4: scenario 'single-1', turn 1: 0 results for 1"):
        list(open_runs([folder])[0].episodes())
    (folder / "meta.jsonl").write_text("{}\nnot json\n")
    with pytest.raises(InputError, match=r"meta.jsonl, line 2: not JSON"):
        list(open_runs([folder])[0].episodes())


@pytest.fixture(scope="module")
def runs(executor):
    """A good run and a poor one, each of two scenarios twice."""
    good = [played(executor, SINGLE, [RIGHT, say("880")])] * 2
    good += [played(executor, MULTI, [act(ask("population", town="Korva 🙂")), say("?")])] * 2
    poor = [*good[:1], played(executor, SINGLE, [say("?")]), *[played(executor, MULTI, [say("?")])] * 2]
    return {
        name: [result_of(trajectory, place % 2, {}) for place, trajectory in enumerate(trajectories)]
        for name, trajectories in (("poor", poor), ("good", good))
    }


def test_the_leaderboard_ranks_runs_and_every_table_follows_its_order(runs):
    found = tables(runs)
    assert [row["run"] for row in found["leaderboard"]] == ["good", "poor"]
    board = found["leaderboard"][0]
    assert (board["episodes"], board["scenarios"], board["success"][0]) == (4, 2, 0.5)
    assert board["solve_f1"] == [pytest.approx((1 + 1 + 2 / 3 + 2 / 3) / 4), pytest.approx(2 / 3), 1.0]
    assert board["tokens"] == [None, None, None]
    for name in ("failures", "calls"):
        assert [row["run"] for row in found[name]] == ["good", "poor"]
    json.dumps(found, allow_nan=False)


def test_tables_by_structure_and_outcome_count_every_episode_once(runs):
    found = tables(runs)
    assert [(row["run"], row["structure"], row["episodes"]) for row in found["structures"]] == [
        ("good", "single_hop", 2),
        ("good", "multi_hop", 2),
        ("poor", "single_hop", 2),
        ("poor", "multi_hop", 2),
    ]
    good, poor = found["failures"]
    assert {name: count for name, count in good.items() if count} == {"run": "good", "success": 2, "gave_up": 2}
    assert {name: count for name, count in poor.items() if count} == {"run": "poor", "success": 1, "no_calls": 3}
    assert found["calls"][0]["solved"] == 4


def test_pass_k_goes_as_far_as_every_scenario_was_played(runs):
    rows = [row for row in tables(runs)["pass_k"] if row["run"] == "poor"]
    assert [(row["k"], row["pass_at_k"][0], row["pass_hat_k"][0]) for row in rows] == [(1, 0.25, 0.25), (2, 0.5, 0.0)]


def test_runs_are_compared_with_the_first_on_the_scenarios_of_both(runs):
    rows = tables(runs)["comparisons"]
    assert [(row["run"], row["against"], row["figure"]) for row in rows] == [
        ("poor", "good", "solve_f1"),
        ("poor", "good", "success"),
    ]
    assert rows[0]["difference"][0] == pytest.approx(((0.5 - 1) + (0 - 2 / 3)) / 2)
    assert (rows[1]["scenarios"], rows[1]["better"], rows[1]["worse"]) == (2, 0, 1)


def test_episodes_that_the_policy_broke_off_are_counted_as_such_and_in_no_figure(runs, executor):
    broken = played(executor, SINGLE, []).model_copy(update={"failure": "no answer"})
    found = tables({**runs, "good": [*runs["good"], *[result_of(broken, 2 + i, {}) for i in range(5)]]})
    assert {name: rows for name, rows in found.items() if name != "failures"} == {
        name: rows for name, rows in tables(runs).items() if name != "failures"
    }
    assert found["failures"][0]["endpoint_failed"] == 5


def test_no_run_and_an_empty_run_make_empty_tables():
    assert not any(tables({}).values())
    found = tables({"empty": []})
    assert found["leaderboard"][0]["episodes"] == 0
    assert (found["pass_k"], found["comparisons"], found["structures"]) == ([], [], [])
