"""The dialect against real and hostile sources, where they are at hand."""

import importlib.util
import json
from pathlib import Path

import pytest

from tool_gym.sandbox.runtime import Runtime

NEEDS_A_PROCESS = {"B-escape-runtime-33", "D-memory-03", "D-memory-15"}
"""Cases that are about undeclared names, or that only a memory limit of a process ends."""
OUTCOMES = {"tool_error": "error", "timeout": "timeout", "limit": "limit", "bad_result": "badresult"}


def outcome_of(case: dict) -> set[str]:
    """What a case gives in this process, in the words of `expect`."""
    found = []
    for _ in range(2):
        runtime = Runtime()
        runtime.add_source("case", case["call"]["name"], case["code"], {})
        if runtime.check("case"):
            return {"reject", "unknown"}
        found.append(runtime.run("case", json.dumps(case["call"]["args"]).encode(), bytes(32)))
    first, second = found
    words = {f"ok:{first.payload.decode()}" if first.status == "ok" else OUTCOMES[first.status]}
    return words | {"same"} if first == second else words


def test_hostile_sources_have_an_accepted_outcome_in_this_process(real_data: Path):
    cases = [json.loads(line) for line in (real_data / "hostile_dev.jsonl").read_text(encoding="utf-8").splitlines()]
    bad = {
        case["id"]: (case["expect"], sorted(found))
        for case in cases
        if case["id"] not in NEEDS_A_PROCESS and not (found := outcome_of(case)) & set(case["expect"])
    }
    assert bad == {}


@pytest.mark.slow
def test_real_tools_behave_as_under_plain_exec(real_data: Path):
    path = Path(__file__).parents[2] / "benchmarks" / "dialect_parity.py"
    spec = importlib.util.spec_from_file_location("dialect_parity", path)
    dialect_parity = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dialect_parity)
    found = dialect_parity.measure(real_data, sampled=1, seed=1)
    for suite, count in found["tools"].items():
        assert count["loaded"] >= 0.95 * count["tools"], suite
        assert count["unlike"] <= 0.003 * count["tools"], found["differences"]
    recorded = found["calls"]["ftrl recorded"]
    assert recorded["alike"] >= 0.998 * recorded["calls"]
    assert found["most_steps"] < 100_000
