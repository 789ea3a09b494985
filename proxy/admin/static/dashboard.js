// Live figures from server-sent events, and parts of the page that the server renders again after a search,
// a page change or a configuration change.

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const page = new URLSearchParams(location.search);

// ---- the theme -------------------------------------------------------------------------------------------

const THEMES = ["system", "light", "dark"];

function storedTheme() {
  try {
    return localStorage.getItem("rondpoint-theme");
  } catch {
    return null; // The browser may block local storage.
  }
}

function applyTheme(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  $("theme").querySelector("span").textContent = `Theme: ${theme}`;
}

let theme = THEMES.includes(storedTheme()) ? storedTheme() : "system";
applyTheme(theme);

function switchTheme() {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  try {
    localStorage.setItem("rondpoint-theme", theme);
  } catch {
    // The choice then applies only to this page.
  }
  applyTheme(theme);
}

// ---- figures ---------------------------------------------------------------------------------------------

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const figuresByKey = new Map();
const history = new Array(60).fill(null);
let known = true; // False while the store does not respond.

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const large = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
// A third digit of a small number only flickers.
const number = (value) => (value >= 10000 ? large : value < 10 ? small : plain).format(value);
const time = (ms) => (ms == null ? "–" : ms >= 1000 ? `${number(ms / 1000)} s` : `${number(ms)} ms`);
const share = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const percent = (part, whole) => (whole ? `${share.format((100 * part) / whole)} %` : "–");
const sum = (values) => values.reduce((total, value) => total + value, 0);

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function show(element, figures) {
  for (const slot of element.querySelectorAll("[data-slot]")) {
    if (slot.closest("[data-key]") !== element) continue;
    const kind = slot.dataset.slot;
    if (kind === "rate") text(slot, figures ? number(figures.rate) : known ? "0" : "–");
    else if (kind === "classes") bar(slot, figures);
    else if (kind === "legend") legend(slot, figures);
    else text(slot, time(figures?.[kind]));
  }
}

function bar(element, figures) {
  const parts = [];
  const whole = sum(figures?.classes ?? []);
  CLASSES.forEach((name, index) => {
    const rate = figures?.classes[index] ?? 0;
    element.children[index].style.flexGrow = rate && rate / whole;
    if (rate) parts.push(`${name} ${percent(rate, whole)}`);
  });
  element.title = parts.join(", ") || (known ? "no requests" : "not known");
}

function legend(element, figures) {
  [...element.querySelectorAll("dd")].forEach((dd, index) => {
    text(dd, figures ? percent(figures.classes[index + 1], sum(figures.classes)) : "–");
  });
}

function showAll(within = document) {
  for (const element of within.querySelectorAll("[data-key]")) {
    if (figuresByKey.has(element.dataset.key)) show(element, figuresByKey.get(element.dataset.key));
  }
  const { protocol, name } = chosen();
  $("part-flow").querySelector(".flow")?.classList.toggle("flowing", protocol === "http" && Boolean(figuresByKey.get(`r:${name}`)));
}

function spark(rate) {
  history.push(rate);
  history.shift();
  const known = history.filter((value) => value != null);
  const top = Math.max(1, ...known) * 1.15;
  const points = history
    .map((value, index) => (value == null ? null : `${(index * 240) / 59},${(48 - (44 * value) / top).toFixed(1)}`))
    .filter(Boolean);
  if (points.length < 2) return;
  const line = `M${points.join("L")}`;
  $("spark").querySelector(".line").setAttribute("d", line);
  $("spark").querySelector(".area").setAttribute("d", `${line}L240,48L${points[0].split(",")[0]},48Z`);
}

