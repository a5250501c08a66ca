"""Settings, catalogue, universe, fingerprints and code digests, for all rule files."""

import atexit
import gc
import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
# The library beside this workflow, also where it is not installed as a package.
sys.path.insert(0, str(ROOT))

from mf_etl.catalog import (
    LAYERS as STEPS,
    WILDCARD_SHAPES,
    aggregates,
    catalog,
    code_cache,
    fingerprint_cache,
    research,
    run_history,
    settled_record,
)
from mf_etl.errors import MfEtlError
from mf_etl.fingerprints import Fingerprints
from mf_etl.provenance import CodeDigests, content_fingerprint, run_id
from mf_etl.settled import Settled
from mf_etl.settings.model import ENV_PREFIX, load_settings
from mf_etl.settings.steps import step_settings
from mf_etl.universe import Universe

# A plan of 40,000 jobs is millions of objects that live to the end: collecting them again and again
# is a seventh of the planning time.
gc.set_threshold(200_000, 50, 1000)


# Jobs that run elsewhere get the same settings, also those of the environment.
envvars:
    *sorted(name for name in os.environ if name.startswith(ENV_PREFIX)),


def stop(error):
    """End the run with the one line of an error a user can act on.

    Snakemake would add the traceback of the function that found it.
    """
    raise SystemExit(f"mf_etl: {error}")


try:
    SETTINGS = load_settings(config)
except MfEtlError as error:
    stop(error)

DATA = catalog(SETTINGS.paths)
TOTAL = aggregates(SETTINGS.paths)
SCIENCE = research(SETTINGS.paths)
FINGERPRINTS = Fingerprints(fingerprint_cache(SETTINGS.paths))
UNIVERSE = Universe(
    Path(SETTINGS.paths.raw_root), SETTINGS.universe, FINGERPRINTS.is_of_many
)
CODE = CodeDigests(ROOT, code_cache(SETTINGS.paths))


wildcard_constraints:
    **WILDCARD_SHAPES,


def settings_for(step):
    """The part of the settings that a step reads: a change of it reruns the step."""
    return step_settings(SETTINGS, step)


def code_for(step):
    """Digest of a step's script and of the library code that it reaches."""
    return CODE.of(ROOT / "scripts" / f"{step}.py")


def code_once_planned(step):
    """A parameter function: as `code_for`, but nothing is parsed for a step that is not planned."""
    return lambda wildcards: code_for(step)


STEPS_DIGEST = run_id([(settings_for(step), code_for(step)) for step in STEPS])


def tickers():
    """The (exchange, ticker) pairs to build."""
    try:
        return UNIVERSE.tickers
    except MfEtlError as error:
        stop(error)


# Besides tickers, these are settled or not: the manifest, and all other files over the universe.
# A dataset is the pair of this word and its name, a research run this word, its research and folder.
MANIFEST, AGGREGATES, DATASET, RUN = (
    ("file_manifest",),
    ("aggregates",),
    "dataset",
    "run",
)
AGGREGATE_STEPS = (
    "layer_summary",
    "symbol_master",
    "bronze_qa",
    "layer_qa",
    "qa_verdict",
    "qa_gate",
)


def made_from(unit):
    """What all files of a ticker, or all files over the universe, are made from."""
    if unit == MANIFEST:
        return run_id(
            settings_for("file_manifest"), code_for("file_manifest"), raw_state()
        )
    if unit == AGGREGATES:
        made = [SETTINGS.qa.model_dump(), SETTINGS.parquet.model_dump()]
        made += [code_for(step) for step in AGGREGATE_STEPS]
        return run_id(made, [made_from(pair) for pair in tickers()])
    if unit[0] == DATASET:
        asked = request_of(unit[1])
        made = [asked.model_dump(mode="json")]
        if asked.file:
            made += [code_for("adopted_dataset"), FINGERPRINTS.of_readable(asked.file)]
            return run_id(made)
        for step in ("equal_weight_market", "ml_dataset"):
            made += [settings_for(step), code_for(step)]
        return run_id(made, [made_from(pair) for pair in tickers()])
    if unit[0] == RUN:
        return made_from_run(*unit[1:])
    return run_id(STEPS_DIGEST, UNIVERSE.file(*unit).source_file, content_of(*unit))


def content_of(exchange, ticker):
    """Content fingerprint of a ticker's raw file.

    A file that cannot be read fails its own job, which says why, and no other. After a failure it is
    read anew, since what is remembered of it may be what was wrong.
    """
    raw = UNIVERSE.raw_path(exchange, ticker)
    log = DATA.bronze_ohlcv.log.format(
        exchange=exchange, prefix=ticker[0], ticker=ticker
    )
    if os.path.exists(log) and os.path.getsize(log):
        FINGERPRINTS.doubt(raw)
    return FINGERPRINTS.of_readable(raw)


