/* A small square on the picture, and its content several times as large, at the same scale for both sides. */

const STEP = 0.01;
const LONG_STEP = 0.1;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/* Width of the results in their own pixels, of the larger one if the two differ; of the inputs if there is no result. */
function pixelWidth() {
  const results = SIDES.filter((side) => chosen(side) && !chosen(side).input);
  return Math.max(...(results.length ? results : SIDES).map((side) => picture(side).naturalWidth), 0);
}

function point() {
  return state.at.split(",").map(Number);
}

function within(value) {
  return Math.min(1, Math.max(0, value));
}

function moveTo(x, y) {
  change({ at: `${within(x).toFixed(4)},${within(y).toFixed(4)}` });
}

/* The part of the picture, in fractions of its size, that a closeup shows: always complete, never past an edge. */
function part(canvas) {
  const [width, height] = [pixelWidth(), pixelWidth() * $("stage").clientHeight / $("stage").clientWidth];
  const size = [canvas.clientWidth / state.zoom / width, canvas.clientHeight / state.zoom / height].map((n) => Math.min(n, 1));
  const corner = point().map((center, axis) => Math.min(Math.max(center - size[axis] / 2, 0), 1 - size[axis]));
  return { corner, size };
}

function drawCloseup(side) {
  const canvas = $(`closeup-${side}`);
  const image = picture(side);
  const context = canvas.getContext("2d");
  canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
  canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
  const name = sideName(side, chosen(side));
  const factor = Number((state.zoom * pixelWidth() / image.naturalWidth).toPrecision(2)) || state.zoom;
  canvas.nextElementSibling.textContent = `${name}, ${factor}×`;
  canvas.setAttribute("aria-label", `Closeup of ${name}, at ${factor} times`);
  if (!image.complete || !image.naturalWidth || !canvas.width || !$("stage").clientWidth) return;
  const { corner, size } = part(canvas);
  const [wide, high] = [image.naturalWidth, image.naturalHeight];
  context.imageSmoothingEnabled = false;
  context.drawImage(
    image, corner[0] * wide, corner[1] * high, size[0] * wide, size[1] * high, 0, 0, canvas.width, canvas.height,
  );
}

function showMagnifier() {
  SIDES.forEach(drawCloseup);
  const canvas = SIDES.map((side) => $(`closeup-${side}`)).find((each) => each.clientWidth) ?? $("closeup-left");
  if (!pixelWidth() || !$("stage").clientWidth) return;
  const { corner, size } = part(canvas);
  const reticle = $("reticle");
  reticle.style.left = `${corner[0] * 100}%`;
  reticle.style.top = `${corner[1] * 100}%`;
  reticle.style.width = `${size[0] * 100}%`;
  reticle.style.height = `${size[1] * 100}%`;
  const [x, y] = point().map((fraction) => Math.round(fraction * 100));
  reticle.setAttribute("aria-valuenow", x);
  reticle.setAttribute("aria-valuetext", `${x} % from the left, ${y} % from the top`);
}

function followPointer(event) {
  const box = $("stage").getBoundingClientRect();
  moveTo((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}

/* A finger drags the square itself, because elsewhere on the picture it drags the divider. A mouse only points; the
   square would lie under it and catch its clicks. Some devices have both. */
function setFinger(isFinger) {
  document.documentElement.classList.toggle("finger", isFinger);
}

function dragByFinger(event) {
  event.preventDefault();
  $("reticle").setPointerCapture(event.pointerId);
}

function moveByKey(event) {
  const direction = ARROWS[event.key];
  if (!direction) return;
  event.preventDefault();
  const step = event.shiftKey ? LONG_STEP : STEP;
  const [x, y] = point();
  moveTo(x + direction[0] * step, y + direction[1] * step);
}

function setUpMagnifier() {
  $("stage").addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    setFinger(false);
    followPointer(event);
  });
  setFinger(matchMedia("(hover: none)").matches);
  addEventListener("pointerdown", (event) => setFinger(event.pointerType === "touch"), { capture: true, passive: true });
  $("reticle").addEventListener("pointerdown", dragByFinger);
  $("reticle").addEventListener("pointermove", (event) => {
    if ($("reticle").hasPointerCapture(event.pointerId)) followPointer(event);
  });
  $("reticle").addEventListener("keydown", moveByKey);
  for (const side of SIDES) picture(side).addEventListener("load", showMagnifier);
  new ResizeObserver(showMagnifier).observe($("stage"));
  for (const side of SIDES) new ResizeObserver(showMagnifier).observe($(`closeup-${side}`));
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => change({ zoom: button.dataset.zoom }));
  }
  follow([...COMPARED, "at", "zoom"], showMagnifier);
  follow(["zoom"], () => {
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.setAttribute("aria-pressed", String(button.dataset.zoom === state.zoom));
    }
  });
}
