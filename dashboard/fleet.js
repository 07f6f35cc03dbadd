/**
 * The fleet page: every device of every node, and the runs, live ones first. It reads the JSON API with the bearer token
 * and looks again whenever the live feed says that something changed, at most once a second. Whatever comes from users is
 * set as text, never as markup.
 */

const TOKEN_KEY = "expfleet-token";
/** Runs in the table: those at work first, then the newest of those that wait, then of those that have ended. */
const ACTIVE_ROWS = 100;
const WAITING_ROWS = 20;
const ENDED_ROWS = 50;
const REFRESH_MS = 1_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

/** A letter for each state of a device, so that colour is never the only sign. */
const DEVICE_MARKS = { free: "", busy: "R", foreign: "F", dirty: "!", unknown: "?" };
const DEVICE_WORDS = {
  free: "free",
  busy: "runs our work",
  foreign: "used by somebody else",
  dirty: "not clean after a run",
  unknown: "not known",
};
const STATE_MARKS = {
  queued: "○",
  held: "‖",
  assigned: "◔",
  running: "▶",
  unknown: "?",
  succeeded: "✓",
  failed: "✕",
  cancelled: "–",
  skipped: "»",
};
const LIVE_STATES = ["running", "assigned", "unknown", "queued", "held"];
const ENDED_STATES = ["succeeded", "failed", "cancelled", "skipped"];

class Unauthorized extends Error {}

let token = takeToken();
/** What is to be read again, by name. */
const stale = { nodes: false, runs: false };
let refreshing = false;
/** Server time minus ours, so that durations are right on a laptop with a wrong clock. */
let clockSkewMs = 0;
let shownRuns = [];

drawLegend();
byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  sessionStorage.setItem(TOKEN_KEY, token);
  byId("login-problem").textContent = "";
  follow();
});
if (token) follow();
else askForToken("");
setInterval(drawTimes, 1_000);

/** The token from the address (`#t=TOKEN`, removed at once), else the one of this tab. */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("t");
  if (given) {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return given ?? sessionStorage.getItem(TOKEN_KEY) ?? "";
}

function askForToken(problem) {
  sessionStorage.removeItem(TOKEN_KEY);
  token = "";
  byId("login").hidden = false;
  byId("fleet").hidden = true;
  byId("queue").hidden = true;
  byId("login-problem").textContent = problem;
  setLink("", "");
  byId("token").focus();
}

/** Follows the live feed for as long as the token is good; comes back by itself after each break. */
async function follow() {
  for (let attempt = 0; token; ) {
    try {
      await readFeed(() => {
        attempt = 0;
      });
    } catch (error) {
      if (error instanceof Unauthorized) return askForToken("This token was refused.");
    }
    const waitMs = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
    attempt += 1;
    setLink("lost", "No connection to the coordinator; trying again. Runs go on without it.");
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** Reads server-sent events with fetch, as EventSource cannot send the token. */
async function readFeed(onOpen) {
  const response = await request("/api/v1/stream");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  onOpen();
  byId("login").hidden = true;
  byId("fleet").hidden = false;
  byId("queue").hidden = false;
  setLink("live", "live");
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (!data) continue;
      const news = JSON.parse(data.slice("data: ".length));
      stale.nodes ||= news.nodes;
      stale.runs ||= news.runs;
      refresh();
    }
  }
}

async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    while (stale.nodes || stale.runs) {
      const { nodes, runs } = stale;
      stale.nodes = false;
      stale.runs = false;
      // A run that starts or ends changes a device too.
      if (nodes || runs) drawNodes(await readJson("/api/v1/nodes"));
      if (runs) await readRuns();
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    }
  } catch (error) {
    if (error instanceof Unauthorized) askForToken("This token was refused.");
    // Any other failure shows as a broken feed, which says so and starts again with everything.
  } finally {
    refreshing = false;
  }
}

async function readRuns() {
  const [active, waiting, ended] = await Promise.all([
    readJson(`/api/v1/runs?state=running,assigned,unknown&limit=${ACTIVE_ROWS}`),
    readJson(`/api/v1/runs?state=queued,held&limit=${WAITING_ROWS}`),
    readJson(`/api/v1/runs?state=${ENDED_STATES.join(",")}&limit=${ENDED_ROWS}`),
  ]);
  const sweeps = await readJson("/api/v1/sweeps?limit=20");
  const full = active.length >= ACTIVE_ROWS || waiting.length >= WAITING_ROWS || ended.length >= ENDED_ROWS;
  drawRuns([...active, ...waiting, ...ended], full);
  drawCounts(sweeps);
}

async function request(path) {
  const response = await fetch(path, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
  if (response.status === 401 || response.status === 429) throw new Unauthorized();
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isFinite(date)) clockSkewMs = date - Date.now();
  return response;
}

async function readJson(path) {
  return (await request(path)).json();
}

function drawLegend() {
  const items = Object.entries(DEVICE_WORDS).map(([state, words]) => {
    const cell = element("span", { className: `device ${state}`, text: DEVICE_MARKS[state] });
    cell.setAttribute("aria-hidden", "true");
    return element("li", {}, [cell, element("span", { text: words })]);
  });
  byId("legend").replaceChildren(...items);
}

function drawNodes(nodes) {
  const shown = nodes.filter((node) => node.state !== "gone" || node.devices.some((device) => device.run));
  const gone = nodes.length - shown.length;
  const rows = shown.map(drawNode);
  if (rows.length === 0)
    rows.push(element("p", { className: "hint", text: "No agent has joined yet. On a GPU host: exp-agent start" }));
  if (gone > 0)
    rows.push(element("p", { className: "hint", text: `${count(gone, "node")} not seen for long left out` }));
  byId("nodes").replaceChildren(...rows);
  drawSummary(shown);
}

