"""Suites: which packs an evaluation plays, by which rule it counts, and what others have published.

A suite is a TOML file; those in `suites/` ship.

title = "…"            # one line for readers
metric = "…"           # which figures count, and how
source = "…"           # where the data comes from
get = "…"              # how to get it, for the user who has not
package = "bfcl_eval"  # a Python package whose folder is the data, found by itself where it is installed
verdict = "…"          # a name of `verdicts.VERDICTS`, where the benchmark has a rule of its own
about = "…"            # what else readers must know
[[published]]          # figures of others, any number of tables
source = "…"
date = "2024-12-28"
figures = {"…" = 47.62}

[[pack]]               # one or more
pack = "starter"       # name or folder of a pack; or
import = "ftrl"        # the importer that makes one of the data
name = "…"             # what to call this part; by default the pack's or importer's name, and the split's
split = "all"          # `test` where the pack has it, else `all`, by default
system = "…"           # a system message before the question
tools = false          # the policy is shown none
"""

from __future__ import annotations

import importlib.util
import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from tool_gym.errors import InputError, UnknownName
from tool_gym.evaluation.statistics import pass_hat_k
from tool_gym.evaluation.verdicts import verdict
from tool_gym.jsonvalue import Json
from tool_gym.messages import Noun
from tool_gym.packs.discovery import find_pack
from tool_gym.packs.importers import IMPORTERS, import_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.trajectory import Trajectory, brief

_FOLDER = Path(__file__).parent / "suites"
_MOST_K = 8
"""Largest k of pass^k, as in tau-bench's paper."""


class Published(Noun):
    """Figures of others, by model, from one dated source."""

    source: str
    date: str
    figures: dict[str, float]


