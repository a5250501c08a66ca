"use strict";
// The chart of the market: share of tickers in each state by day, and how many tickers that is.
(function (site) {
  const { Chart, bold, choices, colour, isoDay, legend, linearTicks, plain, state, swatch, unpack,
    unpackDays } = site;
  class MarketChart extends Chart {
    constructor(holder, data) {
      super(holder, "market", unpackDays(data.days));
      this.data = data;
      this.views = data.views.map((view) => ({
        ...view,
        states: view.states.map(state),
        counts: view.counts.map((counts) => unpack(counts, Uint16Array)),
      }));
      this.chosen = this.views[0];
    }

    figures() { return ["shares", "names"]; }

    choose(view) {
      this.chosen = view;
      this.update();
    }

    totals(from, to) {
      return this.chosen.counts.map((counts) => {
        let sum = 0;
        for (let k = from; k < to; k++) sum += counts[k];
        return sum;
      });
    }

    update() {
      const { soft } = this.dress();
      const sight = this.visible();
      const { states } = this.chosen;
      const days = [];
      const stacked = states.map(() => []);
      const names = [];
      for (const { a, b, alone } of this.groups(sight)) {
        const sums = this.totals(a, b);
        const total = sums.reduce((x, y) => x + y, 0);
        if (alone) {
          days.push(this.times[a]);
          names.push(NaN);
          stacked.forEach((stack) => stack.push(NaN));
        }
        days.push(this.times[b - 1]);
        names.push(total / (b - a));
        let below = 0;
        sums.forEach((sum, i) => {
          below += total ? sum / total : NaN;
          stacked[i].push(below);
        });
      }
      const areas = { days: [], shares: [], colour: [] };
      states.forEach((each, i) => {
        const [outline, heights] = this.outline(days, stacked[i]);
        areas.days.unshift(outline);
        areas.shares.unshift(heights);
        areas.colour.unshift(each.colour());
      });
      this.fill("areas", areas);
      const shares = [0, 0.25, 0.5, 0.75, 1];
      this.ticks(this.model("shares"), [0, 1], shares, shares.map((s) => `${100 * s} %`));
      this.model("shares").left[0].axis_label = "share of tickers";
      const most = names.reduce((x, y) => (y > x ? y : x), 1);
      const ticks = linearTicks(0, most, 2).filter((tick) => Number.isInteger(tick));
      this.ticks(this.model("names"), [0, most * 1.08], ticks, ticks.map((tick) => plain(tick)));
      this.model("names").left[0].axis_label = "tickers";
      const [outline, heights] = this.outline(days, names);
      this.fill("counts", { days: [outline], names: [heights] });
      this.glyph("count_area", { fill_color: soft });
      legend(document.querySelector("#legend"), states);
      const note = document.querySelector("#market-note");
      const n = this.totals(0, this.times.length).reduce((x, y) => x + y, 0);
      note.textContent = `${this.chosen.told}, ${isoDay(this.times[0])} to ` +
        `${isoDay(this.times[this.times.length - 1])}, n = ${n.toLocaleString("en")} ticker-days` +
        `${sight.joined > 1 ? `; ${sight.joined} days are joined to a point` : ""}. ${this.chosen.note}`;
      this.mark();
      this.tabulate();
    }

    told(row) {
      const sums = this.totals(row, row + 1);
      const total = sums.reduce((x, y) => x + y, 0);
      const parts = [bold(isoDay(this.times[row])), ` ${plain(total)} tickers`];
      this.chosen.states.forEach((each, i) => {
        const part = document.createElement("span");
        part.append(swatch(each.colour()), `${each.name} `,
          bold(total ? `${((100 * sums[i]) / total).toFixed(1)} %` : "–"));
        parts.push(" ", part);
      });
      return parts;
    }

    table() {
      const { what, found } = this.periods();
      const head = [what, "tickers a day", ...this.chosen.states.map((each) => each.name)];
      const rows = found.map(({ name, from, to }) => {
        const sums = this.totals(from, to);
        const total = sums.reduce((x, y) => x + y, 0);
        return [name, plain(total / (to - from), 3),
          ...sums.map((sum) => (total ? `${((100 * sum) / total).toFixed(1)} %` : "–"))];
      });
      return { head, rows };
    }
  }

  let data = null;
  site.market = (given) => { data = given; };
  window.addEventListener("DOMContentLoaded", async () => {
    const holder = document.querySelector("#chart");
    if (!data || !data.rows) { holder.hidden = true; return; }
    const chart = new MarketChart(holder, data);
    choices(document.querySelector("#views"),
      chart.views.map((view) => [view.key, view.name, view.told]), chart.chosen.key,
      (key) => chart.choose(chart.views.find((view) => view.key === key)));
    await chart.show();
  });
})(window.mf_etl);
