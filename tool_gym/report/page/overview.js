// The overview: leaderboard, charts, and the tables behind them.

function section(title, note, ...content) {
  return h(
    "section",
    {},
    h("h2", {}, title),
    note && h("p", { class: "note" }, note),
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, content),
  );
}

function table(head, rows) {
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        head.map((name, i) => h("th", { scope: "col", class: i ? "figure" : "" }, name)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((cells) =>
        h(
          "tr",
          {},
          cells.map((cell, i) => (i ? h("td", { class: "figure" }, cell) : h("th", { scope: "row" }, cell))),
        ),
      ),
    ),
  );
}

const DIGITS = { turns: 1, calls: 1, tokens: 0, cost: 4, seconds: 2 };

function interval(cell, name) {
  const digits = DIGITS[name] ?? 3;
  return cell[0] === null
    ? "–"
    : h(
        "span",
        { title: `95 % interval ${number(cell[1], digits)} to ${number(cell[2], digits)}` },
        number(cell[0], digits),
      );
}

function leaderboard() {
  const rows = index.tables.leaderboard;
  const shown = Object.keys(index.figures).filter((name) => rows.some((row) => row[name][0] !== null));
  const head = ["run", "Solve-F1 from 0 to 1", "", ...shown.slice(1).map((name) => index.figures[name]), "episodes"];
  const lines = rows.map((row) => {
    const run = runPlace(row.run);
    return [
      h("a", { href: address({ view: "episodes", run: row.run }) }, runName(run)),
      whisker(run, row.solve_f1),
      h(
        "span",
        {},
        h("strong", {}, number(row.solve_f1[0])),
        h("span", { class: "range" }, ` ${number(row.solve_f1[1], 2)}–${number(row.solve_f1[2], 2)}`),
      ),
      ...shown.slice(1).map((name) => interval(row[name], name)),
      h("span", { title: `${row.scenarios} scenarios` }, row.episodes.toLocaleString("en")),
    ];
  });
  return section(
    "Leaderboard",
    "Means over episodes with 95 % intervals, from scenarios drawn again with replacement. Hold the pointer over a figure to see its interval.",
    table(head, lines),
  );
}

function structures() {
  const rows = index.tables.structures;
  return section("By structure", "Mean Solve-F1. Each line leads to its episodes.", structureChart(rows));
}

function outcomes() {
  const rows = index.tables.failures;
  const present = index.labels.filter(([name]) => rows.some((row) => row[name]));
  const key = h(
    "ul",
    { class: "key" },
    present.map(([name, words, meaning]) => h("li", { title: meaning }, swatch(name), words)),
  );
  return section(
    "How episodes end",
    "One label for each episode. Each segment leads to its episodes.",
    failureChart(rows),
    key,
    h(
      "details",
      {},
      h("summary", {}, "The same as a table, with what the labels mean"),
      table(
        ["outcome", "", ...rows.map((row) => row.run)],
        present.map(([name, words, meaning]) => [
          h("span", {}, swatch(name), words),
          h("span", { class: "meaning" }, meaning),
          ...rows.map((row) => row[name].toLocaleString("en")),
        ]),
      ),
    ),
  );
}

function callTable() {
  const rows = index.tables.calls;
  const present = index.verdicts.filter(([name]) => rows.some((row) => row[name]));
  return section(
    "What became of the calls",
    null,
    table(
      ["run", ...present.map(([, words]) => words), "all"],
      rows.map((row) => [
        runName(runPlace(row.run)),
        ...present.map(([name]) =>
          row[name]
            ? h(
                "a",
                { href: address({ view: "episodes", run: row.run, verdict: name }) },
                row[name].toLocaleString("en"),
              )
            : "–",
        ),
        present.reduce((sum, [name]) => sum + row[name], 0).toLocaleString("en"),
      ]),
    ),
  );
}

function passCurves() {
  const rows = index.tables.pass_k.filter((row) =>
    index.tables.pass_k.some((other) => other.run === row.run && other.k > 1),
  );
  if (!rows.length) return null;
  return section(
    "Several attempts at a scenario",
    "Success means all checks solved and the answer right. pass@k: at least one of k attempts; pass^k: all of them.",
    h("div", { class: "pair" }, passChart(rows, "pass_at_k", "pass@k"), passChart(rows, "pass_hat_k", "pass^k")),
    h(
      "ul",
      { class: "key" },
      [...new Set(rows.map((row) => row.run))].map((name) => h("li", {}, runName(runPlace(name)))),
    ),
  );
}

function comparisons() {
  const rows = index.tables.comparisons;
  if (!rows.length) return null;
  return section(
    `Against ${rows[0].against}`,
    "The same scenarios in both runs. Difference of means with a 95 % interval from a paired bootstrap; p from the exact sign test over scenarios (McNemar's, where each was played once).",
    table(
      ["run", "figure", "difference", "95 % interval", "better on", "worse on", "scenarios", "p"],
      rows.map((row) => [
        runName(runPlace(row.run)),
        index.figures[row.figure],
        signed(row.difference[0]),
        `${signed(row.difference[1])} to ${signed(row.difference[2])}`,
        row.better,
        row.worse,
        row.scenarios,
        row.p_value < 0.001 ? "< 0.001" : row.p_value.toFixed(3),
      ]),
    ),
  );
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
}

function swatch(label) {
  const box = h("span", { class: "swatch" });
  box.style.background = labelColor(label);
  return box;
}

function abouts() {
  const told = index.runs.filter((run) => run.about.length);
  if (!told.length) return null;
  return section(
    "How the runs were made",
    null,
    told.map((run) =>
      h(
        "details",
        {},
        h("summary", {}, runName(runPlace(run.name))),
        h(
          "dl",
          { class: "about" },
          run.about.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]),
        ),
      ),
    ),
  );
}

function overview() {
  return h(
    "div",
    { class: "overview" },
    leaderboard(),
    structures(),
    outcomes(),
    passCurves(),
    comparisons(),
    callTable(),
    abouts(),
  );
}
