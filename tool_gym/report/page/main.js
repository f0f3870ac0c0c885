// The page: two views, the keyboard, and the theme.

const list = new EpisodeList();
const viewer = new Viewer();
const explorer = h("div", { class: "explorer" }, list.root, viewer.root);
const stage = h("div", { class: "stage" });
const tabs = { "": "Overview", episodes: "Episodes" };
const links = Object.entries(tabs).map(([view, words]) => h("a", { "data-view": view, href: "#" }, words));
const help = h(
  "dialog",
  { class: "help", onclick: () => help.close() },
  h("h2", {}, "Keys"),
  h(
    "dl",
    {},
    [
      ["j k", "next, previous episode"],
      ["← →", "previous, next turn"],
      ["/", "search"],
      ["g", "show or hide gold"],
      ["c", "compare with another run"],
      ["o e", "overview, episodes"],
      ["?", "this help"],
    ].map(([keys, words]) => [
      h(
        "dt",
        {},
        keys.split(" ").map((key) => h("kbd", {}, key)),
      ),
      h("dd", {}, words),
    ]),
  ),
);
const THEMES = ["auto", "light", "dark"];
const theme = h("button", {
  type: "button",
  class: "plain",
  onclick: () => setTheme(THEMES[(THEMES.indexOf(theme.textContent.split(" ")[0]) + 1) % 3]),
});

function setTheme(name) {
  theme.textContent = `${name} colours`;
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

let drawnOverview;

function render() {
  const state = where();
  const view = state.view === "episodes" || state.episode ? "episodes" : "";
  links.forEach((link) => {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.href = address({ ...state, view: link.dataset.view, episode: link.dataset.view ? state.episode : "" });
  });
  const shown = view ? explorer : (drawnOverview ??= overview());
  if (stage.firstChild !== shown) stage.replaceChildren(shown);
  document.body.classList.toggle("exploring", Boolean(view));
  if (!view) return;
  list.update(state);
  viewer.update(state);
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  ArrowRight: (state) => viewer.turns && viewer.step(1, state),
  ArrowLeft: (state) => viewer.turns && viewer.step(-1, state),
  g: (state) => go({ gold: state.gold ? "" : 1 }),
  c: () => document.getElementById("compare")?.focus(),
  o: () => go({ view: "", episode: "" }, { remember: true }),
  e: () => go({ view: "episodes" }, { remember: true }),
  "/": () => {
    go({ view: "episodes" });
    list.search.focus();
  },
  "?": () => help.showModal(),
};

function move(step) {
  list.update(where());
  const next = list.neighbour(step);
  if (next) go({ view: "episodes", episode: nameOf(next), turn: "" });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act(where());
  }
});
addEventListener("hashchange", render);
addEventListener("popstate", render);

setTheme("auto");
document.body.append(
  h(
    "header",
    { class: "page" },
    h("h1", {}, index.title),
    h(
      "p",
      { class: "note" },
      [
        plural(index.runs.length, "run"),
        plural(episodes.length, "episode"),
        plural(index.scenarios.length, "scenario"),
      ].join(" · "),
    ),
    h("nav", { "aria-label": "Views" }, links),
    h(
      "span",
      { class: "corner" },
      theme,
      h("button", { type: "button", class: "plain", onclick: () => help.showModal() }, "keys"),
    ),
  ),
  stage,
  help,
  h("footer", {}, `tool_gym ${index.version}`),
);
render();
document.documentElement.dataset.ready = "yes";
