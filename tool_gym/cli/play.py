"""Commands that show and play: demo, show, play, replay."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.cli.output import progress, show_json, show_table, stdout
from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, NotJson, dumps, loads
from tool_gym.scenario import Scenario

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Seed = Annotated[int, typer.Option(help="Seed.", min=0)]
Perturb = Annotated[
    str | None, typer.Option(help="Perturb the scenarios: slight, medium, heavy, union, flaky, ...; or medium+flaky.")
]
PerturbSeed = Annotated[int, typer.Option(help="Seed of --perturb.", min=0)]
PackArgument = Annotated[str, typer.Argument(metavar="PACK", help="Name or folder of a pack.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (demo, show, play, replay):
        app.command()(command)


def demo(
    pack: Annotated[str | None, typer.Option(help="Name or folder of a pack; the default pack by default.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Play a pack through `gym.make` with the oracle and a random policy, and print what each earns."""
    import gymnasium as gym

    from tool_gym.packs.reader import load_pack
    from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
    from tool_gym.render import transcript_text
    from tool_gym.verify.metrics import summarise

    env: Any = gym.make("ToolUse-v0", pack=pack, split="all")
    chosen = load_pack(env.unwrapped.pack.path)
    rows, transcript = [], ""
    for name, policy in (("oracle", OraclePolicy(chosen)), ("random", RandomPolicy(seed))):
        trajectories = []
        for number, scenario in enumerate(progress(chosen, len(chosen), f"{name:8}")):
            observation, info = env.reset(seed=seed + number, options={"scenario": scenario})
            ended = False
            while not ended:
                observation, _, terminated, truncated, info = env.step(policy(observation, info))
                ended = terminated or truncated
            trajectories.append(env.unwrapped.episode.trajectory())
            if name == "oracle" and info["structure"] == "multi_hop" and not transcript:
                transcript = transcript_text(observation["messages"], max_chars=800)
        rows += [{"policy": name, **row} for row in summarise(trajectories)]
    env.close()
    if as_json:
        show_json(rows)
        return
    stdout.print(f"[bold]One episode of the oracle[/] (pack {chosen.name})")
    stdout.print(transcript, markup=False)
    stdout.print()
    show_table(f"Pack {chosen.name}, {len(chosen)} scenarios, by structure", rows)