function drawNode(node) {
  const busy = node.devices.filter((device) => device.state === "busy").length;
  const models = [...new Set(node.devices.map((device) => device.model))].join(", ");
  const name = element("h3", { text: node.name });
  const state = element("span", { className: `badge node-${node.state}`, text: node.state });
  const labels = Object.entries(node.labels).map(([key, value]) =>
    element("span", { className: "label", text: `${key}=${value}` }),
  );
  const facts = element("p", {
    className: "facts",
    text: `${busy} of ${node.devices.length} busy · ${models || "no devices"}`,
  });
  const devices = element("ul", { className: "devices" }, node.devices.map(drawDevice));
  devices.setAttribute("aria-label", `Devices of ${node.name}`);
  const title = element("div", { className: "node-title" }, [name, state, ...labels]);
  return element("article", { className: `node ${node.state}` }, [element("div", {}, [title, facts]), devices]);
}

function drawDevice(device) {
  const holders = device.foreign.map(
    (process) => `${process.user} ${process.name} (pid ${process.pid}, ${bytes(process.memoryBytes)})`,
  );
  const words = [
    `Device ${device.index}: ${DEVICE_WORDS[device.state] ?? device.state}`,
    device.run ? `run ${device.run}` : "",
    ...holders,
    device.model,
    device.memoryBytes > 0 ? bytes(device.memoryBytes) : "",
  ].filter(Boolean);
  const cell = element("li", { className: `device ${device.state}` }, [
    element("span", { className: "mark", text: DEVICE_MARKS[device.state] ?? "?" }),
    element("span", { className: "index", text: String(device.index) }),
  ]);
  cell.title = words.join("\n");
  cell.setAttribute("aria-label", words.join(", "));
  return cell;
}

function drawSummary(nodes) {
  const devices = nodes.flatMap((node) => node.devices);
  const parts = [count(nodes.length, "node")];
  for (const state of ["busy", "free", "foreign", "dirty", "unknown"]) {
    const number = devices.filter((device) => device.state === state).length;
    if (number > 0 || state === "busy" || state === "free") parts.push(`${number} ${state}`);
  }
  byId("summary").textContent = parts.join(" · ");
}

/** `full`: there are more than these. */
function drawRuns(runs, full) {
  shownRuns = runs;
  if (runs.length === 0) {
    const cell = element("td", {
      className: "hint",
      text: "Nothing was submitted yet. On your machine: exp submit sweep.toml",
    });
    cell.colSpan = 6;
    byId("runs").replaceChildren(element("tr", {}, [cell]));
  } else {
    byId("runs").replaceChildren(...runs.map(drawRun));
  }
  byId("more").textContent = full
    ? "Those at work, then the newest of those that wait or have ended. All: exp ls -a"
    : "";
  drawTimes();
}

function drawRun(run) {
  const state = element("span", { className: `state ${run.state}` }, [
    element("span", { className: "mark", text: STATE_MARKS[run.state] ?? "?" }),
    element("span", { text: run.state }),
  ]);
  state.firstChild.setAttribute("aria-hidden", "true");
  const where = run.node ? `${run.node}${run.devices.length > 1 ? ` × ${run.devices.length}` : ""}` : "";
  const cells = [
    element("td", {}, [element("span", { className: "ref", text: run.ref })]),
    element("td", {}, [state, ...(run.reason ? [element("span", { className: "reason", text: run.reason })] : [])]),
    element("td", {}, pairs(run.params)),
    element("td", {}, pairs(run.metrics)),
    element("td", { className: "where", text: where }),
    element("td", { className: "number time" }),
  ];
  const row = element("tr", {}, cells);
  row.title = run.id;
  return row;
}

/** Running times go on between two readings. */
function drawTimes() {
  const cells = byId("runs").querySelectorAll(".time");
  for (const [i, cell] of cells.entries()) cell.textContent = timeOf(shownRuns[i]);
}

function timeOf(run) {
  if (!run?.startedAt) return "";
  const end = run.finishedAt ? Date.parse(run.finishedAt) : Date.now() + clockSkewMs;
  const seconds = Math.max(0, Math.round((end - Date.parse(run.startedAt)) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

function drawCounts(sweeps) {
  const totals = {};
  for (const sweep of sweeps) {
    for (const [state, number] of Object.entries(sweep.counts)) totals[state] = (totals[state] ?? 0) + number;
  }
  const parts = [...LIVE_STATES, ...ENDED_STATES]
    .filter((state) => totals[state])
    .map((state) =>
      element("span", { className: `state ${state}` }, [
        element("span", { className: "mark", text: STATE_MARKS[state] }),
        element("span", { text: `${totals[state].toLocaleString("en")} ${state}` }),
      ]),
    );
  const scope = sweeps.length === 20 ? "of the newest 20 sweeps" : `of ${count(sweeps.length, "sweep")}`;
  byId("counts").replaceChildren(
    ...parts,
    ...(parts.length > 0 ? [element("span", { className: "hint", text: scope })] : []),
  );
}

/** "lr 0.1  depth 3": names faint, values plain. */
function pairs(values) {
  return Object.entries(values).map(([key, value]) =>
    element("span", { className: "pair" }, [
      element("span", { className: "key", text: key }),
      element("span", { text: shortValue(value) }),
    ]),
  );
}

function shortValue(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function bytes(number) {
  const gigabytes = number / 1e9;
  return gigabytes >= 1 ? `${Math.round(gigabytes)} GB` : `${Math.round(number / 1e6)} MB`;
}

function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

function setLink(state, text) {
  const link = byId("link");
  link.className = `link ${state}`;
  link.textContent = text;
}

function byId(id) {
  return document.getElementById(id);
}

function element(tag, { className, text } = {}, children = []) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}
