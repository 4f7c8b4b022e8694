// The live page: asks /sandbox/state.json once a second and redraws what has changed. Text is only ever set as text.

const words = await (await fetch("/sandbox/words.json")).json();
const asked = new URLSearchParams(location.search).get("lang");
let language = asked || localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
if (!(language in words)) language = "en";
let tab = "sms";
let state = null;
const seen = {sms: 0, wechat: 0, email: 0, ops: 0};
const drawn = new Map();

const say = (word) => words[language][word] ?? word;
const byId = (id) => document.getElementById(id);

/** An element: tag.class.class, its attributes, its children (texts or elements). */
function el(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const chip = (word, text = say(word)) => el(`span.chip.${word}`, {}, text);
const caseWord = (word) => (word === "waiting" ? "case_waiting" : word);
const messageWord = (word) => (word === "delivered" ? "message_delivered" : word);
const safe = (link) => (/^https?:\/\//.test(link) ? link : null);
const time = (at) => new Date(at).toLocaleTimeString(language, {hour12: false});
const day = (at) => new Date(at).toLocaleDateString(language, {month: "numeric", day: "numeric"});

/** Redraw a part only when its data or the language changed, so that scrolling and selection stay. */
function part(id, data, draw) {
  const key = language + JSON.stringify(data);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  byId(id).replaceChildren(...draw());
}

function legs(parcel) {
  const tracking = parcel.tracking;
  if (!tracking) return el("div.legs", {}, el("div.leg", {}, el("span.number", {}, parcel.number)));
  const rows = [...tracking.legs].sort((a, b) => a.current - b.current).map((leg) =>
    el(leg.current ? "div.leg" : "div.leg.past", {},
      el("span.name", {}, leg.carrier.name), el("span.number", {}, leg.tracking_number),
      leg.current && tracking.stalled ? chip("stalled") : null, chip(leg.status)));
  const current = tracking.legs.find((leg) => leg.current);
  const newest = current && current.scans[0];
  return el("div.legs", {}, ...rows, newest ? el("div.scan", {title: newest.text}, `${day(newest.at)} ${time(newest.at)}  ${newest.text}`) : null);
}

function doing(journey) {
  const step = journey.steps[journey.done];
  if (journey.state !== "running" || !step) return "";
  const what = step.status ? say(step.status === "unknown" ? step.code : step.status) : "";
  const wanted = step.about ? [say(step.about), ...step.words.map(say)].join(" ") : "";
  return [say(step.kind), what, wanted, step.text].filter(Boolean).join(" · ");
}

function facts(journey) {
  const rows = [
    ["cases", journey.cases.map((one) => chip(caseWord(one.state), `${say(one.kind)} · ${say(caseWord(one.state))}`))],
    ["coupons", journey.coupons.map((one) => chip(one.state, `${amount(one.amount)} ${say(one.state)}`))],
    ["messages", journey.messages.map((one) => chip(one.state, `${say(one.channel)} ${say(one.template)} · ${say(messageWord(one.state))}`))],
  ];
  return rows.filter(([, chips]) => chips.length).map(([name, chips]) =>
    el("div", {}, el("b", {}, say(name)), ...chips.flatMap((one) => [one, " "])));
}

const amount = (money) => (money && typeof money === "object" ? `${money.amount} ${money.currency}` : String(money ?? ""));

function card(journey) {
  const dots = journey.steps.map((_, index) => {
    const now = index === journey.done && journey.state === "running" ? ".now" : "";
    const failed = index === journey.done && journey.state === "failed" ? ".failed" : "";
    return el(index < journey.done || journey.state === "reached" ? "i.done" : `i${now}${failed}`);
  });
  const link = journey.parcels.map((one) => safe(one.link)).find(Boolean);
  return el(`article.card.${journey.state}`, {},
    el("div.top", {}, el("h3", {}, journey.title[language]), chip(journey.state)),
    el("p.about", {}, journey.about[language]),
    ...journey.parcels.map(legs),
    el("div.steps", {}, ...dots),
    journey.state === "running" ? el("div.doing", {}, doing(journey)) : null,
    el("div.facts", {}, ...facts(journey)),
    journey.note ? el("div.note", {}, journey.note) : null,
    el("div.foot", {},
      el("span", {}, `${say("try")} `, el("span.number", {}, journey.numbers)),
      link ? el("a", {href: link, target: "_blank", rel: "noopener"}, say("tracking")) : null));
}

/** The markdown of an operators' room: bold, links and escaped characters; anything else stays text. */
function markdown(text) {
  const part = /\*\*((?:\\.|[^*\\])+)\*\*|\[((?:\\.|[^\]\\])+)\]\(([^)\s]+)\)|\\([\\*_`><[\]])/g;
  const plain = (value) => value.replace(/\\([\\*_`><[\]])/g, "$1");
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(part)) {
    nodes.push(text.slice(end, found.index));
    end = found.index + found[0].length;
    const [, bold, label, link, escaped] = found;
    if (bold) nodes.push(el("strong", {}, plain(bold)));
    else if (label) nodes.push(safe(link) ? el("a", {href: link, target: "_blank", rel: "noopener"}, plain(label)) : plain(label));
    else nodes.push(escaped);
  }
  return [...nodes, text.slice(end)];
}

