"""`generate_pack`: a pack from a seed, world by world, on all cores, the same bytes however many there are."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.errors import InputError, UnknownName
from tool_gym.generation.backends.worlds.backend import WorldsBackend
from tool_gym.generation.backends.worlds.domain import domain_names, load_domain
from tool_gym.generation.deploy import Deployed
from tool_gym.generation.pipeline import Tally, build
from tool_gym.generation.report import GenerationReport
from tool_gym.generation.seeds import rng_of, seed_of
from tool_gym.generation.topic import DEFAULT_LEVEL, Strategies, Topic
from tool_gym.jsonvalue import Json
from tool_gym.packs.writer import write_pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES, Scenario, Structure

MOST_PER_WORLD = 20
"""Scenarios of one world; none shares its facts with another."""
_LEAST_WORLDS = 10
_TEST_EVERY = 5
"""Every fifth world belongs to the split `test`, with phrasings that are held out."""
_ALONE = 40
"""Up to so many scenarios one process is faster than several."""


class Batch(NamedTuple):
    """The topics of one world, and the ids of their scenarios."""

    topics: tuple[Topic, ...]
    ids: tuple[str, ...]


class Made(NamedTuple):
    """What became of a batch."""

    deployed: tuple[Deployed, ...]
    tally: Tally


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
    name: str | None = None,
    processes: int | None = None,
    watch: Callable[[Iterable[Scenario]], Iterable[Scenario]] = lambda scenarios: scenarios,
) -> GenerationReport:
    """Generates a pack. The folder appears when it is complete; the same arguments give the same bytes.

    Args:
        out: The folder to make.
        backend: Who proposes; `worlds` invents all facts and needs no model.
        count: Scenarios, >= 1.
        seed: Everything follows from it; one that nobody knows gives a held-out set.
        structures: Structures, in turn.
        level: Difficulty of the questions, 0 to 5.
        strategies: Difficulty of the tools; None means `level` for all four strategies.
        hops: Steps of each chain, 1 to 8; None leaves it to the level.
        branches: Chains or independent steps, 2 to 4; None leaves it to the level.
        domains: Names of domains; None means all.
        name: Name of the pack; None means the folder's.
        processes: Processes to use; None means one for each core.
        watch: Passes scenarios on while they are written, as a progress bar does.

    Returns:
        Yield, refusals and diversity.

    Raises:
        InputError: If an argument is out of its range, or the folder cannot be made.
        Refused: If a scenario could not be made in many attempts.
    """
    if backend != "worlds":
        raise UnknownName("backend", backend, ["worlds"])
    fields = {"level": level, "strategies": strategies or Strategies.of_level(_level(level)), "hops": hops}
    batches = plan_batches(count, seed, structures, domains, {**fields, "branches": branches})
    report = GenerationReport()
    tables: dict[str, Json] = {}
    stream = _scenarios(_run(batches, processes or _cores(), count), report, tables)
    # The first scenario is made before the folder, so that what is wrong with the order is told first.
    first = next(stream)
    write_pack(
        out,
        name=name or Path(out).resolve().name,
        scenarios=watch(chain([first], stream)),
        tables=tables,
        title=f"Invented worlds, level {level}, seed {seed}",
        license="CC0-1.0",
    )
    return report


def plan_batches(
    count: int, seed: int, structures: Sequence[Structure], domains: Sequence[str] | None, fields: dict[str, Any]
) -> list[Batch]:
    """Which scenario comes from which world, in which split.

    Args:
        count: Scenarios, >= 1.
        seed: Seed of the run.
        structures: Structures, in turn.
        domains: Names of domains; None means all.
        fields: Further fields of each `Topic`.

    Raises:
        InputError: If an argument is out of its range.
    """
    if count < 1:
        raise InputError(f"count={count}; expected at least 1")
    unknown = [each for each in structures if each not in STRUCTURES]
    if unknown or not structures:
        raise UnknownName("structure", unknown[0] if unknown else "", STRUCTURES)
    used = list(domains or domain_names())
    for each in used:
        load_domain(each)
    size = max(1, min(MOST_PER_WORLD, count // _LEAST_WORLDS))
    batches = []
    for world, start in enumerate(range(0, count, size)):
        # Each round of worlds has all domains in a new order, so that splits do not follow domains.
        rounds, place = divmod(world, len(used))
        domain = rng_of(seed, "domains", rounds).sample(used, len(used))[place]
        source = {"domain": domain, "world": seed_of(seed, "world", world)}
        split = "test" if world % _TEST_EVERY == _TEST_EVERY - 1 else "train"
        indices = range(start, min(start + size, count))
        try:
            topics = tuple(
                Topic(
                    seed=seed, index=i, split=split, structure=structures[i % len(structures)], source=source, **fields
                )
                for i in indices
            )
        except ValueError as error:
            raise InputError(f"this cannot be ordered: {error}") from None
        ids = tuple(f"{domain}-{topic.structure.replace('_', '-')}-{topic.index:05d}" for topic in topics)
        batches.append(Batch(topics, ids))
    return batches


def make_batch(batch: Batch) -> Made:
    """Makes the scenarios of one world; no two of them ask the same."""
    backend, tally, seen = WorldsBackend(), Tally(), set[str]()

    def gate(deployed: Deployed) -> str | None:
        return "the same question twice" if deployed.scenario.question in seen else None

    made = []
    with Executor(workers=1) as executor:
        for topic, scenario_id in zip(batch.topics, batch.ids, strict=True):
            deployed = build(topic, backend, executor, scenario_id, tally, gate)
            seen.add(deployed.scenario.question)
            made.append(deployed)
    return Made(tuple(made), tally)


def _run(batches: Sequence[Batch], processes: int, count: int) -> Iterator[Made]:
    """Batches in order, made by as many processes."""
    if processes == 1 or count <= _ALONE:
        yield from map(make_batch, batches)
        return
    with multiprocessing.get_context("spawn").Pool(min(processes, len(batches))) as pool:
        yield from pool.imap(make_batch, batches)


def _scenarios(made: Iterable[Made], report: GenerationReport, tables: dict[str, Json]) -> Iterator[Scenario]:
    """The scenarios; `tables` holds those of the world that is being written, and no others."""
    for batch in made:
        report.tally += batch.tally
        tables.clear()
        for deployed in batch.deployed:
            tables |= deployed.tables
        for deployed in batch.deployed:
            report.add(deployed.scenario)
            yield deployed.scenario


def _level(level: int) -> int:
    if level not in range(6):
        raise InputError(f"level={level}; expected 0 to 5")
    return level


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
