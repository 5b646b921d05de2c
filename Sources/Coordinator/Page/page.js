// The script of the page: it asks the API of its own server and shows the answers. All text from
// outside is inserted as text, never as markup. The API key is kept in this tab's session storage
// and sent only in the Authorization header.

const KEY = "tessera.key";
const POLL_MS = 2000;
const VERSIONS_EVERY = 5;
const MOST_POINTS = 120;
const MOST_SHARDS = 500;
const STAGES = ["total", "parse", "wait", "search", "route", "choose_lists", "scan", "refine", "resolve", "write"];
const SERIES = ["p50", "p95", "p99"];
const TIERS = { ram: "memory", disk: "disk", store: "store", cache: "answer cache" };

const $ = (id) => document.getElementById(id);
const shown = { detail: null, serving: undefined, points: [], last: null, polls: 0 };

class Refused extends Error {
  constructor(status, body) {
    super(body && body.message ? body.message : `the server answered with status ${status}`);
    this.status = status;
    this.code = body && body.code;
  }
}

async function ask(path, body) {
  const headers = { Accept: "application/json" };
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Error("the server cannot be reached");
  }
  const value = await response.json().catch(() => null);
  if (!response.ok || value === null) throw new Refused(response.status, value);
  return value;
}

const indexPath = () => `/v1/indexes/${encodeURIComponent($("index").value)}`;

// Numbers and elements

const whole = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));
const milliseconds = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3));
const exact = (value) => (value === undefined ? "–" : Number(value.toPrecision(6)).toString());

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

function when(text) {
  const time = new Date(text), two = (value) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(cells) {
  const made = element("tr");
  for (const [index, [content, className]] of cells.entries()) {
    const cell = element(index === 0 ? "th" : "td", undefined, className);
    if (index === 0) cell.scope = "row";
    cell.append(content);
    made.append(cell);
  }
  return made;
}

function facts(list, pairs) {
  list.replaceChildren(...pairs.map(([name, value]) => {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value));
    return pair;
  }));
}

function say(text) {
  $("notice").textContent = text || "";
  $("notice").hidden = !text;
}

function state(text, kind) {
  // Set only when it changes, or a screen reader would read it at every poll.
  if ($("state").textContent !== text) $("state").textContent = text;
  $("state").className = `state ${kind}`;
}

function report(error) {
  if (error.status === 401) {
    state("a key is needed", "bad");
    say(sessionStorage.getItem(KEY) ? "The server does not know this key." : "This server wants an API key.");
  } else {
    state(error instanceof Refused ? "trouble" : "not reachable", "bad");
    say(error.message);
  }
}

// The index

async function loadIndexes() {
  const { indexes } = await ask("/v1/indexes");
  const select = $("index"), before = select.value;
  select.replaceChildren(...indexes.map((index) => {
    const option = element("option", index.name);
    option.value = index.name;
    return option;
  }));
  if (indexes.some((index) => index.name === before)) select.value = before;
  select.disabled = indexes.length === 0;
  $("go").disabled = indexes.length === 0;
  if (indexes.length === 0) throw new Error("This server serves no index.");
  await loadIndex();
}

async function loadIndex() {
  const name = $("index").value;
  const [detail, versions, shards] = await Promise.all([ask(indexPath()), ask(`${indexPath()}/versions`), ask(`${indexPath()}/shards`)]);
  if (name !== $("index").value) return;
  shown.detail = detail;
  shown.serving = detail.version;
  facts($("facts"), [
    ["vectors", whole(detail.vectors)], ["dimension", whole(detail.dimension)], ["distance", detail.metric || "–"],
    ["version", whole(detail.version)], ["size", size(detail.bytes)],
  ]);
  $("k").max = detail.max_k;
  showRecalls(detail);
  showVersions(versions);
  showShards(shards);
  countNumbers();
}

