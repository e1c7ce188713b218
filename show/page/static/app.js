// Wires the page: what is told is shown, what is pressed is asked for.

import { fixed, follow, post } from "./api.js";
import * as controls from "./controls.js";
import { byId, text } from "./dom.js";
import * as groups from "./groups.js";
import * as runs from "./runs.js";

let seen = new Map();

/** Say something once, for everybody: in sight, and to a screen reader. */
export function say(words) {
  text(byId("news"), words);
}

function told(state) {
  groups.show(state);
  runs.show(state.runs);
  controls.show(state);
  const now = new Map(state.runs.map((run) => [run.id, run.outcome]));
  for (const [id, outcome] of now) {
    if (seen.size && seen.get(id) !== outcome && outcome !== "running") say(`A run ended: ${outcome}.`);
  }
  seen = now.size ? now : new Map([["", ""]]);
}

const facts = await fixed();
runs.setUp(facts.meanings, (run, target) => controls.doing(`undo of ${target.target}`, () => post("undo", { run: run.id, target: target.target }), say));
controls.setUp(facts, say);
follow(told, (there) => {
  byId("connection").dataset.there = String(there);
  text(byId("connection"), there ? "live" : "the server is gone; trying again");
});
