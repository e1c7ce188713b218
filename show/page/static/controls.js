// What can be done: requests, deliveries, happenings, faults and readings; and the plan that comes first.

import { post } from "./api.js";
import { byId, fill, h, sync, text } from "./dom.js";
import * as groups from "./groups.js";
import { meaning, refused, table } from "./runs.js";

const FAULTS = {
  busy: { error: "BackendServer.configuring" },
  throttled: { error: "Throttling" },
  error: { error: "ServiceUnavailable", status: 503 },
  drop: { effect: "drop_response" },
  kill: { effect: "kill", after: true },
  delay: { effect: "delay", seconds: 1 },
};

let facts = null;
let state = null;
let say = () => {};

/** Do something, and say how it ended; what is refused is said, too. */
export async function doing(what, work, speak = say) {
  speak(`${what} ...`);
  try {
    const { status, answer } = await work();
    const told = answer && typeof answer === "object" ? answer : {};
    const outcome = told.outcome ?? told.error ?? (status < 300 ? "begun" : `status ${status}`);
    speak(`${what}: ${outcome}${told.reason ? `, ${told.reason}` : ""}`);
    return told;
  } catch (error) {
    speak(`${what}: ${error.message}`);
    return null;
  }
}

export function setUp(given, speak) {
  facts = given;
  say = speak;
  deliveries();
  byId("filter").addEventListener("input", deliveries);
  byId("delivery").addEventListener("change", about);
  byId("delivery").addEventListener("keydown", (event) => event.key === "Enter" && byId("deliver").click());
  const file = () => byId("delivery").value;
  byId("deliver").addEventListener("click", () => file() && doing(file(), () => post("deliver", { name: file() })));
  byId("deliver-plan").addEventListener("click", () => file() && planned(file(), () => post("deliver", { name: file(), plan: true })));
  byId("request-apply").addEventListener("click", async () => {
    const answer = await doing("the request", () => post("request", { request: request() }));
    if (answer && ["applied", "partial", "unchanged"].includes(answer.outcome)) groups.clear();
  });
  byId("request-plan").addEventListener("click", () => planned("the request", () => post("request", { request: request(), plan: true })));
  byId("request-clear").addEventListener("click", groups.clear);
  for (const button of byId("happen").querySelectorAll("button")) {
    const { what, count } = button.dataset;
    button.addEventListener("click", () => happen(button.textContent, what, count ? { count: Number(count), hooks: byId("hooks").checked, boot_s: 2, ...(what === "replace" ? { batch: 1 } : {}) } : {}));
  }
  const one = () => byId("instance").value;
  byId("reclaim").addEventListener("click", () => happen(`${one()} is reclaimed`, "reclaim", { instance_ids: [one()], notice_s: 20, boot_s: 2 }));
  byId("sick").addEventListener("click", () => happen(`${one()} turns sick`, "health", { instance_id: one(), health: "abnormal" }));
  byId("well").addEventListener("click", () => happen(`${one()} is well`, "health", { instance_id: one(), health: "normal" }));
  byId("stop").addEventListener("click", () => happen(`${one()} is stopped`, "health", { instance_id: one(), status: "Stopped" }));
  byId("reset").addEventListener("click", () => doing("begin anew", () => post("reset", {})));
  fill(byId("fault-action"), facts.actions, (names) => names.map((name) => h("option", { value: name }, name)));
  byId("fault-add").addEventListener("click", addFault);
  readings();
}

const happen = (words, what, order) => doing(words, () => post("happen", { what, order }));

export function show(now) {
  state = now;
  const picked = byId("instance").value;
  const ids = now.instances.filter((one) => one.status !== "Released").map((one) => one.instance_id);
  fill(byId("instance"), ids, (all) => all.map((id) => h("option", { value: id }, id)));
  if (ids.includes(picked)) byId("instance").value = picked;
  const busy = now.activities.filter((one) => one.status === "InProgress");
  text(byId("activities"), busy.map((one) => `${one.scaling_group_id}: ${one.kind} goes on, with ${one.instance_ids.join(", ")}`).join("; "));
  fill(byId("faults"), now.faults, (all) => all.map(fault));
  for (const [name, value] of Object.entries(now.readings)) {
    const field = byId(`reading-${name}`);
    if (field && document.activeElement !== field) field.value = String(value);
  }
  text(byId("calls-made"), `${now.calls_made} so far`);
  sync(byId("calls"), [...now.calls].reverse(), (call) => call.n, call);
}