function bubble(channel, one) {
  const link = safe(one.link);
  const frame = channel === "email" && one.html ? el("iframe", {sandbox: "", srcdoc: one.html, title: one.title}) : null;
  const title = channel === "sms" ? `【${one.title}】` : one.title;
  return el(`div.bubble.${channel}`, {},
    el("div.meta", {}, el("span", {}, one.to || say(channel)), el("time", {}, time(one.at))),
    channel === "sms" ? null : title ? el("strong", {}, title) : null,
    frame ?? el("div.body", {}, ...(channel === "ops" ? markdown(one.text) : [(channel === "sms" ? title : "") + one.text])),
    link && channel !== "email" ? el("a", {href: link, target: "_blank", rel: "noopener"}, link) : null);
}

function draw() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  if (!state) return;
  byId("docs").href = `${state.gateway}/docs`;
  byId("console").href = `${state.gateway}/console`;
  byId("away").hidden = state.answers;
  const counts = ["waiting", "running", "reached", "failed"].map((word) => [word, state.journeys.filter((one) => one.state === word).length]);
  part("summary", counts, () => counts.filter(([, count]) => count).map(([word, count]) => chip(word, `${count} ${say(word)}`)));
  part("journeys", state.journeys, () => state.journeys.map(card));
  part("inbox", [tab, state[tab]], () =>
    state[tab].length ? state[tab].map((one) => bubble(tab, one)) : [el("div.empty", {}, say("nothing"))]);
  part("carriers", state.carriers, () => state.carriers.map((one) =>
    el("div.row", {}, el("span", {}, one.name), one.incident ? chip("incident") : chip("fine"))));
  part("calls", state.calls, () => state.calls.map((one) =>
    el(one.outcome.startsWith("fault") ? "div.row.fault" : "div.row", {},
      el("span", {}, `${time(one.at)}  ${one.provider}.${one.operation}`),
      el("span.number", {title: one.key || one.number}, one.outcome.startsWith("fault") ? one.outcome.slice(6) : one.number || one.key))));
  seen[tab] = state[tab].length;
  for (const button of document.querySelectorAll("[data-tab]")) {
    const name = button.dataset.tab;
    const fresh = state[name].length - seen[name];
    button.replaceChildren(say(name), ...(fresh > 0 ? [el("sup", {}, String(fresh))] : []));
    button.setAttribute("aria-selected", String(name === tab));
  }
}

for (const button of document.querySelectorAll("[data-tab]")) {
  button.addEventListener("click", () => { tab = button.dataset.tab; draw(); });
}
byId("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  draw();
});

async function look() {
  try {
    state = await (await fetch(`/sandbox/state.json?lang=${language}`)).json();
  } catch {
    if (state) state.answers = false;
  }
  draw();
  setTimeout(look, 1000);
}

draw();
look();
