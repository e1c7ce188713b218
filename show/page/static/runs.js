// The runs: each opens to its pairs, its waves and its story.

import { byId, fill, h, sync, text } from "./dom.js";

let meanings = {};
let undo = () => {};

export function setUp(words, undoing) {
  meanings = words;
  undo = undoing;
}

export const meaning = (word) => meanings[word] ?? "";

export function show(runs) {
  byId("no-runs").hidden = runs.length > 0;
  sync(byId("runs"), [...runs].reverse(), (run) => run.id, create, update);
}

function create() {
  return h("details", { class: "run" },
    h("summary", {}, h("span", { class: "outcome" }), h("span", { class: "what" }), h("span", { class: "when" })),
    h("div", { class: "body" }));
}

function update(element, run) {
  const badge = element.querySelector(".outcome");
  badge.dataset.outcome = run.outcome;
  text(badge, run.outcome);
  text(element.querySelector(".what"), summary(run));
  text(element.querySelector(".when"), new Date(run.at).toLocaleTimeString());
  fill(element.querySelector(".body"), run, body);
}

function summary(run) {
  const parts = run.targets.map((one) => {
    const done = [
      [one.pairs, "swapped"], [one.added, "added"], [one.removed, "removed"], [one.refused, "refused"],
    ].filter(([list]) => list?.length).map(([list, word]) => `${list.length} ${word}`);
    return `${one.target}${done.length ? `: ${done.join(", ")}` : ""}`;
  });
  const reason = run.reason ? ` (${run.reason})` : "";
  return `${run.trigger ?? "delivery"}${reason}${parts.length ? `, ${parts.join("; ")}` : ""}`;
}

function* body(run) {
  const why = meanings[run.outcome];
  if (why) yield h("p", { class: "hint" }, `${run.outcome}: ${why}.`);
  if (run.reason && meanings[run.reason]) yield h("p", {}, `${run.reason}: ${meanings[run.reason]}.`);
  for (const line of [...run.ignored, ...run.rejected, ...run.hooks]) yield h("p", {}, line);
  for (const target of run.targets) yield targetBox(run, target);
}

function targetBox(run, one) {
  const box = h("div", { class: "target" }, h("h3", {}, one.target));
  for (const refusal of one.refused ?? []) box.append(refused(refusal));
  if (one.pairs?.length) {
    box.append(table(["goes", "comes", "port", "weight"], one.pairs.map((p) => [p.old, p.new, p.port, p.weight])));
  }
  for (const [list, word] of [[one.added, "Added"], [one.removed, "Removed"]]) {
    if (list?.length) box.append(h("p", {}, `${word}: ${list.map((b) => `${b.server_id}:${b.port}`).join(", ")}`));
  }
  if (one.story.length) box.append(h("h4", {}, "What it did"), h("ol", { class: "story" }, ...one.story.map(line)));
  if (one.api_calls !== null && one.api_calls !== undefined) {
    box.append(h("p", { class: "hint" }, `${one.api_calls} calls, ${one.attempts} of them writes, in ${(one.duration_ms / 1000).toFixed(1)} s.`));
  }
  const bar = h("p", { class: "bar" });
  if (one.reverse) bar.append(h("button", { type: "button", on: { click: () => undo(run, one) } }, "Undo"));
  if (one.story.some((step) => step.kind !== "wait")) bar.append(h("a", { href: `/api/runs/${run.id}/picture.svg`, target: "_blank", rel: "noopener" }, "Picture"));
  if (bar.children.length) box.append(bar);
  return box;
}

export function refused(refusal) {
  const numbers = Object.entries(refusal.numbers ?? {}).map(([name, value]) => `${name} ${value}`).join(", ");
  const means = meanings[refusal.reason];
  return h("p", { class: "refused" }, h("strong", {}, `${refusal.subject} refused: ${refusal.reason}`),
    `${means ? `. ${means}` : ""}${numbers ? ` (${numbers})` : ""}.`,
    refusal.override ? ` A request may override it: force ${refusal.override}.` : "");
}

function line(step) {
  const at = `${step.at.toFixed(1)} s`;
  const wave = step.wave ? `wave ${step.wave}` : "";
  if (step.kind === "wait") {
    const means = meanings[step.why];
    return h("li", { class: "wait" }, h("span", { class: "at" }, at), `waits ${step.seconds} s for ${means ?? step.why}`);
  }
  return h("li", { class: step.kind }, h("span", { class: "at" }, at), wave ? h("span", { class: "wave" }, wave) : null,
    step.full ? h("details", {}, h("summary", {}, `${step.text} `, h("em", {}, step.result)), step.full) : `${step.text} `,
    step.full ? null : h("em", {}, step.result));
}

export function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Pairs" }, h("table", {},
    h("thead", {}, h("tr", {}, ...heads.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, String(cell))))))));
}
