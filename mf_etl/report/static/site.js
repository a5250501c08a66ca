"use strict";
// What every page has: the search for a ticker, tables that can be sorted.
(function (site) {
  const root = document.currentScript.dataset.root;
  let listed = null;
  let waiting = [];

  // The list of all tickers is read when somebody looks for one.
  site.tickers = (data) => {
    listed = data.exchanges.flatMap(({ exchange, tickers, rows, last }) => tickers.split(" ").map(
      (ticker, i) => ({ exchange, ticker, rows: rows[i], last: last[i], charted: false })));
    const charted = new Set(data.charted);
    for (const each of listed) each.charted = charted.has(`${each.exchange}/${each.ticker}`);
    listed.sort((a, b) => (a.ticker < b.ticker ? -1 : a.ticker > b.ticker ? 1 : 0));
    waiting.forEach((then) => then(listed));
    waiting = [];
  };
  const withTickers = (then) => {
    if (listed) { then(listed); return; }
    waiting.push(then);
    if (waiting.length > 1) return;
    const file = document.createElement("script");
    file.src = `${root}tickers/index.js`;
    document.head.append(file);
  };
  const address = ({ exchange, ticker }) => `${root}tickers/index.html#${exchange}/${ticker}`;

  const matches = (text) => {
    const asked = text.trim().toUpperCase();
    const begins = listed.filter(({ ticker }) => ticker.startsWith(asked));
    const holds = listed.filter(({ ticker }) => !ticker.startsWith(asked) && ticker.includes(asked));
    return [...begins, ...holds];
  };

  const search = () => {
    const form = document.querySelector("form.search");
    const input = form.querySelector("input");
    const options = form.querySelector("datalist");
    const label = ({ exchange, ticker }) => `${ticker} · ${exchange}`;
    const offer = () => withTickers(() => {
      options.replaceChildren(...matches(input.value).slice(0, 12).map((each) => {
        const option = document.createElement("option");
        option.value = label(each);
        return option;
      }));
    });
    const go = () => withTickers(() => {
      const [ticker, exchange] = input.value.split("·").map((part) => part.trim());
      const found = matches(ticker);
      const chosen = found.find((each) => each.exchange === exchange && each.ticker === ticker) ??
        found.find((each) => each.ticker === ticker.toUpperCase()) ?? found[0];
      form.querySelector(".nothing").hidden = Boolean(chosen);
      if (chosen && ticker) location.href = address(chosen);
    });
    input.addEventListener("focus", offer);
    input.addEventListener("input", () => {
      offer();
      form.querySelector(".nothing").hidden = true;
      if (input.value.includes("·")) go();
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); go(); });
    document.addEventListener("keydown", (event) => {
      const isTyping = /INPUT|TEXTAREA|SELECT/.test(document.activeElement?.tagName ?? "");
      if (event.key === "/" && !isTyping) { event.preventDefault(); input.focus(); }
    });
  };

  const SHOWN = 200;
  site.listTickers = () => withTickers(() => {
    const filter = document.querySelector("#filter");
    const draw = () => {
      const only = document.querySelector("#charted").checked;
      const found = (filter.value ? matches(filter.value) : listed).filter(
        ({ charted }) => charted || !only);
      document.querySelector("#list tbody").replaceChildren(...found.slice(0, SHOWN).map((each) => {
        const line = document.createElement("tr");
        const name = document.createElement("th");
        name.scope = "row";
        const link = document.createElement("a");
        link.href = address(each);
        link.textContent = each.ticker;
        name.append(link);
        line.append(name);
        for (const value of [each.exchange, each.rows.toLocaleString("en"), each.last || "–",
          each.charted ? "yes" : "on demand"]) {
          const cell = document.createElement("td");
          cell.textContent = value;
          line.append(cell);
        }
        return line;
      }));
      const more = found.length > SHOWN ? `, the first ${SHOWN} shown` : "";
      document.querySelector("#listed").textContent =
        `${found.length.toLocaleString("en")} of ${listed.length.toLocaleString("en")} tickers${more}`;
    };
    filter.oninput = draw;
    document.querySelector("#charted").onchange = draw;
    draw();
  });

  // A click on the head of a column sorts by it; the value of a cell may be told by data-value.
  const sortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (line) => {
          const cell = line.cells[column];
          const told = cell.dataset.value ?? cell.textContent.trim();
          const asNumber = Number(told);
          return told !== "" && Number.isFinite(asNumber) ? asNumber : told;
        };
        const compare = (a, b) => {
          const [x, y] = [value(a), value(b)];
          if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
          return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
        };
        for (const body of table.tBodies) body.replaceChildren(...[...body.rows].sort(compare));
      });
    });
  };

  // A box that scrolls sideways can be reached by keyboard, when it has something to scroll to.
  const scrollable = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      if (scrolls) box.tabIndex = 0; else box.removeAttribute("tabindex");
    }
  };

  window.addEventListener("DOMContentLoaded", () => {
    search();
    document.querySelectorAll("table.sortable").forEach(sortable);
    scrollable();
    window.addEventListener("resize", scrollable);
  });
})(window.mf_etl = window.mf_etl || {});
