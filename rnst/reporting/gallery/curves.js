/* Losses of both sides over the steps, as small plots with axes. */

const SVG = document.createRange().createContextualFragment("<svg></svg>").firstChild.namespaceURI;
const PLOT = { width: 320, height: 180, left: 52, right: 10, top: 10, bottom: 30 };
const LOSSES = ["style", "content", "total"];

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/* Points with a positive loss: the axis is logarithmic. */
function points(result, name) {
  const { step = [], [name]: values = [] } = result?.curves ?? {};
  return step.map((x, index) => [x, values[index]]).filter(([, y]) => typeof y === "number" && y > 0);
}

function plot(name, lines) {
  const all = lines.flat();
  const [low, high] = [Math.min(...all.map(([, y]) => y)), Math.max(...all.map(([, y]) => y))];
  const last = Math.max(...all.map(([x]) => x), 1);
  const span = Math.log(high / low) || 1;
  const across = PLOT.width - PLOT.left - PLOT.right;
  const up = PLOT.height - PLOT.top - PLOT.bottom;
  const place = ([x, y]) => [PLOT.left + (across * x) / last, PLOT.top + up * (1 - Math.log(y / low) / span)];
  const text = (x, y, anchor, content) => draw("text", { x, y, "text-anchor": anchor }, content);
  const bottom = PLOT.height - PLOT.bottom;
  const axes = draw("path", { class: "axes", d: `M${PLOT.left} ${PLOT.top}V${bottom}H${PLOT.width - PLOT.right}` });
  const curves = lines.map((line, side) => draw("polyline", { class: `curve ${SIDES[side]}`, points: line.map((point) => place(point).join(",")).join(" ") }));
  const labels = [
    text(PLOT.left - 6, PLOT.top + 9, "end", figure(high)), text(PLOT.left - 6, bottom, "end", figure(low)),
    text(PLOT.left, PLOT.height - 12, "middle", "0"), text(PLOT.width - PLOT.right, PLOT.height - 12, "end", String(last)),
    text(PLOT.left + across / 2, PLOT.height - 12, "middle", "step"),
  ];
  const ends = lines.map((line, side) => `${SIDES[side]} ${line.length ? figure(line.at(-1)[1]) : "none"}`).join(", ");
  const image = draw("svg", { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: "img", "aria-label": `${name} loss at the last step: ${ends}` });
  image.append(axes, ...curves, ...labels);
  return make("figure", {}, make("figcaption", { textContent: `${name} loss, logarithmic` }), image);
}

function showCurves() {
  const results = SIDES.map(chosen);
  const drawn = LOSSES.map((name) => [name, results.map((result) => points(result, name))]).filter(([, lines]) => lines.some((line) => line.length > 1));
  $("curves").hidden = drawn.length === 0;
  $("plots").replaceChildren(...drawn.map(([name, lines]) => plot(name, lines)));
  SIDES.forEach((side, index) => { $(`curve-${side}`).textContent = sideName(side, results[index]); });
}
