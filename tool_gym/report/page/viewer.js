// The viewer: one episode turn by turn, or two of the same scenario side by side.

const CLIPPED_LINES = 14;

/** A block of text that a model or a tool wrote; long ones open on demand. */
function block(text, kind) {
  const body = h("pre", { class: kind, dir: "auto" }, text);
  if (text.split("\n").length <= CLIPPED_LINES + 3 && text.length < 1500) return body;
  body.classList.add("clipped");
  const more = h(
    "button",
    {
      type: "button",
      class: "plain",
      onclick: () => {
        body.classList.remove("clipped");
        more.remove();
      },
    },
    `show all (${text.length.toLocaleString("en")} characters)`,
  );
  return [body, more];
}

function chip(verdict, check) {
  const [, words] = index.verdicts.find(([name]) => name === verdict);
  return h("span", { class: `chip verdict-${verdict}` }, check ? `${words} ${check}` : words);
}

function callCard(call) {
  return h(
    "div",
    { class: "call" },
    h("div", { class: "call-head" }, h("code", {}, call.name || "(no name)"), chip(call.verdict, call.check)),
    call.error && h("p", { class: "problem", dir: "auto" }, call.error),
    call.arguments && call.arguments !== "{}" && block(call.arguments, "arguments"),
    h("div", { class: "result-head" }, call.status === "ok" ? "returned" : call.status.replaceAll("_", " ")),
    block(call.result, call.status === "ok" ? "result" : "result failed"),
  );
}

function turnCard(turn, place, before, current, select) {
  const notes = [`reward ${signed(turn.reward)}`, `${turn.solved} of ${turn.total} solved`, `F1 ${number(turn.f1, 2)}`];
  const parts = Object.entries(turn.components);
  return h(
    "article",
    { class: "turn", "aria-current": current ? "step" : null, onclick: () => select(place) },
    h(
      "header",
      {},
      h("h4", {}, `Turn ${place + 1}`),
      h(
        "span",
        {
          class: turn.solved > before ? "earned good" : turn.reward < 0 ? "earned bad" : "earned",
          title: parts.map(([name, value]) => `${name} ${signed(value)}`).join("\n"),
        },
        notes.join(" · "),
      ),
    ),
    turn.reasoning &&
      h("details", { class: "reasoning" }, h("summary", {}, "reasoning"), block(turn.reasoning, "said")),
    turn.error && h("p", { class: "problem", dir: "auto" }, turn.error),
    turn.content && block(turn.content, "said"),
    turn.calls.map(callCard),
    !turn.calls.length && !turn.content && h("p", { class: "note" }, "an empty reply"),
  );
}

function stepper(turns, current, select) {
  return h(
    "nav",
    { class: "stepper", "aria-label": "Turns" },
    turns.map((turn, place) => {
      const solved = turn.solved > (place ? turns[place - 1].solved : 0);
      const bad = turn.calls.some((call) => !["solved", "unneeded", "unjudged"].includes(call.verdict));
      const kind = solved ? "good" : bad ? "bad" : "plain-turn";
      return h(
        "button",
        {
          type: "button",
          class: kind,
          "aria-current": place === current ? "step" : null,
          title: solved
            ? "solved something"
            : bad
              ? "a call failed or solved nothing"
              : turn.calls.length
                ? "calls"
                : "a reply",
          onclick: () => select(place),
        },
        turn.calls.length ? String(place + 1) : `${place + 1}✎`,
      );
    }),
  );
}

/** The checks, solved or open as they stood after the current turn. */
function checks(data, current) {
  const calls = data.turns.slice(0, current + 1).flatMap((turn) => turn.calls);
  const solved = new Set(calls.map((call) => call.check).filter(Boolean));
  if (current === data.turns.length - 1) data.state_solved.forEach((id) => solved.add(id));
  const item = (name, done) => h("li", { class: done ? "solved" : "" }, `${done ? "●" : "○"} ${name}`);
  return h(
    "ul",
    { class: "checks" },
    data.checks.map((check) => item(check.id, solved.has(check.id))),
    data.answer !== null && item("answer", data.turns[current]?.answer_correct),
  );
}

/** What the verifier knows: what each check asks for, the reference call, the value it expects. */
function goldTable(data) {
  const reference = (check) =>
    check.state !== undefined ? `state ${check.state}` : [check.tool, check.arguments].filter(Boolean).join(" ");
  const rows = data.checks.map((check) => [
    check.id,
    [h("p", { dir: "auto" }, check.question), h("code", {}, reference(check))],
    h("code", { dir: "auto" }, check.expected),
  ]);
  if (data.answer !== null) rows.push(["answer", "", h("code", { dir: "auto" }, data.answer)]);
  return h("div", { class: "gold scroll" }, table(["check", "what it asks, and the reference", "expects"], rows));
}

