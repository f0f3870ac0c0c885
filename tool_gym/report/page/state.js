// Where the reader is. All of it stands in the address after "#", so that every view can be linked to.
//   view=episodes; filters: run, label, structure, tool, verdict, q (words to search), sort;
//   episode=RUN~SCENARIO~REPETITION, turn (from 1), with=RUN (compared), gold=1

const FILTERS = ["run", "label", "structure", "tool", "verdict"];

function where() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function address(state) {
  const kept = Object.entries(state).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return "#" + new URLSearchParams(kept.map(([name, value]) => [name, String(value)]));
}

/** Goes somewhere: changes are laid over where the reader is; `remember` makes it a step of the browser's history. */
function go(changes, { remember = false } = {}) {
  history[remember ? "pushState" : "replaceState"](null, "", address({ ...where(), ...changes }));
  render();
}
