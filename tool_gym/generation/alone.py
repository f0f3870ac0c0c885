"""The whole gate for one scenario, before it is in a pack: what a pack of it alone would be refused for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tool_gym.gate.attacks import breaches, play_attacks
from tool_gym.gate.leaks import validate_leaks
from tool_gym.gate.validate import Finding, validate_scenario
from tool_gym.generation.deploy import Deployed
from tool_gym.generation.proposals import Refused
from tool_gym.packs.writer import write_pack
from tool_gym.sandbox.executor import Executor


def check_alone(deployed: Deployed, executors: Sequence[Executor]) -> None:
    """Checks schemas, dialect, gold replay, determinism, leaks and attacks.

    Args:
        deployed: The scenario, and its tables.
        executors: At least two; the gold calls must answer the same bytes in each.

    Raises:
        Refused: With the first error that is found.
    """
    for finding in _findings(deployed, executors):
        if finding.level == "error":
            raise Refused("gate", finding.check, finding.message)


def _findings(deployed: Deployed, executors: Sequence[Executor]) -> Iterator[Finding]:
    scenario, tables = deployed
    with tempfile.TemporaryDirectory() as folder:
        pack = write_pack(Path(folder) / "pack", name="gate", scenarios=[scenario], tables=tables)
        yield from validate_scenario(pack, scenario.id, executors)
        yield from validate_leaks(pack, scenario.id, executors[0])
        for breach in breaches(pack, list(play_attacks(pack, [scenario.id], executors[0]))):
            yield breach.finding
