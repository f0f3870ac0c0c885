"""`generate_pack`: a pack from a seed, world by world, on all cores, the same bytes however often it is stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_gym._version import __version__
from tool_gym.errors import InputError, UnknownName
from tool_gym.gate.attacks import breaches, play_attacks, sample_scenarios
from tool_gym.gate.validate import Finding
from tool_gym.generation.backends.worlds.facts import attribution, sources
from tool_gym.generation.batches import invented_domains, make_batches, plan_batches
from tool_gym.generation.journal import Journal, journal_of
from tool_gym.generation.report import GenerationReport
from tool_gym.generation.topic import DEFAULT_LEVEL, Strategies
from tool_gym.jsonvalue import Json
from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import check_target, write_pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES, Scenario, Structure

if TYPE_CHECKING:
    from tool_gym.cluster.cluster import Cluster
    from tool_gym.generation.backends.chat.orders import ChatSettings

REPORT = "generation.json"
"""The report's file in a generated pack's folder; it is no part of the pack and of its hashes."""
_ALONE = 40
"""Up to so many scenarios one process is faster than several."""
_ATTACKED = 32
"""Scenarios that attacks are played on, as `tool-gym validate` does."""


def generate_pack(
    out: str | Path,
    *,
    backend: str = "worlds",
    count: int = 100,
    seed: int = 0,
    structures: Sequence[Structure] = STRUCTURES,
    level: int = DEFAULT_LEVEL,
    strategies: Strategies | None = None,
    hops: int | None = None,
    branches: int | None = None,
    domains: Sequence[str] | None = None,
    worlds: int | None = None,
    name: str | None = None,
    gate: bool = True,
    processes: int | None = None,
    cluster: Cluster | None = None,
    chat: ChatSettings | None = None,
    watch: Callable[[Iterable[Scenario]], Iterable[Scenario]] = lambda scenarios: scenarios,
) -> GenerationReport:
    """Generates a pack. The folder appears when it is complete; the same arguments give the same bytes.

    A run that is stopped, however it is, leaves what it has made in a journal beside the folder; the same arguments
    go on from there.

    Args:
        out: The folder to make.
        backend: Who proposes; `worlds` invents all facts and needs no model, `chat` asks a model.
        count: Scenarios, >= 1.
        seed: Everything follows from it; one that nobody knows gives a held-out set.
        structures: Structures, in turn.
        level: Difficulty of the questions, 0 to 5.
        strategies: Difficulty of the tools; None means `level` for all four strategies.
        hops: Steps of each chain, 1 to 8; None leaves it to the level.
        branches: Chains or independent steps, 2 to 4; None leaves it to the level.
        domains: Names of domains, for `chat` subjects in any words; None means all that are invented.
        worlds: How many worlds the scenarios come from; None leaves it to their number. Fewer worlds, a smaller pack.
        name: Name of the pack; None means the folder's.
        gate: Whether every scenario must pass the gate (replay in two processes, leaks) and attacks are played on some.
        processes: Processes to use; None means one for each core.
        cluster: Machines whose processors make the worlds instead, for the backend `worlds`.
        chat: For the backend `chat`: the model, the user's questions, and how it is asked.
        watch: Passes scenarios on while they are written, as a progress bar does.

    Returns:
        Yield, refusals, diversity, and what the gate found; also written to the folder as `REPORT`.

    Raises:
        InputError: If an argument is out of its range, or the folder cannot be made.
        Refused: If a scenario could not be made in many attempts.
        ClusterError: If the machines give up; the journal stays.
    """
    if backend not in ("worlds", "chat"):
        raise UnknownName("backend", backend, ["worlds", "chat"])
    if cluster is not None and backend != "worlds":
        raise InputError(f"the backend {backend} waits for its model, not for processors; leave the cluster out")
    levels = strategies or Strategies.of_level(_level(level))
    fields: dict[str, Any] = {"level": level, "strategies": levels, "hops": hops, "branches": branches}
    if backend == "chat":
        order = {"count": count, "seed": seed, "structures": structures, "domains": domains, "name": name, "gate": gate}
        return _with_model(out, chat, **order, fields=fields, watch=watch)
    used = list(domains or invented_domains())
    batches = plan_batches(count, seed, structures, used, fields, worlds)
    target = Path(out)
    check_target(target)
    order = {
        "version": __version__, "count": count, "seed": seed, "structures": list(structures), "level": level,
        "strategies": levels.model_dump(), "hops": hops, "branches": branches, "domains": used,
        "worlds": worlds, "name": name, "gate": gate,
    }  # fmt: skip
    processes = processes or _cores() if count > _ALONE else 1
    with Journal(journal_of(target), order) as journal:
        report, tables = GenerationReport(), dict[str, Json]()
        numbers = make_batches(batches, journal, gate, processes, cluster)
        pack = write_pack(
            journal.folder / "pack",
            name=name or target.resolve().name,
            scenarios=watch(_scenarios(numbers, journal, report, tables)),
            tables=tables,
            **_origin(used, level, seed),
            on_exists="replace",
        )
        if gate:
            report.findings = [finding._asdict() for finding in (*_shared(report), *_attacked(pack))]
        _write(report, pack.path)
        pack.path.replace(target)
    return report


def _scenarios(
    numbers: Iterable[int], journal: Journal, report: GenerationReport, tables: dict[str, Json]
) -> Iterator[Scenario]:
    """The scenarios, batch by batch; `tables` holds those of the world that is being written, and no others."""
    for number in numbers:
        report.tally += journal.tally(number)
        pack = journal.pack(number)
        tables.clear()
        tables.update(pack.tables)
        for name in pack:
            report.add(pack[name])
            yield pack[name]


def _origin(domains: Sequence[str], level: int, seed: int) -> dict[str, Any]:
    """What the manifest says of the facts: invented ones are anybody's, true ones have sources to be named."""
    found = sources(domains)
    what = "Invented worlds" if not found else "True facts"
    return {
        "title": f"{what}, level {level}, seed {seed}",
        "license": " AND ".join(dict.fromkeys(each.license for each in found)) or "CC0-1.0",
        "attribution": attribution(domains),
    }


def _shared(report: GenerationReport) -> Iterator[Finding]:
    """What is in two splits and may not be."""
    for home in report.shared:
        yield Finding("error", "splits", "", f"{home} is in two splits; scenarios of one would not test the other")


def _attacked(pack: Pack) -> list[Finding]:
    """What attacks earn too much for, on a sample of the scenarios."""
    with Executor(workers=1) as executor:
        outcomes = list(play_attacks(pack, sample_scenarios(pack, _ATTACKED, seed=0), executor))
    return [breach.finding for breach in breaches(pack, outcomes)]


def _with_model(out: str | Path, chat: ChatSettings | None, **order: Any) -> GenerationReport:
    """A pack from a model; the module is loaded only here because it needs the packages of the extra `chat`."""
    if chat is None:
        raise InputError("the backend chat needs a model; give chat=ChatSettings(model=…)")
    from tool_gym.generation.chat_run import generate_chat_pack

    report = generate_chat_pack(out, chat, **order)
    _write(report, Path(out))
    return report


def _write(report: GenerationReport, folder: Path) -> None:
    text = json.dumps(report.as_json(), ensure_ascii=False, indent=1)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def _level(level: int) -> int:
    if level not in range(6):
        raise InputError(f"level={level}; expected 0 to 5")
    return level


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
