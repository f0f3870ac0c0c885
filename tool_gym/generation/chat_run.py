"""A pack from a model: many orders at a time, each stage tried again with the complaint, the scenarios in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple, TypeVar

from tool_gym.errors import InputError
from tool_gym.generation.alone import check_alone
from tool_gym.generation.backends.chat.backend import ChatBackend
from tool_gym.generation.backends.chat.orders import ChatSettings, Order, plan_orders
from tool_gym.generation.decompose import decompose
from tool_gym.generation.deploy import Deployed, deploy
from tool_gym.generation.document import document
from tool_gym.generation.integrate import integrate
from tool_gym.generation.pipeline import Tally
from tool_gym.generation.proposals import Refused, Scaled
from tool_gym.generation.report import GenerationReport
from tool_gym.generation.scale import scale
from tool_gym.jsonvalue import Json
from tool_gym.models.chat import ChatModel, RequestRefused
from tool_gym.models.ledger import BudgetSpent
from tool_gym.packs.writer import check_target, write_pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario, Structure

T = TypeVar("T")
MAX_TRIES = 3
"""Proposals for one stage, each after the complaint about the one before."""
MAX_ATTEMPTS = 3
"""Times that a scenario is begun from the first stage."""
PATIENCE = 10
"""So many orders may fail before the first succeeds; then the run ends, because the model cannot do it."""
_DEPLOY_CANNOT_MEND = ("the question holds an answer", "the question names a tool")


class NothingMade(InputError):
    """A model's proposals were all refused; the text says why."""


@dataclass
class ChatReport(GenerationReport):
    """Figures of a run with a model.

    Attributes:
        given_up: Orders that came to nothing after all attempts.
        unpaid: Orders that the budget did not reach.
        last: The last refusal of an order that was given up.
    """

    given_up: int = 0
    unpaid: int = 0
    last: Refused | None = None

    def figures(self) -> dict[str, Any]:
        """The figures of all scenarios together, and of the orders that came to none."""
        return {**super().figures(), "given_up": self.given_up, "unpaid": self.unpaid}


class Bench(NamedTuple):
    """What orders are worked on with.

    Attributes:
        settings: Who proposes.
        executors: Two sandboxes.
        gate: Whether a scenario must pass the whole gate.
        stopped: Set when nothing more shall be asked.
    """

    settings: ChatSettings
    executors: tuple[Executor, Executor]
    gate: bool
    stopped: Event


@dataclass
class Outcome:
    """What became of an order: a scenario, or the last refusal, or neither where the budget did not reach it."""

    tally: Tally = field(default_factory=Tally)
    deployed: Deployed | None = None
    refusal: Refused | None = None


def generate_chat_pack(
    out: str | Path,
    settings: ChatSettings,
    *,
    count: int,
    seed: int,
    structures: Sequence[Structure],
    domains: Sequence[str] | None,
    name: str | None,
    gate: bool,
    fields: dict[str, Any],
    watch: Callable[[Iterable[Scenario]], Iterable[Scenario]],
) -> ChatReport:
    """Generates a pack with a model; see `generate_pack` for the arguments.

    Orders that come to nothing are counted and left out.

    Raises:
        InputError: If an argument is out of its range, or the folder cannot be made.
        NothingMade: If no proposal was good enough.
        ModelError: If the model does not answer; what was paid is in its journal.
        BudgetSpent: If the budget reached no scenario.
    """
    if settings.concurrency < 1:
        raise InputError(f"concurrency={settings.concurrency}; expected at least 1")
    orders = plan_orders(settings, count, seed, structures, domains, fields)
    report = ChatReport()
    tables: dict[str, Json] = {}
    check_target(Path(out))
    with Executor() as one, Executor(workers=1) as other:
        bench = Bench(settings, (one, other), gate, Event())
        with closing(_outcomes(orders, bench)) as outcomes:
            write_pack(
                out,
                name=name or Path(out).resolve().name,
                scenarios=watch(_scenarios(outcomes, report, tables, settings.model)),
                tables=tables,
                title=f"Questions proposed by {settings.model.name}, level {fields['level']}, seed {seed}",
            )
    return report


