// What the pages do beyond forms and links. Everything works without it, but by hand.
"use strict";

// The record has changed: parts that hold no open form renew themselves; elsewhere a line offers it.
document.getElementById("live")?.addEventListener("changed", () => {
  const typing = document.activeElement?.closest("main form") || document.querySelector("main dialog[open]");
  const parts = document.querySelectorAll(".fresh");
  if (parts.length && !typing) parts.forEach((part) => htmx.trigger(part, "renew"));
  else document.getElementById("news").hidden = false;
});

// An answer without the part that was asked for (a fault, nobody there) says so where it was asked and takes
// nothing away: a form keeps what was typed, a part of the page stays as it was, a link goes where it leads.
const failed = (asked, told) => {
  if (asked.matches("a")) location.assign(asked.href);
  else if (asked.matches("form")) {
    const place = document.createElement("div");
    place.className = "mistakes";
    place.setAttribute("role", "alert");
    place.append(document.createElement("p"));
    place.firstChild.textContent = told ?? document.getElementById("away").textContent;
    asked.querySelector(".mistakes")?.remove();
    asked.prepend(place);
  } else document.getElementById("news").hidden = false;
};
document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, select, response, text } = event.detail.ctx;
  if (!select || response.status === 204) return;
  const answer = new DOMParser().parseFromString(text, "text/html");
  if (answer.querySelector(select)) return;
  event.preventDefault();
  failed(sourceElement, answer.querySelector("main h1 + p")?.textContent);
});
document.addEventListener("htmx:error", (event) => failed(event.detail.ctx.sourceElement));

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.opens).showModal();
  }
  const open = event.target.closest("[data-closes]") && event.target.closest("dialog");
  if (open) {
    event.preventDefault();
    open.close();
  }
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; });
});

// One box ticks all of a list; what is done with many says how many.
document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("[data-all]")) {
    box.closest("form").querySelectorAll(`input[name="${box.dataset.all}"]`).forEach((one) => { one.checked = box.checked; });
  }
  const form = box.closest("form[data-counts]");
  if (form) {
    const count = form.querySelectorAll(`input[name="${form.dataset.counts}"]:checked`).length;
    form.querySelectorAll("[data-count]").forEach((place) => { place.textContent = count; });
    form.querySelectorAll("[data-many]").forEach((part) => { part.hidden = count === 0; });
  }
  if (box.matches("[data-submits]")) box.form.requestSubmit();
});

// A dialog that came back with mistakes opens again.
document.querySelectorAll("dialog[data-open]").forEach((dialog) => dialog.showModal());

// A form that came into an empty dialog opens it.
document.addEventListener("htmx:after:swap", () => {
  document.querySelectorAll("dialog:not([open])").forEach((dialog) => { if (dialog.id === "desk" && dialog.childElementCount) dialog.showModal(); });
});
document.addEventListener("close", (event) => { if (event.target.id === "desk") event.target.replaceChildren(); }, true);

// On a narrow screen the navigation scrolls: the place one is at stays in sight.
document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
