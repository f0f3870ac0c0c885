// Charts as SVG, drawn from the tables. Each run has a colour and a shape, so that no reading hangs on colour alone.

const SHAPES = ["circle", "square", "diamond", "triangle"];

function runColor(run) {
  return `var(--run-${run % 8})`;
}

function labelColor(name) {
  return `var(--label-${name})`;
}

function runPlace(name) {
  return index.runs.findIndex((run) => run.name === name);
}

/** The mark of a run, drawn around a point. */
function mark(run, x = 0, y = 0, size = 5) {
  const common = { fill: runColor(run), class: "mark" };
  const shape = SHAPES[(run + Math.floor(run / 8)) % SHAPES.length]; // a colour that comes again has another shape
  if (shape === "circle") return s("circle", { cx: x, cy: y, r: size, ...common });
  if (shape === "square")
    return s("rect", {
      x: x - size + 0.7,
      y: y - size + 0.7,
      width: 2 * size - 1.4,
      height: 2 * size - 1.4,
      ...common,
    });
  const up = shape === "triangle" ? size * 1.1 : size * 1.25;
  const points =
    shape === "triangle"
      ? [
          [0, -up],
          [up, up * 0.8],
          [-up, up * 0.8],
        ]
      : [
          [0, -up],
          [up, 0],
          [0, up],
          [-up, 0],
        ];
  return s("polygon", { points: points.map(([dx, dy]) => `${x + dx},${y + dy}`).join(" "), ...common });
}

function runMark(run) {
  return s(
    "svg",
    { width: 14, height: 14, viewBox: "-7 -7 14 14", class: "run-mark", "aria-hidden": "true" },
    mark(run),
  );
}

function runName(run) {
  return h("span", { class: "run-name" }, runMark(run), index.runs[run].name);
}

/** A mean with its interval on a line from 0 to 1, for a cell of a table. */
function whisker(run, [mean, low, high], width = 150) {
  const x = (value) => 8 + value * (width - 16);
  if (mean === null) return s("svg", { width, height: 18 });
  return s(
    "svg",
    {
      width,
      height: 18,
      viewBox: `0 0 ${width} 18`,
      role: "img",
      "aria-label": `${number(mean)}, 95 % interval ${number(low)} to ${number(high)}`,
    },
    s("line", { x1: x(0), x2: x(1), y1: 9, y2: 9, class: "axis" }),
    [0, 0.5, 1].map((tick) => s("line", { x1: x(tick), x2: x(tick), y1: 6, y2: 12, class: "axis" })),
    s("line", {
      x1: x(low),
      x2: x(high),
      y1: 9,
      y2: 9,
      stroke: runColor(run),
      "stroke-width": 3,
      "stroke-linecap": "round",
      opacity: 0.55,
    }),
    mark(run, x(mean), 9),
  );
}

/** Mean F1 of every run within each structure: one panel for each structure, one line for each run. */
function structureChart(rows) {
  const present = index.structures.filter((name) => rows.some((row) => row.structure === name));
  const runs = [...new Set(rows.map((row) => row.run))];
  const [panel, gap, left, line, top] = [212, 30, 150, 22, 34];
  const [width, height] = [left + present.length * (panel + gap), top + runs.length * line + 26];
  const chart = s("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label":
      "Mean Solve-F1 with 95 % intervals, by structure and run; the table of structures has the same figures",
  });
  runs.forEach((name, i) =>
    chart.append(
      mark(runPlace(name), 8, top + i * line + line / 2, 4.5),
      s("text", { x: 20, y: top + i * line + line / 2 + 4 }, clip(name, 19)),
    ),
  );
  present.forEach((structure, column) => {
    const start = left + column * (panel + gap);
    const x = (value) => start + value * panel;
    const bottom = top + runs.length * line;
    chart.append(s("text", { x: start, y: 18, class: "strong" }, structure.replaceAll("_", " ")));
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      chart.append(s("line", { x1: x(tick), x2: x(tick), y1: top - 4, y2: bottom, class: "grid" }));
      if ((tick * 2) % 1 === 0)
        chart.append(s("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle", class: "tick" }, String(tick)));
    }
    runs.forEach((name, i) => {
      const row = rows.find((each) => each.run === name && each.structure === structure);
      if (!row || row.solve_f1[0] === null) return;
      const [mean, low, high] = row.solve_f1;
      const [y, run] = [top + i * line + line / 2, runPlace(name)];
      chart.append(
        s(
          "a",
          { href: address({ view: "episodes", run: name, structure }) },
          s(
            "title",
            {},
            `${name}, ${structure.replaceAll("_", " ")}: ${number(mean)} (${number(low)} to ${number(high)}), ${row.episodes} episodes`,
          ),
          s("rect", { x: start, y: y - line / 2, width: panel, height: line, fill: "transparent" }),
          s("line", {
            x1: x(low),
            x2: x(high),
            y1: y,
            y2: y,
            stroke: runColor(run),
            "stroke-width": 3,
            "stroke-linecap": "round",
            opacity: 0.55,
          }),
          mark(run, x(mean), y, 4.5),
        ),
      );
    });
  });
  return chart;
}