function showRecalls(detail) {
  const select = $("recall"), before = select.value;
  const best = Math.max(0, ...detail.operating_points.map((point) => point.recall));
  const options = [["", "default"]];
  for (const recall of [0.8, 0.9, 0.95, 0.99, 0.999]) if (recall <= best) options.push([String(recall), `at least ${recall}`]);
  select.replaceChildren(...options.map(([value, text]) => {
    const option = element("option", text);
    option.value = value;
    return option;
  }));
  if (options.some(([value]) => value === before)) select.value = before;
}

function showVersions({ serving, versions, drafts }) {
  $("versions").replaceChildren(...versions.slice().reverse().map((version) => {
    const current = version.version === serving;
    const made = row([
      [whole(version.version), ""],
      [current ? element("span", "serving", "badge") : version.state, ""],
      [version.rollback_of ? `rollback to ${version.rollback_of}` : version.kind || "–", ""],
      [version.created_at ? when(version.created_at) : "–", ""],
      [whole(version.vectors), "number"], [whole(version.shards), "number"],
    ]);
    if (current) made.setAttribute("aria-current", "true");
    return made;
  }));
  $("drafts").textContent = drafts.length === 0 ? "" : `Drafts that wait to be published: ${drafts.map((draft) => draft.id).join(", ")}`;
}

function showShards({ shards }) {
  const some = shards.slice(0, MOST_SHARDS);
  $("shards").replaceChildren(...some.map((shard) => row([
    [whole(shard.ordinal), ""], [whole(shard.vectors), "number"], [whole(shard.lists), "number"], [size(shard.bytes), "number"],
    [element("code", shard.digest.slice(0, 12)), ""],
  ])));
  const counts = shards.map((shard) => shard.vectors).sort((a, b) => a - b);
  $("shards-text").textContent = shards.length === 0 ? "None." :
    `${whole(shards.length)} of ${whole(counts[0])} to ${whole(counts[counts.length - 1])} vectors` +
    (some.length < shards.length ? `; the first ${whole(some.length)} are listed.` : ".");
}

// Search

function numbers() {
  const text = $("vector").value.trim().replace(/^\[|\]$/g, "").trim();
  return text === "" ? [] : text.split(/[\s,;]+/).map(Number);
}

function countNumbers() {
  const found = numbers(), dimension = shown.detail ? shown.detail.dimension : 0;
  $("count").textContent = found.length === 0 ? (dimension ? `${dimension} numbers` : "") : `${found.length} of ${dimension} numbers`;
}

function request() {
  const body = { k: Number($("k").value), explain: true };
  if ($("recall").value) body.recall = Number($("recall").value);
  if ($("query").elements.way.value === "id") {
    body.id = $("id").value.trim();
    if (!body.id) throw new Error("An id is missing.");
    return body;
  }
  body.vector = numbers();
  const wrong = body.vector.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw new Error(`Number ${wrong + 1} of the vector is not a number.`);
  if (shown.detail && body.vector.length !== shown.detail.dimension) {
    throw new Error(`The index has ${shown.detail.dimension} dimensions, the vector ${body.vector.length}.`);
  }
  return body;
}

async function search() {
  const outcome = $("outcome");
  outcome.className = "outcome";
  $("go").disabled = true;
  try {
    const body = request(), started = performance.now();
    const answer = await ask(`${indexPath()}/search`, body);
    const there = performance.now() - started;
    outcome.textContent = `${whole(answer.results.length)} results of version ${answer.version} from ${TIERS[answer.source] || answer.source}: ` +
      `${milliseconds(answer.took_ms)} ms in the server, ${milliseconds(there)} ms round trip.` +
      (answer.complete ? "" : ` Only ${((answer.share || 0) * 100).toFixed(0)}% of the shards answered.`);
    showResults(answer);
  } catch (error) {
    outcome.className = "outcome bad";
    outcome.textContent = error.message;
    $("results-box").hidden = $("receipt-box").hidden = true;
    if (error.status === 401) report(error);
  } finally {
    $("go").disabled = false;
  }
}

