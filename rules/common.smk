"""Settings, catalogue, universe, fingerprints and code digests, for all rule files."""

import gc
import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
# The library beside this workflow, also where it is not installed as a package.
sys.path.insert(0, str(ROOT))

from mf_etl.catalog import WILDCARD_SHAPES, catalog, fingerprint_cache
from mf_etl.errors import MfEtlError, RawFileError
from mf_etl.fingerprints import Fingerprints
from mf_etl.provenance import code_digest
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


def settings_for(step):
    """The part of the settings that a step reads: a change of it reruns the step."""
    return step_settings(SETTINGS, step)


def code_for(step):
    """Digest of a step's script and of the library code that it reaches."""
    return code_digest(ROOT / "scripts" / f"{step}.py", ROOT)


def for_every_ticker(*datasets):
    """An input function: these datasets' files for all tickers of the universe."""

    def files(wildcards):
        try:
            pairs = UNIVERSE.tickers
        except MfEtlError as error:
            stop(error)
        FINGERPRINTS.prepare(UNIVERSE.raw_path(*pair) for pair in pairs)
        return [
            dataset.path(exchange=exchange, ticker=ticker)
            for dataset in datasets
            for exchange, ticker in pairs
        ]

    return files


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
    try:
        return FINGERPRINTS.of(UNIVERSE.raw_path(wildcards.exchange, wildcards.ticker))
    except RawFileError:
        return "unreadable"
