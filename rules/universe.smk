"""What the files over the universe are made from, for the rules of `qa.smk`."""

import functools
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


def tickers():
    """The (exchange, ticker) pairs to build."""
    try:
        return UNIVERSE.tickers
    except MfEtlError as error:
        stop(error)


def raw_root(wildcards, output):
    """The folder of the raw files; made from `output`, for it may move (`raw_file`)."""
    return SETTINGS.paths.raw_root


def raw_state(wildcards=None):
    """Digest of what the raw root holds, time stamps included."""
    return run_id([(*row,) for row in raw_files()])


def raw_files():
    """Path, role, fingerprint and time stamp of every raw file."""
    try:
        files = UNIVERSE.files
    except MfEtlError as error:
        stop(error)
    for file in files:
        path = os.path.join(str(UNIVERSE.raw_root), file.source_file)
        is_read = file.role == "build"
        try:
            stamp = os.stat(path).st_mtime_ns
        except OSError:
            stamp = None
        content = PLAN.content((file.exchange, file.ticker)) if is_read else None
        yield file.source_file, file.role, content, stamp


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


def dataset_summaries(layer):
    """An input function: a layer's summaries of the slots that hold a ticker of a dataset."""
    return lambda wildcards: PLAN.summaries(
        layer, (listing[:2] for listing in listings_of(wildcards.dataset))
    )


# Datasets that are files from elsewhere: those that the settings name, and those of the command line.
ADOPTED = [
    *(
        re.escape(name) + "(?:/|$)"
        for name, asked in SETTINGS.datasets.items()
        if asked.file
    ),
    ADOPTED_PREFIX,
]


def dataset_file(name):
    """The file of a dataset.

    One from elsewhere is a link, whose time stamp is that of the file: beside it are its metadata,
    which are made anew for another content and which its readers have as an input or from one.
    """
    file = SCIENCE.ml_dataset.format(dataset=name)
    return ancient(file) if re.match("|".join(ADOPTED), name) else file


def dataset_of_wildcards(wildcards):
    """An input function: the file of the dataset that is a wildcard."""
    return dataset_file(wildcards.dataset)


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
