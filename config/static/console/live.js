// Elements with `data-live` ask that address again and again. Each element of the answer takes the place of the one
// with the same id, if it looks different. An answer without content ends it.
"use strict";

function take(part) {
  const old = document.getElementById(part.id);
  if (!old || old.isEqualNode(part) || old.contains(document.getSelection()?.anchorNode) && !document.getSelection().isCollapsed) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const open = [...old.querySelectorAll("details[open]")].map((one) => one.id).filter(Boolean);
  old.replaceWith(part);
  if (focused) [...part.querySelectorAll("a[href]")].find((one) => one.getAttribute("href") === focused)?.focus();
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
}

async function ask(box) {
  if (document.hidden) return true;
  try {
    const answer = await fetch(box.dataset.live, { credentials: "same-origin", redirect: "error" });
    if (answer.status === 204) return false;
    if (!answer.ok) return true;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    [...page.body.children].forEach(take);
  } catch {
    return true; // the server is away: the page stays as it is
  }
  return true;
}

async function follow(id) {
  for (;;) {
    const box = document.getElementById(id);
    if (!box?.dataset.live) return;
    await new Promise((done) => setTimeout(done, 1000 * Number(box.dataset.every || 5)));
    if (!(await ask(box))) return;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-live]").forEach((box) => follow(box.id));
  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  }));
});
