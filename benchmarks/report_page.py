"""How the report bears ten thousand episodes: time to make it, its size, and how fast a browser opens and filters it.

Twelve scripted policies play the shipped pack: the oracle, oracles that err at several rates, a random policy, attacks.
The page is then opened in headless Chromium, which must be installed, as must the package playwright.

python benchmarks/report_page.py --json benchmarks/results/report_page.json --pictures benchmarks/results
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from tool_gym.attacks import ATTACKS
from tool_gym.evaluation.results import TRAJECTORIES, open_runs
from tool_gym.evaluation.tables import tables
from tool_gym.gate.attacks import AttackPolicy
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.report.page import Page
from tool_gym.report.questions import Questions
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.schema import sample_arguments
from tool_gym.trajectory import write_trajectories

SHOWN_ATTACKS = ("spam_tools", "every_entity", "repeat_solved_call", "parallel_shotgun", "every_value_seen")
PICTURED = (
    "view=episodes&run=erring-50&label=wrong_argument&episode=erring-50~days-between-designers~3&with=oracle&turn=1"
)
MISTAKES = ("forget", "arguments", "tool", "malformed", "answer")


class ErringOracle(Policy):
    """An oracle that errs in a share of its turns, in each of the ways of `MISTAKES`."""

    def __init__(self, pack: Pack, rate: float, seed: int = 0) -> None:
        self._oracle, self._rate, self._seed = OraclePolicy(pack), rate, seed

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        found = zip(requests, self._oracle.act(requests), strict=True)
        return [Decision(self._spoil(request, decision.message)) for request, decision in found]

    def _spoil(self, request: Request, message: Any) -> Any:
        rng = np.random.default_rng([self._seed, request.seed, request.info["turn"]])
        if rng.random() >= self._rate:
            return message
        mistake = MISTAKES[int(rng.integers(len(MISTAKES)))]
        if mistake == "forget" or not message.tool_calls:
            return AssistantMessage(content="I could not find that out. <answer>unknown</answer>")
        first, *others = message.tool_calls
        functions = {tool["function"]["name"]: tool["function"] for tool in request.observation["tools"]}
        name = first.name if mistake != "tool" else sorted(functions)[int(rng.integers(len(functions)))]
        if mistake == "malformed":
            spoilt = ToolCall(name=name, raw=f'{{"name": "{name}", "arguments": {{', error="the call is not JSON")
        else:
            spoilt = ToolCall(name=name, arguments=sample_arguments(functions[name]["parameters"], rng))
        return AssistantMessage(tool_calls=(spoilt, *others))


def policies(pack: Pack) -> dict[str, Policy]:
    made: dict[str, Policy] = {"oracle": OraclePolicy(pack), "random": RandomPolicy(0)}
    made |= {f"erring-{rate:02}": ErringOracle(pack, rate / 100) for rate in (5, 15, 30, 50, 75)}
    return made | {name.replace("_", "-"): AttackPolicy(ATTACKS[name], pack) for name in SHOWN_ATTACKS}


def play_runs(folder: Path, repetitions: int, chosen: Sequence[str] = ()) -> list[Path]:
    """Plays every policy on the shipped pack and writes a run's folder for each."""
    pack = load_pack("starter")
    todo = plays(pack.ids("all"), repetitions)
    with Executor() as executor:
        for name, policy in policies(pack).items():
            if chosen and name not in chosen:
                continue
            finished = dict(rollout(policy, pack, todo, executor, at_once=256, max_turns=12))
            (folder / name).mkdir()
            write_trajectories(folder / name / TRAJECTORIES, [finished[play] for play in todo])
            about = {"policy": name, "pack": pack.name, "pack version": pack.version, "seed": 0, "k": repetitions}
            (folder / name / "run.json").write_text(json.dumps(about), encoding="utf-8")
    return sorted(path for path in folder.iterdir() if path.is_dir())


def make_page(runs: Sequence[Path]) -> str:
    opened = open_runs(list(runs))
    page = Page(opened, Questions(), "Tool use, episode by episode")
    results: dict[str, list[Any]] = {run.name: [] for run in opened}
    for run in opened:
        for trajectory, result in run.episodes():
            results[run.name].append(result)
            page.add(run, trajectory, result)
    return page.html(tables(results))


_MEASURE = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const timed = async (act) => {
    const from = performance.now();
    act();
    await frame();
    return performance.now() - from;
  };
  const worst = async (acts) => {
    let most = 0;
    for (const act of acts) most = Math.max(most, await timed(act));
    return most;
  };
  const visit = (hash) => () => {
    history.replaceState(null, "", "#" + hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  };
  const first = await timed(visit("view=episodes"));
  const [search, rows] = [document.querySelector("input[type=search]"), document.querySelector(".rows")];
  const type = (text) => () => {
    search.value = text;
    search.dispatchEvent(new Event("input"));
  };
  const press = (key) => () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const scroll = (part) => () => { rows.scrollTop = rows.scrollHeight * part; };
  const range = (count) => Array.from({ length: count }, (_, i) => i);
  return {
    first_list_ms: first,
    search_ms: await worst(["f", "fe", "ferry", ""].map(type)),
    filter_ms: await worst(["label=wrong_tool", "run=random", "sort=low", ""].map((f) => visit("view=episodes&" + f))),
    scroll_ms: await worst(range(30).map((i) => scroll((i + 1) / 30))),
    step_ms: await worst(range(60).map((i) => press(i % 3 ? "ArrowRight" : "j"))),
  };
}"""
"""Milliseconds until the next frame is drawn, each the worst of several."""


def browse(page_file: Path, pictures: Path | None) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        began = time.perf_counter()
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-ready]")
        opened = time.perf_counter() - began
        if pictures:
            take_pictures(page, pictures)
        found = page.evaluate(_MEASURE)
        browser.close()
    if problems:
        raise SystemExit(f"the page reports: {problems[0]}")
    return {"open_s": round(opened, 2)} | {name: round(value, 1) for name, value in found.items()}


def take_pictures(page: Any, folder: Path) -> None:
    """The overview by day, and two runs on one scenario by night."""
    folder.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": 1280, "height": 1620})
    page.screenshot(path=folder / "report.png")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(page.url.split("#")[0] + "#" + PICTURED)
    page.wait_for_selector(".two")
    page.screenshot(path=folder / "report_episode.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def main(
    repetitions: Annotated[int, typer.Option(help="Episodes of each of 32 scenarios and 12 policies.", min=1)] = 27,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Write pictures of the page into this folder.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep runs and page in this folder, which must not exist.")] = None,
) -> None:
    """Plays, makes the page, opens it, and prints what each took."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary) / "runs"
        folder.mkdir()
        began = time.perf_counter()
        runs = play_runs(folder, repetitions)
        played = time.perf_counter()
        html = make_page(runs)
        made = time.perf_counter()
        (folder / "report.html").write_text(html, encoding="utf-8")
        sizes = sum((run / TRAJECTORIES).stat().st_size for run in runs)
        figures = {
            "command": "python benchmarks/report_page.py",
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
            "episodes": repetitions * 32 * len(runs),
            "trajectories_mb": round(sizes / 1e6, 1),
            "play_s": round(played - began, 1),
            "make_page_s": round(made - played, 1),
            "page_mb": round(len(html) / 1e6, 1),
            **browse(folder / "report.html", pictures),
        }
    print(json.dumps(figures, indent=1))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
