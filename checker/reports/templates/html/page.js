"use strict";
// The page is whole without this: it adds filters, sorting, copying and a choice of colours. It reads the document and nothing else.
(() => {
  const FIRST = 200; // as many findings as are laid out at once; the rest come when they are asked for, or printed
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const words = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

  const kept = (() => { try { return localStorage.getItem("tfcert-colours") ?? ""; } catch { return ""; } })();
  const paint = (choice) => { if (choice) { root.dataset.theme = choice; } else { delete root.dataset.theme; } };
  paint(kept);

  const speak = (text) => { document.getElementById("spoken").textContent = text; };
  const later = (act) => { let timer; return () => { clearTimeout(timer); timer = setTimeout(act, 80); }; };
  const hide = (node, hidden) => { if (node.hidden !== hidden) { node.hidden = hidden; } };
  const lines = (nodes) => { let texts; return () => (texts ??= nodes.map((node) => node.textContent.toLowerCase())); };
  const wanted = (input) => input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);

  function colours() {
    for (const radio of all("input[name=theme]")) {
      radio.checked = radio.value === kept;
      radio.addEventListener("change", () => {
        paint(radio.value);
        try { localStorage.setItem("tfcert-colours", radio.value); } catch { /* a page from a file may have nowhere to keep it */ }
      });
    }
  }

  async function copy(button, text, node) {
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch {
      // Without a secure context there is no clipboard to ask: then as a person does it, by selecting and copying.
      getSelection().selectAllChildren(node);
      addEventListener("copy", (event) => { event.clipboardData.setData("text/plain", text); event.preventDefault(); }, { once: true });
      done = document.execCommand("copy");
    }
    const what = button.querySelector(".unseen").textContent.trim();
    speak(done ? `Copied ${what}` : `Selected ${what}; copy it with the keyboard`);
    button.firstChild.data = done ? "Copied" : "Selected";
    setTimeout(() => { button.firstChild.data = "Copy"; }, 2000);
  }

  function copying() {
    for (const button of all("button.copy")) {
      button.addEventListener("click", () => {
        const node = button.dataset.copy ? document.getElementById(button.dataset.copy) : button.previousElementSibling;
        if (node.closest("details")) { node.closest("details").open = true; }
        copy(button, node.textContent, node);
      });
    }
  }

  function certificates(form) {
    const rows = all(".cert"), folds = all("#timeline .fold"), lists = all("#timeline .certs"), texts = lines(rows);
    const opened = new Map(), counts = new Map(folds.map((fold) => [fold, fold.querySelector(".count").textContent]));
    const update = () => {
      const asked = wanted(form.elements.text);
      let found = 0;
      rows.forEach((row, at) => {
        const fits = asked.every((word) => texts()[at].includes(word));
        found += fits;
        hide(row, !fits);
      });
      for (const list of lists) { hide(list, !list.querySelector(":scope > .cert:not([hidden])")); }
      for (const fold of folds) {
        const fits = all(".cert:not([hidden])", fold).length;
        hide(fold, fits === 0);
        if (asked.length && !opened.has(fold)) { opened.set(fold, fold.open); }
        if (asked.length) { fold.open = true; } else if (opened.has(fold)) { fold.open = opened.get(fold); opened.delete(fold); }
        fold.querySelector(".count").textContent = asked.length ? words(fits, "certificate") : counts.get(fold);
      }
      form.querySelector("output").textContent = asked.length ? `${words(found, "certificate")} of ${rows.length.toLocaleString("en")}` : "";
    };
    form.addEventListener("input", later(update));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function groups(form) {
    const rows = all("#fleet .group"), rests = all("#fleet .groups"), opened = new Set();
    const update = () => {
      const asked = wanted(form.elements.text);
      const found = rows.filter((row) => asked.every((word) => row.dataset.group.includes(word)));
      const shown = new Set(found);
      for (const row of rows) { hide(row, !shown.has(row)); }
      for (const rest of rests) {
        rest.open = asked.length > 0;
        hide(rest.querySelector("summary"), asked.length > 0);
      }
      // One group that is left is the one that was looked for.
      if (asked.length && found.length === 1 && !found[0].open) { found[0].open = true; opened.add(found[0]); }
      if (found.length !== 1) { for (const row of opened) { row.open = false; } opened.clear(); }
      form.querySelector("output").textContent = asked.length ? `${words(found.length, "group")} of ${rows.length.toLocaleString("en")}` : "";
    };
    form.addEventListener("input", later(update));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function findings(form) {
    const body = document.querySelector("table.findings tbody"), none = document.querySelector("[data-none]");
    const more = document.querySelector("[data-more]"), rows = all("tr", body), texts = lines(rows);
    const place = new Map(rows.map((row, at) => [row, at]));
    let order = rows, shown = FIRST;
    const update = () => {
      const asked = wanted(form.elements.text), rule = form.elements.rule.value, suppressed = form.elements.suppressed?.value ?? "";
      const severities = new Set(all("input[name=severity]:checked", form).map((box) => box.value));
      let found = 0;
      for (const row of order) {
        const fits = severities.has(row.dataset.severity) && (!rule || row.dataset.rule === rule)
          && (!suppressed || (suppressed === "yes") === ("suppressed" in row.dataset))
          && asked.every((word) => texts()[place.get(row)].includes(word));
        found += fits;
        hide(row, !fits);
        row.classList.toggle("beyond", fits && found > shown);
      }
      // What is shown in a row with one remedy has it once, below the last.
      const visible = order.filter((row) => !row.hidden && !row.classList.contains("beyond"));
      visible.forEach((row, at) => row.classList.toggle("same", row.dataset.cure === visible[at + 1]?.dataset.cure));
      hide(none, found > 0);
      hide(more, found <= shown);
      more.querySelector("span").textContent = `${words(Math.max(0, found - shown), "more finding")} match.`;
      form.querySelector("output").textContent = `${words(found, "finding")} of ${rows.length.toLocaleString("en")}`;
    };
    const key = { weight: (row) => +row.dataset.weight, days: (row) => +row.dataset.days, rule: (row) => row.dataset.rule,
      where: (row) => row.lastElementChild.textContent };
    const sort = (head) => {
      const down = head.ariaSort === "ascending";
      for (const other of all("th[aria-sort]")) { other.ariaSort = "none"; }
      head.ariaSort = down ? "descending" : "ascending";
      const keys = new Map(rows.map((row) => [row, key[head.dataset.sort](row)]));
      order = [...rows].sort((one, two) => {
        const first = keys.get(one), second = keys.get(two);
        return (first < second ? -1 : first > second ? 1 : 0) * (down ? -1 : 1) || place.get(one) - place.get(two);
      });
      body.append(...order);
      update();
      speak(`Sorted by ${head.textContent.toLowerCase()}, ${head.ariaSort}`);
    };
    for (const head of all("th[data-sort]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(head));
      head.replaceChildren(button);
    }
    const fresh = () => { shown = FIRST; update(); };
    form.addEventListener("input", later(fresh));
    form.addEventListener("reset", () => setTimeout(fresh));
    form.addEventListener("submit", (event) => event.preventDefault());
    none.querySelector("button").addEventListener("click", () => { form.reset(); form.elements.text.focus(); });
    more.querySelector("button").addEventListener("click", () => { shown += 5 * FIRST; update(); });
    update();
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const node of all("[data-needs-script]")) { node.hidden = false; }
    colours();
    copying();
    for (const form of all("form[data-filters]")) { ({ certificates, groups, findings })[form.dataset.filters](form); }
  });
})();
