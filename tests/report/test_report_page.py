"""The page as a file: what it holds, and that nothing in it can become markup."""

import base64
import gzip
import hashlib
import json
import re

import pytest
from report_runs import HOSTILE, hostile_run, page_of, play_small_runs

from tool_gym.evaluation.failures import LABELS, VERDICTS
from tool_gym.evaluation.results import FIGURES, open_runs, result_of
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import FunctionPolicy
from tool_gym.report.episodes import MAX_CHARS, episode_data, pretty
from tool_gym.report.page import EPISODES_PER_CHUNK
from tool_gym.report.wording import FIGURE_NAMES, LABEL_NAMES, VERDICT_NAMES
from tool_gym.rollouts import plays, rollout


@pytest.fixture(scope="module")
def runs(tmp_path_factory, pack_folder, executor):
    return play_small_runs(tmp_path_factory.mktemp("runs"), pack_folder, executor, k=15)


@pytest.fixture(scope="module")
def html(runs, pack_folder):
    return page_of(runs, (str(pack_folder),))


def unpacked(html, name):
    text = re.search(rf'<script type="application/gzip" id="{name}">([^<]*)</script>', html).group(1)
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_the_index_knows_every_episode_and_the_chunks_hold_them_in_the_same_order(html, runs):
    index = unpacked(html, "index")
    assert [run["name"] for run in index["runs"]] == ["oracle", "random"]
    assert len(index["rows"]) == 2 * 4 * 15
    chunks = [unpacked(html, f"chunk-{i}") for i in range(-(-len(index["rows"]) // EPISODES_PER_CHUNK))]
    assert [len(chunk) for chunk in chunks[:-1]] == [EPISODES_PER_CHUNK] * (len(chunks) - 1)
    episodes = [episode for chunk in chunks for episode in chunk]
    lines = [json.loads(line) for run in runs for line in (run / "trajectories.jsonl").read_text().splitlines()]
    assert [each["seed"] for each in episodes] == [line["seed"] for line in lines]
    assert [len(each["turns"]) for each in episodes] == [len(line["transitions"]) for line in lines]
    assert [index["scenarios"][row[1]]["id"] for row in index["rows"]] == [line["scenario"] for line in lines]


def test_questions_come_from_a_pack_of_the_same_content_or_not_at_all(html, runs, tmp_path):
    found = unpacked(html, "index")["scenarios"]
    assert found[0]["turns"] == ["How many people live in 北门?"]
    unknown = unpacked(page_of(runs), "index")["scenarios"]
    assert unknown[0]["turns"] == []
    assert unknown[0]["steps"] == "How many people live in 北门?"
    changed = tmp_path / "oracle"
    changed.mkdir()
    text = (runs[0] / "trajectories.jsonl").read_text()
    digest = json.loads(text.splitlines()[0])["scenario_digest"]
    (changed / "trajectories.jsonl").write_text(text.replace(digest, "0" * 64))
    assert unpacked(page_of([changed]), "index")["scenarios"][0]["turns"] == []


def test_a_pack_that_a_trajectory_names_is_never_taken_for_a_path(runs, tmp_path, pack_folder):
    moved = tmp_path / "oracle"
    moved.mkdir()
    version = json.loads((pack_folder / "pack.json").read_text())["version"]
    (tmp_path / f"small-v{version}").symlink_to(pack_folder)
    text = (runs[0] / "trajectories.jsonl").read_text().replace('"pack":"small"', f'"pack":"{tmp_path}/small"')
    (moved / "trajectories.jsonl").write_text(text)
    assert unpacked(page_of([moved]), "index")["scenarios"][0]["turns"] == []


def test_one_set_of_runs_makes_one_page_byte_for_byte(html, runs, pack_folder):
    assert page_of(runs, (str(pack_folder),)) == html


def test_the_page_loads_nothing_and_its_policy_allows_its_own_script_alone(html):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html).group(1)
    [script] = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{own}';" in policy
    assert "unsafe" not in policy
    markup = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"\b(src|href)=", markup)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


def test_hostile_text_stands_in_the_data_whole_and_in_the_markup_not_at_all(runs, tmp_path):
    html = page_of([hostile_run(runs[1], tmp_path)], title=f"T {HOSTILE}")
    data, chunk = unpacked(html, "index"), unpacked(html, "chunk-0")
    assert data["runs"][0] == {"name": "<img src=x onerror=alert(1)>", "about": [[HOSTILE, HOSTILE]]}
    assert data["scenarios"][0]["id"].startswith(HOSTILE)
    assert chunk[0]["turns"][0]["content"] == HOSTILE
    assert HOSTILE not in html
    assert "<script>window" not in html
    assert "<img" not in html
    assert (
        len(re.findall(r"<script", html))
        == len(re.findall(r"</script>", html))
        == 2 + len(re.findall(r'id="chunk-', html))
    )


def test_values_are_written_for_reading_and_long_ones_are_cut_and_say_so():
    assert pretty("plain text") == "plain text"
    assert pretty({"a": [1, 2.5, None], "ö": 2**70}) == '{"a": [1, 2.5, null], "ö": 1180591620717411303424}'
    assert pretty({"name": "x" * 90}).splitlines()[0] == "{"
    cut = pretty("y" * (MAX_CHARS + 1234))
    assert cut.startswith("y" * MAX_CHARS + "\n… 1,234 more characters")


def test_every_label_verdict_and_figure_has_a_name_for_people():
    assert list(LABEL_NAMES) == list(LABELS)
    assert set(VERDICT_NAMES) == set(VERDICTS)
    assert list(FIGURE_NAMES) == list(FIGURES)
    style = page_of([])
    for name in LABELS:
        assert f"--label-{name}:" in style


def test_an_episode_that_the_policy_broke_off_says_why(runs):
    [run] = open_runs([runs[0]])
    trajectory, _ = next(run.episodes())
    broken = trajectory.model_copy(update={"failure": "the server said 503", "termination": None})
    found = episode_data(broken, result_of(broken, 0, {}))
    assert (found["failure"], found["termination"]) == ("the server said 503", None)


def test_state_checks_are_told_solved_by_the_final_state(executor, pack_folder):
    pack = Pack(pack_folder)
    todo = plays(["stateful-1"])

    def order(observation, info):
        calls = [{"name": "order", "arguments": {"item": item}} for item in ("bread", "salt")]
        return {"content": "2"} if info["turn"] else {"content": "", "tool_calls": calls}

    [(_, trajectory)] = rollout(FunctionPolicy(order), pack, todo, executor)
    found = episode_data(trajectory, result_of(trajectory, 0, {}))
    assert found["state_solved"] == ["s"]
    assert found["checks"] == [{"id": "s", "question": "both?", "state": "/items", "expected": '["bread", "salt"]'}]
    assert found["turns"][0]["calls"][0]["result"] == '{"count": 1}'
