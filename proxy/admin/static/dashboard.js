// The dashboard's moving part: figures that come as server-sent events, and parts of the page that the server
// renders anew when what they show was searched for, turned, or changed.

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const page = new URLSearchParams(location.search);

// ---- the theme -------------------------------------------------------------------------------------------

const THEMES = ["system", "light", "dark"];

function remembered() {
  try {
    return localStorage.getItem("rondpoint-theme");
  } catch {
    return null; // a browser may forbid it
  }
}

function paint(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  $("theme").querySelector("span").textContent = `Theme: ${theme}`;
}

let theme = THEMES.includes(remembered()) ? remembered() : "system";
paint(theme);

function switchTheme() {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  try {
    localStorage.setItem("rondpoint-theme", theme);
  } catch {
    // It holds for this page alone then.
  }
  paint(theme);
}

// ---- figures ---------------------------------------------------------------------------------------------

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const flows = new Map();
const history = new Array(60).fill(null);
let known = true; // not while the store does not answer

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const large = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
// Of small numbers a third digit only flickers.
const number = (value) => (value >= 10000 ? large : value < 10 ? small : plain).format(value);
const time = (ms) => (ms == null ? "–" : ms >= 1000 ? `${number(ms / 1000)} s` : `${number(ms)} ms`);
const share = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const percent = (part, whole) => (whole ? `${share.format((100 * part) / whole)} %` : "–");
const sum = (values) => values.reduce((total, value) => total + value, 0);

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function show(element, flow) {
  for (const slot of element.querySelectorAll("[data-slot]")) {
    if (slot.closest("[data-key]") !== element) continue;
    const kind = slot.dataset.slot;
    if (kind === "rate") text(slot, flow ? number(flow.rate) : known ? "0" : "–");
    else if (kind === "classes") bar(slot, flow);
    else if (kind === "legend") legend(slot, flow);
    else text(slot, time(flow?.[kind]));
  }
}

function bar(element, flow) {
  const told = [];
  const whole = sum(flow?.classes ?? []);
  CLASSES.forEach((name, place) => {
    const rate = flow?.classes[place] ?? 0;
    element.children[place].style.flexGrow = rate && rate / whole;
    if (rate) told.push(`${name} ${percent(rate, whole)}`);
  });
  element.title = told.join(", ") || (known ? "no requests" : "not known");
}

function legend(element, flow) {
  [...element.querySelectorAll("dd")].forEach((dd, place) => {
    text(dd, flow ? percent(flow.classes[place + 1], sum(flow.classes)) : "–");
  });
}

function showAll(within = document) {
  for (const element of within.querySelectorAll("[data-key]")) {
    if (flows.has(element.dataset.key)) show(element, flows.get(element.dataset.key));
  }
  $("part-way").querySelector(".way")?.classList.toggle("flowing", Boolean(flows.get(`r:${chosen()}`)));
}

function spark(rate) {
  history.push(rate);
  history.shift();
  const known = history.filter((value) => value != null);
  const top = Math.max(1, ...known) * 1.15;
  const points = history
    .map((value, place) => (value == null ? null : `${(place * 240) / 59},${(48 - (44 * value) / top).toFixed(1)}`))
    .filter(Boolean);
  if (points.length < 2) return;
  const line = `M${points.join("L")}`;
  $("spark").querySelector(".line").setAttribute("d", line);
  $("spark").querySelector(".area").setAttribute("d", `${line}L240,48L${points[0].split(",")[0]},48Z`);
}

function busiest(names) {
  const list = $("busiest-list");
  if (!names.length) {
    list.replaceChildren(make("li", { class: "empty" }, known ? "No requests in the last seconds." : "Not known while the store does not answer."));
    return;
  }
  const most = Math.max(...names.map((name) => flows.get(`r:${name}`)?.rate ?? 0), 1e-9);
  const present = new Map([...list.querySelectorAll("a")].map((link) => [link.dataset.router, link.parentElement]));
  const items = names.map((name) => {
    const item =
      present.get(name) ??
      make("li", {}, [
        make("a", { href: `?router=${encodeURIComponent(name)}#way`, "data-router": name }, [
          make("span", { class: "label" }, [make("code", {}, name), " ", make("b", {}, "")]),
          make("span", { class: "track" }, [make("i", {})]),
        ]),
      ]);
    const rate = flows.get(`r:${name}`)?.rate ?? 0;
    text(item.querySelector("b"), `${number(rate)}/s`);
    item.querySelector("i").style.width = `${(100 * rate) / most}%`;
    return item;
  });
  // Put in place again only what has moved, so that the focus stays where it is.
  if (items.length !== list.children.length || items.some((item, place) => item !== list.children[place])) {
    const focused = document.activeElement?.dataset?.router;
    list.replaceChildren(...items);
    if (focused) list.querySelector(`[data-router="${CSS.escape(focused)}"]`)?.focus();
  }
}