function busiest(names) {
  const list = $("busiest-list");
  if (!names.length) {
    list.replaceChildren(make("li", { class: "empty" }, known ? "No requests in the last seconds." : "Not known while the store does not respond."));
    return;
  }
  const most = Math.max(...names.map((name) => figuresByKey.get(`r:${name}`)?.rate ?? 0), 1e-9);
  const existing = new Map([...list.querySelectorAll("a")].map((link) => [link.dataset.router, link.parentElement]));
  const items = names.map((name) => {
    const item =
      existing.get(name) ??
      make("li", {}, [
        make("a", { href: `?router=${encodeURIComponent(name)}#flow`, "data-router": name }, [
          make("span", { class: "label" }, [make("code", {}, name), " ", make("b", {}, "")]),
          make("span", { class: "track" }, [make("i", {})]),
        ]),
      ]);
    const rate = figuresByKey.get(`r:${name}`)?.rate ?? 0;
    text(item.querySelector("b"), `${number(rate)}/s`);
    item.querySelector("i").style.width = `${(100 * rate) / most}%`;
    return item;
  });
  // Replace the items only if their order changed, so that the focus stays in place.
  if (items.length !== list.children.length || items.some((item, index) => item !== list.children[index])) {
    const focused = document.activeElement?.dataset?.router;
    list.replaceChildren(...items);
    if (focused) list.querySelector(`[data-router="${CSS.escape(focused)}"]`)?.focus();
  }
}

// ---- events ----------------------------------------------------------------------------------------------

let source = null;
let names = [];
let state = {};

