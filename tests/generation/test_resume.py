"""A run that is stopped goes on where it was, and ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tool_gym.errors import InputError
from tool_gym.generation.generate import generate_pack
from tool_gym.generation.journal import Journal, journal_of

ORDER = ["--count", "24", "--seed", "9", "--level", "1", "--worlds", "12", "--no-gate"]


def command(out):
    return [sys.executable, "-m", "tool_gym", "generate", "--out", str(out), *ORDER]


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def stopped(out, sign):
    """A run that got a signal after its third world; returns its exit code and what it had finished."""
    process = subprocess.Popen(command(out), stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    journal, until = journal_of(out), time.monotonic() + 120
    while not (journal / "00002").is_dir():
        assert process.poll() is None, "the run ended before it could be stopped"
        assert time.monotonic() < until
        time.sleep(0.005)
    os.kill(process.pid, sign)
    _, errors = process.communicate(timeout=300)
    done = {path.name: path.stat().st_mtime_ns for path in journal.glob("0*[0-9]") if path.is_dir()}
    return process.returncode, done, errors.decode()


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_goes_on_where_it_was_and_ends_with_the_same_bytes(sign, tmp_path):
    whole = tmp_path / "whole" / "pack"
    subprocess.run(command(whole), check=True, capture_output=True)
    out = tmp_path / "part" / "pack"
    code, done, errors = stopped(out, sign)
    assert not out.exists()
    assert 3 <= len(done) < 12
    if sign == signal.SIGINT:
        assert code == 1
        assert "the same command goes on" in errors
    subprocess.run(command(out), check=True, capture_output=True)
    assert content(out) == content(whole)
    assert list(out.parent.iterdir()) == [out], "nothing is left but the pack"


def test_another_order_is_refused_while_an_unfinished_one_is_there_and_nothing_of_it_is_lost(tmp_path):
    folder = tmp_path / ".p.journal"
    with pytest.raises(KeyboardInterrupt), Journal(folder, {"seed": 1}) as journal:
        _work_and_stop(journal)
    with pytest.raises(InputError, match=r"other arguments has made \(\{\"seed\":1\}\)"):
        Journal(folder, {"seed": 2})
    with Journal(folder, {"seed": 1}):
        assert (folder / "00000.json").exists()
    assert not folder.exists()


def test_two_runs_cannot_make_the_same_pack_at_once(tmp_path):
    folder = tmp_path / ".p.journal"
    with Journal(folder, {}), pytest.raises(InputError, match="another process writes it"):
        Journal(folder, {})


def test_a_run_that_finished_nothing_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), Journal(tmp_path / ".p.journal", {}):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_broken_tally_in_a_journal_does_not_become_a_pack(tmp_path):
    out = tmp_path / "pack"
    with pytest.raises(KeyboardInterrupt):
        generate_pack(out, count=4, seed=1, level=0, gate=False, watch=_stop_after_the_first)
    tally = journal_of(out) / "00000.json"
    tally.write_text("no json")
    with pytest.raises(InputError, match=r"00000\.json"):
        generate_pack(out, count=4, seed=1, level=0, gate=False)
    assert not out.exists()


def _work_and_stop(journal):
    (journal.folder / "00000.json").write_text("{}")
    raise KeyboardInterrupt


def _stop_after_the_first(scenarios):
    yield next(iter(scenarios))
    raise KeyboardInterrupt
