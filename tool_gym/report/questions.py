"""What the user says in a scenario, which trajectories do not repeat: looked up in the packs that can be found."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from tool_gym.errors import InputError
from tool_gym.names import SLUG
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.perturb.pack import as_played
from tool_gym.trajectory import Trajectory


class Questions:
    """Finds the user turns of the scenarios that trajectories were played on."""

    def __init__(self, packs: Sequence[str] = ()) -> None:
        """Looks in these packs (folders or names) first, then among the installed ones."""
        self._packs = {(pack.name, pack.version): pack for pack in map(load_pack, packs)}
        self._installed = functools.cache(_installed)

    def of(self, trajectory: Trajectory) -> tuple[str, ...]:
        """The user turns; empty where no pack has this scenario with this content, and nobody was simulated."""
        if said := trajectory.settings.get("said"):
            return tuple(said)
        place = (trajectory.pack, trajectory.version)
        pack = self._packs.get(place) or self._installed(*place)
        if pack is None or trajectory.scenario not in pack:
            return ()
        scenario = as_played(pack, trajectory)[trajectory.scenario]
        if scenario.digest != trajectory.scenario_digest:
            return ()
        return tuple(turn.content for turn in scenario.turns)


def _installed(name: str, version: int) -> Pack | None:
    if not re.fullmatch(SLUG, name):  # a trajectory's pack is untrusted: a name, never a path
        return None
    try:
        return load_pack(f"{name}-v{version}")
    except InputError:
        return None