class Part(Noun):
    """One pack of a suite, and how it is played.

    Attributes:
        pack: Name or folder, or None where it is imported.
        importer: Name of the importer that makes it, or None.
        name: What the part is called.
        split: Split to play, or None for the usual one.
        system: System message before the question, or None.
        tools: Whether the policy is shown the tools.
    """

    pack: str | None = None
    importer: str | None = Field(default=None, alias="import")
    name: str = ""
    split: str | None = None
    system: str | None = None
    tools: bool = True

    @model_validator(mode="before")
    @classmethod
    def _give_name(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or fields.get("name"):
            return fields
        own = Path(str(fields.get("pack") or fields.get("import") or "")).name
        return {**fields, "name": "-".join(filter(None, [own, fields.get("split")]))}

    @model_validator(mode="after")
    def _check(self) -> Part:
        if (self.pack is None) == (self.importer is None):
            raise ValueError("expected either pack or import")
        if self.importer is not None and self.importer not in IMPORTERS:
            raise ValueError(f"no importer is called {self.importer!r}; there are {', '.join(IMPORTERS)}")
        return self


class Suite(Noun):
    """A suite as its file says it; see the module.

    Attributes:
        title: One line for readers.
        metric: Which figures count.
        source: Where the data comes from.
        get: How to get it.
        package: Python package whose folder is the data, or None.
        verdict: Name of the benchmark's own rule, or None.
        about: What else readers must know.
        published: Figures of others.
        parts: Its packs.
    """

    title: str
    metric: str
    source: str = ""
    get: str = ""
    package: str | None = None
    verdict: str | None = None
    about: str = ""
    published: tuple[Published, ...] = ()
    parts: tuple[Part, ...] = Field(alias="pack", min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Suite:
        if self.verdict is not None:
            verdict(self.verdict)
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ValueError(f"two parts share a name: {', '.join(names)}; give them names")
        return self

    def pack(self, part: Part, source: Path | None, out: Path, *, trust: bool) -> Pack:
        """The pack of a part; what is imported is kept in a folder of its own, and not imported again.

        Args:
            part: One of the suite's.
            source: The user's file or folder, for importers; None: the suite's package, where it is installed.
            out: Folder for imported packs.
            trust: Whether Python that comes with the data may run, sealed.

        Raises:
            InputError: If there is no data, with where to get it, or it is not trusted.
        """
        if part.pack is not None:
            return load_pack(part.pack)
        folder = out / f"{part.importer}-pack"
        if not (folder / "pack.json").is_file():
            found = source or (_folder_of(self.package) if self.package else None)
            if found is None:
                raise InputError(f"suite {self.title!r}: its data is not here; give it with --source. {self.get}")
            import_pack(str(part.importer), source=found, out=folder, trust=trust)
        return load_pack(folder)


def _folder_of(package: str) -> Path | None:
    """The folder of an installed package, which is not imported."""
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) if places else None


def load_suite(name: str) -> Suite:
    """The suite of a name, or of a TOML file of one's own; the name of an installed pack is a suite of it alone.

    Raises:
        UnknownName: If there is no such suite.
        InputError: If the file is not a suite.
    """
    path = Path(name) if name.endswith(".toml") else _FOLDER / f"{name}.toml"
    if not path.is_file():
        if find_pack(name):
            return Suite(title=name, metric="solve_f1", pack=(Part(pack=name),))
        raise UnknownName("suite", name, suites(), "A suite of your own is named as a .toml file.")
    try:
        fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return Suite.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{path}: not a suite: {brief(error)}") from None
    except UnknownName as error:
        raise InputError(f"{path}: not a suite: {error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from None


def suites() -> list[str]:
    """Names of the suites that ship."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


def verdicts(suite: Suite, played: Mapping[str, Iterable[Trajectory]]) -> list[dict[str, Json]]:
    """Means of the suite's own rule: a row for each part, and one over the parts, each part weighing the same.

    Args:
        suite: The suite.
        played: For each part's name, its episodes; those that failed are left out.

    Returns:
        Rows of `part`, `episodes` and the rule's figures, with pass^k (see `statistics.pass_hat_k`) where the rule has
        an `accuracy` and each scenario was played k > 1 times; none where the suite has no rule.
    """
    if suite.verdict is None:
        return []
    rule = verdict(suite.verdict)
    parts = {
        name: [(trajectory.scenario, rule(trajectory)) for trajectory in trajectories if trajectory.failure is None]
        for name, trajectories in played.items()
    }
    means = {
        name: {**_means([figures for _, figures in judged]), **_pass_hats(judged)}
        for name, judged in parts.items()
        if judged
    }
    rows: list[dict[str, Json]] = [{"part": name, "episodes": len(parts[name]), **means[name]} for name in means]
    if len(rows) > 1:
        rows.append({"part": "mean", "episodes": sum(map(len, parts.values())), **_means(list(means.values()))})
    return rows


def _pass_hats(judged: Sequence[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    """pass^2 and further, as far as every scenario was played; pass^1 is the accuracy."""
    played = Counter(scenario for scenario, figures in judged if "accuracy" in figures)
    won = Counter(scenario for scenario, figures in judged if figures.get("accuracy") == 1.0)
    most = min([_MOST_K, *played.values()]) if played else 1
    return {
        f"pass^{k}": math.fsum(pass_hat_k(n, won[each], k) for each, n in played.items()) / len(played)
        for k in range(2, most + 1)
    }


def _means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: math.fsum(each[key] for each in figures) / len(figures) for key in figures[0]}


class WithoutTools(Policy):
    """A policy that is shown no tools, to measure what a model answers from memory."""

    def __init__(self, policy: Policy) -> None:
        """Takes the tools out of what the policy sees."""
        self._policy = policy
        self.batch_sensitive, self.threads = policy.batch_sensitive, policy.threads

    @property
    def fingerprint(self) -> dict[str, Json]:
        """The policy's own, and that it sees no tools."""
        return {**self._policy.fingerprint, "tools": False}

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """What the policy does without tools."""
        return self._policy.act(
            [request._replace(observation={**request.observation, "tools": []}) for request in requests]
        )

    def end(self, episode_id: str) -> None:
        """Passes it on."""
        self._policy.end(episode_id)
