/* All results, as pictures or as a table: sorted, filtered, with buttons that show each one on a side. */

/* A setting is neither good nor bad, so its order is only low to high. */
function settingColumn(name) {
  const isNumber = data.results.every(({ settings }) => typeof (settings[name] ?? 0) === "number");
  const column = { key: `setting:${name}`, label: words(name) };
  if (isNumber) return { ...column, value: (result) => result.settings[name] };
  return { ...column, text: (result) => settingText(result.settings[name]) };
}

const COLUMNS = [
  { key: "content", text: (result) => contentName(result.content) },
  { key: "style", text: (result) => styleName(result.style) },
  { key: "encoder", text: (result) => networkName(result.encoder) },
  ...data.varied.map(settingColumn),
  ...data.measures.map(({ name, higher, label }) => ({ key: `score:${name}`, higher, label, value: (result) => result.scores[name] })),
  { key: "seconds", higher: false, value: (result) => result.seconds },
].map((column) => ({ label: column.key, ...column }));
const LISTED = ["view", "sort", "order", "find", "encoder", "picked", "pair"];
const CARD_SCORES = 2;
const CARDS = new Map();
const ROWS = new Map();

/* Pictures are loaded, or taken from the page's own bytes, when they come near the viewport. */
const lazily = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    lazily.unobserve(target);
    target.src = source(byPicture.get(target.dataset.key).thumbnail);
  }
}, { rootMargin: "600px" });

function column() {
  return COLUMNS.find(({ key }) => key === state.sort);
}

/* Best first: the lowest distance, the highest similarity, names from A to Z. Missing values come last both ways. */
function compare(one, two, by) {
  if (!by.value) return by.text(one).localeCompare(by.text(two), undefined, { numeric: true });
  return by.higher ? by.value(two) - by.value(one) : by.value(one) - by.value(two);
}

function sorted(results) {
  const by = column();
  if (!by) return results;
  const known = results.filter((result) => !by.value || typeof by.value(result) === "number");
  const unknown = results.filter((result) => !known.includes(result));
  const sign = state.order === "best" ? 1 : -1;
  return [...known.sort((one, two) => sign * compare(one, two, by)), ...unknown];
}

function found() {
  const wanted = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  return data.results.filter((result) => {
    const names = [contentName(result.content), styleName(result.style), networkName(result.encoder)];
    const text = [result.content, result.style, result.encoder, result.file, ...names].join(" ").toLowerCase();
    return (!state.encoder || result.encoder === state.encoder) && (!state.picked || result.picked)
      && (!state.pair || (result.content === state.content && result.style === state.style))
      && wanted.every((word) => text.includes(word));
  });
}

/* Written only when a user opens them: five hundred lists of settings would slow the page down. */
function fillSettings(details, result) {
  if (details.children.length > 1) return;
  const size = result.size[0] ? [fact("size", result.size.join(" × "))] : [];
  const losses = Object.entries(result.losses).map(([name, value]) => fact(`loss ${words(name)}`, figure(value)));
  const settings = Object.entries(result.settings).map(([name, value]) => fact(words(name), settingText(value)));
  const rest = [fact("file", result.file), fact("seconds", figure(result.seconds))];
  if (result.sha256) rest.push(fact("weights", result.sha256.slice(0, 12)));
  details.append(make("dl", {}, ...[...rest, ...size, ...losses, ...settings].flat()));
}

/* A link that can be copied or opened elsewhere; a plain click keeps the other side. */
function link(anchor, result) {
  const patch = { content: result.content, style: result.style, right: result.encoder, rightPicture: result.picture };
  anchor.href = fragment({ ...DEFAULTS, ...patch });
  anchor.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    change(patch);
    $("stage").scrollIntoView({ block: "nearest" });
    $("divider").focus({ preventScroll: true });
  });
}

function actions(result) {
  const parts = copyOf("actions-template");
  for (const button of parts.querySelectorAll("button")) {
    const { side } = button.dataset;
    button.setAttribute("aria-label", `Show ${describe(result)} on the ${side}`);
    button.addEventListener("click", () => change({
      content: result.content, style: result.style, [side]: result.encoder, [`${side}Picture`]: result.picture,
    }));
  }
  const details = parts.querySelector("details");
  details.addEventListener("toggle", () => fillSettings(details, result));
  return parts;
}

function thumbnail(image, result) {
  image.alt = describe(result);
  image.dataset.key = result.picture;
  image.addEventListener("error", () => image.classList.add("broken"));
}

