"""What the files over the universe are made from, for the rules of `qa.smk`."""

import json

# A layer, the one above it, and what the files of its checks are called.
CHECKED = {
    "silver": ("silver_base", "bronze_ohlcv"),
    "indicators": ("silver_indicators", "silver_base"),
    "gold_event": ("gold_events", "silver_indicators"),
    "gold_feature": ("gold_features", "gold_events"),
}


# The first step of a ticker that could not be done in the run before.
UNFINISHED = {}
if SETTINGS.planning.unfinished:
    UNFINISHED = json.loads(
        Path(SETTINGS.planning.unfinished).read_text(encoding="utf-8")
    )


def members(wildcards):
    """The tickers of an exchange and prefix: those whose files are inputs, and those missing."""
    there, missing = [], []
    for exchange, ticker in tickers():
        if exchange == wildcards.exchange and ticker[0] == wildcards.prefix:
            first = UNFINISHED.get(f"{exchange}/{ticker}")
            is_missing = first is not None and STEPS.index(first) <= STEPS.index(
                wildcards.layer
            )
            (missing if is_missing else there).append((exchange, ticker))
    return there, missing


def layer_tables(wildcards):
    """A layer's files of an exchange and prefix."""
    dataset = getattr(DATA, wildcards.layer)
    return [dataset.path(exchange=e, ticker=t) for e, t in members(wildcards)[0]]


def layer_reports(wildcards):
    """The quality reports that belong to them, for bronze."""
    if wildcards.layer != "bronze_ohlcv":
        return []
    here = members(wildcards)[0]
    return [DATA.bronze_quality.path(exchange=e, ticker=t) for e, t in here]


def missing_tickers(wildcards):
    """Ticker, path and reason of each file that should be there and is not."""
    dataset = getattr(DATA, wildcards.layer)
    return [
        [
            ticker,
            dataset.path(exchange=exchange, ticker=ticker),
            why_missing(exchange, ticker),
        ]
        for exchange, ticker in members(wildcards)[1]
    ]


def why_missing(exchange, ticker):
    """The line that the failed job of a ticker has left in its log."""
    for step in STEPS:
        log = Path(
            getattr(DATA, step).log.format(
                exchange=exchange, prefix=ticker[0], ticker=ticker
            )
        )
        if log.exists() and log.stat().st_size:
            return first_line(log)
    return "not built"


def summaries(layer):
    """An input function: the summaries of a layer, one an exchange and prefix."""

    def files(wildcards):
        shards = sorted({(exchange, ticker[0]) for exchange, ticker in tickers()})
        return [
            TOTAL.layer_summary.format(layer=layer, exchange=exchange, prefix=prefix)
            for exchange, prefix in shards
        ]

    return files


def stable_state(wildcards):
    """Digest of the manifest of the last completed full build."""
    stable = Path(TOTAL.file_manifest_stable)
    return content_fingerprint(stable.read_bytes()) if stable.exists() else None
