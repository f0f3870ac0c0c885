import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


def run(*arguments, cwd=None, text=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tool_gym", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=text,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "160", **environment},
        check=False,
    )


def test_demo_shows_what_oracle_and_random_earn_and_one_episode():
    rows = json.loads(run("demo", "--json").stdout)
    oracle = {row["structure"]: row for row in rows if row["policy"] == "oracle"}
    assert {"single_hop", "parallel_single_hop", "multi_hop", "parallel_multi_hop"} <= oracle.keys()
    for row in oracle.values():
        assert row["solve_f1"] == row["mean_return"] == 1.0
    assert all(row["solve_f1"] < 0.5 for row in rows if row["policy"] == "random")
    text = run("demo").stdout
    assert "User:" in text
    assert "→" in text
    assert "Solve-F1" in text


def test_an_evaluation_can_be_replayed_and_rescored(pack_folder, tmp_path):
    out = tmp_path / "run"
    result = run(
        "evaluate", "--policy", "random", "--pack", pack_folder, "--split", "all", "--k", 2, "--out", out, "--json"
    )
    assert result.returncode == 0, result.stderr
    assert {row["structure"] for row in json.loads(result.stdout)} >= {"single_hop", "multi_hop"}
    trajectories = out / "trajectories.jsonl"
    assert len(trajectories.read_text().splitlines()) == 12
    replayed = run("replay", trajectories, "--pack", pack_folder, "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert {row["verdict"] for row in json.loads(replayed.stdout)} <= {"same", "excused"}
    rescored = run("rescore", trajectories, "--reward", "ftrl_f1", "--out", tmp_path / "again.jsonl", "--json")
    assert rescored.returncode == 0, rescored.stderr
    assert '"ftrl_f1"' in (tmp_path / "again.jsonl").read_text()


def test_two_evaluations_with_one_seed_write_the_same_bytes(pack_folder, tmp_path):
    for name in ("one", "two"):
        arguments = ("--policy", "random", "--pack", pack_folder, "--split", "test", "--out", tmp_path / name)
        assert run("evaluate", *arguments).returncode == 0
    names = {"trajectories.jsonl", "summary.json", "run.json"}
    for name in ("one", "two"):  # meta.jsonl has what differs: times
        assert {path.name for path in (tmp_path / name).iterdir()} == {*names, "meta.jsonl"}
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


def test_a_changed_recording_is_found_by_replay(pack_folder, tmp_path):
    out = tmp_path / "run"
    run("evaluate", "--policy", "oracle", "--pack", pack_folder, "--split", "test", "--out", out)
    file = out / "trajectories.jsonl"
    file.write_text(file.read_text().replace('"people":880', '"people":881'))
    result = run("replay", file, "--pack", pack_folder, "--json")
    assert result.returncode == 1
    assert "differs" in [row["verdict"] for row in json.loads(result.stdout)]


def test_a_person_plays_in_the_terminal(pack_folder, tmp_path):
    typed = ["tools", "tools add", "nonsense", "population town=北门", "add {broken", 'add {"numbers": [1, 2]}']
    lines = "\n".join([*typed, "= <answer>880</answer>", ""])
    result = run("play", pack_folder, "single-1", "--save", tmp_path / "t.jsonl", text=lines)
    assert result.returncode == 0, result.stderr
    assert "no tool is called 'nonsense'" in result.stdout
    assert "Your answer is right" in result.stdout
    assert run("replay", tmp_path / "t.jsonl", "--pack", pack_folder).returncode == 0


def test_play_ends_quietly_with_its_input(pack_folder):
    assert run("play", pack_folder, "single-1", text="").returncode == 0


def test_show_prints_question_tools_and_gold(pack_folder):
    text = run("show", pack_folder, "joined-1").stdout
    assert "Ålund and 北门 together" in text
    assert "population" in text
    assert "6000" in text
    hidden = run("show", pack_folder, "joined-1", "--no-gold").stdout
    assert "6000" not in hidden
    assert len(json.loads(run("show", pack_folder, "--json").stdout)) == 6


def test_packs_lists_the_pack_that_ships():
    rows = json.loads(run("packs", "--json").stdout)
    starter = next(row for row in rows if row["pack"] == "starter")
    assert starter["truth"] == "invented"
    assert starter["license"] == "Apache-2.0"


def test_packs_named_in_the_environment_are_found(pack_folder):
    rows = json.loads(run("packs", "--json", TOOL_GYM_PACKS=str(pack_folder.parent)).stdout)
    assert "small" in [row["pack"] for row in rows]


def test_the_shipped_pack_passes_validation():
    result = run("validate", "starter", "--json")
    assert result.returncode == 0, result.stdout
    report = json.loads(result.stdout)
    assert (report["pack"], report["passed"], report["findings"]) == ("starter", True, [])


def test_validation_refuses_a_pack_whose_gold_is_wrong(tmp_path):
    from small_pack import ADD, INVENTED, PEOPLE, TABLES, people

    from tool_gym.packs.writer import write_pack
    from tool_gym.scenario import Scenario, UserTurn

    wrong = Scenario(
        id="wrong-1",
        turns=(UserTurn(content="How many?"),),
        answer=None,
        tools=(PEOPLE, ADD),
        sub_questions=(people("a", "北门", 881),),
        provenance=INVENTED,
    )
    write_pack(tmp_path / "wrong", name="wrong", scenarios=[wrong], tables=TABLES, title="Wrong", license="Apache-2.0")
    result = run("validate", tmp_path / "wrong")
    assert result.returncode == 2
    assert "returned" in result.stdout
    assert "881" in result.stdout
    assert "refused" in result.stdout


def test_import_makes_a_playable_pack_and_lists_what_is_dead(tmp_path):
    out = tmp_path / "pack"
    result = run("import", "ftrl", FIXTURES / "ftrl.jsonl", "--calls", FIXTURES / "ftrl_calls.jsonl", "--out", out)
    assert result.returncode == 0, result.stderr
    assert "does not load" in result.stdout
    evaluated = run("evaluate", "--policy", "random", "--pack", out, "--json")
    assert evaluated.returncode == 0, evaluated.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import", "ftrl", "no/such.jsonl", "--out", "new"], ["no/such.jsonl"]),
        (["import", "ftrll", "no/such.jsonl", "--out", "new"], ["ftrl", "ftrll"]),
        (["show", "no-such-pack"], ["no-such-pack", "starter"]),
        (["show", "starter", "no-such-scenario"], ["no-such-scenario", "tool-gym show"]),
        (["play", "starter", "no-such-scenario"], ["no-such-scenario"]),
        (["replay", "no/such.jsonl"], ["no/such.jsonl"]),
        (["rescore", "no/such.jsonl", "--reward", "solve_f1"], ["no/such.jsonl"]),
        (["evaluate", "--policy", "oracel"], ["oracle"]),
        (["evaluate", "--policy", "oracle", "--reward", "f1"], ["solve_f1"]),
        (["evaluate", "--policy", "oracle", "--split", "dev"], ["dev", "test"]),
        (["evaluate", "--policy", "oracle", "--execution", "docker"], ["isolated"]),
        (["validate", "no/such/folder"], ["no/such/folder"]),
        (["pack", "build", "no/such/folder", "--out", "new"], ["no/such/folder"]),
        (["nonsense"], ["nonsense"]),
    ],
)
def test_bad_input_gets_one_clear_message_and_exit_code_2(arguments, words, tmp_path):
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert list(tmp_path.iterdir()) == [], "nothing may be half written"


