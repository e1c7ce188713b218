// The groups with their servers, those beside them, and the request that is built by choosing them.

import { byId, fill, h, sync, text } from "./dom.js";

const chosen = { old: [], new: [] };
let latest = null;

const WORDS = { normal: "healthy", abnormal: "sick", unavailable: "not checked yet" };

export function choice() {
  return chosen;
}

export function clear() {
  chosen.old = [];
  chosen.new = [];
  if (latest) show(latest);
}

function toggle(side, id) {
  chosen[side] = chosen[side].includes(id) ? chosen[side].filter((one) => one !== id) : [...chosen[side], id];
  show(latest);
}

export function show(state) {
  latest = state;
  const inside = new Set(state.groups.flatMap((group) => group.backends.map((b) => b.server_id)));
  const known = new Map(state.instances.map((instance) => [instance.instance_id, instance]));
  const member = new Map();
  for (const group of state.scaling_groups) {
    for (const one of group.instances) member.set(one.instance_id, `${one.lifecycle_state} in ${group.id}`);
  }
  chosen.old = chosen.old.filter((id) => inside.has(id));
  chosen.new = chosen.new.filter((id) => !inside.has(id) && known.has(id));
  const beside = state.instances.filter((one) => !inside.has(one.instance_id) && one.status !== "Released");
  sync(byId("groups"), state.groups, (group) => group.id, groupBox, (box, group) => update(box, group, known, member));
  const home = byId("groups");
  let box = home.querySelector(".beside");
  if (!box) {
    box = h("div", { class: "beside" }, h("h2", {}, "Beside the group"), h("div", { class: "tiles" }));
    box.dataset.key = "beside";
  }
  home.append(box);
  box.hidden = beside.length === 0;
  box.querySelector(".tiles").classList.toggle("many", beside.length > 40);
  sync(box.querySelector(".tiles"), beside, (one) => one.instance_id, (one) => tile("new", one.instance_id), (element, one) => {
    paint(element, "new", one.instance_id, one.health, null, notes(one, member.get(one.instance_id)));
  });
  pairs();
}

function groupBox() {
  return h("div", { class: "group" }, h("h2", {}), h("p", { class: "count" }), h("div", { class: "tiles" }));
}

function update(box, group, known, member) {
  text(box.querySelector("h2"), `${group.name} · ${group.id}`);
  const servers = new Set(group.backends.map((b) => b.server_id));
  const serving = new Set(group.backends.filter((b) => b.weight > 0 && b.health !== "abnormal").map((b) => b.server_id));
  text(box.querySelector(".count"), `${serving.size} of ${servers.size} servers in service, at ${group.load_balancer_id}`);
  const tiles = box.querySelector(".tiles");
  tiles.classList.toggle("many", servers.size > 40);
  sync(
    tiles,
    group.backends,
    (b) => `${b.server_id}:${b.port}:${b.server_ip ?? ""}`,
    (b) => tile("old", b.server_id),
    (element, b) => {
      const instance = known.get(b.server_id);
      paint(element, "old", `${b.server_id}`, b.health, b, notes(instance, member.get(b.server_id)));
    },
  );
}

function notes(instance, lifecycle) {
  if (!instance || instance.status === "Released") return ["released"];
  const found = [];
  if (instance.status !== "Running") found.push(instance.status.toLowerCase());
  if ((instance.operation_locks ?? []).includes("Recycling")) found.push("about to be reclaimed");
  if (lifecycle && !lifecycle.startsWith("InService")) found.push(lifecycle.split(" ")[0]);
  return found;
}

function tile(side, id) {
  return h("button", { type: "button", class: "tile", "aria-pressed": "false", on: { click: () => toggle(side, id) } },
    h("span", { class: "mark", "aria-hidden": "true" }),
    h("span", { class: "name" }, h("span", { class: "id" }), h("span", { class: "port" })),
    h("span", { class: "weight" }),
    h("span", { class: "health" }),
    h("span", { class: "note" }));
}

function paint(element, side, id, health, backend, found) {
  element.dataset.health = health;
  element.dataset.weight = backend === null || backend.weight > 0 ? "some" : "none";
  const at = backend ? `${id}:${backend.port}` : id;
  text(element.querySelector(".id"), id);
  text(element.querySelector(".port"), backend ? `:${backend.port}` : "");
  text(element.querySelector(".weight"), backend ? `weight ${backend.weight}` : "");
  text(element.querySelector(".health"), WORDS[health] ?? health);
  text(element.querySelector(".note"), found.join(", "));
  element.classList.toggle("noted", found.length > 0);
  element.title = [at, backend ? `weight ${backend.weight}` : "not in the group", WORDS[health] ?? health, ...found].join(", ");
  const order = chosen[side].indexOf(id);
  element.setAttribute("aria-pressed", String(order >= 0));
  element.dataset.order = order >= 0 ? `${side === "old" ? "goes" : "comes"} ${order + 1}` : "";
}

function pairs() {
  const count = Math.max(chosen.old.length, chosen.new.length);
  const rows = Array.from({ length: count }, (_, n) => [chosen.old[n] ?? null, chosen.new[n] ?? null]);
  fill(byId("pairs"), rows, (all) =>
    all.map(([old, fresh]) =>
      h("li", {}, old && fresh ? `${old} goes, ${fresh} comes in its place` : old ? `${old} goes, nothing comes` : `${fresh} comes`)));
  for (const id of ["request-plan", "request-apply", "request-clear"]) byId(id).disabled = count === 0;
}
