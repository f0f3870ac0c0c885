"""A perturbed pack: the scenarios of a pack, each perturbed when it is read."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tool_gym.errors import InputError
from tool_gym.packs.reader import Pack
from tool_gym.perturb.noise import noisy
from tool_gym.perturb.spec import LEVELS, Perturbation
from tool_gym.perturb.tools import changed
from tool_gym.perturb.toolset import crowded, reordered, thinned, unanswerable
from tool_gym.scenario import Scenario, Tool
from tool_gym.trajectory import Trajectory, brief

_NEIGHBOURS = 8
"""Scenarios of the pack from which distractors are drawn."""
_CROWDED = {"missing", "unanswerable", "distractors"}
"""What needs them."""
_Change = Callable[[Scenario, Sequence[Tool], random.Random], Scenario]
_CHANGES: dict[str, _Change] = {
    "missing": thinned,
    "unanswerable": unanswerable,
    "distractors": crowded,
    **{level: lambda scenario, others, rng, level=level: noisy(scenario, level, rng) for level in LEVELS[1:]},  # type: ignore[misc]
    "order": reordered,
}
"""What each name does, in the order in which they are applied; `flaky` does nothing to a scenario."""


def perturb(scenario: Scenario, perturbation: Perturbation, others: Sequence[Tool] = ()) -> Scenario:
    """A perturbed twin of a scenario; the scenario is left as it is.

    Its reference calls follow the new names, so that an oracle solves it, and `provenance.detail["perturbation"]` says
    what was done. What is drawn depends on the seed and the scenario's id alone.

    Args:
        scenario: The scenario.
        perturbation: What to do.
        others: Tools of other scenarios of its pack, for distractors.
    """
    twin = scenario
    for name, change in _CHANGES.items():
        if name in perturbation.names:
            twin = change(twin, others, perturbation.rng(name, scenario.id))
    detail = {**scenario.provenance.detail, "perturbation": perturbation.model_dump()}
    return changed(twin, provenance=changed(twin.provenance, detail=detail))


class PerturbedPack(Pack):
    """The scenarios of a pack under a perturbation; name, version, ids and files are the pack's own.

    Args:
        path: The pack's folder.
        perturbation: What is done to its scenarios.
    """

    def __init__(self, path: str | Path, perturbation: Perturbation) -> None:
        super().__init__(path)
        self.perturbation = self._perturbation = perturbation

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and isinstance(other, Pack) and other.perturbation == self.perturbation

    __hash__ = Pack.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return PerturbedPack, (self.path, self._perturbation)

    def _read_scenario(self, scenario_id: str) -> Scenario:
        others = self._tools_nearby(scenario_id) if _CROWDED & set(self._perturbation.names) else []
        return perturb(super()._read_scenario(scenario_id), self._perturbation, others)

    def _tools_nearby(self, scenario_id: str) -> list[Tool]:
        """The tools of some other scenarios."""
        ids = [each for each in self if each != scenario_id]
        drawn = self._perturbation.rng("others", scenario_id).sample(ids, min(_NEIGHBOURS, len(ids)))
        return [tool for each in drawn for tool in super(PerturbedPack, self)._read_scenario(each).tools]


def under(pack: Pack, perturbation: Perturbation | None) -> Pack:
    """The pack under a perturbation; the pack itself without one.

    Args:
        pack: A pack; one that is perturbed already is taken as it is if it is so in the same way.
        perturbation: What is done to its scenarios.

    Raises:
        InputError: If the pack is perturbed in another way, or its tools are plain Python.
    """
    if perturbation is None or pack.perturbation == perturbation:
        return pack
    if pack.perturbation is not None:
        raise InputError(f"pack {pack.name!r} is perturbed already ({pack.perturbation}); give the pack itself")
    if pack.native:
        raise InputError(f"pack {pack.name!r}: its tools are plain Python and cannot be perturbed; leave perturb out")
    return PerturbedPack(pack.path, perturbation)


def as_played(pack: Pack, trajectory: Trajectory) -> Pack:
    """The pack under the perturbation that a trajectory was played with, if there was one.

    Raises:
        InputError: If the trajectory names none that there is.
    """
    found = trajectory.settings.get("perturbation")
    if found is None:
        return pack
    try:
        return _kept(pack, Perturbation.model_validate(found))
    except ValidationError as error:
        raise InputError(f"trajectory of scenario {trajectory.scenario!r}: its perturbation: {brief(error)}") from None


_kept = functools.lru_cache(maxsize=8)(under)