def make_order(order: Order, bench: Bench) -> Outcome:
    """Makes a scenario: up to `MAX_ATTEMPTS` times from the start, each told why the one before came to nothing.

    Raises:
        ModelError: If the model does not answer, except for want of money.
    """
    outcome = Outcome()
    earlier = ""
    for attempt in range(MAX_ATTEMPTS):
        topic = order.topic.model_copy(update={"attempt": attempt})
        backend = ChatBackend(bench.settings.model, bench.settings.sampling, earlier)
        try:
            outcome.deployed = _run(Order(topic, order.scenario_id), backend, bench, outcome.tally)
        except Refused as refusal:
            outcome.refusal = refusal
            earlier = str(refusal)
        except BudgetSpent:
            outcome.refusal = None
            return outcome
        except RequestRefused as error:
            outcome.refusal = Refused("model", "a request that the server refuses", str(error))
            outcome.tally.refused[outcome.refusal.stage, outcome.refusal.reason] += 1
            return outcome
        else:
            outcome.tally.made += 1
            return outcome
    return outcome


def _run(order: Order, backend: ChatBackend, bench: Bench, tally: Tally) -> Deployed:
    def tried(stage: Callable[[], T]) -> T:
        return _tried(stage, backend, bench, tally)

    decomposed = tried(lambda: decompose(order.topic, backend))
    documented = tried(lambda: document(decomposed, backend))
    integrated = tried(lambda: integrate(documented, backend))
    scaled = tried(lambda: scale(integrated, backend))
    return tried(lambda: _deployed(scaled, backend, bench, order.scenario_id))


def _deployed(scaled: Scaled, backend: ChatBackend, bench: Bench, scenario_id: str) -> Deployed:
    deployed = deploy(scaled, backend, bench.executors[0], scenario_id)
    if bench.gate:
        check_alone(deployed, bench.executors)
    return deployed


def _tried(stage: Callable[[], T], backend: ChatBackend, bench: Bench, tally: Tally) -> T:
    tries = 1
    while True:
        if bench.stopped.is_set():
            raise CancelledError
        try:
            return stage()
        except Refused as refusal:
            tally.refused[refusal.stage, refusal.reason] += 1
            if tries == MAX_TRIES or refusal.reason in _DEPLOY_CANNOT_MEND:
                raise
            tries += 1
            backend.complain(refusal)


def _outcomes(orders: Sequence[Order], bench: Bench) -> Generator[Outcome, None, None]:
    """The outcomes in order; so many orders at a time, and a few done ahead."""
    waiting: deque[Future[Outcome]] = deque()
    pool = ThreadPoolExecutor(bench.settings.concurrency)
    try:
        for order in orders:
            waiting.append(pool.submit(make_order, order, bench))
            if len(waiting) > 2 * bench.settings.concurrency:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        bench.stopped.set()
        pool.shutdown(cancel_futures=True)


def _scenarios(
    outcomes: Iterable[Outcome], report: ChatReport, tables: dict[str, Json], model: ChatModel
) -> Iterator[Scenario]:
    """The scenarios that were made, no question twice; `tables` holds those of the one that is being written."""
    seen: set[str] = set()
    for outcome in outcomes:
        report.tally += outcome.tally
        if outcome.deployed is None:
            report.unpaid += outcome.refusal is None
            report.given_up += outcome.refusal is not None
            report.last = outcome.refusal or report.last
            if not seen and report.given_up >= PATIENCE:
                break
            continue
        scenario = outcome.deployed.scenario
        if scenario.question in seen:
            report.tally.made -= 1
            report.tally.refused["gate", "the same question twice"] += 1
            continue
        seen.add(scenario.question)
        tables.clear()
        tables |= outcome.deployed.tables
        report.add(scenario)
        yield scenario
    if not seen:
        raise _nothing(report, model)


def _nothing(report: ChatReport, model: ChatModel) -> InputError:
    if not report.given_up:
        return BudgetSpent("the budget is spent before the first scenario; allow more, nothing is paid twice")
    refusals = "; ".join(f"{each['stage']}: {each['reason']} ({each['count']} times)" for each in report.refusals()[:5])
    return NothingMade(
        f"{model.name} made no scenario of {report.given_up} that were ordered. Refused were: {refusals}. "
        f"The last: {report.last}. Try a lower level, other questions, or a stronger model"
    )
