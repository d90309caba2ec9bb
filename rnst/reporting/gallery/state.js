/* The data, the chosen state and its form in the fragment of the address; small helpers that create elements. */

const data = JSON.parse(document.getElementById("data").textContent);
const CONTENT = "@content";
const STYLE = "@style";
const KEYS = ["content", "style", "left", "right", "leftPicture", "rightPicture", "position", "at", "view", "sort", "order",
  "find", "encoder", "picked", "pair", "mode", "setting", "zoom", "step", "difference"];
const DEFAULTS = {
  ...data.start, leftPicture: "", rightPicture: "", position: "50", at: "0.3,0.35", view: "pictures",
  sort: "", order: "best", find: "", encoder: "", picked: "", pair: "",
  mode: "same", setting: "", zoom: "4", step: "", difference: "",
};
const ZOOMS = ["3", "4", "10"];
const byPicture = new Map(data.results.map((result) => [result.picture, result]));
const listeners = [];
let state = { ...DEFAULTS };
let waiting = 0;

function $(id) {
  return document.getElementById(id);
}

/* An element with properties and children; text is only ever set as text, never as HTML. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function copyOf(template) {
  return $(template).content.cloneNode(true);
}

/* Address of a picture: relative, or the bytes stored in an element of this page. */
function source(reference) {
  return reference.startsWith("#") ? $(reference.slice(1)).textContent : reference;
}

function words(name) {
  return name.replaceAll("_", " ");
}

function titleOf(kind, name) {
  return Object.hasOwn(data.titles[kind], name) ? data.titles[kind][name] : name;
}

function contentName(name) {
  return titleOf("contents", name) || "no content";
}

function styleName(name) {
  return titleOf("styles", name) || "no style";
}

function networkName(name) {
  return titleOf("networks", name);
}

/* Three significant digits; powers of ten only where zeros would hide the digits. */
function figure(value) {
  if (typeof value !== "number") return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2);
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function describe(result) {
  const author = `by ${networkName(result.encoder)}`;
  return `${contentName(result.content)} in the style of ${styleName(result.style)}, ${author}`;
}

/* The content of one side: a result, the content picture, or nothing. */
function chosen(side) {
  const encoder = state[side];
  if (isInput(encoder)) {
    const [entries, name, kind] = encoder === CONTENT ? [data.contents, state.content, "content"] : [data.styles, state.style, "style"];
    const picture = entries.find((entry) => entry.name === name)?.pictures[0];
    return picture ? { picture, encoder: `${kind} picture`, input: kind } : null;
  }
  const exact = byPicture.get(state[`${side}Picture`]);
  const fits = (result) => result.content === state.content && result.style === state.style && result.encoder === encoder;
  return exact && fits(exact) ? exact : resultFor(encoder);
}

function fragment(wanted) {
  const parts = KEYS.filter((key) => wanted[key] !== DEFAULTS[key] || key in data.start)
    .map((key) => `${key}=${encodeURIComponent(wanted[key])}`);
  return `#${parts.join("&")}`;
}

/* Reads a fragment; missing or invalid entries keep their defaults. */
function parsed(text) {
  const given = Object.fromEntries(new URLSearchParams(text.replace(/^#/, "").replaceAll("+", "%2B")));
  const valid = {
    content: (name) => data.contents.some((entry) => entry.name === name),
    style: (name) => data.styles.some((entry) => entry.name === name),
    left: (name) => isInput(name) || data.encoders.includes(name),
    right: (name) => isInput(name) || data.encoders.includes(name),
    mode: (value) => value === "same" || value === "best",
    zoom: (value) => ZOOMS.includes(value),
    step: (value) => /^\d{0,6}$/.test(value),
    encoder: (name) => name === "" || data.encoders.includes(name),
    position: (value) => value !== "" && Number(value) >= 0 && Number(value) <= 100,
    at: (value) => /^[01](\.\d+)?,[01](\.\d+)?$/.test(value),
    view: (value) => value === "pictures" || value === "table",
    order: (value) => value === "best" || value === "worst",
  };
  const kept = KEYS.filter((key) => key in given && (valid[key]?.(given[key]) ?? true)).map((key) => [key, given[key]]);
  return { ...DEFAULTS, ...Object.fromEntries(kept) };
}

/* The address is updated after a delay: a divider that is being dragged changes a hundred times a second. */
function remember() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    try {
      history.replaceState(null, "", fragment(state));
    } catch {
      /* Frames without an address of their own refuse; the page works without it. */
    }
  }, 150);
}

function change(patch) {
  const before = state;
  state = { ...state, ...patch };
  remember();
  for (const listener of listeners) listener(before);
}

/* Calls back when one of the keys has changed, and once at the start. */
function follow(keys, listener) {
  listeners.push((before) => {
    if (before === null || keys.some((key) => before[key] !== state[key])) listener();
  });
}

function start() {
  state = parsed(location.hash);
  for (const listener of listeners) listener(null);
  addEventListener("hashchange", () => {
    if (location.hash === "" || location.hash.includes("=")) {
      clearTimeout(waiting);
      const before = state;
      state = parsed(location.hash);
      for (const listener of listeners) listener(before);
    }
  });
}
