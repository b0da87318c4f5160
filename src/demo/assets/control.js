// Turns the switches, and keeps the record on show fresh.
"use strict";

const FRESH_MS = 2000;
const form = document.querySelector("form[data-switches]");
const told = form.querySelector(".told");

async function turn(switches, done) {
  const response = await fetch("/-/switches", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(switches),
  });
  told.textContent = response.ok ? done : (await response.json()).error;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = form.elements;
  turn({
    new_design: field.new_design.checked,
    whats_new: field.whats_new.checked,
    latency_ms: Number(field.latency_ms.value),
    seats: Number(field.seats.value),
    fail_with: field.fail_with.value ? Number(field.fail_with.value) : null,
  }, "Applied.");
});

form.querySelector("[data-expire]").addEventListener("click", () => {
  turn({ expire_sessions: true }, "Everybody is signed out.");
});

setInterval(async () => {
  if (document.hidden) return;
  const response = await fetch("/-/");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.getElementById("record").replaceWith(document.adoptNode(page.getElementById("record")));
}, FRESH_MS);