def test_a_broken_line_is_named_and_nothing_is_half_written(tmp_path):
    lines = (FIXTURES / "ftrl.jsonl").read_text(encoding="utf-8").splitlines()
    file = tmp_path / "broken.jsonl"
    file.write_text("\n".join([*(lines * 6)[:56], '{"messages": [']) + "\n", encoding="utf-8")
    result = run("import", "ftrl", file, "--out", tmp_path / "new")
    assert result.returncode == 2
    assert "line 57" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["broken.jsonl"]


def test_a_broken_trajectory_file_names_its_line(pack_folder, tmp_path):
    run("evaluate", "--policy", "oracle", "--pack", pack_folder, "--split", "test", "--out", tmp_path)
    file = tmp_path / "trajectories.jsonl"
    file.write_text(file.read_text() + "{oops\n")
    for command in (
        ["replay", file, "--pack", pack_folder],
        ["rescore", file, "--reward", "solve_f1", "--out", tmp_path / "x"],
    ):
        result = run(*command)
        assert result.returncode == 2
        assert "line 3" in result.stderr
    assert not (tmp_path / "x").exists()


def test_a_pack_of_another_format_is_refused(pack_folder, tmp_path):
    import shutil

    folder = tmp_path / "future"
    shutil.copytree(pack_folder, folder)
    manifest = json.loads((folder / "pack.json").read_text())
    (folder / "pack.json").write_text(json.dumps({**manifest, "format": 2}))
    for command in (["show", folder], ["validate", folder], ["evaluate", "--policy", "oracle", "--pack", folder]):
        result = run(*command)
        assert result.returncode == 2
        assert "format" in result.stderr
        assert "Traceback" not in result.stderr


def test_help_names_every_command():
    text = run("--help").stdout
    for command in (
        "demo",
        "show",
        "play",
        "replay",
        "packs",
        "import",
        "validate",
        "pack",
        "evaluate",
        "rescore",
        "doctor",
    ):
        assert command in text
    assert run("--version").stdout.strip()