def files_of(unit):
    """All files of a ticker, of the manifest, or over the universe."""
    if unit == MANIFEST:
        return [TOTAL.file_manifest_current]
    if unit == AGGREGATES:
        return TOTAL.made_together()
    if unit[0] == DATASET:
        patterns = (SCIENCE.ml_dataset, SCIENCE.ml_dataset_metadata)
        own = [pattern.format(dataset=unit[1]) for pattern in patterns]
        return [SCIENCE.equal_weight_market, *own]
    if unit[0] == RUN:
        _, research, folder = unit
        return final_files(SETTINGS.paths, NAMED[research, folder], folder)
    exchange, ticker = unit
    return [
        dataset.path(exchange=exchange, ticker=ticker) for dataset in DATA.per_ticker()
    ]


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
        content = content_of(file.exchange, file.ticker) if is_read else None
        yield file.source_file, file.role, content, stamp


SETTLED = Settled(settled_record(SETTINGS.paths), files_of, made_from)


def plan_may_skip():
    """Whether this is a plain build or dry run, by content: what is settled can be left out.

    Reports, summaries and forced runs get the whole plan.
    """
    plan = workflow.dag_settings
    return (
        SETTINGS.planning.skip_settled
        and workflow.execution_settings is not None
        and by_content()
        and not (
            plan.forceall
            or plan.forcetargets
            or plan.forcerun
            or plan.until
            or plan.omit_from
            or plan.batch
        )
    )


def by_content():
    """Whether reruns go by parameters (settings, code, raw content), files and nothing else."""
    triggers = {trigger.name for trigger in workflow.rerun_triggers}
    return (
        triggers >= {"MTIME", "PARAMS", "INPUT"}
        and "CODE" not in triggers
        and not workflow.deployment_settings.deployment_method
    )


def for_every_ticker(*datasets):
    """An input function: these datasets' files for the tickers that may have something to do."""

    def files(wildcards):
        pairs = tickers()
        FINGERPRINTS.prepare(UNIVERSE.raw_path(*pair) for pair in pairs)
        if plan_may_skip():
            settled = SETTLED.among(pairs)
            # A target without any input would always run.
            pairs = [pair for pair in pairs if pair not in settled] or pairs[:1]
        return [
            dataset.path(exchange=exchange, ticker=ticker)
            for dataset in datasets
            for exchange, ticker in pairs
        ]

    return files


def manifest_file(wildcards):
    """The manifest, unless it is settled."""
    is_settled = plan_may_skip() and SETTLED.among([MANIFEST])
    return [] if is_settled else [TOTAL.file_manifest_current]


def checked_files(wildcards):
    """The files over the universe, unless they and all tickers are settled."""
    units = {*tickers(), AGGREGATES}
    is_settled = plan_may_skip() and units == SETTLED.among(units)
    return [] if is_settled else [TOTAL.qa_gate]


def dataset_files(wildcards):
    """The datasets of the settings, but for those that are settled."""
    units = [(DATASET, name) for name in SETTINGS.datasets]
    settled = SETTLED.among(units) if plan_may_skip() else set()
    return [
        SCIENCE.ml_dataset.format(dataset=unit[1])
        for unit in units
        if unit not in settled
    ]


def research_files(wildcards):
    """The files of the research runs of the settings, but for runs that are settled."""
    units = [(RUN, *key) for key in NAMED]
    settled = SETTLED.among(units) if plan_may_skip() else set()
    return [file for unit in units if unit not in settled for file in files_of(unit)]


def no_file_but_a_known_ticker(wildcards):
    """No input, or the end of the run where there is no such ticker.

    The raw file itself is no input: Snakemake would fail the job of a file whose time stamp lies in
    the future, `ancient()` or not.
    """
    try:
        UNIVERSE.raw_path(wildcards.exchange, wildcards.ticker, wildcards.prefix)
    except MfEtlError as error:
        stop(error)
    return []


def raw_file(wildcards, output):
    """The raw file of a ticker, known by its content.

    A parameter that is made from `output` is no reason to run again: so the archive may be moved.
    """
    return UNIVERSE.raw_path(wildcards.exchange, wildcards.ticker)


def raw_source_file(wildcards):
    """Path of a ticker's raw file relative to the raw root."""
    return UNIVERSE.file(wildcards.exchange, wildcards.ticker).source_file


def raw_fingerprint(wildcards):
    """Content of a ticker's raw file: a change of it reruns the ticker."""
    return content_of(wildcards.exchange, wildcards.ticker)