// ---- events ----------------------------------------------------------------------------------------------

let source = null;
let names = [];
let signs = {};

function listen() {
  source?.close();
  if (document.hidden) return;
  source = new EventSource(`events?${asked(page)}`);
  source.addEventListener("beat", (event) => beat(JSON.parse(event.data)));
  source.onerror = () => {
    pulse("trouble", "connecting again");
    // After an answer such as 503 a browser gives up by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

function beat(news) {
  for (const [key, flow] of Object.entries(news.flows)) flows.set(key, flow);
  const before = signs;
  signs = { ...signs, ...news };
  known = !signs.problem;
  if (signs.problem) pulse("trouble", signs.problem);
  else pulse("on", `${count(signs.workers, "worker")}, ${count(signs.instances, "instance")}, ${count(signs.connections, "connection")}`);
  spark(known ? (flows.get("")?.rate ?? 0) : null);
  showAll();
  names = signs.busiest ?? names;
  busiest(names);
  if (before.revision !== undefined && before.revision !== signs.revision) {
    changed();
  } else if (before.system !== undefined && before.system !== signs.system) refresh("system");
}

const count = (value, what) => `${number(value)} ${what}${value === 1 ? "" : "s"}`;

function pulse(state, words) {
  $("pulse").dataset.state = state;
  text($("pulse-text"), words);
}

let changing = null;

function changed() {
  // Changes come in swarms.
  changing ??= setTimeout(async () => {
    changing = null;
    await Promise.all(["overview", "routes", "way", "problems", "system"].map((part) => refresh(part)));
    listen();
  }, 500);
}

// ---- parts of the page -----------------------------------------------------------------------------------

const problems = new URLSearchParams({ search: page.get("problems-search") ?? "", page: page.get("problems-page") ?? "" });
sorted(page.get("sort"));
for (const name of ["sort", "problems-search", "problems-page"]) page.delete(name);
const latest = {};

function asked(parameters) {
  const wanted = new URLSearchParams();
  for (const [name, value] of parameters) if (value) wanted.set(name, value);
  if (chosen()) wanted.set("router", chosen());
  return wanted;
}

function chosen() {
  return page.get("router") ?? $("part-way").querySelector(".node.router")?.dataset.key.slice(2) ?? "";
}

async function ask(address, type) {
  const response = await fetch(address, { headers: { Accept: type } }).catch(() => null);
  // The session is over: the page asks for the token.
  if (response?.status === 401) location.reload();
  return response;
}

async function refresh(part) {
  const box = $(`part-${part}`);
  const mine = (latest[part] = (latest[part] ?? 0) + 1);
  box.setAttribute("aria-busy", "true");
  const query = part === "problems" ? problems : asked(page);
  const response = await ask(`part/${part}?${query}`, "text/html");
  if (mine !== latest[part]) return; // a later one is on its way
  box.removeAttribute("aria-busy");
  if (!response?.ok) return;
  const html = await response.text();
  if (mine !== latest[part]) return;
  put(box, html);
  if (part === "routes") text($("told"), `Routes: ${(box.querySelector(".pager p") ?? box).textContent.trim()}`);
  mark();
  showAll(box);
}

function put(box, html) {
  // What has the focus, and is typed there, stays as it is.
  const focused = box.contains(document.activeElement) ? document.activeElement : null;
  const place = focused && selector(focused);
  const typed = focused?.type === "search" ? [focused.value, focused.selectionStart] : null;
  box.innerHTML = html;
  const again = place && box.querySelector(place);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (typed) {
    again.value = typed[0];
    again.setSelectionRange(typed[1], typed[1]);
  }
}

function selector(element) {
  if (element.dataset.router) return `[data-router="${CSS.escape(element.dataset.router)}"]`;
  if (element.dataset.page) return `[aria-label="${element.getAttribute("aria-label") ?? ""}"], [data-page="${element.dataset.page}"]`;
  if (element.name) return `[name="${element.name}"]${element.type === "radio" ? `[value="${element.value}"]` : ""}`;
  return null;
}

function mark() {
  const name = chosen();
  for (const row of $("part-routes").querySelectorAll("tr[data-key]")) {
    row.classList.toggle("chosen", row.dataset.key === `r:${name}`);
  }
}

function remember() {
  const wanted = asked(page).toString();
  window.history.replaceState(null, "", `${location.pathname}${wanted ? `?${wanted}` : ""}`);
}

async function list() {
  remember();
  await refresh("routes");
  listen();
}

async function choose(name) {
  page.set("router", name);
  remember();
  await refresh("way");
  listen();
  $("way").scrollIntoView({ block: "nearest" });
}

function filter(kind, status) {
  const form = $("routes-form");
  form.elements.kind.value = kind;
  form.elements.status.value = status;
  page.set("kind", kind);
  page.set("status", status);
  page.delete("page");
  list();
  $("routes").scrollIntoView();
}

function sort(value) {
  problems.delete("page");
  sorted(value);
  refresh("problems");
}

function sorted(value) {
  problems.delete("severity");
  problems.delete("unrouted");
  if (value === "unrouted") problems.set("unrouted", "true");
  else if (value) problems.set("severity", value);
}

// ---- explaining ------------------------------------------------------------------------------------------

function make(tag, attributes, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...[children].flat());
  return element;
}

const code = (words) => make("code", {}, words);

async function explain(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
  const box = $("explained");
  const response = await ask(`explain?${query}`, "application/json");
  if (!response) box.replaceChildren(make("p", { class: "outcome bad" }, "Nobody answers."));
  else if (!response.ok) box.replaceChildren(make("p", { class: "outcome bad" }, (await response.json()).message));
  else box.replaceChildren(...explained(await response.json()));
}

function explained(way) {
  const parts = [];
  if (way.status) parts.push(make("p", { class: "outcome bad" }, `Answered ${way.status} here: ${way.reason}.`));
  else parts.push(make("p", { class: "outcome" }, ["Served: router ", code(way.router), ", service ", code(way.service), way.reason ? ` (${way.reason})` : ""]));
  const asks = [way.entryPoint, way.method, way.host + way.path].join(" · ");
  parts.push(make("p", { class: "beneath" }, asks));
  if (way.middlewares.length) parts.push(titled("Middlewares", way.middlewares.map((name) => make("li", {}, code(name)))));
  if (way.servers.length) {
    parts.push(titled("Servers", way.servers.map((server) => make("li", { class: `server ${server.state}` }, [make("span", { class: "state", title: server.state }), code(server.url), make("small", {}, `${server.name}, ${server.state}, weight ${server.weight}`)]))));
  }
  if (way.findings.length) parts.push(titled("Found of the service", way.findings.map((words) => make("li", { class: "why" }, words))));
  if (way.candidates.length) {
    const tried = way.candidates.map((candidate) =>
      make("li", {}, [
        make("span", { class: `badge ${candidate.holds ? "enabled" : ""}` }, candidate.holds ? "holds" : "fails"),
        make("div", {}, [code(candidate.router), " ", make("small", {}, `priority ${candidate.priority}`), make("br", {}), code(candidate.rule), ...candidate.failed.map((matcher) => make("p", { class: "why" }, ["does not hold: ", code(matcher)]))]),
      ]),
    );
    const left = way.omitted ? `, without ${way.omitted} before them` : "";
    parts.push(titled(`Routers that were tried, in order${left}`, tried, "tried"));
  }
  if (way.nearby.length) parts.push(titled("Perhaps meant", way.nearby.map((near) => make("li", {}, [code(near.name), `: ${near.reason}`, ...(near.excerpt ? [make("pre", {}, near.excerpt)] : [])]))));
  return parts;
}

function titled(title, items, name = "") {
  return make("div", {}, [make("h3", {}, title), make("ul", { class: name }, items)]);
}

// ---- what people do --------------------------------------------------------------------------------------

function later(action, milliseconds) {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), milliseconds);
  };
}

