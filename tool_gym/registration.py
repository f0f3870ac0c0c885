"""Environment ids: `ToolUse-v0`, `ToolUse/<pack>-v<version>`, `ToolUse/<pack>.<scenario>-v<version>`.

Specs are written into Gymnasium's public registry directly: `gymnasium.register` looks through all of it for every id,
which takes seconds for thousands. No scenario is read; ids come from a pack's `ids.txt`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from tool_gym.errors import PackError
from tool_gym.packs.discovery import PackSource, add_pack, discover

ENTRY_POINT = "tool_gym.env:ToolUseEnv"
VECTOR_ENTRY_POINT = "tool_gym.vector:ToolUseVectorEnv"
NAMESPACE = "ToolUse"


def register_pack(path: str | Path) -> list[str]:
    """Registers every scenario of a pack as an environment.

    Args:
        path: The folder that holds `pack.json`, or a zip archive of one.

    Returns:
        The environment ids: the pack's own first, then one per scenario. The same call again changes nothing.

    Raises:
        InputError: If it is an address on the network; see `fetch_pack`.
        PackError: If it is no pack, or another pack of the same name and version is registered.
    """
    return _register(add_pack(path))


def register_installed() -> None:
    """Registers `ToolUse-v0` and all packs that are installed or named in TOOL_GYM_PACKS; a broken one is warned of."""
    gym.registry["ToolUse-v0"] = EnvSpec(
        id="ToolUse-v0", entry_point=ENTRY_POINT, vector_entry_point=VECTOR_ENTRY_POINT
    )
    found = discover()
    broken = list(found.problems)
    for source in found.packs.values():
        try:
            _register(source)
        except PackError as error:
            broken.append(str(error))
    for problem in broken:
        warnings.warn(f"a pack is left out: {problem}", stacklevel=2)


def environment_ids(source: PackSource) -> Iterator[tuple[str, str | None]]:
    """The environment ids of a pack, each with its scenario; the first is the pack's own, without one."""
    yield f"{NAMESPACE}/{source.name}-v{source.version}", None
    for scenario in source.ids():
        yield f"{NAMESPACE}/{source.name}.{scenario}-v{source.version}", scenario


def _register(source: PackSource) -> list[str]:
    ids = []
    for name, scenario in environment_ids(source):
        kwargs = {"pack": source.reference} if scenario is None else {"pack": source.reference, "scenario": scenario}
        gym.registry[name] = EnvSpec(
            id=name, entry_point=ENTRY_POINT, vector_entry_point=VECTOR_ENTRY_POINT, kwargs=kwargs
        )
        ids.append(name)
    return ids
