"""The command evaluate: a policy plays a suite or a pack."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.cluster import Ray, connected
from tool_gym.cli.output import progress, show_json, show_table, stderr, stdout
from tool_gym.cli.play import AsJson, Perturb, PerturbSeed, Seed, _execution
from tool_gym.errors import InputError
from tool_gym.jsonvalue import dumps

if TYPE_CHECKING:
    from tool_gym.cluster.cluster import Cluster
    from tool_gym.cluster.crew import Crew
    from tool_gym.evaluation.run import Spec
    from tool_gym.evaluation.suite import Part, Suite
    from tool_gym.packs.reader import Pack
    from tool_gym.perturb.spec import Perturbation
    from tool_gym.player import Player
    from tool_gym.policies.catalog import Chosen, ModelOptions
    from tool_gym.sandbox.executor import Executor

_AT_ONCE = {"local": 8}  # each takes the memory of its context
_MODEL = "Models"
_COMPLETIONS = "completions.jsonl"
"""In the folder of a run, what a remote model has answered, until all episodes have ended."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(evaluate)
    app.command("suites")(show_suites)


def evaluate(
    policy: Annotated[str, typer.Option(help="oracle, random, careful-reader, local, remote; or module:name.")],
    pack: Annotated[str | None, typer.Option(help="Name or folder of a pack; starter by default.")] = None,
    suite: Annotated[str | None, typer.Option(help="Suite, by name or .toml file, instead of a pack.")] = None,
    source: Annotated[Path | None, typer.Option(help="Data that the suite imports; a file or folder.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Let Python that comes with the data run, sealed.")] = False,
    split: Annotated[str | None, typer.Option(help="Split, or all; test where the pack has it by default.")] = None,
    known_bad: Annotated[
        bool, typer.Option("--known-bad", help="Play the scenarios that the pack's errata name, too.")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Only the first so many scenarios.", min=1)] = None,
    k: Annotated[int, typer.Option(help="Episodes per scenario.", min=1)] = 1,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the results; the same command resumes it.")] = None,
    reward: Annotated[str | None, typer.Option(help="Reward; the pack's own by default.")] = None,
    matcher: Annotated[str | None, typer.Option(help="Matcher; the reward's or the pack's own by default.")] = None,
    max_turns: Annotated[int | None, typer.Option(help="Turn limit; the pack's own by default.", min=1)] = None,
    perturb: Perturb = None,
    perturb_seed: PerturbSeed = 0,
    at_once: Annotated[
        int | None, typer.Option(help="Episodes in play at a time; 8 for local, else 64.", min=1)
    ] = None,
    user: Annotated[str, typer.Option(help="Who speaks for the user: scripted or remote.")] = "scripted",
    user_model: Annotated[str, typer.Option(help="Model that plays the user, as its server knows it.")] = "",
    user_base_url: Annotated[str | None, typer.Option(help="Its server, as http://localhost:8001/v1.")] = None,
    execution: Annotated[str, typer.Option(help="isolated or embedded.")] = "isolated",
    ray: Ray = None,
    model: Annotated[
        str, typer.Option(help="Folder or GGUF file (local), name at the server (remote).", rich_help_panel=_MODEL)
    ] = "",
    base_url: Annotated[
        str | None, typer.Option(help="Server, as http://localhost:8000/v1.", rich_help_panel=_MODEL)
    ] = None,
    form: Annotated[
        str, typer.Option(help="How tools reach the model: auto, native, text.", rich_help_panel=_MODEL)
    ] = "auto",
    parser: Annotated[
        str | None, typer.Option(help="How the model's family writes calls.", rich_help_panel=_MODEL)
    ] = None,
    shots: Annotated[int, typer.Option(help="Examples before the question.", min=0, rich_help_panel=_MODEL)] = 0,
    shots_from: Annotated[
        str | None, typer.Option(help="Pack of the examples; the played one by default.", rich_help_panel=_MODEL)
    ] = None,
    constrained: Annotated[
        bool, typer.Option("--constrained", help="Hold a local model to the tools' schemas.", rich_help_panel=_MODEL)
    ] = False,
    reasoning: Annotated[
        bool | None, typer.Option(help="Reasoning of a local model's template.", rich_help_panel=_MODEL)
    ] = None,
    temperature: Annotated[float, typer.Option(help="0: the likeliest.", min=0, rich_help_panel=_MODEL)] = 0.0,
    top_p: Annotated[float, typer.Option(help="For local.", min=0, max=1, rich_help_panel=_MODEL)] = 1.0,
    max_tokens: Annotated[int, typer.Option(help="Longest turn.", min=1, rich_help_panel=_MODEL)] = 512,
    concurrency: Annotated[int, typer.Option(help="Requests at a time.", min=1, rich_help_panel=_MODEL)] = 8,
    rate: Annotated[float | None, typer.Option(help="Requests per minute.", min=0.001, rich_help_panel=_MODEL)] = None,
    prices: Annotated[
        tuple[float, float], typer.Option(help="Of a million input, output tokens.", rich_help_panel=_MODEL)
    ] = (0.0, 0.0),
    device: Annotated[str | None, typer.Option(help="Of a local model, as cuda:1.", rich_help_panel=_MODEL)] = None,
    dtype: Annotated[str, typer.Option(help="Of a local model, as bfloat16.", rich_help_panel=_MODEL)] = "auto",
    as_json: AsJson = False,
) -> None:
    """Play a pack or a suite with a policy, k episodes per scenario, and print what it solves by structure.

    Interrupted, the same command goes on where it was: no finished episode is played again, and no answer of a remote
    model is paid twice. Episodes that an endpoint failed are counted as failed, left out of the means, and played again
    by the same command.
    """
    from tool_gym.evaluation.run import Spec
    from tool_gym.evaluation.suite import Part, Suite, load_suite
    from tool_gym.perturb.spec import Perturbation
    from tool_gym.policies.catalog import ModelOptions
    from tool_gym.users import make_user

    if pack is not None and suite is not None:
        raise InputError("give a pack or a suite, not both")
    options = ModelOptions(
        model, base_url, form, parser, shots, shots_from, constrained, reasoning, temperature, top_p, max_tokens,
        concurrency, rate, prices, device, dtype,
    )  # fmt: skip
    spec = Spec(
        split=split, known_bad=known_bad, limit=limit, k=k, seed=seed, reward=reward, matcher=matcher,
        max_turns=max_turns, at_once=at_once or _AT_ONCE.get(policy, 64),
        user=make_user(user, user_model, user_base_url, concurrency=concurrency),
    )  # fmt: skip
    one = Suite(title=pack or "starter", metric="", pack=(Part(pack=pack or "starter"),))
    with (
        nullcontext(out) if out else TemporaryDirectory(prefix="tool-gym-") as folder,
        connected(ray) as cluster,
    ):
        chosen = load_suite(suite) if suite else one
        how = Perturbation.read(perturb, perturb_seed)
        rows = _play(chosen, policy, options, spec, Path(folder), source, trust, execution, cluster, how)
        rows |= _by_verdict(chosen, Path(folder))
        if suite:
            facts = chosen.model_dump(mode="json", exclude={"parts"})
            (Path(folder) / "suite.json").write_bytes(dumps({"suite": suite, **facts, "rows": rows}) + b"\n")
    if as_json:
        show_json([row for part in rows.values() for row in part])
        return
    for title, part in rows.items():
        show_table(title, part)


def show_suites(
    name: Annotated[str | None, typer.Argument(help="A suite, to read all about it.")] = None, as_json: AsJson = False
) -> None:
    """List the suites, or tell of one: its data, its rule, its numbers, and what others have published."""
    from tool_gym.evaluation.suite import load_suite, suites

    if name is None:
        found = {each: load_suite(each) for each in suites()}
        rows = [{"suite": each, "title": suite.title, "metric": suite.metric} for each, suite in found.items()]
        show_table("Suites", rows, as_json=as_json)
        return
    suite = load_suite(name)
    if as_json:
        show_json(suite.model_dump(mode="json"))
        return
    stdout.print(suite.title, style="bold")
    lines = [f"Metric: {suite.metric}", f"Source: {suite.source}", suite.get, suite.about.rstrip()]
    stdout.print("\n".join(filter(None, lines)), markup=False, highlight=False)
    for published in suite.published:
        figures = [{"model": model, "figure": figure} for model, figure in published.figures.items()]
        show_table(f"{published.source}, {published.date}", figures)


def _play(
    suite: Suite,
    policy: str,
    options: ModelOptions,
    spec: Spec,
    folder: Path,
    source: Path | None,
    trust: bool,
    execution: str,
    cluster: Cluster | None,
    perturbation: Perturbation | None,
) -> dict[str, list[dict[str, Any]]]:
    """Plays each part of a suite into a folder of its own, a single one into the folder itself; rows by title."""
    from tool_gym.evaluation.run import evaluate_with
    from tool_gym.perturb.pack import under

    tables = {}
    for part in suite.parts:
        pack = under(suite.pack(part, source, folder, trust=trust), perturbation)
        sandbox = {"execution": _execution(execution), "native": pack.native and trust}
        completions = _where(suite, part, folder) / _COMPLETIONS
        if cluster is None:  # whose machines need not have the folder
            options = options._replace(journal=str(completions))
        with ExitStack() as stack:
            player = _player(stack, cluster, _Maker(policy, spec.seed, options, part.tools), pack, sandbox)
            ours = spec._replace(split=spec.split or part.split, leave_out=player.shown, system=part.system)
            outcome = evaluate_with(
                player, _where(suite, part, folder), ours, lambda games, many: progress(games, many, policy)
            )
        if not outcome.failed:
            completions.unlink(missing_ok=True)
        for reason, count in outcome.failed.items():
            stderr.print(f"{count} episodes failed and are left out: {reason}", markup=False)
        if not outcome.rows:
            raise InputError(f"no episode of {pack.name} was played to its end; the same command tries again")
        several = len(suite.parts) > 1
        what = f"{part.name}, pack {pack.name}" if several else pack.name
        title = f"{policy} on {what} version {pack.version} (k={spec.k}, seed {spec.seed})"
        title += f", {perturbation}" if perturbation else ""
        tables[title] = [{"part": part.name, **row} for row in outcome.rows] if several else outcome.rows
    return tables


@dataclass(frozen=True)
class _Maker:
    """Makes the policy that was named, here or on another machine."""

    name: str
    seed: int
    options: ModelOptions
    tools: bool

    def __call__(self, pack: Pack, executor: Executor) -> Chosen:
        from tool_gym.evaluation.suite import WithoutTools
        from tool_gym.policies.catalog import make_policy

        chosen = make_policy(self.name, pack, executor, self.seed, self.options)
        return chosen if self.tools else chosen._replace(policy=WithoutTools(chosen.policy))

    @property
    def on_gpu(self) -> bool:
        """Whether it is better off on a GPU."""
        return self.name == "local" and (self.options.device or "cuda").startswith("cuda")


def _player(
    stack: ExitStack, cluster: Cluster | None, maker: _Maker, pack: Pack, sandbox: dict[str, Any]
) -> Player | Crew:
    """Who plays: this process, or the machines of the cluster."""
    from tool_gym.cluster.crew import Crew
    from tool_gym.player import Player
    from tool_gym.sandbox.executor import Executor

    if cluster is not None:
        return Crew(cluster, pack, maker, gpu=maker.on_gpu and cluster.slots("GPU") > 0, **sandbox)
    executor = stack.enter_context(Executor(**sandbox))
    chosen = maker(pack, executor)
    return Player(chosen.policy, pack, executor, chosen.shown)


def _where(suite: Suite, part: Part, folder: Path) -> Path:
    """The folder of a part's run: one of its own, or the suite's where it is the only one."""
    return folder if len(suite.parts) == 1 else folder / part.name


def _by_verdict(suite: Suite, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The table of a suite's own rule, where it has one."""
    from tool_gym.evaluation.results import TRAJECTORIES
    from tool_gym.evaluation.suite import verdicts
    from tool_gym.trajectory import read_trajectories

    files = {part.name: _where(suite, part, folder) / TRAJECTORIES for part in suite.parts}
    rows = verdicts(suite, {name: read_trajectories(file) for name, file in files.items()})
    return {f"By the benchmark's own rule: {suite.metric}": rows} if rows else {}
