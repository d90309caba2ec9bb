/* Two pictures on top of each other; the left one is clipped at the divider. */

function picture(side) {
  return $(`side-${side}`).querySelector("img");
}

/* Aspect ratio of the shown picture; known before the picture is loaded if the result stores it. */
function setAspect(result) {
  const [width, height] = result?.size?.[0] ? result.size : [picture("right").naturalWidth, picture("right").naturalHeight];
  if (width && height) $("viewer").style.setProperty("--aspect", String(width / height));
}

function showSide(side) {
  const result = chosen(side);
  const figureOfSide = $(`side-${side}`);
  const image = picture(side);
  figureOfSide.classList.toggle("empty", result === null);
  figureOfSide.querySelector("figcaption").textContent = result?.encoder ?? `no picture by ${state[side]}`;
  if (result === null) {
    image.removeAttribute("src");
    image.alt = "";
  } else {
    const address = source(result.picture);
    if (image.getAttribute("src") !== address) image.src = address;
    image.alt = result.isContent ? `content picture ${contentName(state.content)}` : describe(result);
  }
}

function settingText(value) {
  if (typeof value === "number") return figure(value);
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "–");
}

/* The settings that a search varied. */
function variedText(result) {
  const known = data.varied.filter((name) => name in result.settings);
  return known.map((name) => `${words(name)} ${settingText(result.settings[name])}`).join(", ");
}

function fact(name, value) {
  return [make("dt", { textContent: name }), make("dd", { textContent: value })];
}

function showFacts(side) {
  const result = chosen(side);
  const list = $(`facts-${side}`);
  const name = make("dd", { textContent: result?.encoder ?? state[side] });
  if (result?.picked) name.append(" ", make("span", { className: "mark", textContent: "Picked" }));
  list.replaceChildren(make("div", { className: "title" }, make("dt", { textContent: side }), name));
  if (result === null || result.isContent) return;
  const scores = data.measures.filter((measure) => measure.name in result.scores);
  const facts = scores.map((measure) => fact(words(measure.name), figure(result.scores[measure.name])));
  facts.push(...data.varied.map((setting) => fact(words(setting), settingText(result.settings[setting]))));
  facts.push(fact("seconds", figure(result.seconds)));
  list.append(...facts.map((parts) => make("div", {}, ...parts)));
}

function showPosition() {
  const value = Number(state.position);
  const range = $("divider");
  range.value = value;
  range.setAttribute("aria-valuetext", `${Math.round(value)} % left, ${Math.round(100 - value)} % right`);
  $("stage").style.setProperty("--position", `${value}%`);
}

function setUpSlider() {
  const range = $("divider");
  range.addEventListener("input", () => change({ position: range.value }));
  for (const side of SIDES) {
    picture(side).addEventListener("load", () => setAspect(chosen("right") ?? chosen("left")));
    picture(side).addEventListener("error", () => $(`side-${side}`).classList.add("empty"));
  }
  follow(COMPARED, () => {
    setAspect(chosen("right") ?? chosen("left"));
    SIDES.forEach(showSide);
    SIDES.forEach(showFacts);
    $("permalink").href = fragment(state);
  });
  follow(["position"], showPosition);
  follow(KEYS, () => { $("permalink").href = fragment(state); });
}
