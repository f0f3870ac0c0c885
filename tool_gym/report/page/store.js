// The embedded data: the index, unpacked once, and chunks of episodes, unpacked when they are looked at.

const KEPT_CHUNKS = 24;
const chunks = new Map();

async function unpack(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

const index = await unpack("index");

/** All episodes in the order of the page, as the index knows them. */
const episodes = index.rows.map(
  ([run, scenario, repetition, label, tools, verdicts, f1, earned, calls, turns], place) => ({
    place,
    run,
    scenario: index.scenarios[scenario],
    scenarioPlace: scenario,
    structure: index.scenarios[scenario].structure,
    repetition,
    label,
    tools,
    verdicts,
    f1,
    earned,
    calls,
    turns,
  }),
);

for (const scenario of index.scenarios) {
  scenario.text = [scenario.id, ...scenario.turns, scenario.steps].join("\n").toLowerCase();
}

/** Everything about one episode. */
async function loadEpisode(place) {
  const chunk = Math.floor(place / index.perChunk);
  const loading = chunks.get(chunk) ?? unpack(`chunk-${chunk}`);
  chunks.delete(chunk); // the last used stands last
  chunks.set(chunk, loading);
  if (chunks.size > KEPT_CHUNKS) chunks.delete(chunks.keys().next().value);
  return (await loading)[place % index.perChunk];
}

/** The name of an episode in links; it stays the same when the report is made again. */
function nameOf(episode) {
  return [index.runs[episode.run].name, episode.scenario.id, episode.repetition].join("~");
}

const byName = new Map(episodes.map((episode) => [nameOf(episode), episode]));

/** The episode of another run on the same scenario, the same repetition if there is one. */
function counterpart(episode, run) {
  const same = episodes.filter((each) => each.run === run && each.scenarioPlace === episode.scenarioPlace);
  return same.find((each) => each.repetition === episode.repetition) ?? same[0];
}
