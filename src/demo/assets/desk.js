// Saves round trips; without it every form and link of the page does the same by itself.
"use strict";

const TOAST_MS = 4000;
const TYPING_MS = 150;

// Fetches a page of this app. Elsewhere (signed out, an error) the browser goes there itself.
async function fetchPage(address, signal) {
  const response = await fetch(address, { signal });
  if (!response.ok || new URL(response.url).pathname === "/login") {
    location.assign(response.url);
    return null;
  }
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function showModal(dialog) {
  dialog.removeAttribute("open");
  dialog.showModal();
  if ("news" in dialog.dataset) dialog.addEventListener("submit", dismissNews);
  else dialog.addEventListener("close", () => dialog.remove());
  // A second click must not send the form a second time.
  dialog.addEventListener("submit", (event) => {
    if (event.submitter?.formMethod === "dialog") return;
    if (dialog.ariaBusy === "true") event.preventDefault();
    dialog.ariaBusy = "true";
  });
}

async function dismissNews(event) {
  event.preventDefault();
  const form = event.target;
  const dialog = event.currentTarget;
  try {
    await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
  } finally {
    dialog.close();
    dialog.remove();
  }
}

// Buttons of the form "open" ask for the same page with a dialog over it; only the dialog is taken.
async function openDialog(event) {
  event.preventDefault();
  const button = event.submitter;
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  try {
    const address = new URL(button.formAction);
    address.search = new URLSearchParams(new FormData(event.target));
    const page = await fetchPage(address);
    const dialog = page?.querySelector("dialog[data-action]");
    if (!dialog) return;
    button.closest("[popover]")?.hidePopover();
    document.body.append(document.adoptNode(dialog));
    showModal(dialog);
    dialog.addEventListener("close", () => button.isConnected && button.focus());
  } finally {
    button.ariaBusy = null;
  }
}

let typing;
let searching;

function search(form) {
  clearTimeout(typing);
  searching?.abort();
  document.getElementById("list").ariaBusy = "true";
  typing = setTimeout(() => replaceList(form), TYPING_MS);
}

async function replaceList(form) {
  searching = new AbortController();
  const address = new URL(form.action);
  const fields = new FormData(form);
  if (!fields.get("q")) fields.delete("q");
  address.search = new URLSearchParams(fields);
  try {
    const page = await fetchPage(address, searching.signal);
    const list = page?.getElementById("list");
    if (!list) return;
    document.getElementById("list").replaceWith(document.adoptNode(list));
    history.replaceState(null, "", address);
    listen();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function listen() {
  document.querySelector("form[data-open]")?.addEventListener("submit", openDialog);
}

listen();
const box = document.querySelector("form[data-search]");
box?.addEventListener("input", () => search(box));
for (const dialog of document.querySelectorAll("dialog[data-modal]")) showModal(dialog);
for (const toast of document.querySelectorAll(".toast")) setTimeout(() => toast.remove(), TOAST_MS);

// A page that answered a form is not to be asked for again by a reload.
const address = document.body.dataset.address;
if (address && address !== location.pathname + location.search) history.replaceState(null, "", address);
