/* Initializes all parts of the page. */

function setUpFilters() {
  $("encoder").append(option("", "all"), ...data.encoders.map((name) => option(name, networkName(name))));
  $("sort").append(option("", "file name"), ...COLUMNS.map(({ key, label }) => option(key, label)));
  $("picked-field").hidden = !data.results.some((result) => result.picked);
  $("find").addEventListener("input", () => change({ find: $("find").value }));
  $("encoder").addEventListener("change", () => change({ encoder: $("encoder").value }));
  $("sort").addEventListener("change", () => change({ sort: $("sort").value, order: "best" }));
  $("order").addEventListener("click", () => change({ order: state.order === "best" ? "worst" : "best" }));
  for (const name of ["picked", "pair"]) {
    $(name).addEventListener("change", () => change({ [name]: $(name).checked ? "1" : "" }));
  }
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => change({ view: button.dataset.view }));
  }
}

function orderName() {
  const by = column();
  if (by && by.higher !== undefined) return state.order === "best" ? "best first" : "worst first";
  if (by?.value) return state.order === "best" ? "low to high" : "high to low";
  return state.order === "best" ? "A to Z" : "Z to A";
}

function showFilters() {
  for (const name of ["find", "encoder", "sort"]) if ($(name).value !== state[name]) $(name).value = state[name];
  for (const name of ["picked", "pair"]) $(name).checked = state[name] !== "";
  $("order").textContent = orderName();
  $("order").hidden = !column();
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
  }
}

setUpChoice();
setUpSettings();
setUpSlider();
setUpMagnifier();
setUpViews();
setUpFilters();
follow(LISTED, () => {
  showFilters();
  showList();
});
follow(COMPARED, () => (state.pair ? showList() : showSides()));
addEventListener("beforeprint", loadAll);
addEventListener("resize", () => { $("scrolls").hidden = $("scroller").hidden || $("scroller").scrollWidth <= $("scroller").clientWidth; });
start();
document.documentElement.dataset.ready = "yes";