const listSoon = later(list, 200);
const problemsSoon = later(() => refresh("problems"), 200);

function typed(target) {
  if (target.form?.id === "routes-form") {
    page.set(target.name, target.value);
    page.delete("page");
    if (target.type === "search") listSoon();
    else list();
  } else if (target.form?.id === "problems-form") {
    if (target.type === "search") {
      problems.set("search", target.value);
      problems.delete("page");
      problemsSoon();
    } else sort(target.value);
  }
}

function clicked(event) {
  const target = event.target.closest("[data-router], [data-page], [data-routes], [data-problems], #theme");
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (target.id === "theme") switchTheme();
  else if (target.dataset.page) {
    const mine = $("part-problems").contains(target);
    (mine ? problems : page).set("page", target.dataset.page);
    if (mine) refresh("problems");
    else list();
  } else {
    event.preventDefault();
    if (target.dataset.router) choose(target.dataset.router);
    else if (target.dataset.routes) filter(...target.dataset.routes.split(" "));
    else {
      sort(target.dataset.problems);
      $("problems").scrollIntoView();
    }
  }
}

function pressed(event) {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $("search").focus();
    $("search").select();
  } else if (event.key === "Escape" && event.target === $("search")) event.target.blur();
}

document.addEventListener("input", (event) => typed(event.target));
document.addEventListener("click", clicked);
document.addEventListener("keydown", pressed);
document.addEventListener("submit", (event) => {
  if (event.target.method === "post") return;
  event.preventDefault();
  if (event.target.id === "explain-form") explain(event.target);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    source?.close();
    history.fill(null);
  } else listen();
});
// What is told without a change of the configuration, such as servers put aside.
setInterval(() => document.hidden || ["problems", "system"].forEach((part) => refresh(part)), 10000);

$("theme").hidden = false;
mark();
listen();
