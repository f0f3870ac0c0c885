"""The last check of a scenario before it counts: what every pack must pass, and that it is not like one made before."""

from __future__ import annotations

from collections.abc import Sequence

from tool_gym.gate.leaks import check_leaks
from tool_gym.gate.validate import Rules, check_scenario
from tool_gym.generation.deploy import Deployed
from tool_gym.generation.skeleton import skeleton
from tool_gym.jsonvalue import canonical, digest
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario


class Admission:
    """Admits scenarios one by one; it is a `pipeline.Gate`.

    Two scenarios are alike if their questions differ in names and numbers only, or if the same calls answer them.

    Args:
        executors: Two, so that the gold calls are replayed in two processes; with none, only likeness is looked at.
    """

    def __init__(self, executors: Sequence[Executor] = ()) -> None:
        self._executors = executors
        self._seen: set[bytes] = set()

    def __call__(self, deployed: Deployed) -> str | None:
        """Why the scenario is refused, in a few fixed words; None admits it."""
        keys = _likeness(deployed.scenario)
        if not self._seen.isdisjoint(keys):
            return "like another scenario"
        if self._executors and (reason := self._gate(deployed)):
            return reason
        self._seen.update(keys)
        return None

    def _gate(self, deployed: Deployed) -> str | None:
        scenario = deployed.scenario
        session = {
            "tables": deployed.tables,
            "domain": digest(scenario.provenance.detail.get("source", scenario.id)),
            "check_arguments": True,
            "trusted": False,
        }
        rules = Rules("typed", session)
        for finding in check_scenario(scenario, rules, self._executors):
            return finding.check
        for finding in check_leaks(scenario, rules, self._executors[0]):
            return finding.check
        return None


def _likeness(scenario: Scenario) -> set[bytes]:
    calls = sorted(canonical([step.tools, step.arguments]) for step in scenario.sub_questions)
    return {skeleton(scenario).encode(), b"\n".join(calls)}
