// The list of episodes: filters with counts, and rows that exist only while they are in sight.

const ROW = 58; // pixels of a row, as in page.css
const STRUCTURE_SIGNS = { single_hop: "●", parallel_single_hop: "●●", multi_hop: "●→●", parallel_multi_hop: "⇉●" };
const SORTS = {
  "": ["as played", (a, b) => a.place - b.place],
  low: ["lowest F1 first", (a, b) => a.f1 - b.f1 || a.place - b.place],
  high: ["highest F1 first", (a, b) => b.f1 - a.f1 || a.place - b.place],
  calls: ["most calls first", (a, b) => b.calls - a.calls || a.place - b.place],
  scenario: [
    "by scenario",
    (a, b) => a.scenarioPlace - b.scenarioPlace || a.run - b.run || a.repetition - b.repetition,
  ],
};

/** For each filter: its title, its options as [name, words], and the places of the options that an episode has. */
const FACETS = {
  run: ["Run", index.runs.map((run) => [run.name, run.name]), (episode) => [episode.run]],
  label: ["Outcome", index.labels.map(([name, words]) => [name, words]), (episode) => [episode.label]],
  structure: [
    "Structure",
    index.structures.map((name) => [name, name.replaceAll("_", " ")]),
    (episode) => [episode.structure],
  ],
  tool: ["Tool called", index.tools.map((name) => [name, name]), (episode) => episode.tools],
  verdict: ["Has a call that is", index.verdicts, (episode) => episode.verdicts],
};

/** The episodes that pass the filters, sorted; and for each filter how many each of its options would leave. */
function filtered(state) {
  const words = (state.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const found = index.scenarios.map((scenario) => words.every((word) => scenario.text.includes(word)));
  const wanted = FILTERS.filter((name) => state[name]).map((name) => [
    name,
    FACETS[name][1].findIndex(([option]) => option === state[name]),
  ]);
  const counts = Object.fromEntries(FILTERS.map((name) => [name, new Uint32Array(FACETS[name][1].length)]));
  const passing = [];
  for (const episode of episodes) {
    if (!found[episode.scenarioPlace]) continue;
    const missed = wanted.filter(([name, place]) => !FACETS[name][2](episode).includes(place));
    if (missed.length > 1) continue;
    if (!missed.length) passing.push(episode);
    for (const name of missed.length ? [missed[0][0]] : FILTERS) {
      for (const place of FACETS[name][2](episode)) counts[name][place] += 1;
    }
  }
  return { passing: passing.sort((SORTS[state.sort ?? ""] ?? SORTS[""])[1]), counts };
}

/** The pane on the left. It is made once; `update` brings it to a state. */
class EpisodeList {
  constructor() {
    this.shown = [];
    this.search = h("input", {
      type: "search",
      placeholder: "Search scenarios",
      "aria-label": "Search scenarios",
      oninput: () => go({ q: this.search.value }),
    });
    this.selects = Object.fromEntries(
      FILTERS.map((name) => [name, h("select", { onchange: (event) => go({ [name]: event.target.value }) })]),
    );
    this.sort = h(
      "select",
      { onchange: () => go({ sort: this.sort.value }) },
      Object.entries(SORTS).map(([name, [words]]) => h("option", { value: name }, words)),
    );
    this.count = h("p", { class: "count", role: "status" });
    this.clear = h(
      "button",
      {
        type: "button",
        class: "plain",
        onclick: () => go(Object.fromEntries([...FILTERS, "q"].map((name) => [name, ""]))),
      },
      "clear filters",
    );
    this.space = h("div", { class: "space" });
    this.box = h(
      "div",
      { class: "rows", tabindex: 0, role: "listbox", "aria-label": "Episodes", onscroll: () => this.draw() },
      this.space,
    );
    this.root = h(
      "aside",
      { class: "list" },
      h(
        "form",
        { class: "filters", onsubmit: (event) => event.preventDefault() },
        this.search,
        FILTERS.map((name) => h("label", {}, h("span", {}, FACETS[name][0]), this.selects[name])),
        h("label", {}, h("span", {}, "Order"), this.sort),
      ),
      h("div", { class: "counts" }, this.count, this.clear),
      this.box,
    );
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  update(state) {
    const query = JSON.stringify([...FILTERS, "q", "sort"].map((name) => state[name] ?? ""));
    this.selected = state.episode;
    if (query !== this.query) {
      this.query = query;
      const { passing, counts } = filtered(state);
      this.shown = passing;
      if (document.activeElement !== this.search) this.search.value = state.q ?? "";
      this.sort.value = state.sort ?? "";
      for (const name of FILTERS) this.options(name, counts[name], state[name] ?? "");
      this.count.textContent = `${passing.length.toLocaleString("en")} of ${episodes.length.toLocaleString("en")} episodes`;
      this.clear.hidden = ![...FILTERS, "q"].some((name) => state[name]);
      this.space.style.height = `${passing.length * ROW}px`;
      this.box.scrollTop = 0;
    }
    const place = this.place();
    if (place >= 0) {
      const [top, height] = [place * ROW, this.box.clientHeight];
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      else if (top + ROW > this.box.scrollTop + height) this.box.scrollTop = top + ROW - height;
    }
    this.draw();
  }

  options(name, counts, value) {
    const all = h("option", { value: "" }, "all");
    const kept = FACETS[name][1]
      .map(([option, words], place) => [option, words, counts[place]])
      .filter(([option, , count]) => count || option === value);
    this.selects[name].replaceChildren(
      all,
      ...kept.map(([option, words, count]) =>
        h("option", { value: option }, `${clip(words, 40)} (${count.toLocaleString("en")})`),
      ),
    );
    this.selects[name].value = value;
  }

  /** Where the selected episode stands in the list, -1 if it is filtered out. */
  place() {
    return this.shown.findIndex((episode) => nameOf(episode) === this.selected);
  }

  /** The episode so many rows from the selected one, or the first. */
  neighbour(step) {
    const place = this.place();
    return this.shown[place < 0 ? 0 : Math.min(Math.max(place + step, 0), this.shown.length - 1)];
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - 4);
    const last = Math.min(this.shown.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW) + 4);
    this.space.replaceChildren(...this.shown.slice(first, last).map((episode, i) => this.row(episode, first + i)));
  }

  row(episode, place) {
    const [label, words] = index.labels[episode.label];
    const name = nameOf(episode);
    const structure = index.structures[episode.structure];
    const line = h(
      "a",
      {
        class: "row",
        role: "option",
        "aria-selected": String(name === this.selected),
        "aria-posinset": place + 1,
        "aria-setsize": this.shown.length,
        tabindex: -1,
        href: address({ ...where(), episode: name, turn: "" }),
      },
      h(
        "span",
        { class: "first" },
        runMark(episode.run),
        h("b", { dir: "auto" }, episode.scenario.id),
        episode.repetition > 0 && h("i", {}, `#${episode.repetition + 1}`),
        h("span", { class: "f1" }, number(episode.f1, 2)),
      ),
      h(
        "span",
        { class: "second" },
        swatch(label),
        words,
        h("span", { class: "sign", title: structure.replaceAll("_", " ") }, STRUCTURE_SIGNS[structure]),
        h("span", { class: "f1" }, plural(episode.calls, "call")),
      ),
    );
    line.style.top = `${place * ROW}px`;
    return line;
  }
}
