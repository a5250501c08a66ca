"""Settings, catalogue, universe, fingerprints and code digests, for all rule files."""

import atexit
import gc
import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
# The library beside this workflow, also where it is not installed as a package.
sys.path.insert(0, str(ROOT))

from mf_etl.catalog import WILDCARD_SHAPES, catalog, fingerprint_cache, settled_record
from mf_etl.errors import MfEtlError
from mf_etl.fingerprints import Fingerprints
from mf_etl.provenance import code_digest, run_id
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
UNIVERSE = Universe(Path(SETTINGS.paths.raw_root), SETTINGS.universe)
FINGERPRINTS = Fingerprints(fingerprint_cache(SETTINGS.paths))


wildcard_constraints:
    **WILDCARD_SHAPES,


STEPS = (
    "bronze_ohlcv",
    "silver_base",
    "silver_indicators",
    "gold_events",
    "gold_features",
)


def settings_for(step):
    """The part of the settings that a step reads: a change of it reruns the step."""
    return step_settings(SETTINGS, step)


def code_for(step):
    """Digest of a step's script and of the library code that it reaches."""
    return code_digest(ROOT / "scripts" / f"{step}.py", ROOT)


STEPS_DIGEST = run_id([(settings_for(step), code_for(step)) for step in STEPS])


def made_from(pair):
    """What all files of a ticker are made from."""
    raw = UNIVERSE.raw_path(*pair)
    return run_id(
        STEPS_DIGEST, UNIVERSE.source_file(*pair), FINGERPRINTS.of_readable(raw)
    )


SETTLED = Settled(settled_record(SETTINGS.paths), DATA, made_from)


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
        try:
            pairs = UNIVERSE.tickers
        except MfEtlError as error:
            stop(error)
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


def record_settled():
    """After a run: the tickers of which all jobs were up to date or have been done."""
    if workflow.dag is None or workflow.touch or not by_content():
        return
    done = {}
    for job in workflow.dag.jobs:
        if job.rule.name in STEPS:
            pair = (job.wildcards.exchange, job.wildcards.ticker)
            is_done = workflow.dag.finished(job) or not workflow.dag.needrun(job)
            done.setdefault(pair, []).append(is_done)
    SETTLED.add(
        pair for pair, jobs in done.items() if len(jobs) == len(STEPS) and all(jobs)
    )


if workflow.is_main_process:
    atexit.register(record_settled)


def raw_file(wildcards):
    """The raw file of a ticker, known by its content and not by its time stamp."""
    try:
        return ancient(
            UNIVERSE.raw_path(wildcards.exchange, wildcards.ticker, wildcards.prefix)
        )
    except MfEtlError as error:
        stop(error)


def raw_source_file(wildcards):
    """Path of a ticker's raw file relative to the raw root."""
    return UNIVERSE.source_file(wildcards.exchange, wildcards.ticker)


def raw_fingerprint(wildcards):
    """Content of a ticker's raw file: a change of it reruns the ticker.

    A file that cannot be read fails its own job, which says why, and no other.
    """
    return FINGERPRINTS.of_readable(
        UNIVERSE.raw_path(wildcards.exchange, wildcards.ticker)
    )
