/* Which of several results of one network is shown: that of the same settings as the other side, or its best. */

/* The varied settings of a result as one text; two results of equal texts had the same settings. */
function settingKey(result) {
  return data.varied.map((name) => JSON.stringify(result.settings[name] ?? null)).join(" ");
}

function resultsOf(encoder) {
  return data.results.filter((result) => result.content === state.content && result.style === state.style
    && result.encoder === encoder);
}

function isInput(encoder) {
  return encoder === CONTENT || encoder === STYLE;
}

/* Settings that the networks of both sides have results of, each as its first result. */
function sharedSettings() {
  const encoders = SIDES.map((side) => state[side]).filter((encoder) => !isInput(encoder));
  const [first = [], ...others] = encoders.map((encoder) => new Map(resultsOf(encoder).map((result) => [settingKey(result), result])));
  return new Map([...first].filter(([key]) => others.every((other) => other.has(key))));
}

/* The chosen settings, or those of the best result on the right, or on the left. */
function sharedSetting() {
  const shared = sharedSettings();
  const best = ["right", "left"].map((side) => resultsOf(state[side]).find((result) => result.shown)).filter(Boolean);
  const wanted = [state.setting, ...best.map(settingKey), ...shared.keys()];
  return wanted.find((key) => shared.has(key)) ?? null;
}

function resultFor(encoder) {
  const results = resultsOf(encoder);
  const same = state.mode === "same" ? results.filter((result) => settingKey(result) === sharedSetting()) : [];
  return same.find((result) => result.shown) ?? same[0] ?? results.find((result) => result.shown) ?? null;
}

function showSettings() {
  const own = state.leftPicture !== "" || state.rightPicture !== "";
  const shared = sharedSettings();
  const mode = shared.size ? state.mode : "best";
  for (const button of document.querySelectorAll("[data-mode]")) {
    button.setAttribute("aria-pressed", String(!own && button.dataset.mode === mode));
    button.disabled = button.dataset.mode === "same" && shared.size === 0;
  }
  $("setting").replaceChildren(...[...shared].map(([key, result]) => option(key, variedText(result))));
  $("setting").value = sharedSetting() ?? "";
  $("setting-field").hidden = state.mode !== "same" || own || shared.size < 2;
}

function setUpSettings() {
  $("modes").hidden = data.varied.length === 0 || data.encoders.length < 2;
  for (const button of document.querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => change({ mode: button.dataset.mode, leftPicture: "", rightPicture: "" }));
  }
  $("setting").addEventListener("change", () => change({ setting: $("setting").value }));
  follow(COMPARED, showSettings);
}
