/* Other views of the two pictures: intermediate steps, difference, full screen, download. */

/* Steps of intermediate pictures that were kept, of both sides. */
function keptSteps() {
  const steps = SIDES.flatMap((side) => chosen(side)?.steps ?? []).map(({ step }) => step);
  return [...new Set(steps)].sort((one, two) => one - two);
}

/* The picture of a result at the chosen step: the last one kept until then, or the finished one. */
function pictureAt(result) {
  const kept = (result.steps ?? []).filter(({ step }) => state.step !== "" && step <= Number(state.step));
  if (kept.length) return kept.at(-1).picture;
  return state.step !== "" && result.steps?.length ? result.steps[0].picture : result.picture;
}

function showSteps() {
  const steps = keptSteps();
  const range = $("step");
  $("step-field").hidden = steps.length === 0;
  range.max = steps.length;
  const index = steps.indexOf(Number(state.step));
  range.value = state.step === "" || index < 0 ? steps.length : index;
  const name = state.step === "" || index < 0 ? "finished" : `step ${steps[index]}`;
  range.setAttribute("aria-valuetext", name);
  $("step-name").textContent = name;
}

function showDifference() {
  const isOn = state.difference !== "";
  $("stage").classList.toggle("differing", isOn);
  $("difference").setAttribute("aria-pressed", String(isOn));
  $("divider").disabled = isOn;
}

function showDownloads() {
  for (const side of SIDES) {
    const result = chosen(side);
    const link = $(`download-${side}`);
    link.hidden = result === null;
    if (result === null) continue;
    link.href = picture(side).getAttribute("src") ?? "#";
    link.download = result.file ?? `${words(result.encoder)}`;
    link.setAttribute("aria-label", `Download ${side}: ${sideName(side, result)}`);
  }
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $("viewer").requestFullscreen().catch(() => { $("status").textContent = "This browser shows no full screen here."; });
}

function setUpViews() {
  const range = $("step");
  range.addEventListener("input", () => change({ step: String(keptSteps()[Number(range.value)] ?? "") }));
  $("difference").addEventListener("click", () => change({ difference: state.difference ? "" : "1" }));
  $("full").addEventListener("click", toggleFullScreen);
  document.addEventListener("fullscreenchange", () => {
    $("full").setAttribute("aria-pressed", String(document.fullscreenElement !== null));
  });
  follow([...COMPARED, "step"], () => {
    showSteps();
    showDownloads();
  });
  follow(["difference"], showDifference);
}
