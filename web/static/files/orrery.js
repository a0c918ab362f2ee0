// What pages do beyond plain HTML. Everything here is an addition: without this
// file every form posts, every link leads and every menu opens.
"use strict";
(() => {
  const root = document.documentElement;

  // After a refused form the focus goes to the summary of what is wrong, once
  // per summary: on loading, and when htmx has put one in place.
  const focusSummary = (within) => {
    const summary = within.querySelector("[data-focus]");
    if (summary) {
      summary.removeAttribute("data-focus");
      summary.focus();
    }
  };

  // A form marked data-guard asks before the page is left while something in it
  // is not saved, and says so in its save state.
  const unsaved = new Set();
  const saveState = (form, state, words) => {
    const line = form.querySelector("[data-save]");
    if (!line) return;
    line.className = "save save-" + state;
    line.textContent = words;
  };
  const touched = (event) => {
    const form = event.target.form;
    if (!form || !form.matches("[data-guard]") || unsaved.has(form)) return;
    unsaved.add(form);
    const line = form.querySelector("[data-save]");
    saveState(form, "unsaved", (line && line.dataset.save) || "Not saved yet");
  };
  document.addEventListener("input", touched);
  document.addEventListener("change", touched);
  // A form is sent once: to press again while the answer is under way does
  // nothing. After five seconds it may be tried again.
  let sent = new WeakMap();
  addEventListener("pageshow", () => { sent = new WeakMap(); });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    // htmx has stopped the event by now, and its answer tells the outcome
    if (event.defaultPrevented) return;
    if (form.getAttribute("method") === "post") {
      if (Date.now() - (sent.get(form) || 0) < 5000) {
        event.preventDefault();
        return;
      }
      sent.set(form, Date.now());
    }
    unsaved.delete(form);
  });
  document.addEventListener("orrery:saved", (event) => unsaved.delete(event.target.closest("form")));
  addEventListener("beforeunload", (event) => {
    for (const form of unsaved) {
      if (form.isConnected) {
        event.preventDefault();
        return;
      }
    }
  });
  // a page that comes back from the browser's memory is as it was left
  addEventListener("pagehide", (event) => { if (!event.persisted) unsaved.clear(); });

  // Values to take along get a button that copies them.
  const addCopyButtons = (within) => {
    for (const field of within.querySelectorAll("[data-copy]:not([data-ready])")) {
      field.setAttribute("data-ready", "");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn";
      button.textContent = "Copy";
      const told = document.createElement("span");
      told.className = "vh";
      told.setAttribute("role", "status");
      button.addEventListener("click", async () => {
        let done = false;
        try {
          await navigator.clipboard.writeText(field.value);
          done = true;
        } catch {
          // no permission, or a plain-http page: the selection is copied instead
          field.select();
          done = document.execCommand("copy");
        }
        button.textContent = done ? "Copied" : "Press Ctrl+C to copy";
        told.textContent = button.textContent;
        setTimeout(() => { button.textContent = "Copy"; told.textContent = ""; }, 4000);
      });
      field.after(button, told);
    }
  };

  // A list whose lines are chosen gets a box that chooses all of them, and says how many are.
  const addPickAll = (within) => {
    for (const form of within.querySelectorAll("form[data-pick-all]:not([data-ready])")) {
      form.setAttribute("data-ready", "");
      const boxes = [...form.querySelectorAll('.pick input[type="checkbox"]')];
      if (boxes.length < 2) continue;
      const label = document.createElement("label");
      label.className = "opt";
      const all = document.createElement("input");
      all.type = "checkbox";
      const words = document.createElement("span");
      words.setAttribute("aria-live", "polite");
      label.append(all, words);
      const tell = () => {
        const chosen = boxes.filter((box) => box.checked).length;
        all.checked = chosen === boxes.length;
        all.indeterminate = chosen > 0 && !all.checked;
        words.textContent = chosen ? chosen + " of " + boxes.length + " chosen" : "Choose all " + boxes.length + " of this page";
      };
      all.addEventListener("change", () => {
        for (const box of boxes) box.checked = all.checked;
      });
      form.addEventListener("change", tell);
      addEventListener("pageshow", tell);
      form.prepend(label);
      tell();
    }
  };

  // The theme changes at once; the cookie makes the server write it into the
  // next page, so nothing flashes. "system" is no choice and leaves no cookie.
  document.addEventListener("change", (event) => {
    const choice = event.target;
    if (!choice.closest("[data-theme-choice]")) return;
    const theme = choice.value === "light" || choice.value === "dark" ? choice.value : "";
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    document.cookie = "orrery-theme=" + theme + "; path=/; samesite=lax; max-age=" + (theme ? 31536000 : 0) +
      (location.protocol === "https:" ? "; secure" : "");
  });

  // An open menu closes by Escape (the focus returns to its name) and by a click
  // elsewhere.
  const menus = "details.menu[open], details.nav-fold[open]";
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll(menus)) {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(menus)) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  const arrive = (within) => {
    focusSummary(within);
    addCopyButtons(within);
    addPickAll(within);
  };
  document.addEventListener("htmx:after:swap", () => arrive(document));
  arrive(document);
})();
