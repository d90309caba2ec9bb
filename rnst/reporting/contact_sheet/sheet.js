"use strict";
/* A click on a picture shows its command and copies it. */
const command = document.getElementById("command");
const copy = document.getElementById("copy");
const note = document.getElementById("note");

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    /* Older browsers, and pages that were opened from a disk in some of them. */
    getSelection().selectAllChildren(command);
    return document.execCommand("copy");
  }
}

async function report() {
  note.textContent = (await copied(command.textContent)) ? "Copied." : "Not copied: select the command below.";
}

const buttons = [...document.querySelectorAll("td button")];
for (const button of buttons) {
  button.addEventListener("click", () => {
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    document.getElementById("label").textContent = button.dataset.label;
    command.textContent = button.dataset.command;
    copy.hidden = false;
    report();
  });
}
copy.addEventListener("click", report);
