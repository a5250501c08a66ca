"""What the files over the universe are made from, for the rules of `qa.smk`."""

import functools
import json
import re

from mf_etl.research.datasets.naming import ADOPTED_PREFIX
from mf_etl.research.datasets.request import read_request
from mf_etl.research.datasets.selection import Listing, selected
from mf_etl.settings.sections import DATASET_PATTERN

# A layer, the one above it, and what the files of its checks are called.
CHECKED = {
    "silver": ("silver_base", "bronze_ohlcv"),
    "indicators": ("silver_indicators", "silver_base"),
    "events": ("gold_events", "silver_indicators"),
    "features": ("gold_features", "gold_events"),
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


def instruments(wildcards):
    """Whether each ticker of an exchange and prefix is a stock or an ETF."""
    return {
        ticker: UNIVERSE.file(exchange, ticker).instrument
        for exchange, ticker in tickers()
        if exchange == wildcards.exchange and ticker[0] == wildcards.prefix
    }


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


def request_of(name):
    """What a dataset is asked to hold, by the settings or by the request in its folder."""
    if name in SETTINGS.datasets:
        return SETTINGS.datasets[name]
    request = Path(SCIENCE.ml_dataset_request.format(dataset=name))
    if not request.exists():
        known = ", ".join(SETTINGS.datasets) or "none"
        stop(
            f"dataset {name} is not in the settings (section datasets); there are: {known}. "
            "`mf-etl export-ml-dataset` makes others"
        )
    try:
        return read_request(request)
    except MfEtlError as error:
        stop(error)


@functools.cache
def every_listing():
    """The listings of the universe, ordered by ticker, then exchange."""
    return [
        Listing(
            exchange,
            ticker,
            UNIVERSE.file(exchange, ticker).instrument,
            DATA.silver_base.path(exchange=exchange, ticker=ticker),
            DATA.gold_features.path(exchange=exchange, ticker=ticker),
        )
        for exchange, ticker in sorted(tickers(), key=lambda pair: pair[::-1])
    ]


@functools.cache
def listings_of(dataset):
    """The listings of a dataset, in its order."""
    try:
        return selected(every_listing(), request_of(dataset))
    except MfEtlError as error:
        stop(f"dataset {dataset}: {error}")


def dataset_features(wildcards):
    """Paths of the gold features of a dataset."""
    return [listing.features for listing in listings_of(wildcards.dataset)]


def dataset_base(wildcards):
    """Paths of their silver base series."""
    return [listing.base for listing in listings_of(wildcards.dataset)]


def dataset_listings(wildcards):
    """Exchange, ticker and instrument of each of them."""
    return [listing[:3] for listing in listings_of(wildcards.dataset)]


def market_base(wildcards):
    """Paths of the silver base series of every ticker."""
    return [listing.base for listing in every_listing()]


def market_listings(wildcards):
    """Exchange, ticker and instrument of each of them."""
    return [listing[:3] for listing in every_listing()]


# Datasets that are files from elsewhere: those that the settings name, and those of the command line.
ADOPTED = [
    *(
        re.escape(name) + "(?:/|$)"
        for name, asked in SETTINGS.datasets.items()
        if asked.file
    ),
    ADOPTED_PREFIX,
]


def adopted_file(wildcards):
    """The file that a dataset is, known by its content and not by its time stamp."""
    file = request_of(wildcards.dataset).file
    if file is None or not os.path.isfile(file):
        stop(f"dataset {wildcards.dataset}: there is no file {file}")
    return ancient(file)


def adopted_content(wildcards):
    """Content of that file."""
    return FINGERPRINTS.of_readable(request_of(wildcards.dataset).file)


def dataset_request(wildcards):
    """What a dataset is asked to hold: a change of it reruns the export."""
    return request_of(wildcards.dataset).model_dump(mode="json")


def asked_for_beside(target):
    """An input function: the files of all other targets of this run, so that `target` comes last."""

    def files(wildcards):
        known = {rule.name: rule for rule in workflow.rules}
        found = []
        for name in sorted({*workflow.dag_settings.targets} - {target}):
            if name not in known:
                found.append(name)
            elif known[name].output:
                found += known[name].output
            else:
                found += known[name].expand_input({})[0]
        # Checks that fail are no reason to go without.
        gate, verdict = str(TOTAL.qa_gate), str(TOTAL.qa_verdict)
        return [verdict if file == gate else file for file in found]

    return files


def universe_if_at_hand(wildcards):
    """The tickers to build, or None where the raw files are not there: what is built can be read."""
    try:
        return [list(pair) for pair in UNIVERSE.tickers]
    except MfEtlError:
        return None
