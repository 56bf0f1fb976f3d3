// The page of the control API: shows its answers and calls its operations, nothing else.
const $ = (selector) => document.querySelector(selector);
const text = (value) => (value === null || value === undefined ? "" : String(value));
const state = { view: "groups", group: null, token: sessionStorage.getItem("token") };
const SHOWN = 500;

async function call(method, path, body) {
  const headers = {};
  if (state.token) headers.authorization = `Bearer ${state.token}`;
  const request = { method, headers, cache: "no-store" };
  if (body !== undefined) request.body = JSON.stringify(body);
  const response = await fetch(path, request);
  if (response.status === 401) {
    $("#key").hidden = false;
    $("#main").hidden = true;
    throw null;
  }
  const answer = await response.text();
  const isJson = (response.headers.get("content-type") || "").startsWith("application/json");
  const value = isJson ? JSON.parse(answer) : answer;
  if (!response.ok) throw new Error(isJson ? value.error : answer);
  return value;
}

function complain(error) {
  const problem = $("#problem");
  problem.hidden = error === null;
  problem.textContent = error === null ? "" : text(error.message || error);
}

function cells(row, values) {
  for (const value of values) {
    const cell = row.insertCell();
    if (value instanceof Node) cell.append(value);
    else cell.textContent = text(value);
  }
  return row;
}

function fill(table, rows) {
  const body = document.createElement("tbody");
  for (const make of rows) make(body.insertRow());
  $(`${table} tbody`).replaceWith(body);
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", () => then(act));
  return made;
}

const when = (instant) => text(instant).replace("T", " ").replace(/(\.\d+)?Z$/, "");

async function showClock() {
  const [time, bill] = [await call("GET", "/clock"), await call("GET", "/bill/total")];
  $("#now").textContent = when(time.now);
  if (document.activeElement !== $("#rate")) $("#rate").value = time.rate;
  $("#due").textContent = time["next-due"] ? `next at ${when(time["next-due"])}` : "nothing is due";
  $("#total").textContent = typeof bill.total === "string" ? `${bill.total} ${bill.currency}` : "not known";
  $("#total").title = typeof bill.total === "string" ? "the bill up to now" : `no price is known for ${bill.total.item}`;
}

async function showGroups() {
  const groups = await call("GET", `/groups?limit=${SHOWN}`);
  const costs = groups.length > 200 ? {} : await call("GET", "/bill").then(byGroup);
  const counts = {};
  for (const group of groups) counts[group.status] = (counts[group.status] || 0) + 1;
  $("#states").replaceChildren(...Object.entries(counts).sort().map(([status, count]) => {
    const part = document.createElement("span");
    part.className = status;
    part.textContent = `${count} ${status}`;
    return part;
  }));
  fill("#groups", groups.reverse().map((group) => (row) => {
    const size = `${group.vcpu} vCPU, ${group.memory} GiB`;
    cells(row, [group.status, group.name, group.id, group.account, group.region, size, when(group.since), costs[group.id]]);
    row.cells[0].className = group.status;
    row.addEventListener("click", () => then(() => { state.group = group; return showOne(); }));
  }));
  await showOne();
}

function byGroup(bill) {
  const costs = {};
  // Amounts are exact decimals, so they are added as whole numbers of the smallest part.
  for (const line of bill.lines) {
    const id = line["group-id"], sum = id in costs ? costs[id] : 0n;
    // An amount that is no text names the price that is missing for it, so that the group's sum is not known.
    costs[id] = sum === null || typeof line.amount !== "string" ? null : sum + units(line.amount);
  }
  return Object.fromEntries(Object.entries(costs).map(([id, cost]) => [id, cost === null ? "not known" : written(cost)]));
}

const DIGITS = 28;

function units(amount) {
  const [whole, part] = amount.split(".");
  return BigInt(whole + (part || "").padEnd(DIGITS, "0").slice(0, DIGITS));
}

function written(cost) {
  const digits = cost.toString().padStart(DIGITS + 1, "0");
  return `${digits.slice(0, -DIGITS)}.${digits.slice(-DIGITS).replace(/0+$/, "") || "0"}`;
}