function card(result) {
  const item = copyOf("card-template").firstElementChild;
  thumbnail(item.querySelector("img"), result);
  link(item.querySelector("a"), result);
  item.querySelector(".mark").hidden = !result.picked;
  item.querySelector(".who").textContent = networkName(result.encoder);
  item.querySelector(".what").textContent = `${contentName(result.content)} × ${styleName(result.style)}`;
  item.querySelector(".how").textContent = variedText(result);
  item.querySelector(".actions").append(actions(result));
  item.dataset.key = result.picture;
  return item;
}

/* The first scores, preceded by the one that the list is sorted by. */
function showNumbers(item, result) {
  const measures = data.measures.filter(({ name }) => name in result.scores);
  measures.sort((one, two) => (`score:${two.name}` === state.sort) - (`score:${one.name}` === state.sort));
  item.querySelector(".numbers").replaceChildren(...measures.slice(0, CARD_SCORES).map(({ name, label }) => make(
    "span", {}, `${label} `, make("b", { textContent: figure(result.scores[name]) }),
  )));
}

function row(result) {
  const image = make("img", { decoding: "async" });
  thumbnail(image, result);
  const mark = result.picked ? [make("span", { className: "mark", textContent: "Picked" })] : [];
  const cells = COLUMNS.map(({ value, text }) => make("td", {
    className: value ? "number" : "", textContent: value ? figure(value(result)) : text(result),
  }));
  const anchor = make("a", {}, image);
  link(anchor, result);
  const line = make("tr", {}, make("td", { className: "frame" }, anchor), ...cells);
  line.append(make("td", {}, ...mark), make("td", { className: "actions" }, actions(result)));
  line.dataset.key = result.picture;
  return line;
}

function showHeads() {
  const heads = COLUMNS.map(({ key, label, value, higher }) => {
    const head = make("th", { scope: "col", className: value ? "number" : "" });
    const isSorted = key === state.sort;
    const ascending = (state.order === "best") !== Boolean(higher);
    if (isSorted) head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const button = make("button", { type: "button", textContent: label });
    if (higher !== undefined) button.title = higher ? "more is better" : "less is better";
    button.addEventListener("click", () => {
      change({ sort: key, order: isSorted && state.order === "best" ? "worst" : "best" });
      $("heads").querySelectorAll("button")[COLUMNS.findIndex((other) => other.key === key)].focus();
    });
    head.append(button);
    return head;
  });
  const unseen = (text) => make("th", { scope: "col" }, make("span", { className: "unseen", textContent: text }));
  $("heads").replaceChildren(unseen("Picture"), ...heads, unseen("Picked"), unseen("Show"));
}

/* Each entry is made once: filtering five hundred of them stays fast, and keeps loaded pictures and open settings. */
function entry(result) {
  const isTable = state.view === "table";
  const kept = isTable ? ROWS : CARDS;
  if (!kept.has(result.picture)) kept.set(result.picture, isTable ? row(result) : card(result));
  const item = kept.get(result.picture);
  if (!isTable) showNumbers(item, result);
  const image = item.querySelector("img");
  if (!image.hasAttribute("src")) lazily.observe(image);
  return item;
}

function showList() {
  const results = sorted(found());
  const isTable = state.view === "table";
  lazily.disconnect();
  $("cards").hidden = isTable;
  $("scroller").hidden = !isTable;
  $(isTable ? "rows" : "cards").replaceChildren(...results.map(entry));
  showHeads();
  $("scrolls").hidden = !isTable || $("scroller").scrollWidth <= $("scroller").clientWidth;
  $("count").textContent = results.length === data.results.length
    ? `${results.length} results` : `${results.length} of ${data.results.length} results`;
  showSides();
}

/* Paper has no viewport: every picture of the list is loaded before it is printed. */
function loadAll() {
  for (const image of $("results").querySelectorAll("img:not([src])")) image.src = source(byPicture.get(image.dataset.key).thumbnail);
}

/* Marks the results that are shown on the sides. */
function showSides() {
  const keys = Object.fromEntries(SIDES.map((side) => [side, chosen(side)?.picture]));
  for (const item of $("results").querySelectorAll("[data-key] button[data-side]")) {
    const { side } = item.dataset;
    item.setAttribute("aria-pressed", String(keys[side] === item.closest("[data-key]").dataset.key));
  }
}
