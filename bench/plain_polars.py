"""The five steps as one would write them in plain polars: the baseline for compute speed.

Same columns and formulas, no provenance, no checks, one file a step.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

c = pl.col
SCHEMA = dict.fromkeys(("ticker", "per", "date", "time"), pl.String)
SCHEMA |= dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64)
SCHEMA |= {"openint": pl.Int64}


def run(raw: Path, folder: Path) -> None:
    """All five steps, file in and files out."""
    steps = (base, indicators, events, features)
    names = ("bronze", "base", "indicators", "events", "features")
    write(bronze(raw), folder / "bronze.parquet")
    for step, above, name in zip(steps, names, names[1:], strict=False):
        write(step(pl.read_parquet(folder / f"{above}.parquet")), folder / f"{name}.parquet")


def write(frame: pl.DataFrame, path: Path) -> None:
    core = {"open", "high", "low", "close", "volume"}
    helpers = [n for n, t in frame.schema.items() if t == pl.Float64 and n not in core]
    frame.with_columns(c(helpers).cast(pl.Float32)).write_parquet(
        path, compression="zstd", compression_level=1
    )


def bronze(raw: Path) -> pl.DataFrame:
    rows = pl.read_csv(raw, has_header=False, skip_rows=1, schema=SCHEMA, row_index_name="line")
    prices = pl.min_horizontal("open", "high", "low", "close")
    day = (c("date") + c("time")).str.to_datetime("%Y%m%d%H%M%S", time_unit="us")
    return (
        rows.with_columns(trade_dt=day, trade_date=c("date").str.to_date("%Y%m%d"))
        .filter(
            prices > 0,
            c("high") >= c("low"),
            c("open").is_between("low", "high"),
            c("close").is_between("low", "high"),
            c("volume") >= 0,
            ~c("date").is_duplicated(),
        )
        .sort("trade_date")
        .with_columns(
            q_suspicious_bar=((c("high") - c("low")) / c("close") > 0.5)
            | ((c("close") / c("open") - 1).abs() > 0.3),
            q_gap_in_calendar=(c("trade_date").diff().dt.total_days() > 7).fill_null(False),
            exchange=pl.lit("NYSE"),
            source_file=pl.lit(str(raw)),
            run_id=pl.lit("0123456789ab"),
        )
        .with_columns(quality_warn_count=c("q_suspicious_bar").cast(int) + c("q_gap_in_calendar"))
        .drop("per", "date", "time")
    )


def wilder(x: pl.Expr, period: int) -> pl.Expr:
    return x.ewm_mean(alpha=1 / period, adjust=False, min_samples=period)


def base(bars: pl.DataFrame) -> pl.DataFrame:
    previous, width = c("close").shift(1), c("high") - c("low")
    safe = pl.max_horizontal(width, pl.lit(1e-12))
    tr = pl.max_horizontal(c("high"), previous) - pl.min_horizontal(c("low"), previous)
    row = pl.int_range(pl.len())
    seeded = pl.when(row == 14).then(c("tr").rolling_mean(14)).when(row > 14).then(c("tr"))
    return (
        bars.with_columns(
            hl_range=width,
            body=c("close") - c("open"),
            body_abs=(c("close") - c("open")).abs(),
            range_safe=safe,
            body_to_range=(c("close") - c("open")) / safe,
            close_pos_in_range=(c("close") - c("low")) / safe,
            open_pos_in_range=(c("open") - c("low")) / safe,
            hlc3=(c("high") + c("low") + c("close")) / 3,
            ohlc4=(c("open") + c("high") + c("low") + c("close")) / 4,
            prev_close=previous,
            **{f"ret_{k}d": c("close") / c("close").shift(k) - 1 for k in (1, 5, 20)},
            gap_from_prev_close=c("open") / previous - 1,
            tr=tr,
            range_pct_close=width / c("close"),
            dollar_volume=c("close") * c("volume"),
            vol_sma_20=c("volume").rolling_mean(20),
            volume_std_20=c("volume").rolling_std(20, ddof=0),
            high_20=c("high").rolling_max(20),
            low_20=c("low").rolling_min(20),
            **{f"close_sma_{n}": c("close").rolling_mean(n) for n in (20, 50, 200)},
            **{f"warmup_{n}_complete": row + 1 >= n for n in (14, 20, 50, 200)},
        )
        .with_columns(
            atr_14=seeded.ewm_mean(alpha=1 / 14, adjust=False),
            vol_ratio_20=c("volume") / c("vol_sma_20"),
            dollar_vol_sma_20=c("dollar_volume").rolling_mean(20),
            volume_z_20=(c("volume") - c("vol_sma_20")) / c("volume_std_20"),
            **{f"close_vs_sma{n}": c("close") / c(f"close_sma_{n}") - 1 for n in (20, 50, 200)},
            silver_ready_base=c("warmup_50_complete"),
        )
        .with_columns(atr_pct_14=c("atr_14") / c("close"))
    )


def indicators(frame: pl.DataFrame) -> pl.DataFrame:
    high = pl.max_horizontal(c("high"), c("close").shift(1))
    low = pl.min_horizontal(c("low"), c("close").shift(1))
    position = (
        pl.when(high - low < 1e-12)
        .then(0.0)
        .otherwise((2 * c("close") - high - low) / (high - low))
    )
    m, t = c("tmf_21"), c("tti_proxy_v1_21")
    crosses = {
        f"{name}_zero_cross_{way}": ((sign * x > 0) & (sign * x.shift(1) <= 0)).fill_null(False)
        for name, x in (("tmf", m), ("tti_proxy", t))
        for way, sign in (("up", 1), ("down", -1))
    }
    return (
        frame.select(
            "ticker", "exchange", "trade_date", "trade_dt", "close", "volume", "tr", "atr_14",
            "quality_warn_count", "run_id", high=high, low=low, position=position,
        )
        .with_columns(
            tmf_21=wilder(c("volume") * c("position"), 21) / wilder(c("volume"), 21),
            tti_proxy_v1_21=wilder(c("position") * (c("high") - c("low")), 21)
            / wilder(c("high") - c("low"), 21),
        )
        .with_columns(
            **crosses,
            tmf_sign=m.sign().cast(pl.Int8),
            tmf_slope_1=m.diff(),
            tmf_slope_5=m.diff(5),
            tmf_ema_5=m.ewm_mean(span=5, adjust=False, min_samples=5),
            tmf_abs=m.abs(),
            tmf_ready_21=m.is_not_null(),
            tmf_above_zero=m > 0,
            tmf_below_zero=m < 0,
            tmf_respect_zero_up_candidate=(m > 0) & (m.diff() > 0) & (m.shift(1) < m.shift(2)),
            tmf_respect_zero_down_candidate=(m < 0) & (m.diff() < 0) & (m.shift(1) > m.shift(2)),
            tti_proxy_ready_21=t.is_not_null(),
            tti_proxy_sign=t.sign().cast(pl.Int8),
            tti_formula_status=pl.lit("PROXY_UNDISCLOSED_ORIGINAL"),
        )
        .drop("high", "low", "position")
    )  # fmt: skip


def since(event: pl.Expr) -> pl.Expr:
    row = pl.int_range(pl.len())
    return (row - pl.when(event).then(row).forward_fill()).cast(pl.Int32)


def count(event: str, bars: int) -> pl.Expr:
    return c(event).cast(pl.Int32).rolling_sum(bars, min_samples=1)


def events(frame: pl.DataFrame) -> pl.DataFrame:
    m, t, s = c("tmf_21"), c("tti_proxy_v1_21"), c("tmf_slope_1")
    first = frame.with_columns(
        ev_tmf_zero_up=c("tmf_zero_cross_up"),
        ev_tmf_zero_down=c("tmf_zero_cross_down"),
        ev_tti_zero_up=c("tti_proxy_zero_cross_up"),
        ev_tti_zero_down=c("tti_proxy_zero_cross_down"),
        ev_tmf_pivot_low=((m.shift(2) > m.shift(1)) & (m.shift(1) < m)).fill_null(False),
        ev_tmf_pivot_high=((m.shift(2) < m.shift(1)) & (m.shift(1) > m)).fill_null(False),
        **{
            f"ev_{name}_burst_{way}": (
                (sign * x > 0) & (sign * slope > 0.05) & (x.abs() > 0.15)
            ).fill_null(False)
            for name, x, slope in (("tmf", m, s), ("tti", t, t.diff()))
            for way, sign in (("up", 1), ("down", -1))
        },
        **{
            f"ev_{name}_hold_{side}": ((sign * x > 0).cast(pl.Int32).rolling_sum(5) == 5).fill_null(
                False
            )
            for name, x in (("tmf", m), ("tti", t))
            for side, sign in (("pos", 1), ("neg", -1))
        },
    ).with_columns(
        ev_tmf_respect_zero_up=c("ev_tmf_pivot_low") & (m.shift(1) > 0) & (m > 0) & (s > 0),
        ev_tmf_respect_zero_down=c("ev_tmf_pivot_high") & (m.shift(1) < 0) & (m < 0) & (s < 0),
    )
    recent = {
        way: c(f"ev_tmf_respect_zero_{way}").cast(pl.Int32).shift(1).rolling_sum(10, min_samples=1)
        for way in ("up", "down")
    }
    names = [f"{k}_{way}" for k in ("tmf_zero", "tmf_respect_zero", "tmf_burst", "tti_zero")
             for way in ("up", "down")]  # fmt: skip
    second = first.with_columns(
        ev_tmf_respect_fail_up=(c("ev_tmf_zero_down") & (recent["up"] > 0)).fill_null(False),
        ev_tmf_respect_fail_down=(c("ev_tmf_zero_up") & (recent["down"] > 0)).fill_null(False),
        **{f"bs_{name}": since(c(f"ev_{name}")) for name in names},
        **{
            f"tmf_{side}_events_{n}": count(f"ev_tmf_zero_{way}", n)
            + count(f"ev_tmf_respect_zero_{way}", n)
            + count(f"ev_tmf_burst_{way}", n)
            for side, way in (("long", "up"), ("short", "down"))
            for n in (5, 20)
        },
        tti_events_20=sum(
            count(f"ev_tti_{k}", 20) for k in ("zero_up", "zero_down", "burst_up", "burst_down")
        ),
    )
    long, short = c("tmf_long_events_20"), c("tmf_short_events_20")

    def early(way: str) -> pl.Expr:
        return (
            c(f"ev_tmf_burst_{way}")
            | c(f"ev_tmf_respect_zero_{way}")
            | (c(f"bs_tmf_zero_{way}") <= 3).fill_null(False)
        )

    state = (
        pl.when((m > 0) & (c("ev_tmf_hold_pos") | (long > short + 1))).then(2)
        .when((m < 0) & (c("ev_tmf_hold_neg") | (short > long + 1))).then(4)
        .when((m > 0) & early("up")).then(1)
        .when((m < 0) & early("down")).then(3)
        .otherwise(0)
    )  # fmt: skip
    labels = ["S0_QUIET", "S1_EARLY_DEMAND", "S2_PERSISTENT_DEMAND", "S3_EARLY_SUPPLY",
              "S4_PERSISTENT_SUPPLY"]  # fmt: skip
    return second.with_columns(
        flow_state_code=state.cast(pl.Int8),
        tmf_event_asym_5=c("tmf_long_events_5") - c("tmf_short_events_5"),
        tmf_event_asym_20=long - short,
        tmf_event_activity_20=long + short,
    ).with_columns(flow_state_label=c("flow_state_code").replace_strict(dict(enumerate(labels))))


def features(frame: pl.DataFrame) -> pl.DataFrame:
    m, t = c("tmf_21"), c("tti_proxy_v1_21")
    score = {
        side: c(f"ev_tmf_zero_{way}").cast(float) + 2.0 * c(f"ev_tmf_respect_zero_{way}")
        + 2.0 * c(f"ev_tmf_burst_{way}") + 1.5 * c(f"ev_tmf_hold_{hold}")
        for side, way, hold in (("long", "up", "pos"), ("short", "down", "neg"))
    }  # fmt: skip
    signs = c("tmf_sign") * c("tti_proxy_sign")
    recency = {f"rec_tmf_{k}_{way}_20": f"bs_tmf_{k.replace('respect', 'respect_zero')}_{way}"
               for k in ("zero", "burst", "respect") for way in ("up", "down")}  # fmt: skip
    changed = (c("flow_state_code") != c("flow_state_code").shift(1)).fill_null(False)
    row = pl.int_range(pl.len())
    kept = [n for n in frame.columns if n.startswith(("bs_", "tmf_", "tti_", "flow_"))]
    return frame.select(
        "ticker", "exchange", "trade_date", "trade_dt", "close", "volume", "atr_14",
        "quality_warn_count", "run_id", *kept,
        tmf_slope_10=m.diff(10),
        tmf_curvature_1=c("tmf_slope_1").diff(),
        tti_proxy_slope_1=t.diff(),
        tti_proxy_slope_5=t.diff(5),
        tmf_tti_sign_agree=signs > 0,
        tmf_tti_divergence=signs < 0,
        **{f"{side}_flow_score_{n}": expression.rolling_sum(n, min_samples=1)
           for side, expression in score.items() for n in (5, 20)},
        **{name: pl.min_horizontal(c(source), pl.lit(20)).fill_null(20) / 20
           for name, source in recency.items()},
        **{f"{side}_burst_{n}": count(f"ev_tmf_burst_{way}", n)
           for side, way in (("long", "up"), ("short", "down")) for n in (5, 20)},
        persistence_pos_20=c("ev_tmf_hold_pos").cast(float).rolling_mean(20, min_samples=1),
        persistence_neg_20=c("ev_tmf_hold_neg").cast(float).rolling_mean(20, min_samples=1),
        oscillation_index_20=count("ev_tmf_zero_up", 20) + count("ev_tmf_zero_down", 20),
        respect_fail_balance_20=count("ev_tmf_respect_fail_down", 20)
        - count("ev_tmf_respect_fail_up", 20),
        state_prev=c("flow_state_code").shift(1),
        state_changed=changed,
        bs_state_change=since(changed),
        state_run_length=(row - pl.when(changed | (row == 0)).then(row).forward_fill() + 1),
        state_transition_code=10 * c("flow_state_code").shift(1).cast(pl.Int16)
        + c("flow_state_code"),
        atr_pct_14=c("atr_14") / c("close"),
        dollar_volume=c("close") * c("volume"),
    ).with_columns(
        delta_flow_5=c("long_flow_score_5") - c("short_flow_score_5"),
        delta_flow_20=c("long_flow_score_20") - c("short_flow_score_20"),
        flow_activity_20=c("long_flow_score_20") + c("short_flow_score_20"),
    ).with_columns(
        flow_bias_20=(c("delta_flow_20") / c("flow_activity_20")).fill_nan(0.0)
    )  # fmt: skip
