"""Settings, catalogue and code digests, for all rule files and for parts of a run."""

import gc
import os
import sys
from pathlib import Path

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
# The library beside this workflow, also where it is not installed as a package.
sys.path.insert(0, str(ROOT))

from mf_etl.catalog import (
    LAYERS as STEPS,
    WILDCARD_SHAPES,
    aggregates,
    catalog,
    code_cache,
    fingerprint_cache,
    pages,
    planning_folder,
    research,
    run_history,
)
from mf_etl.errors import MfEtlError
from mf_etl.provenance import CodeDigests, run_id
from mf_etl.settings.model import ENV_PREFIX, FILE_VARIABLE, load_settings
from mf_etl.settings.steps import step_settings

# What a plan is made of lives to the end: collecting it again and again is a seventh of the time.
gc.set_threshold(200_000, 50, 1000)


# Jobs that run elsewhere get the same settings, also those of the environment.
envvars:
    *sorted(name for name in os.environ if name.startswith(ENV_PREFIX)),


def stop(error):
    """End the run with the one line of an error a user can act on.

    Snakemake would add the traceback of the function that found it.
    """
    raise SystemExit(f"mf_etl: {error}")


# Part of another workflow: its settings are the module's `config`, and its `config/config.yaml` is its own.
IS_MODULE = not workflow.modifier.is_main_snakefile()
if IS_MODULE:
    os.environ.setdefault(FILE_VARIABLE, os.devnull)

try:
    SETTINGS = load_settings(config)
except MfEtlError as error:
    stop(error)


def placed_by_module(root):
    """A folder of built files where the `prefix` or `replace_prefix` of a module puts it."""
    return str(workflow.modifier.modify_path(f"{root}/")).rstrip("/")


if IS_MODULE:
    # Scripts take folders from the settings, so it is these that are placed, and files of rules no more.
    folders = SETTINGS.paths.model_dump()
    built = ("data_root", "results_root", "logs_root")
    folders |= {name: placed_by_module(folders[name]) for name in built}
    config = {**config, "paths": folders}
    SETTINGS = load_settings(config)
    workflow.modifier.path_modifier.skip_properties |= {"input", "output", "log"}

PATHS = SETTINGS.paths
for folder in (str(ROOT), PATHS.data_root, PATHS.results_root, PATHS.logs_root):
    if {*folder} & {*"{}"}:
        stop(
            f"Snakemake takes a brace for a wildcard; name this folder otherwise: {folder}"
        )

DATA = catalog(SETTINGS.paths)
TOTAL = aggregates(SETTINGS.paths)
SCIENCE = research(SETTINGS.paths)
CODE = CodeDigests(ROOT, code_cache(SETTINGS.paths))


wildcard_constraints:
    **WILDCARD_SHAPES,


def more_each_attempt(amount):
    """A resource of a job of which more is asked when it is tried again: the first was too little, maybe."""
    return lambda wildcards, attempt: amount * attempt


def settings_for(step):
    """The part of the settings that a step reads: a change of it reruns the step."""
    return step_settings(SETTINGS, step)


def code_for(step):
    """Digest of a step's script and of the library code that it reaches."""
    return CODE.of(ROOT / "scripts" / f"{step}.py")


def code_once_planned(step):
    """A parameter function: as `code_for`, but nothing is parsed for a step that is not planned."""
    return lambda wildcards: code_for(step)


# Whoever includes this says where raw files are (UNIVERSE) and what is in them (CONTENT_OF): all of
# them for a build, those of a parcel for its part.


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
    return CONTENT_OF(wildcards.exchange, wildcards.ticker)
