"""Batches: the scenarios of one world, made together. Worlds, and with them their batches, belong to one split."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.cluster.cluster import Cluster
from tool_gym.errors import InputError, UnknownName
from tool_gym.generation.admission import Admission
from tool_gym.generation.backends.worlds.backend import WorldsBackend
from tool_gym.generation.backends.worlds.domain import domain_names, load_domain
from tool_gym.generation.deploy import Deployed
from tool_gym.generation.journal import Journal, write_batch
from tool_gym.generation.pipeline import Tally, build
from tool_gym.generation.seeds import rng_of, seed_of
from tool_gym.generation.topic import Topic
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES, Structure

MOST_PER_WORLD = 18
"""Scenarios of one world, unless the number of worlds is ordered; none shares its facts or its tools with another."""
_LEAST_WORLDS = 10
_TEST_EVERY = 5
"""Every fifth world belongs to the split `test`, with phrasings that are held out."""


class Batch(NamedTuple):
    """The topics of one world, and the ids of their scenarios."""

    topics: tuple[Topic, ...]
    ids: tuple[str, ...]


def invented_domains() -> list[str]:
    """Names of the domains whose worlds are invented."""
    return [name for name in domain_names() if not load_domain(name).facts]


def plan_batches(
    count: int,
    seed: int,
    structures: Sequence[Structure],
    domains: Sequence[str],
    fields: dict[str, Any],
    worlds: int | None = None,
) -> list[Batch]:
    """Which scenario comes from which world, in which split.

    Args:
        count: Scenarios, >= 1.
        seed: Seed of the run.
        structures: Structures, in turn.
        domains: Names of domains.
        fields: Further fields of each `Topic`.
        worlds: How many worlds, at most `count`; None means one for each `MOST_PER_WORLD` scenarios, at least ten.

    Raises:
        InputError: If an argument is out of its range.
    """
    if count < 1:
        raise InputError(f"count={count}; expected at least 1")
    if worlds is not None and not 1 <= worlds <= count:
        raise InputError(f"worlds={worlds}; expected 1 to {count}, the number of scenarios")
    unknown = [each for each in structures if each not in STRUCTURES]
    if unknown or not structures:
        raise UnknownName("structure", unknown[0] if unknown else "", STRUCTURES)
    for each in domains:
        load_domain(each)
    number = worlds or max(min(_LEAST_WORLDS, count), -(-count // MOST_PER_WORLD))
    return [
        _batch(i, range(i * count // number, (i + 1) * count // number), seed, structures, domains, fields)
        for i in range(number)
    ]


def _batch(
    world: int,
    indices: range,
    seed: int,
    structures: Sequence[Structure],
    domains: Sequence[str],
    fields: dict[str, Any],
) -> Batch:
    # Each round of worlds has all domains in a new order, so that splits do not follow domains.
    rounds, place = divmod(world, len(domains))
    domain = rng_of(seed, "domains", rounds).sample(list(domains), len(domains))[place]
    source = {"domain": domain, "world": seed_of(seed, "world", world)}
    split = "test" if world % _TEST_EVERY == _TEST_EVERY - 1 else "train"
    try:
        topics = tuple(
            Topic(seed=seed, index=i, split=split, structure=structures[i % len(structures)], source=source, **fields)
            for i in indices
        )
    except ValueError as error:
        raise InputError(f"this cannot be ordered: {error}") from None
    ids = tuple(f"{domain}-{str(topic.structure).replace('_', '-')}-{topic.index:05d}" for topic in topics)
    return Batch(topics, ids)


class Job(NamedTuple):
    """A batch to be made, its number, and whether its scenarios must pass the gate."""

    number: int
    batch: Batch
    gate: bool


class Made(NamedTuple):
    """A batch that was made, and what became of the attempts."""

    number: int
    deployed: list[Deployed]
    tally: Tally


class Workshop:
    """Makes batches in this process, with sandboxes that stay open from batch to batch."""

    def __init__(self) -> None:
        self._open = ExitStack()

    @functools.cached_property
    def _executor(self) -> Executor:
        return self._open.enter_context(Executor(workers=1))

    @functools.cached_property
    def _second(self) -> Executor:
        return self._open.enter_context(Executor(workers=1, hash_seed=1))

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def make(self, job: Job) -> Made:
        """Makes a batch."""
        admission = Admission((self._executor, self._second) if job.gate else ())
        backend, tally = WorldsBackend(), Tally()
        deployed = [
            build(topic, backend, self._executor, scenario_id, tally, admission)
            for topic, scenario_id in zip(job.batch.topics, job.batch.ids, strict=True)
        ]
        return Made(job.number, deployed, tally)


def make_batches(
    batches: Sequence[Batch], journal: Journal, gate: bool, processes: int, cluster: Cluster | None = None
) -> Iterator[int]:
    """Makes those batches that the journal has not and files them there; yields all numbers in order.

    Args:
        batches: All batches.
        journal: Where they are filed.
        gate: Whether scenarios must pass the gate.
        processes: Processes of this machine that make them.
        cluster: Machines that make them instead.
    """
    jobs = [Job(i, batch, gate) for i, batch in enumerate(batches) if not journal.has(i)]
    file = functools.partial(_file, journal.folder)
    with ExitStack() as stack:
        if cluster is not None:
            made = stack.enter_context(closing(cluster.map(_make, jobs)))
            filed: Iterator[None] = map(file, made)
        elif min(processes, len(jobs)) > 1:
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(min(processes, len(jobs)), context, _begin)
            stack.callback(pool.shutdown, cancel_futures=True)
            filed = pool.map(functools.partial(_make_and_file, journal.folder), jobs)
        else:
            filed = map(file, map(stack.enter_context(Workshop()).make, jobs))
        for number in range(len(batches)):
            while not journal.has(number):
                _next(filed)
            yield number


def _file(folder: Path, made: Made) -> None:
    write_batch(folder, *made)


def _next(filed: Iterator[None]) -> None:
    try:
        next(filed)
    except BrokenProcessPool:
        raise InputError(
            "a process that makes scenarios ended, for lack of memory perhaps; give processes=1, and in a script of "
            'your own call this below `if __name__ == "__main__":`'
        ) from None


@functools.cache
def _workshop() -> Workshop:
    """The workshop of a process of the pool or the cluster; its sandboxes end with it."""
    return Workshop()


def _make(job: Job) -> Made:
    return _workshop().make(job)


def _make_and_file(folder: Path, job: Job) -> None:
    _file(folder, _make(job))


def _begin() -> None:
    """What a process of the pool does first: Ctrl-C is for the one that holds the pool, whose end is its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
