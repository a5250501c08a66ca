"use strict";
// The page of a ticker: which one the address names, its data file, its chart and its tables.
(function (site) {
  const { Chart, DAY, bold, choices, colour, isDark, isoDay, legend, linearTicks, logTicks, plain,
    short, state, swatch, unpack, unpackDays, unpackRuns } = site;
  const $ = (selector) => document.querySelector(selector);
  const EVENTS_AT_MOST = 160;
  const SHAPES = { reject: "x", step: "diamond", spike: "asterisk", segment: "circle", gap: "square" };
  const KINDS = {
    reject: "line rejected", step: "price step", spike: "price spike", segment: "new segment",
    gap: "gap in the calendar",
  };
  const EVENT_SHAPES = [
    ["triangle", "inverted_triangle"], ["circle", "circle"], ["diamond", "diamond"], ["x", "x"],
    ["triangle", "inverted_triangle"], ["circle", "circle"],
  ];

  class TickerChart extends Chart {
    constructor(holder, data) {
      super(holder, "ticker", unpackDays(data.days));
      this.data = data;
      for (const name of ["open", "high", "low", "close", "volume", "tmf", "tti"]) {
        this[name] = unpack(data[name], Float32Array);
      }
      this.views = data.views.map((view) => ({
        ...view,
        states: view.states.map(state),
        codes: unpackRuns(view.runs, data.rows),
      }));
      for (const view of this.views) view.by = new Map(view.states.map((s) => [s.code, s]));
      this.chosen = this.views[0];
      this.isLog = true;
      this.events = data.events.map(([name, up, down]) =>
        ({ name, sides: [unpack(up, Uint32Array), unpack(down, Uint32Array)] }));
      this.marks = data.marks.filter(([, day]) => day).map(([kind, day, what]) =>
        ({ kind, time: Date.parse(day), what }));
    }

    figures() { return ["price", "volume", "strips", "flow"]; }

    choose(view) {
      this.chosen = view;
      this.update();
    }

    update() {
      const { ink, soft } = this.dress();
      const sight = this.visible();
      this.bars(sight, soft);
      this.strips(sight, ink);
      this.indicators(sight, soft);
      this.mark();
      this.tabulate();
      legend($("#legend"), this.chosen.states);
    }

    // One bar for each group of days that share a pixel; candles where each day has its own.
    bars(sight, soft) {
      const { pixels, joined } = sight;
      const { times, open, high, low, close, volume, chosen } = this;
      const card = colour("--card");
      const scale = this.isLog ? Math.log10 : (value) => value;
      const seen = (this.days.end - this.days.start) / DAY;
      const candles = joined === 1 && pixels / seen > 2.4;
      const bars = { day: [], open: [], high: [], low: [], close: [], width: [], colour: [], fill: [] };
      const line = { day: [], close: [] };
      const volumes = { day: [], width: [], volume: [], colour: [] };
      const fills = new Map(chosen.states.map((s) => [s.code, s.colour()]));
      let [lowest, highest, most] = [Infinity, -Infinity, 0];
      for (const { a, b, alone } of this.groups(sight)) {
        let [top, bottom, traded] = [-Infinity, Infinity, 0];
        for (let k = a; k < b; k++) {
          if (high[k] > top) top = high[k];
          if (low[k] < bottom) bottom = low[k];
          if (volume[k] > traded) traded = volume[k];
        }
        const time = times[b - 1];
        if (time >= this.days.start - DAY && time <= this.days.end + DAY) {
          if (bottom < lowest) lowest = bottom;
          if (top > highest) highest = top;
          if (traded > most) most = traded;
        }
        const fill = fills.get(chosen.codes[b - 1]);
        bars.day.push(time);
        bars.high.push(scale(top));
        bars.low.push(scale(bottom));
        bars.open.push(candles ? scale(open[a]) : NaN);
        bars.close.push(candles ? scale(close[b - 1]) : NaN);
        bars.width.push(0.7 * DAY);
        bars.colour.push(fill);
        bars.fill.push(close[b - 1] >= open[a] ? card : fill);
        if (alone) { line.day.push(time); line.close.push(NaN); }
        line.day.push(time);
        line.close.push(candles ? NaN : scale(close[b - 1]));
        volumes.day.push(time);
        volumes.width.push(Math.max(0.7 * DAY, (times[b - 1] - times[a]) * 0.9));
        volumes.volume.push(traded);
        volumes.colour.push(fill);
      }
      if (!(highest > 0)) [lowest, highest] = [1, 2];
      let [start, end] = [scale(lowest), scale(highest)];
      const room = Math.max((end - start) * 0.06, this.isLog ? 0.01 : Math.abs(end) * 1e-3);
      [start, end] = [start - 2 * room, end + room];
      const [price, volumePlot] = [this.model("price"), this.model("volume")];
      const ticks = this.isLog ? logTicks(start, end, 5) : linearTicks(start, end, 5);
      this.ticks(price, [start, end], ticks.map(scale), ticks.map((tick) => plain(tick, 5)));
      const traded = linearTicks(0, most || 1, 2);
      this.ticks(volumePlot, [0, (most || 1) * 1.06], traded, traded.map(short));
      this.model("price").left[0].axis_label =
        this.data.ticker.endsWith(".US") ? "price, USD" : "price";
      volumePlot.left[0].axis_label = "shares";
      this.fill("bars", bars);
      this.fill("line", line);
      this.fill("volumes", volumes);
      this.glyph("closes", { line_color: soft });
      this.axisMarks(start, end, room, soft);
    }

    axisMarks(start, end, room, soft) {
      const shown = this.marks.filter(
        ({ time }) => time >= this.days.start && time <= this.days.end);
      const warn = colour("--warn");
      this.fill("marks", {
        day: shown.map((mark) => mark.time),
        at: shown.map(() => start + 0.8 * room),
        shape: shown.map((mark) => SHAPES[mark.kind]),
        colour: shown.map((mark) => (mark.kind === "gap" ? soft : warn)),
      });
      const seams = shown.filter((mark) => mark.kind === "segment");
      this.fill("seams", {
        day: seams.map((mark) => mark.time), low: seams.map(() => start), high: seams.map(() => end),
      });
      this.glyph("seams", { line_color: soft });
    }

    // A strip a view; one that has seen the future is hatched.
    strips(sight, ink) {
      const { times } = this;
      const views = this.views;
      const runs = { left: [], right: [], top: [], bottom: [], colour: [], hatch: [] };
      const fits = { day: [], low: [], high: [] };
      views.forEach((view, place) => {
        const top = views.length - place - 0.08;
        const bottom = views.length - place - 0.92;
        let begun = sight.from;
        const close = (row) => {
          const code = view.codes[begun];
          if (code > -2 && row > begun) {
            runs.left.push(times[begun]);
            runs.right.push(Math.min(times[row] ?? Infinity, times[row - 1] + 10 * DAY));
            runs.top.push(top);
            runs.bottom.push(bottom);
            runs.colour.push(view.by.get(code).colour());
            runs.hatch.push(view.hindsight ? "right_diagonal_line" : "blank");
          }
          begun = row;
        };
        for (const { a, alone } of this.groups(sight)) {
          if (alone || view.codes[a] !== view.codes[begun]) close(a);
        }
        close(sight.to);
        if (view.fitted_until) {
          fits.day.push(Date.parse(view.fitted_until) + DAY);
          fits.low.push(bottom - 0.06);
          fits.high.push(top + 0.06);
        }
      });
      const plot = this.model("strips");
      const height = 14 + 22 * views.length;
      if (plot.height !== height) plot.height = height;
      this.fill("runs", runs);
      this.fill("fits", fits);
      this.glyph("fits", { line_color: ink });
      this.ticks(plot, [0, views.length], views.map((_, i) => views.length - i - 0.5),
        views.map((view) => view.name));
    }

    indicators(sight, soft) {
      const { times, tmf, tti } = this;
      const data = { day: [], tmf: [], tti: [] };
      let most = 0.1;
      for (const { b, alone } of this.groups(sight)) {
        const row = b - 1;
        if (alone) for (const name of Object.keys(data)) data[name].push(name === "day" ? times[row] : NaN);
        data.day.push(times[row]);
        data.tmf.push(tmf[row]);
        data.tti.push(tti[row]);
        for (const value of [tmf[row], tti[row]]) most = Math.max(most, Math.abs(value) || 0);
      }
      this.fill("indicators", data);
      const [days, values] = this.outline(data.day, data.tmf);
      this.fill("area", { days: [days], values: [values] });
      const [ink, accent] = [colour("--ink"), colour("--accent")];
      this.glyph("tmf_line", { line_color: accent });
      this.glyph("tmf_area", { fill_color: accent });
      this.glyph("tti_line", { line_color: soft });
      this.model("zero").line_color = soft;
      const end = Math.min(1, most * 1.15);
      const ticks = linearTicks(-end, end, 4);
      const plot = this.model("flow");
      this.ticks(plot, [-end, end], ticks, ticks.map((tick) => plain(tick, 3)));
      plot.left[0].axis_label = "TMF, TTI proxy";
      this.eventMarks(ink, end);
    }

    eventMarks(ink, end) {
      const { times, tmf, tti } = this;
      const [start, stop] = [this.days.start, this.days.end];
      const found = { day: [], at: [], shape: [], colour: [] };
      const demand = this.views[0].by.get(2)?.colour() ?? ink;
      const supply = this.views[0].by.get(4)?.colour() ?? ink;
      const hidden = [];
      const marked = [];
      this.events.forEach(({ name, sides }, group) => {
        const rows = sides.map((side) => side.filter((r) => times[r] >= start && times[r] <= stop));
        const total = rows[0].length + rows[1].length;
        if (!total) return;
        if (found.day.length + total > EVENTS_AT_MOST) { hidden.push(name); return; }
        marked.push(name);
        rows.forEach((side, way) => side.forEach((row) => {
          const value = name.startsWith("TTI") ? tti[row] : tmf[row];
          const isCross = name.endsWith("zero cross");
          found.day.push(times[row]);
          found.at.push(isCross ? 0 : Math.max(-end, Math.min(end, value)));
          found.shape.push(EVENT_SHAPES[group][way]);
          found.colour.push(way ? supply : demand);
        }));
      });
      this.fill("events", found);
      $("#events").textContent = [
        marked.length ? `Marked: ${marked.join(", ")}.` : "",
        hidden.length ? `Marked once you zoom in: ${hidden.join(", ")}.` : "",
      ].join(" ").trim();
    }

    told(row) {
      const { times } = this;
      const parts = [bold(isoDay(times[row]))];
      const values = [
        ["open", plain(this.open[row], 6)], ["high", plain(this.high[row], 6)],
        ["low", plain(this.low[row], 6)], ["close", plain(this.close[row], 6)],
        ["volume", short(this.volume[row])], ["TMF", plain(this.tmf[row], 3)],
        ["TTI proxy", plain(this.tti[row], 3)],
      ];
      for (const [name, value] of values) {
        const part = document.createElement("span");
        part.append(`${name} `, bold(value));
        parts.push(" ", part);
      }
      for (const view of this.views) {
        const known = view.by.get(view.codes[row]);
        if (!known || known.code === -2) continue;
        const part = document.createElement("span");
        part.append(`${view.name} `, swatch(known.colour()), bold(known.name));
        parts.push(" ", part);
      }
      for (const mark of this.marks) {
        if (mark.time === times[row]) parts.push(" ", bold(mark.what));
      }
      return parts;
    }

    table() {
      const { what, found } = this.periods();
      const head = [what, "high", "low", "close", "volume a day", "TMF at the end",
        `most days in (${this.chosen.name})`];
      const rows = found.map(({ name, from, to }) => {
        let [top, bottom, traded] = [-Infinity, Infinity, 0];
        const counts = new Map();
        for (let k = from; k < to; k++) {
          top = Math.max(top, this.high[k]);
          bottom = Math.min(bottom, this.low[k]);
          traded += this.volume[k];
          counts.set(this.chosen.codes[k], (counts.get(this.chosen.codes[k]) ?? 0) + 1);
        }
        const [code, days] = [...counts].sort((a, b) => b[1] - a[1])[0];
        const share = to - from > 1 ? ` (${Math.round((100 * days) / (to - from))} %)` : "";
        return [name, plain(top), plain(bottom), plain(this.close[to - 1]),
          short(traded / (to - from)), plain(this.tmf[to - 1], 3),
          `${this.chosen.by.get(code)?.name ?? "–"}${share}`];
      });
      return { head, rows };
    }
  }

  // The page around the chart.
  const row = (values) => {
    const line = document.createElement("tr");
    values.forEach((value, i) => {
      const cell = document.createElement(i ? "td" : "th");
      if (!i) cell.scope = "row";
      cell.append(...[value].flat());
      line.append(cell);
    });
    return line;
  };
  const count = (value) => value.toLocaleString("en");

  const byState = (chart) => {
    const body = $("#by-state tbody");
    body.replaceChildren(...chart.chosen.table.map(([code, days, share, runs, mean, longest]) => {
      const known = chart.chosen.by.get(code);
      return row([[swatch(known.colour()), known.name], count(days), `${(100 * share).toFixed(1)} %`,
        count(runs), mean === null ? "–" : mean.toFixed(1), longest === null ? "–" : count(longest)]);
    }));
    const { data, times } = chart;
    $("#by-state-note").textContent =
      `${data.ticker}, ${chart.chosen.told}, ${isoDay(times[0])} to ` +
      `${isoDay(times[times.length - 1])}, n = ${count(data.rows)} days. ` +
      (chart.chosen.fitted_until
        ? `The model was fitted on days up to ${chart.chosen.fitted_until}: in-sample up to there. ` : "") +
      chart.chosen.warning;
  };

  const quality = ({ quality: q, marks }) => {
    $("#quality tbody").replaceChildren(
      row(["lines read", count(q.rows_total)]), row(["valid bars", count(q.rows_valid)]),
      row(["rejected", count(q.rows_rejected)]), row(["price steps", count(q.price_steps)]),
      row(["price spikes", count(q.price_spikes)]), row(["gaps over the threshold", count(q.gaps)]),
      row(["suspicious bars", count(q.suspicious_bars)]),
      row(["days without trade", count(q.days_without_trade)]), row(["segments", count(q.segments)]),
    );
    $("#source").textContent = `${q.source_file}: ${q.message || q.status}`;
    $("#marks").replaceChildren(...marks.slice(0, 200).map(([kind, day, what]) =>
      row([day ?? "no date", KINDS[kind], what])));
    $("#marks-box").hidden = !marks.length;
    $("#marks-count").textContent = count(marks.length);
  };

  const heading = (data, chart) => {
    document.title = `${data.ticker} · mf_etl`;
    $("#name").textContent = data.ticker;
    $("#exchange").textContent = data.exchange;
    const last = data.rows - 1;
    const flow = chart && chart.views[0];
    const about = $("#about");
    if (!chart) {
      about.textContent = `No valid bar: ${data.quality.message || data.quality.status}.`;
      return;
    }
    const code = flow.codes[last];
    let begun = last;
    while (begun > 0 && flow.codes[begun - 1] === code) begun--;
    const now = document.createElement("span");
    const days = last - begun + 1;
    now.append(swatch(flow.by.get(code).colour()), bold(flow.by.get(code).name),
      ` for ${days} ${days === 1 ? "day" : "days"}`);
    const parts = [`${isoDay(chart.times[0])} to ${isoDay(chart.times[last])}`,
      `${count(data.rows)} days`,
      data.quality.rows_rejected ? `${count(data.quality.rows_rejected)} lines rejected` : "no line rejected"];
    if (data.quality.price_steps) {
      parts.push(`${data.quality.price_steps} price ${data.quality.price_steps === 1 ? "step" : "steps"}`);
    }
    about.replaceChildren(`${parts.join(" · ")} · `, now);
  };

  let chart = null;
  site.ticker = async (data) => {
    if (`${data.exchange}/${data.ticker}` !== wanted()) return;
    $("#missing").hidden = $("#list").hidden = true;
    $("#ticker").hidden = false;
    const holder = $("#chart");
    holder.hidden = !data.rows;
    holder.dataset.drawn = "no";
    $("#by-state-box").hidden = !data.rows;
    quality(data);
    if (!data.rows) { heading(data, null); holder.dataset.drawn = "empty"; return; }
    chart = new TickerChart(holder.cloneNode(true), data);
    holder.replaceWith(chart.holder);
    heading(data, chart);
    choices($("#views"), chart.views.map((view) => [view.key, view.name, view.told]), chart.chosen.key,
      (key) => {
        chart.choose(chart.views.find((view) => view.key === key));
        byState(chart);
        $("#hindsight").hidden = !chart.chosen.hindsight;
      });
    choices($("#scale"), [["log", "log", "logarithmic prices"], ["linear", "linear", "linear prices"]],
      "log", (key) => { chart.isLog = key === "log"; chart.update(); });
    $("#hindsight").hidden = true;
    $("#hindsight").textContent = chart.views.map((view) => view.warning).find(Boolean) ?? "";
    chart.holder.querySelector(".frame").setAttribute("aria-label",
      `Chart of ${data.ticker}: price, volume, states and money flow by day. ` +
      "Arrow keys go from day to day, with shift by twenty; plus and minus zoom, Page keys move, 0 shows all.");
    byState(chart);
    await chart.show();
  };

  const wanted = () => decodeURIComponent(location.hash.slice(1));
  const load = () => {
    const [exchange, ticker] = wanted().split("/");
    $("#ticker").hidden = $("#missing").hidden = true;
    if (!ticker) { $("#list").hidden = false; document.title = "Tickers · mf_etl"; site.listTickers(); return; }
    if (!/^[A-Z0-9]+$/.test(exchange) || !/^[A-Z0-9][A-Z0-9._^-]*$/.test(ticker)) { missing(ticker); return; }
    $("#list").hidden = true;
    const file = document.createElement("script");
    file.src = `exchange=${exchange}/prefix=${ticker[0]}/ticker=${ticker}.js`;
    file.addEventListener("error", () => missing(ticker));
    file.addEventListener("load", () => file.remove());
    document.head.append(file);
  };
  const missing = (ticker) => {
    $("#missing").hidden = false;
    $("#missing-name").textContent = ticker;
    for (const place of document.querySelectorAll(".missing-ticker")) place.textContent = ticker;
    document.title = `${ticker} · mf_etl`;
  };
  window.addEventListener("hashchange", load);
  window.addEventListener("DOMContentLoaded", load);
})(window.mf_etl);
