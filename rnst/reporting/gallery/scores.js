/* Scores of both sides beside each other: in words, with the better direction, the winner, and one sentence each. */

const FIRST_SCORES = 5;

function arrow(higher) {
  return higher ? "↑ higher is better" : "↓ lower is better";
}

/* The side with the better value; none if one is absent or both are equal, as they are where an artifact is absent. */
function winner(values, higher, none) {
  const [left, right] = values.map((value) => (typeof none === "number" && typeof value === "number" ? Math.max(value, none) : value));
  if (typeof left !== "number" || typeof right !== "number" || left === right) return null;
  return (left > right) === higher ? 0 : 1;
}

function scoreRow(name, values, { higher, unit = "", meaning = "", none = null } = {}) {
  const head = make("th", { scope: "row" }, make("span", { className: "label", textContent: name }));
  if (higher !== undefined) head.append(" ", make("span", { className: "direction", textContent: arrow(higher) }));
  if (meaning) head.append(make("small", { textContent: `${meaning[0].toUpperCase()}${meaning.slice(1)}.` }));
  const best = higher === undefined ? null : winner(values, higher, none);
  const cells = values.map((value, side) => {
    const text = typeof value === "number" ? `${figure(value)}${unit ? ` ${unit}` : ""}` : String(value ?? "–");
    const cell = make("td", { textContent: text });
    if (side === best) cell.append(" ", make("span", { className: "mark best", textContent: "better" }));
    return cell;
  });
  return make("tr", {}, head, ...cells);
}

function showScores() {
  const results = SIDES.map(chosen);
  const measured = data.measures.filter(({ name }) => results.some((result) => result?.scores && name in result.scores));
  const rows = measured.map((measure) => scoreRow(measure.label, results.map((result) => result?.scores?.[measure.name]), measure));
  for (const name of data.varied) {
    rows.push(scoreRow(words(name), results.map((result) => (result?.settings ? settingText(result.settings[name]) : undefined))));
  }
  rows.push(scoreRow("seconds", results.map((result) => result?.seconds), { higher: false, meaning: "wall time of the optimization" }));
  SIDES.forEach((side, index) => { $(`scores-${side}`).textContent = sideName(side, results[index]); });
  const count = Math.min(FIRST_SCORES, measured.length);
  $("scores-first").replaceChildren(...rows.slice(0, count));
  $("scores-more").replaceChildren(...rows.slice(count));
  $("scores").hidden = count === 0;
  SIDES.forEach((side, index) => $("scores").classList.toggle(`without-${side}`, !results[index]?.scores));
}