function showResults(answer) {
  $("results").replaceChildren(...answer.results.map((result, place) => {
    const more = element("button", "similar", "quiet");
    more.type = "button";
    more.setAttribute("aria-label", `similar to ${result.id}`);
    more.addEventListener("click", () => likeThis(result.id));
    return row([[String(place + 1), "number"], [result.id, "id"], [exact(result.distance), "number"], [exact(result.score), "number spare"], [more, "number"]]);
  }));
  $("results-box").hidden = answer.results.length === 0;
  $("receipt-box").hidden = !answer.receipt;
  if (answer.receipt) {
    facts($("receipt"), Object.entries(answer.receipt).map(([name, value]) =>
      name.endsWith("_us") ? [name.replace(/_us$/, ""), `${value.toFixed(0)} µs`]
        : name === "bytes_read" ? ["read", size(value)] : [name.replaceAll("_", " "), whole(value)]));
  }
}

function likeThis(id) {
  $("query").elements.way.value = "id";
  $("id").value = id;
  showWay();
  $("id").focus();
  search();
}

function showWay() {
  const byId = $("query").elements.way.value === "id";
  $("by-id").hidden = !byId;
  $("by-vector").hidden = byId;
}

function randomVector() {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  $("vector").value = Array.from({ length: shown.detail ? shown.detail.dimension : 0 }, () => normal().toFixed(4)).join(", ");
  countNumbers();
}

// Statistics

async function poll() {
  if (document.hidden || $("index").options.length === 0) return;
  const stats = await ask("/stats");
  showStats(stats);
  const mine = stats.indexes.find((index) => index.name === $("index").value);
  state(mine && mine.version ? `serving version ${mine.version}` : "not serving", mine && mine.version ? "good" : "bad");
  say(mine && mine.problem ? mine.problem : "");
  shown.polls += 1;
  if (mine && mine.version !== shown.serving) await loadIndex();
  else if (shown.polls % VERSIONS_EVERY === 0) showVersions(await ask(`${indexPath()}/versions`));
}

function showStats(stats) {
  const total = stats.stages.total, now = performance.now() / 1000;
  const before = shown.last;
  // After a restart of the server the count is smaller than before.
  const known = before && stats.requests.queries >= before.queries && now > before.at;
  const rate = known ? (stats.requests.queries - before.queries) / (now - before.at) : 0;
  shown.last = { queries: stats.requests.queries, at: now };
  shown.points.push({ at: now, count: total.count, p50: total.p50, p95: total.p95, p99: total.p99 });
  if (shown.points.length > MOST_POINTS) shown.points.shift();
  const time = (value) => (total.count ? `${milliseconds(value)} ms` : "–");
  facts($("tiles"), [
    ["queries/s", whole(Math.round(rate))], ["p50", time(total.p50)], ["p99", time(total.p99)],
    ["running", whole(stats.requests.running)], ["waiting", whole(stats.requests.waiting)], ["refused", whole(stats.requests.refused)],
  ]);
  $("chart-caption").textContent = `Milliseconds from a request's arrival to its answer, over the ${whole(Math.round(stats.window_s))} s before each point.`;
  drawChart();
  $("stages").replaceChildren(...STAGES.filter((name) => stats.stages[name]).map((name) => {
    const stage = stats.stages[name], cell = (value) => [stage.count ? milliseconds(value) : "–", "number"];
    return row([[name, ""], [whole(stage.count), "number"], cell(stage.p50), cell(stage.p95), cell(stage.p99), cell(stage.max)]);
  }));
  showTiers(stats);
  $("places-box").hidden = stats.tiers.length === 0;
  facts($("places"), stats.tiers.flatMap(({ place, ram, disk, store }) => {
    const rate = (tier) => (tier.hit_rate === null ? "–" : `${(tier.hit_rate * 100).toFixed(1)}%`);
    const pairs = [[`${place}: in memory`, `${rate(ram)}, ${size(ram.bytes)} of ${size(ram.budget)}`]];
    if (disk) pairs.push([`${place}: on disk`, `${rate(disk)}, ${size(disk.bytes)}`]);
    if (store) pairs.push([`${place}: store`, `${whole(store.requests)} requests, ${size(store.bytes_read)}`]);
    return pairs;
  }));
}

