// Forms marked data-autosave save themselves: ticks at once, text after a pause
// and when it is left. What their save state says is true: "Saved" only when
// the server said so. Until then a draft stays in this browser.
"use strict";
(() => {
  const pause = 800;
  const patience = 15000;
  const backoff = [1000, 2000, 5000, 10000, 30000];
  const prefix = "orrery-draft:";
  const forms = new Map();

  const clock = (at) => new Date(at).toISOString().slice(11, 16);
  const content = (form, submitter) => {
    const data = new URLSearchParams(new FormData(form, submitter));
    for (const name of ["version", "next", "back", "prefix", "resolves", "round"]) data.delete(name);
    return data;
  };

  // The one status line of the page speaks when a form comes to rest.
  let telling;
  const tell = (words) => {
    clearTimeout(telling);
    telling = setTimeout(() => {
      const line = document.querySelector("[data-said]");
      if (line) line.textContent = words;
    }, 1500);
  };

  const keep = (key, draft) => {
    try {
      if (draft) localStorage.setItem(prefix + key, JSON.stringify(draft));
      else localStorage.removeItem(prefix + key);
    } catch { /* storage is full or refused: the form itself still holds the text */ }
  };
  const kept = (key) => {
    try {
      return JSON.parse(localStorage.getItem(prefix + key));
    } catch {
      return null;
    }
  };

  const markup = (html) => document.importNode(new DOMParser().parseFromString(html, "text/html").body, true);

  class Answer {
    constructor(form) {
      this.form = form;
      this.key = form.dataset.autosave;
      this.stored = content(form).toString();
      this.seen = this.stored; // what a person's last change made of it
      this.timer = null;
      this.tries = 0;
      this.busy = null; // a save under way
      this.unsure = null; // what was sent and may or may not have arrived
      this.knowing = false;
      this.going = null; // the button that was pressed while the server did not answer
      forms.set(form, this);
      this.offer();
    }

    get hold() { return this.form.dataset.hold || ""; }
    get version() { return this.form.elements.version.value; }
    set version(n) { this.form.elements.version.value = n; }
    get dirty() { return this.unsure !== null || content(this.form).toString() !== this.stored; }

    say(kind, words, button, act) {
      const line = this.form.querySelector("[data-save]");
      line.className = "save push save-" + kind;
      line.textContent = words;
      if (button) {
        const b = document.createElement("button");
        b.type = "button";
        b.className = "btn btn-s";
        b.textContent = button;
        b.addEventListener("click", act);
        line.append(" ", b);
      }
      if (kind !== "busy" && kind !== "unsaved") tell(words);
    }

    // changed is called for each change by a person.
    changed(soon) {
      // leaving a field tells of what was told while typing: a button that is
      // being pressed must stay where it is
      const now = content(this.form).toString();
      if (now === this.seen && !this.timer) return;
      this.seen = now;
      this.going = null;
      keep(this.key, { version: this.version, at: Date.now(), fields: now, sent: this.unsure });
      if (this.hold === "author") return this.say("unsaved", "Not saved yet: press Save once to become an author");
      if (this.hold) return this.say("unsaved", "Not saved yet: keep, replace or merge");
      this.say("unsaved", "Not saved yet");
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), soon ? 0 : pause);
    }

    // mean is to press Save: what waited for that goes.
    mean() {
      this.knowing = true;
      delete this.form.dataset.hold;
      return this.dirty ? this.save() : null;
    }

    // save brings what the form holds to the server, one save at a time. It
    // resolves to whether all is stored.
    save(submitter) {
      clearTimeout(this.timer);
      clearTimeout(this.retry);
      this.timer = null;
      this.busy ||= this.run(submitter).finally(() => { this.busy = null; });
      return this.busy;
    }

    async run(submitter) {
      while (this.dirty) {
        // what may have arrived is sent again first: the server knows it then
        const body = this.unsure ?? content(this.form, submitter).toString();
        this.say("busy", "Saving");
        const answer = await this.send(body);
        if (answer.status !== 200 || !(answer.state.version >= 0 || answer.state.words)) return this.refused(answer, body);
        this.unsure = null;
        this.tries = 0;
        this.version = answer.state.version || 0;
        this.stored = body === content(this.form, submitter).toString() ? content(this.form).toString() : body;
        this.done(answer.state);
      }
      return true;
    }

    async send(body) {
      const data = new URLSearchParams(body);
      data.set("version", this.version);
      data.set("person", this.key.split("/")[0]);
      if (this.knowing) data.set("knowing", "1");
      for (const name of ["resolves", "round"]) {
        if (this.form.elements[name]) data.set(name, this.form.elements[name].value);
      }
      this.unsure = body;
      try {
        const response = await fetch(this.form.action, {
          method: "POST", body: data, headers: { Accept: "application/json" }, redirect: "manual",
          signal: AbortSignal.timeout(patience), keepalive: body.length < 60000,
        });
        if (response.type === "opaqueredirect") return { status: 401, state: {} };
        const json = (response.headers.get("Content-Type") || "").startsWith("application/json");
        const state = json ? await response.json() : {};
        return { status: response.status === 200 && !json ? 0 : response.status, state };
      } catch {
        return { status: 0, state: {} };
      }
    }

    done(state) {
      this.errors([]);
      for (const [name, html] of [["status", state.status], ["icon", state.icon]]) {
        for (const place of document.querySelectorAll("[data-" + name + "-of=" + CSS.escape(this.form.id) + "]")) {
          const mark = markup(html || "").firstElementChild;
          const old = place.querySelector(name === "icon" ? "svg" : ".st");
          if (mark && old) old.replaceWith(mark);
        }
      }
      if (this.dirty) return;
      keep(this.key, null);
      for (const a of forms.values()) if (a.hold === "author") delete a.form.dataset.hold;
      this.form.dispatchEvent(new CustomEvent("orrery:saved", { bubbles: true }));
      this.say("saved", state.words);
      if (this.going) this.leave(this.going);
    }

    refused({ status, state }, body) {
      const again = () => this.save();
      if (status === 0 || status >= 500 || status === 429) {
        const wait = backoff[Math.min(this.tries++, backoff.length - 1)];
        this.retry = setTimeout(again, wait);
        this.say("failed", "Not saved: the server did not answer. It is tried again by itself.", "Retry now", again);
        return false;
      }
      this.unsure = null;
      if (status === 401) {
        // what was refused for want of a session was not stored
        this.say("failed", "Signed out: sign in in another tab, then retry", "Retry", again);
      } else if (state.conflict) {
        this.say("conflict", state.words + " meanwhile.", "Compare", () => this.leave());
      } else if (state.hold) {
        this.form.dataset.hold = "author";
        this.say("unsaved", state.words);
      } else if (state.fields && state.fields.length) {
        this.errors(state.fields);
        this.say("unsaved", "Not saved yet: " + state.fields[0].message);
      } else {
        this.say("failed", state.words || "Not saved: the server refused it.", "Retry", again);
      }
      this.last = { status, state, body };
      return false;
    }

    // leave sends the form as a page does, past this script.
    leave(submitter) {
      this.leaving = true;
      this.form.requestSubmit(submitter);
    }

    // errors puts each message beside its field; the focus stays where it is.
    errors(list) {
      for (const old of this.form.querySelectorAll("[data-live-error]")) old.remove();
      for (const field of this.form.querySelectorAll("[data-was-fine]")) {
        field.removeAttribute("aria-invalid");
        field.removeAttribute("data-was-fine");
      }
      for (const { name, message } of list) {
        const field = this.form.querySelector("[data-field=" + CSS.escape(name) + "]") || this.form.elements[name];
        if (!field || !field.id) continue;
        const p = document.createElement("p");
        p.className = "error";
        p.id = field.id + "-live";
        p.dataset.liveError = "";
        p.textContent = message;
        if (field.matches("fieldset")) {
          field.querySelector("header").after(p);
          p.classList.add("problem-line");
        } else {
          field.before(p);
          field.setAttribute("aria-invalid", "true");
          field.dataset.wasFine = "";
          field.setAttribute("aria-describedby", ((field.getAttribute("aria-describedby") || "").replace(p.id, "") + " " + p.id).trim());
        }
      }
    }

    // fill puts stored fields into the form.
    fill(fields) {
      const data = new URLSearchParams(fields);
      for (const field of this.form.elements) {
        if (!field.name || ["version", "next", "back", "prefix", "resolves", "round"].includes(field.name)) continue;
        if (field.type === "checkbox") field.checked = data.getAll(field.name).includes(field.value);
        else if (field.matches("input, textarea")) field.value = data.get(field.name) || "";
      }
    }

    // offer says that this browser holds what the server does not.
    offer() {
      const draft = kept(this.key);
      if (!draft || this.hold === "conflict") return;
      if (draft.fields === this.stored) return keep(this.key, null);
      const note = document.createElement("div");
      note.className = "note note-medium";
      note.dataset.draft = "";
      const text = document.createElement("div");
      const words = document.createElement("p");
      words.textContent = "Not saved yet: typed at " + clock(draft.at) + " in this browser. ";
      if (draft.version !== this.version) words.textContent += "The answer was saved since; you can compare the two. ";
      const button = (label, act) => {
        const b = document.createElement("button");
        b.type = "button";
        b.className = "btn btn-s";
        b.textContent = label;
        b.addEventListener("click", () => { act(); note.remove(); });
        return b;
      };
      const row = document.createElement("p");
      row.className = "row row-tight";
      row.append(button("Use it", () => this.use(draft)), button("Drop it", () => keep(this.key, null)));
      text.append(words, row);
      note.append(text);
      this.form.before(note);
      const fold = this.form.closest("details");
      if (fold) fold.open = true;
    }

    use(draft) {
      // what the server has is what this browser sent last: nobody came between
      const mine = draft.sent && draft.sent === this.stored && Number(draft.version) + 1 === Number(this.version);
      this.fill(draft.fields);
      if (!mine) this.version = draft.version;
      this.form.querySelector("fieldset").dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  const of = (element) => forms.get(element && element.form);
  const isText = (element) => element.matches("textarea, input:not([type=checkbox])");

  // "None of these" and "Do not know" stand alone; a tick takes them away.
  document.addEventListener("change", (event) => {
    const tick = event.target;
    if (tick.type !== "checkbox" || !tick.checked || !forms.has(tick.form)) return;
    for (const other of tick.form.querySelectorAll("[name=choice], [name=unknown]")) {
      const alone = tick.hasAttribute("data-alone") || other.hasAttribute("data-alone");
      if (other !== tick && alone && tick.name !== "not_applicable") other.checked = false;
    }
  }, true);
  document.addEventListener("change", (event) => {
    const form = event.target.form || event.target.closest("form");
    const answer = forms.get(form);
    if (answer) answer.changed(true);
  });
  document.addEventListener("input", (event) => {
    const answer = of(event.target);
    if (answer && isText(event.target)) answer.changed(false);
  });

  // A form that is sent goes when all before it is stored; what the server says
  // to it comes as a page.
  document.addEventListener("submit", (event) => {
    const answer = forms.get(event.target);
    if (!answer || answer.leaving || !answer.dirty) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    answer.knowing = true;
    delete answer.form.dataset.hold;
    const go = async () => {
      if (answer.busy) await answer.busy;
      answer.last = null;
      const stored = await answer.save(submitter);
      const known = answer.last && answer.last.status !== 401;
      if (stored || known) answer.leave(submitter);
      else answer.going = submitter;
    };
    go();
  }, true);

  // A link waits for a save that is under way, so that nobody is asked in vain.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href]");
    if (!link) return;
    if (link.dataset.drop) {
      keep(link.dataset.drop, null);
      for (const a of forms.values()) a.form.dispatchEvent(new CustomEvent("orrery:saved", { bubbles: true }));
    }
    const open = [...forms.values()].filter((a) => a.dirty && !a.hold);
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    const here = link.origin === location.origin && link.pathname === location.pathname && link.hash;
    if (!open.length || !plain || here || link.target || link.origin !== location.origin || event.defaultPrevented) return;
    event.preventDefault();
    await Promise.all(open.map((a) => a.save()));
    location.assign(link.href);
  });

  document.addEventListener("orrery:save", (event) => { const a = forms.get(event.target); if (a) a.mean(); });
  const saveAll = () => {
    for (const a of forms.values()) if (a.dirty && !a.hold) a.save();
  };
  addEventListener("online", saveAll);
  addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") saveAll(); });

  // Who signs out leaves nothing behind in this browser.
  document.addEventListener("submit", (event) => {
    if (new URL(event.target.action).pathname !== "/sign-out") return;
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) localStorage.removeItem(key);
    } catch { /* no storage, nothing to clear */ }
  });

  for (const form of document.querySelectorAll("form[data-autosave]")) new Answer(form);
})();
