// Single keys on pages of questions. They are dead while somebody writes, and
// where the page has no help for them the person has switched them off.
"use strict";
(() => {
  const help = document.getElementById("keys");
  const form = () => {
    const near = document.activeElement && document.activeElement.closest(".question, form[data-autosave]");
    const inside = near && (near.matches("form") ? near : near.querySelector("form[data-autosave]"));
    return inside || (current() && current().querySelector("form[data-autosave]")) || document.querySelector("form[data-autosave]");
  };
  const articles = () => [...document.querySelectorAll(".question")];

  // current is the question of a section's page that holds the focus, or stands
  // at the top of the window.
  function current() {
    const all = articles();
    return all.find((a) => a.contains(document.activeElement)) ||
      all.find((a) => a.getBoundingClientRect().bottom > innerHeight / 4) || null;
  }

  const go = (step) => {
    const all = articles();
    if (!all.length) {
      const link = document.querySelector(step > 0 ? "a[rel=next]" : "a[rel=prev]");
      if (link) link.click();
      return;
    }
    const inside = all.some((a) => a.contains(document.activeElement));
    const next = inside ? all[all.indexOf(current()) + step] : step > 0 ? all[0] : null;
    if (!next) return;
    const fold = next.querySelector("details");
    fold.open = true;
    fold.querySelector("summary").focus();
    next.scrollIntoView();
  };
  const reach = (field) => {
    if (!field) return;
    for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    field.focus();
  };
  const choose = (n) => {
    const inside = form();
    const box = inside && inside.querySelectorAll(".choices input[name=choice]")[n];
    if (box) { reach(box); box.click(); }
  };
  const acts = {
    j: () => go(1),
    k: () => go(-1),
    n: () => { const inside = form(); reach(inside && inside.elements.notes); },
    c: () => reach(document.querySelector("main textarea[name=body]")),
    u: () => { const inside = form(); const box = inside && inside.elements.unknown; if (box) { reach(box); box.click(); } },
    "?": () => help.showModal(),
  };
  const writing = (element) => element.isContentEditable ||
    element.matches("textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit])");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const inside = event.target.closest("form[data-autosave]");
      const button = inside && inside.querySelector("button[name=go]");
      if (!button) return;
      event.preventDefault();
      if (articles().length && inside.closest(".question").nextElementSibling) {
        inside.dispatchEvent(new CustomEvent("orrery:save", { bubbles: true }));
        go(1);
      } else {
        inside.requestSubmit(button);
      }
      return;
    }
    if (!help || help.open || event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
    const act = /^[1-9]$/.test(event.key) ? () => choose(Number(event.key) - 1) : Object.hasOwn(acts, event.key) ? acts[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  });
  for (const button of document.querySelectorAll("[data-keys-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
})();