/** How the episodes of each run ended, as one bar for each run; a segment leads to its episodes. */
function failureChart(rows) {
  const [left, bar, line] = [150, 938, 34];
  const height = rows.length * line + 6;
  const chart = s("svg", {
    viewBox: `0 0 ${left + bar + 10} ${height}`,
    width: left + bar + 10,
    height,
    role: "img",
    "aria-label": "Share of episodes by outcome and run; the table of outcomes has the same figures",
  });
  rows.forEach((row, i) => {
    const total = index.labels.reduce((sum, [name]) => sum + row[name], 0) || 1;
    const y = i * line + 4;
    chart.append(mark(runPlace(row.run), 8, y + 13, 4.5), s("text", { x: 20, y: y + 17 }, clip(row.run, 19)));
    let from = left;
    for (const [name, words] of index.labels) {
      const width = (row[name] / total) * bar;
      if (!width) continue;
      chart.append(
        s(
          "a",
          { href: address({ view: "episodes", run: row.run, label: name }) },
          s("title", {}, `${row.run}: ${words}, ${row[name]} of ${total} (${percent(row[name] / total)})`),
          s("rect", { x: from, y, width: Math.max(width - 1.5, 1), height: 26, rx: 2, fill: labelColor(name) }),
          width > 38 &&
            s(
              "text",
              { x: from + width / 2 - 0.75, y: y + 17, "text-anchor": "middle", class: `on-label on-${name}` },
              percent(row[name] / total),
            ),
        ),
      );
      from += width;
    }
  });
  return chart;
}

/** pass@k and pass^k as k grows. */
function passChart(rows, key, title) {
  const [width, height, left, bottom] = [520, 260, 40, 34];
  const most = Math.max(...rows.map((row) => row.k));
  const x = (k) => left + 12 + ((k - 1) / (most - 1)) * (width - left - 30);
  const y = (value) => 30 + (1 - value) * (height - bottom - 34);
  const chart = s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${title} by k and run` },
    s("text", { x: left, y: 16, class: "strong" }, title),
    [0, 0.25, 0.5, 0.75, 1].map((tick) => [
      s("line", { x1: left, x2: width - 8, y1: y(tick), y2: y(tick), class: "grid" }),
      s("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end", class: "tick" }, String(tick)),
    ]),
    Array.from({ length: most }, (_, i) => i + 1)
      .filter((k) => most <= 10 || k === 1 || k === most || (k % 4 === 0 && most - k > 2))
      .map((k) =>
        s(
          "text",
          { x: x(k), y: height - 10, "text-anchor": "middle", class: "tick" },
          k === most ? `k = ${k}` : String(k),
        ),
      ),
  );
  for (const name of new Set(rows.map((row) => row.run))) {
    const run = runPlace(name);
    const points = rows.filter((row) => row.run === name).map((row) => [x(row.k), row[key].map(y)]);
    const band = [
      ...points.map(([px, [, low]]) => `${px},${low}`),
      ...points.toReversed().map(([px, [, , high]]) => `${px},${high}`),
    ];
    chart.append(
      s("polygon", { points: band.join(" "), fill: runColor(run), opacity: 0.12 }),
      s("polyline", {
        points: points.map(([px, [mean]]) => `${px},${mean}`).join(" "),
        fill: "none",
        stroke: runColor(run),
        "stroke-width": 2,
      }),
      ...points.map(([px, [mean]]) => mark(run, px, mean, 3.5)),
    );
  }
  return chart;
}

function clip(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}