def show(
    pack: PackArgument,
    scenario: Annotated[str | None, typer.Argument(help="Id of a scenario; without it, all are listed.")] = None,
    gold: Annotated[bool, typer.Option(help="Show the sub-questions and answers too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show a scenario for reading, or list a pack's scenarios."""
    from tool_gym.packs.reader import load_pack

    source = load_pack(pack)
    if scenario is None:
        rows = [_line(source[each]) for each in source]
        show_table(f"{source.name} version {source.version}: {source.manifest.title}", rows, as_json=as_json)
        return
    found = source[_known(source, scenario)]
    if as_json:
        show_json(found.model_dump(mode="json") if gold else found.model_dump(mode="json", exclude=_GOLD))
        return
    _show_scenario(found, gold)


_GOLD = {"answer", "sub_questions", "state_checks"}


def _known(pack: Any, scenario: str) -> str:
    from tool_gym.errors import UnknownName

    if scenario not in pack:
        raise UnknownName(
            f"scenario of pack {pack.name!r}", scenario, pack.ids(), f"List them: tool-gym show {pack.name}"
        )
    return scenario


def _line(scenario: Scenario) -> dict[str, Json]:
    return {
        "scenario": scenario.id,
        "split": scenario.split,
        "structure": scenario.structure,
        "tools": len(scenario.tools),
        "checks": scenario.total,
        "truth": scenario.provenance.truth,
        "question": scenario.question.strip().splitlines()[-1][:100],
    }


def _show_scenario(scenario: Scenario, gold: bool) -> None:
    stdout.print(f"[bold]{scenario.id}[/] · {scenario.structure} · {scenario.split} · {scenario.provenance.truth}\n")
    for number, turn in enumerate(scenario.turns):
        stdout.print(turn.content + (f"   (turn {number + 1})" if number else ""), markup=False)
    stdout.print()
    rows = []
    for tool in scenario.tools:
        required = tool.parameters.get("required", ())
        names = [name + ("" if name in required else "?") for name in tool.parameters.get("properties", {})]
        rows.append({"tool": tool.name, "parameters": ", ".join(names), "description": tool.description})
    show_table("Tools", rows)
    if not gold:
        return
    show_table("Sub-questions (gold; no agent sees them)", [_step_row(step) for step in scenario.sub_questions])
    if scenario.answer is not None:
        unit = f" {scenario.answer.unit}" if scenario.answer.unit else ""
        stdout.print(f"[bold]Answer:[/] {dumps(scenario.answer.value).decode()}{unit}", markup=True)


def _step_row(step: Any) -> dict[str, Json]:
    arguments = "(unknown)" if step.arguments is None else dumps(step.arguments).decode()
    return {
        "id": step.id,
        "needs": ", ".join(step.depends_on),
        "question": step.question,
        "reference call": f"{step.tools[0]} {arguments}",
        "expected": dumps(step.expected.value).decode(),
    }


def play(
    pack: PackArgument,
    scenario: Annotated[str | None, typer.Argument(help="Id of a scenario; by default the seed chooses.")] = None,
    seed: Seed = 0,
    save: Annotated[Path | None, typer.Option(help="Write the trajectory to this file.")] = None,
) -> None:
    """Play a scenario yourself in the terminal."""
    import gymnasium as gym

    from tool_gym.render import transcript_text
    from tool_gym.trajectory import write_trajectories

    env: Any = gym.make("ToolUse-v0", pack=pack, scenario=scenario, split="all")
    observation, info = env.reset(seed=seed)
    stdout.print(transcript_text(observation["messages"]), markup=False)
    stdout.print(_PLAY_HELP)
    ended, total = False, 0.0
    while not ended:
        action = _ask(observation["tools"])
        if action is None:
            break
        before = len(observation["messages"])
        observation, reward, terminated, truncated, info = env.step(action)
        ended, total = terminated or truncated, total + reward
        stdout.print(transcript_text(observation["messages"][before + 1 :]), markup=False)
        score = info["score"]
        stdout.print(
            f"[dim]reward {reward:+.3f} · solved {score['solved']}/{score['total']} · calls {score['calls']}[/]"
        )
    if ended:
        right = "right" if info["score"]["answer_correct"] else "not right"
        stdout.print(
            f"[bold]The episode has ended ({info['termination']}).[/] Your answer is {right}; return {total:.3f}."
        )
    if save is not None and info["turn"]:
        write_trajectories(save, [env.unwrapped.episode.trajectory()])
        stdout.print(f"Saved. Play it again: tool-gym replay {save}")
    env.close()


_PLAY_HELP = """[dim]Call a tool:   NAME {"parameter": value}   or   NAME parameter=value other="two words"
Answer:        = your answer
Also:          tools (list them) · tools NAME (one in full) · quit[/]"""


def _ask(tools: Any) -> dict[str, Json] | None:
    """Reads lines until one of them is an action; None at the end of input or on `quit`."""
    functions = {tool["function"]["name"]: tool["function"] for tool in tools}
    while True:
        try:
            line = stdout.input("[bold cyan]> [/]").strip()
        except EOFError:
            return None
        word, _, rest = line.partition(" ")
        if line == "quit":
            return None
        if word == "tools":
            for name, function in functions.items():
                if not rest:
                    stdout.print(f"{name}: {function['description']}", markup=False)
                elif rest == name:
                    show_json(function)
        elif line.startswith("="):
            return {"content": line[1:].strip()}
        elif word in functions:
            try:
                return {"tool_calls": [{"name": word, "arguments": read_arguments(rest)}]}
            except InputError as error:
                stdout.print(f"[red]{error}[/]")
        elif line:
            stdout.print(f"no tool is called {word!r}; type 'tools' for their names, or '= text' to answer")


def read_arguments(text: str) -> dict[str, Json]:
    """Arguments as a person types them: one JSON object, or `name=value` pairs whose values are JSON or bare text.

    Raises:
        InputError: If the text is neither.
    """
    text = text.strip()
    if not text.startswith("{"):
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise InputError(f"{error} in {text!r}") from None
        bare = [word for word in words if "=" not in word]
        if bare:
            raise InputError(
                f'expected name=value, got {bare[0]!r}; a value with spaces needs quotes: name="two words"'
            )
        return {name: _value(value) for name, _, value in (word.partition("=") for word in words)}
    try:
        value = loads(text)
    except NotJson as error:
        raise InputError(str(error)) from None
    if not isinstance(value, dict):
        raise InputError(f"expected one JSON object, got {text!r}")
    return value


def _value(text: str) -> Json:
    try:
        return loads(text)
    except NotJson:
        return text


def replay(
    file: Annotated[Path, typer.Argument(metavar="TRAJECTORY", help="Trajectories as JSON lines.")],
    pack: Annotated[str | None, typer.Option(help="Name or folder of the pack, if it is not installed.")] = None,
    execution: Annotated[str, typer.Option(help="isolated or embedded.")] = "isolated",
    as_json: AsJson = False,
) -> None:
    """Run saved trajectories again and compare every byte; exit code 1 if one differs."""
    from tool_gym.gate.replay import replay as run_again
    from tool_gym.packs.reader import load_pack
    from tool_gym.sandbox.executor import Executor
    from tool_gym.trajectory import read_trajectories

    rows, differing = [], 0
    with Executor(execution=_execution(execution)) as executor:
        for number, trajectory in enumerate(read_trajectories(file), 1):
            source = load_pack(pack or f"{trajectory.pack}-v{trajectory.version}")
            difference = run_again(trajectory, source, executor)
            verdict = "same" if difference is None else "excused" if difference.excused else "differs"
            differing += verdict == "differs"
            where = "" if difference is None else f"turn {difference.turn}, {difference.field}"
            rows.append({"line": number, "scenario": trajectory.scenario, "verdict": verdict, "where": where})
    show_table(f"{len(rows)} replayed, {differing} differ", rows, as_json=as_json)
    if differing:
        raise typer.Exit(1)


def _execution(name: str) -> Any:
    if name not in ("isolated", "embedded"):
        from tool_gym.errors import UnknownName

        raise UnknownName("execution", name, ["isolated", "embedded"])
    return name
