"""`tool-gym generate --backend chat` as a process of its own, over HTTP, with a server that behaves badly."""

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from chat_script import PROPOSALS, QUESTIONS, asked_for, scripted_text
from scripted_server import NAME, serving

from tool_gym.generation import chat_run
from tool_gym.packs.reader import Pack

FAULTS = ("429", "500", "drop", "fences", "prose", "cut", "length", "schema", "hang")


def script(body):
    return scripted_text(body["messages"])


def command(server, out, questions, *more):
    return [
        sys.executable, "-m", "tool_gym", "generate", "--backend", "chat", "--out", str(out), "--model", NAME,
        "--base-url", server.url, "--questions", str(questions), "--timeout", "1.5", *more,
    ]  # fmt: skip


def run(arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(QUESTIONS), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_server_that_misbehaves_in_every_way_costs_tries_and_no_scenario(tmp_path, questions):
    """It takes no response_format, and fails once for each question at each stage, in another way each time."""
    places = [(name, stage) for name, each in PROPOSALS.items() for stage in each["stages"]]
    failed, used = set(), Counter()

    def fault(body, times):
        if "response_format" in body:
            return "400 format"
        place = asked_for(body["messages"])
        if place in failed:
            return None
        failed.add(place)
        used[kind := FAULTS[places.index(place) % len(FAULTS)]] += 1
        return kind

    with serving(script, fault) as server:
        result = run([*command(server, tmp_path / "out", questions), "--json"])
    assert result.returncode == 0, result.stderr
    assert used.keys() == set(FAULTS)
    pack = Pack(tmp_path / "out")
    assert {pack[name].question for name in pack} == set(QUESTIONS)
    reasons = {each["reason"] for each in json.loads(result.stdout)["refusals"]}
    assert {"an answer that is not JSON", "an answer that is cut off", "an answer of another form"} <= reasons
    checked = run([sys.executable, "-m", "tool_gym", "validate", str(tmp_path / "out")])
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was_and_pays_nothing_twice(tmp_path, questions):
    def slow(body):
        time.sleep(0.05)
        return script(body)

    out, journal = tmp_path / "out", tmp_path / "out.journal.jsonl"
    with serving(slow) as server:
        process = subprocess.Popen(
            command(server, out, questions), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not (journal.exists() and journal.read_bytes().count(b"\n") >= 12):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = journal.read_bytes().count(b"\n")
        paid = sum(server.paid.values())
        assert paid <= kept + 4, "more was on its way than is allowed at a time"
        assert not out.exists()
        result = run(command(server, out, questions))
        assert result.returncode == 0, result.stderr
        twice = [key for key, count in server.paid.items() if count > 1]
        assert len(twice) <= paid - kept, "only what was on its way when the process died may be paid again"
        before = sum(server.paid.values())
        other = run([*command(server, tmp_path / "whole", questions), "--name", "out"])
        assert other.returncode == 0, other.stderr
        assert sum(server.paid.values()) == before + len(server.paid), "another run has a journal of its own"
    files = sorted(path.name for path in out.iterdir())
    assert [(out / name).read_bytes() for name in files] == [(tmp_path / "whole" / name).read_bytes() for name in files]


def test_garbage_for_ever_ends_with_exit_code_2_a_report_and_bounded_requests(tmp_path, questions):
    with serving(lambda body: "I would rather talk about the weather.") as server:
        result = run([*command(server, tmp_path / "out", questions), "--count", "2"])
    assert result.returncode == 2
    assert "made no scenario of 2 that were ordered" in result.stderr
    assert "decompose: an answer without JSON (18 times)" in result.stderr
    assert sum(server.paid.values()) == 2 * chat_run.MAX_ATTEMPTS * chat_run.MAX_TRIES
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_run_costs_no_more_than_its_bound_and_says_what_it_cost(tmp_path, questions):
    """A request costs 1,000 + 500 tokens at 1,000 a million, 1.5, and could cost 16 and what its bytes come to."""
    with serving(script) as server:
        options = ("--prices", "1000,1000", "--max-cost", "60", "--max-tokens", "16000", "--concurrency", "1")
        result = run(command(server, tmp_path / "out", questions, *options, "--json"))
        paid = sum(server.paid.values())
        assert 0 < paid * 1.5 <= 60
        assert re.search(rf"Model: {paid} requests, \d+k tokens, cost {paid * 1.5:.2f}", result.stderr)
        figures = json.loads(result.stdout)["figures"]
        assert figures["unpaid"] == len(QUESTIONS) - figures["scenarios"] > 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--max-cost", "1"), "--max-cost needs to know what tokens cost"),
        (("--prices", "cheap"), "expected two numbers"),
        (("--questions", "/nowhere/at/all"), "cannot be read"),
        (("--model", ""), "needs a model"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_asked(tmp_path, questions, options, problem):
    with serving(script) as server:
        result = run(command(server, tmp_path / "out", questions, *options))
        assert result.returncode == 2
        assert problem in " ".join(result.stderr.split())
        assert not server.asked


@pytest.mark.slow
def test_a_local_model_that_cannot_do_it_ends_with_a_report(tmp_path, questions):
    pytest.importorskip("torch")
    from tiny_model import save_tiny_model

    folder = save_tiny_model(tmp_path / "tiny")
    result = run(
        [
            sys.executable, "-m", "tool_gym", "generate", "--backend", "chat", "--out", str(tmp_path / "out"),
            "--model", str(folder), "--questions", str(questions), "--count", "1", "--max-tokens", "8",
        ]
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert "tiny made no scenario of 1 that were ordered" in " ".join(result.stderr.split())
