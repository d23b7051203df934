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

// An element with `data-preview` shows what that address says of the form around it, whenever the form has changed.
function preview(box) {
  const form = box.closest("form");
  let last = "";
  setInterval(async () => {
    const filled = new URLSearchParams(new FormData(form));
    filled.delete("csrfmiddlewaretoken"); // not for addresses
    const asked = filled.toString();
    if (asked === last || document.hidden) return;
    last = asked;
    const address = box.dataset.preview;
    const answer = await fetch(`${address}${address.includes("?") ? "&" : "?"}${asked}`, { redirect: "error" }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asked === last) box.replaceChildren(...page.body.childNodes);
  }, 400);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-preview]").forEach(preview);
  document.querySelectorAll("[data-live]").forEach((box) => follow(box.id));
  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  }));
});