async function showOne() {
  $("#one").hidden = state.group === null;
  if (state.group === null) return;
  const ledger = await call("GET", `/ledger?group=${encodeURIComponent(state.group.id)}`);
  $("#one h2").textContent = state.group.name;
  $("#one ol").replaceChildren(...ledger.split("\n").filter(Boolean).map((line) => {
    const [at, , , , ...rest] = line.split(" ");
    const item = document.createElement("li");
    item.textContent = `${when(at)}  ${rest.join(" ")}`;
    return item;
  }));
}

async function showRequests() {
  const requests = await call("GET", `/requests?limit=${SHOWN}&text=${encodeURIComponent($("#find").value)}`);
  fill("#requests", requests.reverse().map((one) => (row) => {
    cells(row, [when(one.at), one.action, one.status, one.code, one.account, one.region, one.group, one["request-id"]]);
    row.cells[2].className = `s${Math.floor(one.status / 100)}`;
  }));
}

async function showFaults() {
  const [faults, stock] = [await call("GET", "/faults"), await call("GET", "/stock")];
  fill("#faults", faults.map(({ number, rule }) => (row) => {
    cells(row, [number, JSON.stringify(rule), button("Remove", () => call("DELETE", `/faults/${number}`))]);
  }));
  $("#sold").replaceChildren(...stock["sold-out"].map((what) => {
    const item = document.createElement("li");
    item.append(`${what} `, button("Restock", () => call("POST", "/stock", { restocked: what })));
    return item;
  }));
}

async function showWorlds() {
  const snapshots = await call("GET", "/snapshots");
  fill("#worlds", snapshots.map((one) => (row) => {
    const name = encodeURIComponent(one.name);
    const acts = document.createElement("span");
    acts.append(button("Load", () => call("POST", `/snapshots/${name}/load`)), " ", button("Delete", () => call("DELETE", `/snapshots/${name}`)));
    cells(row, [one.name, when(one.at), one.groups, acts]);
  }));
}

const views = { groups: showGroups, requests: showRequests, faults: showFaults, worlds: showWorlds };

async function show() {
  await showClock();
  $("#key").hidden = true;
  $("#main").hidden = false;
  await views[state.view]();
  complain(null);
}

async function then(act) {
  try {
    await act();
    await show();
  } catch (error) {
    if (error !== null) complain(error);
  }
}

function onSubmit(form, act) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    then(act);
  });
}

onSubmit("#key", () => {
  state.token = $("#token").value;
  sessionStorage.setItem("token", state.token);
});
onSubmit("#clock", () => {});
onSubmit("#add-fault", () => {
  const [kind, detail, times] = [$("#verdict").value, $("#detail").value, $("#times").value];
  const verdict = { refuse: { refuse: { code: detail } }, "delay-ms": { "delay-ms": Number(detail) } }[kind] || kind;
  return call("POST", "/faults", { action: $("#action").value, verdict, ...(times ? { times: Number(times) } : {}) });
});
onSubmit("#sell", () => call("POST", "/stock", { "sold-out": $("#stock").value }));
onSubmit("#save", () => call("POST", `/snapshots/${encodeURIComponent($("#name").value)}`));
$("#reset").addEventListener("click", () => then(() => call("POST", "/reset", {})));
$("#rate").addEventListener("change", () => then(() => call("POST", "/clock", { rate: Number($("#rate").value) })));
$("#find").addEventListener("input", () => then(() => {}));
for (const one of document.querySelectorAll("[data-advance]")) {
  one.addEventListener("click", () => then(() => call("POST", "/clock/advance", { seconds: Number(one.dataset.advance) })));
}
for (const one of document.querySelectorAll("[data-view]")) {
  one.addEventListener("click", () => then(() => {
    state.view = one.dataset.view;
    for (const other of document.querySelectorAll("[data-view]")) {
      const chosen = other === one;
      other.setAttribute("aria-pressed", String(chosen));
      $(`#${other.dataset.view}`).hidden = !chosen;
    }
  }));
}

async function again() {
  if (!document.hidden && $("#key").hidden) await then(() => {});
  setTimeout(again, 2000);
}
await then(() => {});
setTimeout(again, 2000);