function listen() {
  source?.close();
  if (document.hidden) return;
  source = new EventSource(`events?${pageQuery(page)}`);
  source.addEventListener("sample", (event) => applySample(JSON.parse(event.data)));
  source.onerror = () => {
    showStatus("trouble", "connecting again");
    // After a response such as 503, EventSource does not reconnect by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

function applySample(news) {
  for (const [key, figures] of Object.entries(news.rates)) figuresByKey.set(key, figures);
  const before = state;
  state = { ...state, ...news };
  known = !state.problem;
  if (state.problem) showStatus("trouble", state.problem);
  else showStatus("on", `${count(state.workers, "worker")}, ${count(state.instances, "instance")}, ${count(state.connections, "connection")}`);
  spark(known ? (figuresByKey.get("")?.rate ?? 0) : null);
  showAll();
  names = state.busiest ?? names;
  busiest(names);
  if (before.revision !== undefined && before.revision !== state.revision) {
    scheduleRefresh();
  } else if (before.system !== undefined && before.system !== state.system) refresh("system");
}

const count = (value, what) => `${number(value)} ${what}${value === 1 ? "" : "s"}`;

function showStatus(status, words) {
  $("live-status").dataset.state = status;
  text($("live-status-text"), words);
}

let pendingRefresh = null;

function scheduleRefresh() {
  // Changes often come in bursts.
  pendingRefresh ??= setTimeout(async () => {
    pendingRefresh = null;
    await Promise.all(["overview", "routes", "flow", "problems", "system"].map((part) => refresh(part)));
    listen();
  }, 500);
}

// ---- parts of the page -----------------------------------------------------------------------------------

const problems = new URLSearchParams({ search: page.get("problems-search") ?? "", page: page.get("problems-page") ?? "" });
setSort(page.get("sort"));
for (const name of ["sort", "problems-search", "problems-page"]) page.delete(name);
const latest = {};

// The query parameter with the name of the chosen router, by protocol.
const ROUTER_PARAMETERS = { http: "router", tcp: "tcp-router", udp: "udp-router" };

function pageQuery(parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of parameters) if (value) query.set(name, value);
  const { protocol, name } = chosen();
  if (name) query.set(ROUTER_PARAMETERS[protocol], name);
  return query;
}

function chosen() {
  for (const [protocol, parameter] of Object.entries(ROUTER_PARAMETERS)) {
    if (page.get(parameter)) return { protocol, name: page.get(parameter) };
  }
  const shown = $("part-flow").querySelector("[data-chosen]");
  return { protocol: shown?.dataset.protocol ?? "http", name: shown?.dataset.chosen ?? "" };
}

const protocolOf = (element) => element.dataset.protocol ?? "http";

async function fetchPage(address, type) {
  const response = await fetch(address, { headers: { Accept: type } }).catch(() => null);
  // The session has ended: the reloaded page asks for the token.
  if (response?.status === 401) location.reload();
  return response;
}

async function refresh(part) {
  const box = $(`part-${part}`);
  const sequence = (latest[part] = (latest[part] ?? 0) + 1);
  box.setAttribute("aria-busy", "true");
  const query = part === "problems" ? problems : pageQuery(page);
  const response = await fetchPage(`part/${part}?${query}`, "text/html");
  if (sequence !== latest[part]) return; // A later request is under way.
  box.removeAttribute("aria-busy");
  if (!response?.ok) return;
  const html = await response.text();
  if (sequence !== latest[part]) return;
  replaceContent(box, html);
  if (part === "routes") text($("announcement"), `Routes: ${(box.querySelector(".pager p") ?? box).textContent.trim()}`);
  markChosenRow();
  showAll(box);
}

function replaceContent(box, html) {
  // Keep the focus and the text that the user is typing.
  const focused = box.contains(document.activeElement) ? document.activeElement : null;
  const focusedSelector = focused && selector(focused);
  const typed = focused?.type === "search" ? [focused.value, focused.selectionStart] : null;
  box.innerHTML = html;
  const again = focusedSelector && box.querySelector(focusedSelector);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (typed) {
    again.value = typed[0];
    again.setSelectionRange(typed[1], typed[1]);
  }
}

function selector(element) {
  if (element.dataset.router) {
    const protocol = element.dataset.protocol ? `[data-protocol="${element.dataset.protocol}"]` : ":not([data-protocol])";
    return `[data-router="${CSS.escape(element.dataset.router)}"]${protocol}`;
  }
  if (element.dataset.page) return `[aria-label="${element.getAttribute("aria-label") ?? ""}"], [data-page="${element.dataset.page}"]`;
  if (element.name) return `[name="${element.name}"]${element.type === "radio" ? `[value="${element.value}"]` : ""}`;
  return null;
}

function markChosenRow() {
  const { protocol, name } = chosen();
  for (const row of $("part-routes").querySelectorAll(".routers tbody tr")) {
    const link = row.querySelector(".name [data-router]");
    row.classList.toggle("chosen", link?.dataset.router === name && protocolOf(link) === protocol);
  }
}

function updateAddress() {
  const query = pageQuery(page).toString();
  window.history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}`);
}

async function updateList() {
  updateAddress();
  await refresh("routes");
  listen();
}

async function choose(protocol, name) {
  for (const parameter of Object.values(ROUTER_PARAMETERS)) page.delete(parameter);
  page.set(ROUTER_PARAMETERS[protocol], name);
  updateAddress();
  await refresh("flow");
  listen();
  $("flow").scrollIntoView({ block: "nearest" });
}

function filter(protocol, kind, status = "") {
  const form = $("routes-form");
  form.elements.protocol.value = protocol;
  form.elements.kind.value = kind;
  form.elements.status.value = status;
  page.set("protocol", protocol);
  page.set("kind", kind);
  page.set("status", status);
  page.delete("page");
  updateList();
  $("routes").scrollIntoView();
}

function sort(value) {
  problems.delete("page");
  setSort(value);
  refresh("problems");
}

function setSort(value) {
  problems.delete("severity");
  problems.delete("unrouted");
  if (value === "unrouted") problems.set("unrouted", "true");
  else if (value) problems.set("severity", value);
}

// ---- explain ---------------------------------------------------------------------------------------------

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
  const response = await fetchPage(`explain?${query}`, "application/json");
  if (!response) box.replaceChildren(make("p", { class: "outcome bad" }, "No response."));
  else if (!response.ok) box.replaceChildren(make("p", { class: "outcome bad" }, (await response.json()).message));
  else {
    const explanation = await response.json();
    box.replaceChildren(...(explanation.overTls ? connectionParts(explanation) : explanationParts(explanation)));
  }
}

function connectionParts(explanation) {
  const { overTls, plain } = explanation;
  const parts = [make("p", { class: "beneath" }, `${explanation.entryPoint} · TCP · ${explanation.serverName || "no server name"}`)];
  // Without routers over TLS, the proxy does not look for TLS, and both decisions are the same one.
  if (JSON.stringify(overTls) === JSON.stringify(plain)) parts.push(...decisionParts("Over TLS or without", plain));
  else parts.push(...decisionParts("Over TLS", overTls), ...decisionParts("Without TLS", plain));
  if (explanation.notes.length) parts.push(section("Notes", explanation.notes.map((words) => make("li", {}, words))));
  return parts;
}

function decisionParts(title, decision) {
  const parts = [];
  if (decision.outcome === "closed") parts.push(make("p", { class: "outcome bad" }, `${title}: Rondpoint closes the connection: ${decision.reason}.`));
  else if (decision.outcome === "http") parts.push(make("p", { class: "outcome next" }, `${title}: ${decision.reason}; HTTP routers are next.`));
  else parts.push(make("p", { class: "outcome" }, [`${title}: router `, code(decision.router), decision.passthrough ? " (TLS passthrough)" : "", ", service ", code(decision.service)]));
  if (decision.middlewares.length) parts.push(section("Middlewares", decision.middlewares.map((name) => make("li", {}, code(name)))));
  if (decision.servers.length) {
    parts.push(section("Servers", decision.servers.map((server) => make("li", { class: `server ${server.state}` }, [make("span", { class: "state", title: server.state }), code(server.address), make("small", {}, `${server.name}, ${server.state}${server.tls ? ", TLS" : ""}`)]))));
  }
  if (decision.diagnostics.length) parts.push(section("Problems of the service", decision.diagnostics.map((words) => make("li", { class: "why" }, words))));
  if (decision.candidates.length) parts.push(candidatesSection(decision));
  return parts;
}

function candidatesSection({ candidates, omitted }) {
  const tried = candidates.map((candidate) =>
    make("li", {}, [
      make("span", { class: `badge ${candidate.matches ? "enabled" : ""}` }, candidate.matches ? "matches" : "no match"),
      make("div", {}, [code(candidate.router), " ", make("small", {}, `priority ${candidate.priority}`), make("br", {}), code(candidate.rule), ...candidate.failed.map((matcher) => make("p", { class: "why" }, ["does not match: ", code(matcher)]))]),
    ]),
  );
  return section(`Routers tried, in order${omitted ? `, without the first ${omitted}` : ""}`, tried, "tried");
}

function explanationParts(explanation) {
  const parts = [];
  if (explanation.handshake?.refusal) parts.push(make("p", { class: "outcome bad" }, `The TLS handshake is refused: ${explanation.handshake.refusal}.`));
  else if (explanation.status) parts.push(make("p", { class: explanation.status < 400 ? "outcome" : "outcome bad" }, `Rondpoint responds with ${explanation.status}: ${explanation.reason}.`));
  else parts.push(make("p", { class: "outcome" }, ["Served: router ", code(explanation.router), ", service ", code(explanation.service), explanation.reason ? ` (${explanation.reason})` : ""]));
  const request = [explanation.entryPoint, explanation.method, explanation.host + explanation.path].join(" · ");
  parts.push(make("p", { class: "beneath" }, request));
  if (explanation.handshake) parts.push(section("TLS handshake", handshakeItems(explanation.handshake)));
  if (explanation.parents.length) parts.push(section("Parent routers", explanation.parents.map((name) => make("li", {}, code(name)))));
  if (explanation.steps.length) parts.push(section("Middlewares, in order", explanation.steps.map(middlewareItem)));
  else if (explanation.middlewares.length) parts.push(section("Middlewares", explanation.middlewares.map((name) => make("li", {}, code(name)))));
  for (const member of explanation.members) {
    if (member.steps.length) parts.push(section(`Middlewares of ${member.service}`, member.steps.map(middlewareItem)));
  }
  if (explanation.servers.length) {
    parts.push(section("Servers", explanation.servers.map((server) => make("li", { class: `server ${server.state}` }, [make("span", { class: "state", title: server.state }), code(server.url), make("small", {}, `${server.name}, ${server.state}, weight ${server.weight}`)]))));
  }
  if (explanation.notes.length) parts.push(section("Notes", explanation.notes.map((words) => make("li", {}, words))));
  if (explanation.diagnostics.length) parts.push(section("Problems", explanation.diagnostics.map((words) => make("li", { class: "why" }, words))));
  if (explanation.candidates.length) parts.push(candidatesSection(explanation));
  if (explanation.suggestions.length) parts.push(section("Did you mean", explanation.suggestions.map((near) => make("li", {}, [code(near.name), `: ${near.reason}`, ...(near.excerpt ? [make("pre", {}, near.excerpt)] : [])]))));
  return parts;
}

function handshakeItems(handshake) {
  const asked = ["", "NoClientCert"].includes(handshake.clientAuth) ? "" : `, client certificates: ${handshake.clientAuth}`;
  const items = [make("li", {}, ["server name ", handshake.serverName ? code(handshake.serverName) : "none", ...(handshake.options ? [", TLS options ", code(handshake.options)] : []), asked])];
  for (const certificate of handshake.certificates) {
    const details = [certificate.keyType, certificate.issuer && `issued by ${certificate.issuer}`, `until ${certificate.notAfter}`, `from ${certificate.source}`].filter(Boolean).join(" · ");
    items.push(make("li", {}, ["certificate ", code(certificate.names.join(", ")), make("br", {}), make("small", {}, details), ...certificate.problems.map((words) => make("p", { class: "why" }, words))]));
  }
  return [...items, ...handshake.problems.map((words) => make("li", { class: "why" }, words))];
}

function middlewareItem(step) {
  const options = Object.entries(step.options).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return make("li", { class: step.status >= 400 ? "why" : "" }, [code(step.name), ` ${step.effect || "is not reached"}`, make("br", {}), make("small", {}, [`${step.kind}, of ${step.partOf}`, ...options].join(" · "))]);
}

function section(title, items, name = "") {
  return make("div", {}, [make("h3", {}, title), make("ul", { class: name }, items)]);
}

// ---- user input -----------------------------------------------------------------------------------------

function debounce(action, milliseconds) {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), milliseconds);
  };
}

const listSoon = debounce(updateList, 200);
const problemsSoon = debounce(() => refresh("problems"), 200);

function applyInput(target) {
  if (target.form?.id === "routes-form") {
    page.set(target.name, target.value);
    page.delete("page");
    if (target.type === "search") listSoon();
    else updateList();
  } else if (target.form?.id === "problems-form") {
    if (target.type === "search") {
      problems.set("search", target.value);
      problems.delete("page");
      problemsSoon();
    } else sort(target.value);
  }
}

function handleClick(event) {
  const target = event.target.closest("[data-router], [data-page], [data-routes], [data-problems], #theme");
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (target.id === "theme") switchTheme();
  else if (target.dataset.page) {
    const inProblems = $("part-problems").contains(target);
    (inProblems ? problems : page).set("page", target.dataset.page);
    if (inProblems) refresh("problems");
    else updateList();
  } else {
    event.preventDefault();
    if (target.dataset.router) choose(protocolOf(target), target.dataset.router);
    else if (target.dataset.routes) filter(protocolOf(target), ...target.dataset.routes.split(" "));
    else {
      sort(target.dataset.problems);
      $("problems").scrollIntoView();
    }
  }
}

function handleKey(event) {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $("search").focus();
    $("search").select();
  } else if (event.key === "Escape" && event.target === $("search")) event.target.blur();
}

document.addEventListener("input", (event) => applyInput(event.target));
document.addEventListener("click", handleClick);
document.addEventListener("keydown", handleKey);
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
// Problems can change without a new revision, for example when a worker ejects a server.
setInterval(() => document.hidden || ["problems", "system"].forEach((part) => refresh(part)), 10000);

$("theme").hidden = false;
markChosenRow();
listen();
