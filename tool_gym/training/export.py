"""Datasets for other trainers: rows of a pack, or of recorded trajectories, in one file.

What a row holds is said in `rows`. Rows of prompts are the beginnings of a pack's scenarios or, with trajectories,
every prompt that was answered in them: k tool turns and an answer give k + 1. Rows of episodes are what the oracle
plays or, with trajectories, those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

from tool_gym.errors import InputError, UnknownName
from tool_gym.jsonvalue import dumps
from tool_gym.packs.reader import Pack
from tool_gym.perturb.pack import as_played
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import episode_seed, plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.training.rows import LeftOut, Point, Row, RowMaker, ftrl_row, sft_row, trl_row, verl_row
from tool_gym.trajectory import Trajectory

Kind: TypeAlias = Literal["sft", "trl", "verl", "ftrl"]
_MAKERS: dict[Kind, RowMaker] = {"sft": sft_row, "trl": trl_row, "verl": verl_row, "ftrl": ftrl_row}
_ROWS_AT_ONCE = 256


class Exported(NamedTuple):
    """What was written.

    Attributes:
        rows: Rows of the file.
        left_out: Why prompts or episodes were left out, and how many for each reason.
    """

    rows: int
    left_out: dict[str, int]


def export(
    kind: Kind,
    pack: Pack,
    out: str | Path,
    *,
    trajectories: Iterable[Trajectory] | None = None,
    split: str = "train",
    min_return: float | None = None,
    gold: bool = True,
    seed: int = 0,
    executor: Executor | None = None,
) -> Exported:
    """Writes a dataset; the file appears when all of it is written.

    Args:
        kind: What the rows are.
        pack: The scenarios; trajectories must have been played on them.
        out: The file: `.jsonl`, or `.parquet` for `verl` and `ftrl`.
        trajectories: Recorded episodes; those that an endpoint broke off are left out.
        split: Split of the pack, or `all`; scenarios and trajectories of others are passed over.
        min_return: Trajectories that earned less, under the reward that they record, are left out.
        gold: Whether rows may hold what the verifier knows.
        seed: Decides the episodes' seeds where there are no trajectories.
        executor: Runs the tools for the oracle; one of its own by default.

    Raises:
        UnknownName: If there is no such kind or split.
        InputError: If the file's suffix does not fit, a trajectory is of another pack, nothing is left to write, or
            the oracle, who plays gold, would have to play for a file without gold.
    """
    target = Path(out)
    if kind not in _MAKERS:
        raise UnknownName("kind of dataset", kind, get_args(Kind))
    write = _writer(kind, target)
    wanted = set(pack.ids(split))
    if kind == "sft" and trajectories is None:
        if not gold:
            raise InputError("without gold there is nothing that the oracle could play; give trajectories")
        trajectories = _oracle(pack, split, seed, executor)
    tally: Counter[str] = Counter()

    def points() -> Iterator[Point]:
        if trajectories is None:
            for name in pack.ids(split):
                yield Point(pack, pack[name], episode_seed(seed, name, 0))
            return
        for trajectory in trajectories:
            played = as_played(pack, trajectory)
            if _of_pack(trajectory, played) in wanted and _worth(trajectory, min_return, tally):
                yield from _points(kind, played, trajectory)

    def rows() -> Iterator[Row]:
        for point in points():
            try:
                yield _MAKERS[kind](point, tally["rows"], gold)
                tally["rows"] += 1
            except LeftOut as reason:
                tally[str(reason)] += 1

    part = target.with_name(target.name + ".part")
    try:
        write(rows(), part)
        if not tally["rows"]:
            raise InputError(f"{target}: nothing to write; left out: {_reasons(tally) or f'no row of split {split!r}'}")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return Exported(tally.pop("rows"), dict(tally))


def _reasons(tally: Counter[str]) -> str:
    return ", ".join(f"{count} because {reason}" for reason, count in tally.items() if count)


def _oracle(pack: Pack, split: str, seed: int, executor: Executor | None) -> Iterator[Trajectory]:
    playable = [
        name for name in pack.ids(split) if all(step.arguments is not None for step in pack[name].sub_questions)
    ]
    if executor is None:
        with Executor() as own:
            yield from _oracle(pack, split, seed, own)
        return
    for _, trajectory in rollout(OraclePolicy(pack), pack, plays(playable), executor, seed=seed):
        yield trajectory


def _of_pack(trajectory: Trajectory, pack: Pack) -> str:
    """The trajectory's scenario, which must be the pack's."""
    name = trajectory.scenario
    if name not in pack or pack[name].digest != trajectory.scenario_digest:
        raise InputError(
            f"a trajectory was played on scenario {name!r} of pack {trajectory.pack!r} version {trajectory.version}, "
            f"and pack {pack.name!r} version {pack.version} has no such scenario; give the pack that was played"
        )
    return name


def _worth(trajectory: Trajectory, min_return: float | None, tally: Counter[str]) -> bool:
    if trajectory.failure is not None or trajectory.termination is None:
        tally["it was broken off"] += 1
        return False
    if min_return is not None and sum(turn.reward for turn in trajectory.transitions) < min_return:
        tally[f"it earned less than {min_return:g}"] += 1
        return False
    return True


def _points(kind: Kind, pack: Pack, trajectory: Trajectory) -> Iterator[Point]:
    """The end of an episode, or each of its prompts."""
    turns, system = trajectory.transitions, trajectory.settings.get("system")
    said = tuple(trajectory.settings.get("said", ()))
    scenario = pack[trajectory.scenario]
    for count in (len(turns),) if kind == "sft" else range(len(turns)):
        yield Point(pack, scenario, trajectory.seed, turns[:count], system, said)


def _writer(kind: Kind, target: Path) -> Callable[[Iterator[Row], Path], None]:
    if target.suffix == ".jsonl":
        return _write_lines
    if target.suffix == ".parquet" and kind in ("verl", "ftrl"):
        return lambda rows, part: _write_parquet(kind, rows, part)
    raise InputError(f"{target}: expected a file called .jsonl, or .parquet for verl and ftrl")


def _write_lines(rows: Iterator[Row], part: Path) -> None:
    with part.open("wb") as file:
        for row in rows:
            file.write(dumps(row) + b"\n")


def _write_parquet(kind: Kind, rows: Iterator[Row], part: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError("parquet needs pyarrow; install it with: pip install 'tool-gym[export]'") from None

    text = pa.string()
    call = pa.struct({"id": text, "type": text, "function": pa.struct({"name": text, "arguments": text})})
    message = {"role": text, "content": text, "tool_calls": pa.list_(call), "tool_call_id": text, "name": text}
    messages = pa.list_(pa.struct(message))
    place = {"index": pa.int64(), "split": text, "pack": text, "version": pa.int64(), "scenario": text}
    place |= {"seed": pa.int64(), "prefix": text, "tools": text}
    columns = {
        "verl": {
            **dict.fromkeys(("data_source", "agent_name"), text),
            "prompt": messages,
            "ability": text,
            "reward_model": pa.struct({"style": text, "ground_truth": text}),
            "extra_info": pa.struct(place),
        },
        "ftrl": {
            "messages": messages,
            **dict.fromkeys(("tools", "codes"), text),
            "solve_rate": pa.float64(),
            **dict.fromkeys(("data_source", "split", "unsolved_set", "answer"), text),
        },
    }[kind]
    first = list(islice(rows, _ROWS_AT_ONCE))
    schema = pa.schema({name: column for name, column in columns.items() if not first or name in first[0]})
    with pq.ParquetWriter(part, schema) as writer:
        batch = first
        while batch:
            writer.write_table(pa.Table.from_pylist(batch, schema))
            batch = list(islice(rows, _ROWS_AT_ONCE))
