/* Two pictures on top of each other; the left one is clipped at the divider. */

function picture(side) {
  return $(`side-${side}`).querySelector("img");
}

/* What a side shows, in words: the network with the settings that a search varied, or an input. */
function sideName(side, result) {
  if (result === null) return "no picture";
  if (result.input) return `${result.encoder} ${result.input === "content" ? contentName(state.content) : styleName(state.style)}`;
  return [networkName(result.encoder), variedText(result)].filter(Boolean).join(", ");
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
  figureOfSide.classList.toggle("whole", result?.input === "style");
  const absent = isInput(state[side]) ? "no picture" : `no picture by ${networkName(state[side])}`;
  figureOfSide.querySelector("figcaption").textContent = result === null ? absent : sideName(side, result);
  if (result === null) {
    image.removeAttribute("src");
    image.alt = "";
  } else {
    const address = source(pictureAt(result));
    if (image.getAttribute("src") !== address) image.src = address;
    image.alt = result.input ? sideName(side, result) : describe(result);
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

function showPosition() {
  const value = Number(state.position);
  const range = $("divider");
  range.value = value;
  range.setAttribute("aria-label", `Divider between ${SIDES.map((side) => sideName(side, chosen(side))).join(" and ")}`);
  range.setAttribute("aria-valuetext", `${Math.round(value)} % left, ${Math.round(100 - value)} % right`);
  $("stage").style.setProperty("--position", `${value}%`);
}

function setUpSlider() {
  const range = $("divider");
  range.addEventListener("input", () => change({ position: range.value }));
  for (const side of SIDES) {
    picture(side).addEventListener("load", () => {
      if (!SIDES.some((other) => chosen(other)?.size?.[0])) setAspect(null);
    });
    picture(side).addEventListener("error", () => $(`side-${side}`).classList.add("empty"));
  }
  follow([...COMPARED, "step"], () => {
    setAspect(SIDES.map(chosen).reverse().find((result) => result && !result.input) ?? chosen("right"));
    SIDES.forEach(showSide);
    for (const side of SIDES) $("compare").classList.toggle(`no-${side}`, isInput(state[side]) && chosen(side) === null);
  });
  follow(COMPARED, () => {
    showScores();
    showCurves();
  });
  follow([...COMPARED, "position"], showPosition);
  follow(KEYS, () => { $("permalink").href = fragment(state); });
}
