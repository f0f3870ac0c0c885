"""The `README.md` that a pack is written with: what it is, whose it is, what is in it, how to load it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tool_gym.packs.manifest import PackManifest
from tool_gym.scenario import STRUCTURES, Scenario


@dataclass
class Tally:
    """Counts scenarios while they are written."""

    structures: Counter[str] = field(default_factory=Counter)
    truths: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)

    def add(self, scenario: Scenario) -> None:
        """Counts one scenario."""
        self.structures[scenario.structure] += 1
        self.truths[scenario.provenance.truth] += 1
        self.splits[scenario.split] += 1


_TRUTHS = {
    "invented": "true in a made-up world",
    "extracted": "taken from a named, dated source",
    "claimed": "claimed by the source of the data, not checked",
}


def pack_readme(manifest: PackManifest, tally: Tally) -> str:
    """The text, Markdown."""
    counts = manifest.counts
    parts = [
        f"# {manifest.title or manifest.name}",
        f"A pack of scenarios for tool_gym: `{manifest.name}`, version "
        f"{manifest.version}{f', release {manifest.release}' if manifest.release else ''}.",
        f"{counts['scenarios']} scenarios, {counts['tools']} tools, {counts['tables']} tables. Scored by the reward "
        f"`{manifest.reward}` with the matcher `{manifest.matcher}`, at most {manifest.max_turns} turns.",
        _table("structure", ((name, tally.structures[name]) for name in STRUCTURES)),
        _table("truth", ((f"{name} ({_TRUTHS[name]})", tally.truths[name]) for name in _TRUTHS)),
        _table("split", sorted(tally.splits.items())),
        "## How to load it",
        "```python\nimport gymnasium as gym\nimport tool_gym\n\n"
        'pack = tool_gym.load_pack("PATH/TO/THIS/FOLDER")\n'
        "scenario = pack[next(iter(pack))]\n"
        'env = gym.make("ToolUse-v0", pack="PATH/TO/THIS/FOLDER")\n```',
        "Or put the folder's path into the environment variable `TOOL_GYM_PACKS`. To check the files, run "
        "`tool-gym validate PATH/TO/THIS/FOLDER`.",
        "## Licence",
        manifest.license or "Not stated.",
    ]
    if manifest.authors:
        parts.append(f"Authors: {', '.join(manifest.authors)}.")
    if manifest.attribution:
        parts.append(manifest.attribution)
    parts += ["## Canary", f"Text to find this pack in training data by; please keep it: `{manifest.canary}`"]
    return "\n\n".join(parts) + "\n"


def _table(head: str, rows: Iterable[tuple[str, int]]) -> str:
    body = "\n".join(f"| {name} | {count} |" for name, count in rows if count)
    return f"| {head} | scenarios |\n|---|---|\n{body}"
