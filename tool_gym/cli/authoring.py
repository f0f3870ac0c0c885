"""Commands for who writes a pack: pack new, test, build, diff, dialect. Each ends by naming the next."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from tool_gym.cli.output import show_json, show_table, stdout
from tool_gym.cli.packs import fetch
from tool_gym.cli.play import AsJson
from tool_gym.errors import InputError, PackError

if TYPE_CHECKING:
    from tool_gym.packs.reader import Pack

app = typer.Typer(help="Write packs.", no_args_is_help=True)

Sources = Annotated[Path, typer.Argument(help="Folder with pack.toml, tools.py, scenarios.toml and tables/.")]


def register(parent: typer.Typer) -> None:
    """Adds the commands."""
    app.command("test")(prove)
    for command in (new, build, diff, fetch, dialect):
        app.command()(command)
    parent.add_typer(app, name="pack")


def new(
    folder: Annotated[Path, typer.Argument(metavar="NAME", help="Name of the pack, the folder to make.")],
    bare: Annotated[bool, typer.Option("--bare", help="Leave out what makes it an installable package.")] = False,
) -> None:
    """Lay out the sources of a small pack that builds as it stands, to be rewritten into your own."""
    from tool_gym.authoring.project import new_pack

    made = new_pack(folder, bare=bare)
    _say(f"Made {folder}: {', '.join(str(path.relative_to(folder.absolute())) for path in made)}")
    _say(
        f"It works as it is. Write your tools in {folder / 'tools.py'}, your questions in {folder / 'scenarios.toml'};"
    )
    _say(f"then, and after every change: tool-gym pack test {folder}")


def build(
    folder: Sources,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the pack, where an older build is replaced; by default in the project's package."),
    ] = None,
    show_results: Annotated[bool, typer.Option(help="Print what each reference call returned.")] = False,
) -> None:
    """Compile a pack's sources, replaying every reference call in the sandbox."""
    from tool_gym.authoring.build import build_pack
    from tool_gym.authoring.project import built_folder

    target = out or built_folder(folder)
    pack = build_pack(folder, target, show=_say if show_results else None)
    _say(f"Built {pack.name} version {pack.version}: {len(pack)} scenarios in {target}")
    _say(f"Check it: tool-gym validate {_as_path(target)}   Play it: tool-gym play {_as_path(target)}")
    if (folder / "pyproject.toml").is_file():
        _say(f"Register its environments: pip install {_as_path(folder)} && tool-gym packs")


class Trial(NamedTuple):
    """One thing that `pack test` tried: its name, whether it went well, and what there is to say."""

    what: str
    passed: bool
    said: str


def prove(folder: Sources, as_json: AsJson = False) -> None:
    """Compile a pack aside, check it as `validate` does, play every scenario, and run its own tests."""
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory() as aside:
        for trial in _trials(folder, Path(aside) / "pack"):
            trials.append(trial)
            if not as_json:
                stdout.print(f"{'[green]passed' if trial.passed else '[red]failed'}[/]  {trial.what}")
                _say(trial.said)
    passed = all(trial.passed for trial in trials)
    if as_json:
        show_json([trial._asdict() for trial in trials])
    elif passed:
        _say(f"All passed. Write the pack: tool-gym pack build {folder}")
    else:
        _say(f"Mend what is named above, then run again: tool-gym pack test {folder}")
    if not passed:
        raise typer.Exit(2)


def _trials(folder: Path, aside: Path) -> Iterator[Trial]:
    from tool_gym.authoring.build import build_pack
    from tool_gym.authoring.project import built_folder
    from tool_gym.gate.examine import examine

    try:
        pack = build_pack(folder, aside)
    except PackError as error:
        yield Trial("build: every reference call returns what its step expects", False, str(error))
        return
    yield Trial("build: every reference call returns what its step expects", True, _scenarios(len(pack)))
    report = examine(pack)
    said = "\n".join(f"{finding.level}: {finding.scenario}: {finding.message}" for finding in report.findings)
    if any(finding.check == "attacks" for finding in report.findings):
        built = _as_path(built_folder(folder))
        said += f"\nTo see what the attack does: tool-gym pack build {folder}; tool-gym attack {built}"
    yield Trial("gate: as `tool-gym validate` has it", report.passes(), said or "nothing found")
    yield _played(pack)
    if any(folder.glob("test_*.py")):
        yield _own_tests(folder)


def _scenarios(count: int) -> str:
    return f"{count} scenario{'' if count == 1 else 's'}"


def _played(pack: Pack) -> Trial:
    """Plays every scenario by its reference calls and its answer."""
    from tool_gym.policies.scripted import OraclePolicy
    from tool_gym.rollouts import plays, rollout
    from tool_gym.sandbox.executor import Executor

    short = []
    with Executor() as executor:
        for play, trajectory in rollout(OraclePolicy(pack), pack, plays(pack), executor):
            score = trajectory.transitions[-1].score
            if score.solved < score.total or not (score.answer_correct or pack[play.scenario].answer is None):
                answer = "right" if score.answer_correct else "not right"
                short.append(f"{play.scenario}: {score.solved} of {score.total} checks solved, answer {answer}")
    said = "\n".join(short) or "each to its full score"
    return Trial("play: the reference calls and the answer earn everything", not short, said)


def _own_tests(folder: Path) -> Trial:
    """Runs the author's tests in a process of their own."""
    what = f"tests: {', '.join(sorted(path.name for path in folder.glob('test_*.py')))}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if "No module named pytest" in result.stderr:
        return Trial(what, False, "pytest is not installed; run: pip install pytest")
    return Trial(what, result.returncode == 0, (result.stdout + result.stderr).strip())


def diff(
    old: Annotated[str, typer.Argument(help="Name or folder of the pack as it was.")],
    new: Annotated[str, typer.Argument(help="Name or folder of the pack as it is.")],
    as_json: AsJson = False,
) -> None:
    """Tell what changed between two builds of a pack. Exit code 2: players notice it, and the version is not higher."""
    from tool_gym.authoring.diff import diff_packs
    from tool_gym.packs.reader import load_pack
    from tool_gym.sandbox.executor import Executor

    before, after = load_pack(old), load_pack(new)
    if before.native or after.native:
        raise InputError("a pack of plain Python tools cannot be compared: nothing runs its tools unasked")
    with Executor() as executor:
        changes = list(diff_packs(before, after, executor))
    show_table(
        f"{before.name} version {before.version} -> {after.name} version {after.version}",
        [change._asdict() for change in changes],
        as_json=as_json,
    )
    played = sum(change.played for change in changes)
    late = played > 0 and after.version <= before.version
    if not as_json:
        _say(f"{len(changes)} changes, {played} of which players can notice.")
        if late:
            _say(f"Raise `version` in pack.toml to {before.version + 1} and build it again: results of both versions")
            _say("would else pass as one.")
    if late:
        raise typer.Exit(2)


def dialect() -> None:
    """Print the reference of the dialect that tools are written in, as Markdown."""
    from tool_gym.sandbox.reference import dialect_page

    print(dialect_page())


def _say(line: str) -> None:
    stdout.print(line, markup=False, soft_wrap=True)


def _as_path(folder: Path) -> str:
    """A folder as commands take it that would read a bare word as a name."""
    return str(folder) if folder.is_absolute() else f"./{folder}"
