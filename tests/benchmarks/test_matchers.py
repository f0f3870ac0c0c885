"""The comparison of matchers: what it measures, and that each rejection has been looked at."""

import json
import shutil
from pathlib import Path

import matchers
import pytest

from tool_gym.errors import InputError

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"


@pytest.fixture
def records(tmp_path):
    """Invented records, under the names of the real ones."""
    shutil.copy(FIXTURES / "ftrl.jsonl", tmp_path / "ftrl_dev.jsonl")
    shutil.copy(FIXTURES / "ftrl_calls.jsonl", tmp_path / "ftrl_dev_calls.jsonl")
    return tmp_path


def test_echo_gains_under_the_papers_rule_and_nothing_under_ours(records):
    figures = matchers.measure(records, seed=0)
    assert figures["sub_answers"] > 10
    assert figures["gained_by_echo"]["ftrl"] > 0
    assert figures["gained_by_echo"]["typed"] == 0
    assert figures["found_calls"] > 10
    assert figures["rejected"] == len(figures["rejections"])


def test_a_rejection_that_nobody_has_looked_at_is_refused():
    with pytest.raises(InputError, match="look at the call"):
        matchers.explained([{"record": 0, "tool": "nothing", "sub_answer": "x"}])


def test_the_kept_figures_have_a_cause_for_each_rejection():
    kept = json.loads((ROOT / "benchmarks" / "results" / "matchers.json").read_text(encoding="utf-8"))
    assert kept["gained_by_echo"]["typed"] == 0
    assert len(matchers.explained(kept["rejections"])) == kept["rejected"]
    page = (ROOT / "benchmarks" / "results" / "matchers.md").read_text(encoding="utf-8")
    assert page == matchers.table(kept, kept["command"])


def test_on_the_real_records_echo_gains_nothing_and_the_kept_rejections_are_all(real_data):
    kept = json.loads((ROOT / "benchmarks" / "results" / "matchers.json").read_text(encoding="utf-8"))
    figures = matchers.measure(real_data, seed=0)
    assert figures["gained_by_echo"]["typed"] == 0
    assert figures["gained_by_echo"]["ftrl"] > figures["sub_answers"] / 4
    assert matchers.explained(figures["rejections"]) == kept["rejections"]