/** One episode as a column. */
function column(episode, data, state) {
  const last = data.turns.length - 1;
  const chosen = Number(state.turn) >= 1; // without a chosen turn the checks stand as at the end
  const current = chosen ? Math.min(Number(state.turn) - 1, last) : last;
  const select = (place) => go({ turn: place + 1 });
  const [label, words, meaning] = index.labels[episode.label];
  const users = episode.scenario.turns.slice(1);
  const cards = data.turns.flatMap((turn, place) => {
    const card = turnCard(turn, place, place ? data.turns[place - 1].solved : 0, chosen && place === current, select);
    const next = turn.calls.length ? undefined : users.shift();
    return next === undefined ? [card] : [card, h("div", { class: "user", dir: "auto" }, next)];
  });
  return h(
    "div",
    { class: "column" },
    h(
      "header",
      {},
      h("h3", {}, runName(episode.run)),
      h(
        "p",
        { class: "outcome", title: meaning },
        swatch(label),
        h("strong", {}, words),
        data.termination ? ` · ended by ${data.termination.replaceAll("_", " ")}` : "",
      ),
      h(
        "p",
        { class: "note" },
        `F1 ${number(episode.f1)} · return ${number(episode.earned)} · ${plural(episode.calls, "call")} · attempt ${episode.repetition + 1} · seed ${data.seed} · ${data.reward}, ${data.matcher}`,
      ),
    ),
    data.failure && h("p", { class: "problem", dir: "auto" }, data.failure),
    h("div", { class: "position" }, stepper(data.turns, chosen ? current : -1, select), checks(data, current)),
    Boolean(state.gold) && goldTable(data),
    cards,
  );
}

/** The pane on the right. */
class Viewer {
  constructor() {
    this.root = h("main", { class: "viewer", tabindex: -1 });
  }

  async update(state) {
    const episode = byName.get(state.episode);
    if (!episode) {
      [this.drawn, this.turns] = [undefined, 0];
      this.root.replaceChildren(
        h(
          "div",
          { class: "empty" },
          h("p", {}, state.episode ? "This page holds no such episode." : "Choose an episode."),
          h("p", { class: "note" }, "j and k go from one to the next, ← and → from turn to turn."),
        ),
      );
      return;
    }
    const key = JSON.stringify([state.episode, state.turn, state.with, state.gold]);
    if (key === this.drawn) return;
    const [from, fromTurn] = this.drawn ? JSON.parse(this.drawn) : [];
    const moved = from !== state.episode;
    this.drawn = key;
    const run = runPlace(state.with);
    const other = run >= 0 && run !== episode.run ? counterpart(episode, run) : undefined;
    const shown = [episode, ...(other ? [other] : [])];
    const loaded = await Promise.all(shown.map((each) => loadEpisode(each.place)));
    if (this.drawn !== key) return; // the reader has gone on
    this.turns = Math.max(...loaded.map((data) => data.turns.length));
    const columns = shown.map((each, i) => column(each, loaded[i], state));
    const scrolled = this.root.scrollTop;
    this.root.replaceChildren(
      this.head(episode, state, other),
      h("div", { class: other ? "columns two" : "columns" }, columns),
    );
    this.root.scrollTop = moved ? 0 : scrolled;
    if (moved || fromTurn !== state.turn) {
      columns[0].querySelector(".turn[aria-current]")?.scrollIntoView({ block: "nearest" });
    }
  }

  head(episode, state, other) {
    const others = index.runs
      .map((run) => run.name)
      .filter((name, run) => run !== episode.run && counterpart(episode, run));
    const compare = h(
      "select",
      { id: "compare", onchange: (event) => go({ with: event.target.value }) },
      h("option", { value: "" }, "nothing"),
      others.map((name) => h("option", { value: name }, name)),
    );
    compare.value = other ? index.runs[other.run].name : "";
    const structure = index.structures[episode.structure].replaceAll("_", " ");
    return h(
      "div",
      { class: "scenario" },
      h(
        "div",
        { class: "scenario-head" },
        h("h2", { dir: "auto" }, episode.scenario.id),
        h("span", { class: "note" }, [structure, episode.scenario.pack].filter(Boolean).join(" · ")),
        h(
          "span",
          { class: "tools" },
          h("label", {}, "compare with ", compare),
          h(
            "button",
            {
              type: "button",
              "aria-pressed": String(Boolean(state.gold)),
              onclick: () => go({ gold: state.gold ? "" : 1 }),
            },
            "gold",
          ),
          h(
            "button",
            {
              type: "button",
              onclick: (event) => {
                navigator.clipboard?.writeText(location.href);
                event.target.textContent = "copied";
              },
            },
            "copy link",
          ),
        ),
      ),
      episode.scenario.turns.length > 0
        ? h("div", { class: "user", dir: "auto" }, episode.scenario.turns[0])
        : h(
            "p",
            { class: "note" },
            "The question is in the scenario's pack, which was not found when this page was made.",
          ),
    );
  }

  /** Goes some turns on; from no turn, to the first or the last. */
  step(by, state) {
    const now = Number(state.turn) || (by > 0 ? 0 : this.turns + 1);
    go({ turn: Math.min(Math.max(now + by, 1), this.turns) });
  }
}