function showTiers(stats) {
  const all = Object.values(stats.sources).reduce((sum, count) => sum + count, 0);
  $("tiers").replaceChildren(...Object.entries(TIERS).filter(([tier]) => tier !== "cache" || stats.response_cache.enabled).map(([tier, name]) => {
    const count = stats.sources[tier] || 0, share = all ? count / all : 0;
    const item = element("li"), bar = element("span", undefined, "bar"), fill = element("i");
    bar.setAttribute("aria-hidden", "true");
    fill.style.width = `${share * 100}%`;
    bar.append(fill);
    item.append(element("span", name), bar, element("span", `${(share * 100).toFixed(1)}% (${whole(count)})`, "share"));
    return item;
  }));
}

function drawn(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// 1, 2 or 5 times a power of ten, so that at most four steps reach `top`.
function stepFor(top) {
  const rough = top / 4, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
}

function drawChart() {
  const left = 64, right = 584, high = 12, low = 190;
  const points = shown.points.filter((point) => point.count > 0);
  const parts = [$("chart-title"), $("chart-text")];
  if (points.length === 0) {
    $("chart-text").textContent = "No searches yet.";
    parts.push(drawn("text", { x: 320, y: 110, "text-anchor": "middle" }, "No searches in the last minute"));
    $("chart").replaceChildren(...parts);
    return;
  }
  const step = stepFor(Math.max(...points.map((point) => point.p99), 0.001)), end = shown.points[shown.points.length - 1].at;
  const top = step * Math.ceil(Math.max(...points.map((point) => point.p99)) / step);
  const seconds = Math.max(60, end - shown.points[0].at);
  const x = (at) => right - ((end - at) / seconds) * (right - left), y = (value) => low - (value / top) * (low - high);
  for (let value = 0; value <= top * 1.001; value += step) {
    parts.push(drawn("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }));
    parts.push(drawn("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, `${Number(value.toPrecision(3))}`));
  }
  parts.push(drawn("text", { x: left, y: 212 }, `${Math.round(seconds)} s ago`), drawn("text", { x: right, y: 212, "text-anchor": "end" }, "now"));
  const last = points[points.length - 1];
  let free = -Infinity;
  for (const name of SERIES) {
    const line = points.map((point) => `${x(point.at).toFixed(1)},${y(point[name]).toFixed(1)}`).join(" ");
    parts.push(drawn("polyline", { class: `series ${name}`, points: points.length > 1 ? line : `${line} ${x(last.at) + 1},${y(last[name])}` }));
  }
  for (const name of SERIES.slice().reverse()) {
    free = Math.max(free + 18, y(last[name]) + 4);
    parts.push(drawn("text", { class: name, x: right + 6, y: free }, name));
  }
  $("chart-text").textContent = `Now ${SERIES.map((name) => `${name} ${milliseconds(last[name])} ms`).join(", ")}.`;
  $("chart").replaceChildren(...parts);
}

// Wiring

async function start() {
  try {
    await loadIndexes();
    say("");
    await poll();
  } catch (error) {
    report(error);
  }
}

async function keepPolling() {
  for (;;) {
    await new Promise((resume) => setTimeout(resume, POLL_MS));
    try {
      if ($("index").options.length === 0) await loadIndexes();
      await poll();
    } catch (error) {
      report(error);
    }
  }
}

$("access").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = $("key").value.trim();
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  start();
});
$("index").addEventListener("change", () => {
  $("results-box").hidden = $("receipt-box").hidden = true;
  $("outcome").textContent = "";
  loadIndex().then(poll).catch(report);
});
$("query").addEventListener("submit", (event) => { event.preventDefault(); search(); });
for (const radio of $("query").elements.way) radio.addEventListener("change", showWay);
$("vector").addEventListener("input", countNumbers);
$("random").addEventListener("click", randomVector);
$("key").value = sessionStorage.getItem(KEY) || "";
showWay();
start().then(keepPolling);
