// An element with `data-live` asks that address again and again. Each element of the answer takes the place of the one
// with the same id, if it looks different: all of them, or none while somebody selects text in one. An answer without
// content ends it, and so does one whose own element of this kind has no address.
"use strict";

function isInUse(part) {
  const selection = document.getSelection();
  return Boolean(part && selection && !selection.isCollapsed && part.contains(selection.anchorNode));
}

// What the focus is on, in words that are true of its successor too; null for what has no such words.
function nameOf(element) {
  if (element.tagName === "SUMMARY" && element.parentElement.id) return `#${CSS.escape(element.parentElement.id)} > summary`;
  if (element.id) return `#${CSS.escape(element.id)}`;
  return element.hasAttribute("href") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
}

function take(part) {
  const old = document.getElementById(part.id);
  if (!old || old.isEqualNode(part)) return;
  const focused = old.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  const open = [...old.querySelectorAll("details[open]")].map((one) => one.id).filter(Boolean);
  if (old.hasAttribute("aria-live")) old.replaceChildren(...part.childNodes); // what is listened to has to stay
  else old.replaceWith(part);
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  const successor = focused ? document.querySelector(focused) : null;
  if (successor) successor.focus();
  else if (focused) document.querySelector("#head h1")?.focus(); // it is gone: begin at the page's name
}

// A row's state in a word, for those who cannot see it change.
const state = () => document.querySelector("#headline .tp-chip")?.textContent ?? "";

async function ask(box) {
  if (document.hidden) return true;
  try {
    const answer = await fetch(box.dataset.live, { credentials: "same-origin", redirect: "error" });
    if (answer.status === 204) return false;
    if (!answer.ok) return true;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = [...page.body.children];
    if (parts.some((part) => isInUse(document.getElementById(part.id)))) return true;
    const before = state();
    parts.forEach(take);
    const said = document.getElementById("said");
    if (said && state() !== before) said.textContent = state();
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
  document.addEventListener("click", async (event) => { // also on what came later
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
});

// The two-sided picker of Django's admin makes tooltips that say something and are nothing to a screen reader.
window.addEventListener("load", () => setTimeout(() => {
  document.querySelectorAll(".help-tooltip[aria-label]").forEach((one) => one.setAttribute("role", "img"));
}));