function call(one) {
  const fine = one.status === 200;
  const answer = fine ? "200" : `${one.status ?? "cut"} ${one.code ?? one.fault ?? ""}`.trim();
  return h("tr", { class: fine ? "" : "trouble" }, h("td", {}, String(one.n)), h("td", {}, one.action), h("td", {}, answer));
}

function deliveries() {
  const wanted = byId("filter").value.toLowerCase().split(" ");
  const found = facts.deliveries.filter((one) => wanted.every((word) => `${one.name} ${one.about}`.toLowerCase().includes(word)));
  fill(byId("delivery"), found, (all) => all.map((one) => h("option", { value: one.name }, one.name)));
  byId("delivery").selectedIndex = found.length ? 0 : -1;
  about();
}

function about() {
  const one = facts.deliveries.find((each) => each.name === byId("delivery").value);
  text(byId("about"), one ? `${one.about}. In the world that it was made for: ${one.outcome}.` : "None has these words.");
}

function request() {
  const { old, new: fresh } = groups.choice();
  const count = Math.min(old.length, fresh.length);
  const strategy = byId("strategy").value;
  return {
    target: facts.targets[0].name,
    pairs: old.slice(0, count).map((id, n) => [id, fresh[n]]),
    terminated: old.slice(count),
    launched: fresh.slice(count),
    ...(strategy ? { strategy } : {}),
  };
}

async function planned(what, work) {
  const answer = await doing(`plan of ${what}`, work);
  fill(byId("plan-body"), { what, answer, at: Date.now() }, () => plan(what, answer));
  byId("plan-title").focus();
}

function* plan(what, answer) {
  if (!answer) return;
  yield h("p", {}, h("strong", {}, `${what}: ${answer.outcome ?? "no plan"}`), answer.reason ? `, ${answer.reason}. ${meaning(answer.reason)}` : "");
  for (const one of answer.targets ?? []) {
    for (const refusal of one.refused ?? []) yield refused(refusal);
    if (one.pairs?.length) yield table(["goes", "comes", "port", "weight"], one.pairs.map((p) => [p.old, p.new, p.port, p.weight]));
    for (const [list, word] of [[one.added, "comes"], [one.removed, "goes"]]) {
      for (const b of list ?? []) yield h("p", {}, `${b.server_id}:${b.port} ${word}`);
    }
    if (![one.pairs, one.added, one.removed].some((list) => list?.length)) yield h("p", {}, `${one.target}: nothing would be written.`);
  }
}

function addFault() {
  const action = byId("fault-action").value;
  const one = { action, ...FAULTS[byId("fault-effect").value], times: Number(byId("fault-times").value) || 1 };
  doing("fault", () => post("put", { what: "faults", value: [...state.faults, one] }));
}

function fault(one, n) {
  const what = one.error ?? one.effect;
  const off = () => doing("fault off", () => post("put", { what: "faults", value: state.faults.filter((_, other) => other !== n) }));
  return h("li", {}, `${one.action}: ${what}, ${one.times ?? "every"} time(s) `,
    h("button", { type: "button", "aria-label": `Switch off: ${what} at ${one.action}`, on: { click: off } }, "Switch off"));
}

function readings() {
  const box = byId("readings");
  for (const [name, one] of Object.entries(facts.readings)) {
    const id = `reading-${name}`;
    const field = one.counted
      ? h("input", { id, type: "number", min: "0", max: "99" })
      : h("select", { id }, ...one.values.map((value) => h("option", { value: String(value) }, String(value))));
    field.setAttribute("aria-describedby", `${id}-why`);
    field.addEventListener("change", () => put(name, one, field.value));
    box.append(h("p", { class: "reading" }, h("label", { for: id }, name), field, h("span", { id: `${id}-why`, class: "hint" }, one.why)));
  }
}

function put(name, one, value) {
  const chosen = one.counted ? Number(value) : one.values.find((each) => String(each) === value);
  doing(`reading ${name}`, () => post("put", { what: "readings", value: { ...state.readings, [name]: chosen } }));
}
