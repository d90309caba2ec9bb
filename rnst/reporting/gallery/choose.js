/* Content and style by thumbnail, encoders by name, and the article's check box. */

const SIDES = ["left", "right"];
const COMPARED = ["content", "style", "left", "right", "leftPicture", "rightPicture", "mode", "setting"];
let beforeVgg = data.pair;

function face(entry, name) {
  const pictures = entry.pictures.map((reference) => {
    const picture = make("img", { alt: "", decoding: "async" });
    picture.addEventListener("error", () => picture.replaceWith(make("span", { className: "letters", textContent: name })));
    picture.src = source(reference);
    return picture;
  });
  return pictures.length ? pictures : [make("span", { className: "letters", textContent: name })];
}

/* Completes a choice so that it has a result: if content and style were never combined, the other half changes. */
function completed(patch, kind) {
  const wanted = { ...state, ...patch };
  const has = (result, ...keys) => keys.every((key) => result[key] === wanted[key]);
  const other = kind === "content" ? "style" : "content";
  const start = data.results.find((result) => has(result, "content", "style")) ?? data.results.find((result) => has(result, kind));
  wanted[other] = start[other];
  const encoders = data.encoders.filter((name) => data.results.some((result) => has(result, "content", "style") && result.encoder === name));
  if (!encoders.includes(wanted.left) && !encoders.includes(wanted.right)) [wanted.left, wanted.right] = [encoders[0], encoders.at(-1)];
  return { ...wanted, leftPicture: "", rightPicture: "" };
}

function addTiles(kind, entries, nameOf) {
  for (const entry of entries) {
    const tile = copyOf("tile-template").firstElementChild;
    const radio = tile.querySelector("input");
    Object.assign(radio, { name: kind, value: entry.name });
    radio.addEventListener("change", () => change(completed({ [kind]: entry.name }, kind)));
    tile.querySelector(".face").append(...face(entry, nameOf(entry.name)));
    tile.querySelector(".name").textContent = nameOf(entry.name);
    tile.title = nameOf(entry.name);
    $(`${kind}s`).append(tile);
  }
}

function option(value, text) {
  return make("option", { value, textContent: text });
}

function addEncoders(side) {
  const select = $(side);
  select.append(...data.encoders.map((name) => option(name, networkName(name))));
  const hasContent = data.contents.some((entry) => entry.pictures.length);
  if (hasContent || data.encoders.length === 1) select.append(option(CONTENT, hasContent ? "content picture" : "nothing"));
  if (data.styles.some((entry) => entry.pictures.length)) select.append(option(STYLE, "style picture"));
  select.addEventListener("change", () => change({ [side]: select.value, [`${side}Picture`]: "" }));
}

function isVggPair() {
  return data.vggPair !== null && state.left === data.vggPair[0] && state.right === data.vggPair[1];
}

function toggleVgg() {
  if ($("vgg").checked) beforeVgg = [state.left, state.right];
  const [left, right] = $("vgg").checked ? data.vggPair : beforeVgg;
  change({ left, right, leftPicture: "", rightPicture: "" });
}

function swap() {
  const { left, right, leftPicture, rightPicture } = state;
  change({ left: right, right: left, leftPicture: rightPicture, rightPicture: leftPicture });
}

/* Combinations without a result stay selectable, and are marked as absent. */
function showChoice() {
  for (const kind of ["content", "style"]) {
    const other = kind === "content" ? "style" : "content";
    const available = new Set(data.results.filter((result) => result[other] === state[other]).map((result) => result[kind]));
    for (const radio of $(`${kind}s`).querySelectorAll("input")) {
      radio.checked = radio.value === state[kind];
      radio.closest(".tile").classList.toggle("absent", !available.has(radio.value));
    }
  }
  for (const side of SIDES) $(side).value = state[side];
  $("vgg").checked = isVggPair();
}

function announce() {
  const names = SIDES.map((side) => `${side} ${sideName(side, chosen(side))}`);
  $("status").textContent = `Content ${contentName(state.content)}, style ${styleName(state.style)}; ${names.join(", ")}.`;
}

function number(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function setUpChoice() {
  $("lede").textContent = `${number(data.results.length, "picture")}: ${number(data.contents.length, "content")} and `
    + `${number(data.styles.length, "style")}, stylized through ${number(data.encoders.length, "network")}.`;
  addTiles("content", data.contents, contentName);
  addTiles("style", data.styles, styleName);
  SIDES.forEach(addEncoders);
  $("vgg-field").hidden = data.vggPair === null || String(data.vggPair) === String(data.pair);
  $("vgg").addEventListener("change", toggleVgg);
  $("swap").addEventListener("click", swap);
  follow(COMPARED, () => {
    showChoice();
    announce();
  });
}
