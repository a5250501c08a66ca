"use strict";
// What both charts share: unpacked columns, a document of Bokeh with its named models, the days in
// sight, keys, ticks. A chart draws what is in sight and no more: days that share a pixel are joined.
(function (site) {
  const DAY = 86400000;
  const PAUSE = 40 * DAY;
  let documents = null;
  site.charts = (data) => { documents = data; };

  const unpack = (text, Type) => {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new Type(bytes.buffer);
  };
  const unpackDays = (days) =>
    Float64Array.from(unpack(days.offsets, Uint16Array), (offset) => (days.first + offset) * DAY);
  const unpackRuns = (runs, rows) => {
    const starts = unpack(runs.starts, Uint32Array);
    const codes = unpack(runs.codes, Int8Array);
    const found = new Int8Array(rows);
    starts.forEach((start, k) => found.fill(codes[k], start, starts[k + 1] ?? rows));
    return found;
  };

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const isDark = () => dark.matches && !printing;
  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const isoDay = (time) => new Date(time).toISOString().slice(0, 10);
  const minus = (text) => text.replace(/-/g, "−");
  const plain = (given, digits = 4) => {
    const value = given === 0 ? 0 : given;  // no minus before a zero
    if (!Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e9 || size < 1e-6)) return minus(value.toExponential(2));
    const options = { maximumSignificantDigits: Math.max(digits, Math.ceil(Math.log10(size + 1))) };
    return minus(value.toLocaleString("en", options));
  };
  const short = (value) => {
    if (!Number.isFinite(value)) return "–";
    for (const [size, unit] of [[1e12, "tn"], [1e9, "bn"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(value) >= size) return `${plain(value / size, 3)} ${unit}`;
    }
    return plain(value, 3);
  };

  // Ticks at 1, 2 or 5 times a power of ten: the widest apart that are as many as wanted.
  const linearTicks = (low, high, wanted) => {
    if (!(high > low) || !Number.isFinite(high - low)) return [low];
    const power = 10 ** Math.floor(Math.log10(high - low));
    let found = [];
    for (const size of [5, 2, 1, 0.5, 0.2, 0.1, 0.05]) {
      const step = size * power;
      found = [];
      for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
        found.push(Number((k * step).toPrecision(12)));
      }
      if (found.length >= wanted) break;
    }
    return found;
  };
  const logTicks = (low, high, wanted) => {
    const found = [];
    for (let p = Math.floor(low) - 1; p <= high; p++) {
      for (const k of [1, 2, 5]) {
        const tick = k * 10 ** p;
        if (Math.log10(tick) >= low && Math.log10(tick) <= high) found.push(tick);
      }
    }
    if (found.length < 3) return linearTicks(10 ** low, 10 ** high, wanted);
    const every = Math.ceil(found.length / (wanted + 2));
    return found.filter((_, i) => i % every === 0).map((tick) => Number(tick.toPrecision(6)));
  };

  const firstAtLeast = (sorted, value) => {
    let low = 0, high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1; else high = middle;
    }
    return low;
  };

  class Chart {
    // `holder` has a place for the document (.plot), a line of the day (.cursor) and a reader's line.
    constructor(holder, name, times) {
      Object.assign(this, { holder, name, times, waiting: false, at: null });
    }

    async show() {
      const place = this.holder.querySelector(".plot");
      place.textContent = "";
      const item = JSON.parse(JSON.stringify(documents[this.name]));
      const shown = await Bokeh.embed.embed_item(item, place);
      this.view = [...shown.roots ?? shown][0];
      this.document = this.view.model.document;
      this.days = this.model("days");
      this.plots = this.figures().map((name) => this.model(name));
      this.limit();
      this.sight(this.first, this.last);
      const changed = () => this.later();
      this.days.properties.start.change.connect(changed);
      this.days.properties.end.change.connect(changed);
      this.listen();
      this.update();
      new ResizeObserver(changed).observe(this.holder);
      dark.addEventListener("change", changed);
      for (const [event, value] of [["beforeprint", true], ["afterprint", false]]) {
        window.addEventListener(event, () => { printing = value; this.update(); });
      }
      site.shown = this;
      this.holder.dataset.drawn = "yes";
    }

    model(name) { return this.document.get_model_by_name(name); }
    fill(name, data) { this.model(`${name}_data`).data = data; }
    glyph(name, values) { this.model(name).glyph.setv(values); }

    limit() {
      const [first, last] = [this.times[0], this.times[this.times.length - 1]];
      const margin = Math.max(3 * DAY, (last - first) * 0.005);
      Object.assign(this, { first: first - margin, last: last + margin });
      this.days.bounds = [this.first, this.last];
    }

    sight(start, end) {
      const least = 10 * DAY;
      const length = Math.min(Math.max(end - start, least), this.last - this.first);
      const from = Math.min(Math.max(start, this.first), this.last - length);
      this.days.setv({ start: from, end: from + length });
    }

    // Show so many years up to the last day; without, all.
    span(years) {
      this.sight(years ? this.last - years * 365.25 * DAY : this.first, this.last);
    }

    zoom(factor, centre) {
      const { start, end } = this.days;
      const middle = centre ?? this.at === null ? (start + end) / 2 : this.times[this.at];
      this.sight(middle - (middle - start) * factor, middle + (end - middle) * factor);
    }

    pan(share) {
      const { start, end } = this.days;
      this.sight(start + share * (end - start), end + share * (end - start));
    }

    later() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.update(); });
    }

    // Rows in sight, how many pixels they have, and how many days are joined to one.
    visible() {
      const { start, end } = this.days;
      const from = Math.max(firstAtLeast(this.times, start) - 1, 0);
      const to = Math.min(firstAtLeast(this.times, end) + 1, this.times.length);
      const pixels = Math.max(this.frame().width, 100);
      const joined = Math.max(1, Math.ceil((to - from) / (pixels / 2)));
      return { from: Math.floor(from / joined) * joined, to, pixels, joined };
    }

    // Rows in sight by groups that share a pixel; a time without a day, longer than 40 days, is not
    // drawn across, and `alone` says that one lies before a group.
    *groups({ from, to, joined }) {
      const { times } = this;
      let a = from;
      let alone = false;
      while (a < to) {
        const most = Math.min((Math.floor(a / joined) + 1) * joined, to);
        let b = a + 1;
        while (b < most && times[b] - times[b - 1] <= PAUSE) b++;
        yield { a, b, alone };
        alone = b < to && times[b] - times[b - 1] > PAUSE;
        a = b;
      }
    }

    // A closed outline for each stretch of days, with NaN between stretches.
    outline(days, heights) {
      const [x, y] = [[], []];
      let begun = 0;
      const close = (end) => {
        if (end > begun) {
          if (x.length) { x.push(NaN); y.push(NaN); }
          x.push(days[begun], ...days.slice(begun, end), days[end - 1]);
          y.push(0, ...heights.slice(begun, end), 0);
        }
        begun = end + 1;
      };
      heights.forEach((height, i) => { if (Number.isNaN(height)) close(i); });
      close(days.length);
      return [x, y];
    }

    frame() {
      const view = this.frameView();
      return view ? view.frame.bbox : { left: 84, width: this.holder.clientWidth - 100 };
    }

    frameView() {
      const find = (view) => view.model === this.plots[0] ? view
        : (view.child_views ?? []).map(find).find(Boolean);
      return find(this.view);
    }

    // Colours of the page on what is no data.
    dress() {
      const [ink, soft] = [colour("--ink"), colour("--soft")];
      const narrow = this.holder.clientWidth < 560;
      for (const plot of this.plots) {
        for (const axis of [...plot.left, ...plot.below]) {
          if (!axis.setv || !("major_label_text_color" in axis)) continue;
          axis.setv({ major_label_text_color: soft, axis_label_text_color: soft });
        }
        if (plot.min_border_left !== (narrow ? 62 : 84)) plot.min_border_left = narrow ? 62 : 84;
      }
      return { ink, soft };
    }

    ticks(plot, values, places, texts) {
      const axis = plot.left[0];
      axis.ticker.ticks = places;
      axis.major_label_overrides = new Map(places.map((place, i) => [place, texts[i]]));
      plot.y_range.setv({ start: values[0], end: values[1] });
    }

    listen() {
      const { holder } = this;
      const look = (event) => {
        const { left, width } = this.frame();
        const x = event.clientX - holder.querySelector(".plot").getBoundingClientRect().left - left;
        if (x < 0 || x > width) return;
        const { start, end } = this.days;
        this.point(this.nearest(start + (x / width) * (end - start)), false);
      };
      holder.querySelector(".plot").addEventListener("pointermove", look);
      holder.addEventListener("keydown", (event) => this.key(event));
      for (const button of holder.querySelectorAll("[data-years]")) {
        button.addEventListener("click", () => this.span(Number(button.dataset.years)));
      }
      for (const button of holder.querySelectorAll("[data-zoom]")) {
        button.addEventListener("click", () => this.zoom(Number(button.dataset.zoom)));
      }
      for (const button of holder.querySelectorAll("[data-pan]")) {
        button.addEventListener("click", () => this.pan(Number(button.dataset.pan)));
      }
      const details = holder.querySelector("details.numbers");
      if (details) details.addEventListener("toggle", () => this.tabulate());
    }

    nearest(time) {
      const right = Math.min(firstAtLeast(this.times, time), this.times.length - 1);
      const left = Math.max(right - 1, 0);
      return time - this.times[left] < this.times[right] - time ? left : right;
    }

    key(event) {
      if (event.target !== this.holder.querySelector(".frame") || event.altKey) return;
      if (event.ctrlKey || event.metaKey) return;
      const last = this.times.length - 1;
      const at = this.at ?? last;
      const step = event.shiftKey ? Math.max(this.visible().joined * 20, 20) : 1;
      const moves = {
        ArrowLeft: () => this.point(Math.max(at - step, 0), true),
        ArrowRight: () => this.point(Math.min(at + step, last), true),
        Home: () => this.point(0, true),
        End: () => this.point(last, true),
        PageUp: () => this.pan(-0.8),
        PageDown: () => this.pan(0.8),
        "+": () => this.zoom(0.5),
        "=": () => this.zoom(0.5),
        "-": () => this.zoom(2),
        0: () => this.span(0),
        Escape: () => this.point(null, false),
      };
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      move();
    }

    // Put the line on a day, and tell it; `aloud` also to a screen reader.
    point(row, aloud) {
      this.at = row;
      const cursor = this.holder.querySelector(".cursor");
      const readout = this.holder.querySelector(".readout");
      if (row === null) {
        cursor.hidden = true;
        readout.textContent = readout.dataset.hint;
        return;
      }
      const time = this.times[row];
      const { start, end } = this.days;
      if (aloud && (time < start || time > end)) {
        this.sight(time - (end - start) / 2, time + (end - start) / 2);
      }
      readout.replaceChildren(...this.told(row));
      if (aloud) this.holder.querySelector(".aloud").textContent = readout.textContent;
      this.mark();
    }

    mark() {
      if (this.at === null) return;
      const cursor = this.holder.querySelector(".cursor");
      const { left, width } = this.frame();
      const { start, end } = this.days;
      const x = ((this.times[this.at] - start) / (end - start)) * width;
      cursor.hidden = x < 0 || x > width;
      cursor.style.left = `${left + x}px`;
    }

    // The numbers behind the picture, as a table, when somebody opens it.
    tabulate() {
      const details = this.holder.querySelector("details.numbers");
      if (!details || !details.open) return;
      const { head, rows } = this.table();
      const cells = (tag, values, scope) => values.map((value, i) => {
        const cell = document.createElement(i && tag === "td" ? "td" : scope ? "th" : tag);
        if (scope && (tag === "th" || !i)) cell.scope = tag === "th" ? "col" : "row";
        cell.textContent = value;
        return cell;
      });
      const line = (tag, values) => {
        const row = document.createElement("tr");
        row.append(...cells(tag, values, true));
        return row;
      };
      const table = details.querySelector("table");
      table.tHead.replaceChildren(line("th", head));
      table.tBodies[0].replaceChildren(...rows.map((row) => line("td", row)));
    }

    // Rows in sight by year, month or day, whatever gives a table of a length to be read.
    periods() {
      const { start, end } = this.days;
      const from = firstAtLeast(this.times, start);
      const to = Math.max(firstAtLeast(this.times, end), from + 1);
      const years = (end - start) / (365 * DAY);
      const digits = to - from <= 66 ? 10 : years <= 4 ? 7 : 4;
      const found = [];
      for (let row = from; row < to; row++) {
        const name = isoDay(this.times[row]).slice(0, digits);
        const lastFound = found[found.length - 1];
        if (lastFound && lastFound.name === name) lastFound.to = row + 1;
        else found.push({ name, from: row, to: row + 1 });
      }
      return { what: { 10: "day", 7: "month", 4: "year" }[digits], found };
    }
  }

  const swatch = (fill) => {
    const box = document.createElement("i");
    box.className = "swatch";
    box.style.background = fill;
    return box;
  };
  const bold = (text) => {
    const found = document.createElement("b");
    found.textContent = text;
    return found;
  };
  const state = (entry) => ({
    code: entry[0], name: entry[1], colour: () => entry[isDark() ? 3 : 2],
  });

  // A group of buttons of which one is pressed.
  const choices = (place, entries, chosen, choose) => {
    place.replaceChildren(...entries.map(([key, text, title]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      if (title) button.title = title;
      button.setAttribute("aria-pressed", String(key === chosen));
      button.addEventListener("click", () => {
        for (const other of place.children) other.setAttribute("aria-pressed", "false");
        button.setAttribute("aria-pressed", "true");
        choose(key);
      });
      return button;
    }));
  };
  const legend = (place, states) => {
    place.replaceChildren(...states.map((each) => {
      const entry = document.createElement("li");
      entry.append(swatch(each.colour()), each.name);
      return entry;
    }));
  };

  Object.assign(site, {
    Chart, DAY, bold, choices, colour, dark, firstAtLeast, isDark, isoDay, legend, linearTicks,
    logTicks, minus, plain, short, state, swatch, unpack, unpackDays, unpackRuns,
  });
})(window.mf_etl = window.mf_etl || {});
