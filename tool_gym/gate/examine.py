"""`examine`: a pack goes through the whole gate, and a report comes out.

| check | what is looked at |
|---|---|
| `files` | hashes, rows, ids, offsets, the list of errata |
| `license`, `attribution`, `errata` | the pack's papers, see `papers` |
| `duplicates`, `contamination` | scenarios alike, in the pack and in other packs that are installed, see `likeness` |
| `size`, `schema`, `dialect`, `gold`, `determinism` | each scenario, see `validate`; gold also played through, see `difficulty` |
| `leak` | what gives answers away, see `leaks` |
| `attacks` | what earns without solving, see `attacks` |

Scenarios that are known to be bad are named, and looked at no further: nobody is scored by them.
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tool_gym.attacks import ATTACKS
from tool_gym.errors import PackError
from tool_gym.gate.attacks import breaches, play_attacks, sample_scenarios
from tool_gym.gate.difficulty import Row, Watch, difficulty, validate_solutions
from tool_gym.gate.leaks import validate_leaks
from tool_gym.gate.likeness import Sketch, find_alike, sketches
from tool_gym.gate.papers import validate_errata, validate_papers
from tool_gym.gate.validate import Finding, validate_files, validate_scenario
from tool_gym.packs.discovery import installed_packs
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.sandbox.executor import Executor

_ATTACKED, _MEASURED = 32, 64
"""Scenarios that attacks are played on, and that the difficulty is measured on."""
_HASH_SEEDS = (0, 1)


@dataclass(frozen=True)
class GateReport:
    """What the gate found.

    Attributes:
        pack: The pack.
        findings: What is wrong with it.
        difficulty: What scripted policies solve of it, see `difficulty`; empty where it was not played.
    """

    pack: Pack
    findings: tuple[Finding, ...]
    difficulty: tuple[Row, ...] = ()

    def count(self, level: str) -> int:
        """How many findings are of a level."""
        return sum(finding.level == level for finding in self.findings)

    def passes(self, *, strict: bool = False) -> bool:
        """Whether there is no error; if strict, no warning either."""
        return not (self.findings if strict else self.count("error"))

    def as_json(self, *, strict: bool = False) -> dict[str, Any]:
        """Everything, as JSON data."""
        return {
            "pack": self.pack.name,
            "version": self.pack.version,
            "sha256": self.pack.digest,
            "scenarios": len(self.pack),
            "strict": strict,
            "passed": self.passes(strict=strict),
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            "findings": [finding._asdict() for finding in self.findings],
            "difficulty": list(self.difficulty),
        }


def _silently(items: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    return iter(items)


def examine(pack: Pack, *, attacks: bool = True, trust: bool = False, watch: Watch = _silently) -> GateReport:
    """Runs every check of the gate on a pack.

    Args:
        pack: The pack.
        attacks: Whether to look for leaks too, to play attacks on a sample, and to measure the difficulty.
        trust: Whether the tools of a native pack, plain Python, may run; sealed all the same.
        watch: Shows how far the work is.

    Raises:
        InputError: If the pack is a native one and not trusted.
        SandboxError: If the machine cannot run tools.
    """
    findings = [*validate_files(pack), *validate_papers(pack), *validate_errata(pack)]
    scenarios = _sound_ids(pack)
    findings += find_alike([*watch(sketches(pack), len(pack), "likeness")], _of_others(pack))
    native = pack.native and trust
    one, other = (Executor(native=native, hash_seed=seed) for seed in _HASH_SEEDS)
    with one, other:
        for name in watch(scenarios, len(scenarios), "scenarios"):
            findings += validate_scenario(pack, name, [one, other])
        if any(finding.level == "error" for finding in findings):
            return GateReport(pack, tuple(findings))  # to play says nothing of a pack that cannot be played
        findings += validate_solutions(pack, scenarios, other, watch)
        if not attacks or not scenarios:
            return GateReport(pack, tuple(findings))
        for name in watch(scenarios, len(scenarios), "leaks"):
            findings += validate_leaks(pack, name, one)
        played = play_attacks(pack, _sample(scenarios, pack, _ATTACKED), one)
        outcomes = list(watch(played, len(ATTACKS), "attacks"))
        findings += [breach.finding for breach in breaches(pack, outcomes)]
        return GateReport(pack, tuple(findings), tuple(difficulty(pack, _sample(scenarios, pack, _MEASURED), one)))


def _sound_ids(pack: Pack) -> list[str]:
    """The ids that are not known to be bad; none where the files do not say."""
    try:
        return [name for name in pack if name not in pack.known_bad]
    except PackError:
        return []


def _sample(scenarios: Sequence[str], pack: Pack, count: int) -> list[str]:
    sound = set(scenarios)
    return [name for name in sample_scenarios(pack, count, seed=0) if name in sound]


def _of_others(pack: Pack) -> Iterator[Sketch]:
    """The scenarios of other packs that are installed; those of another version or copy of this one are not others'."""
    for source in installed_packs().values():
        if source.name != pack.name:
            try:
                yield from sketches(load_pack(source.path))
            except PackError:
                continue
