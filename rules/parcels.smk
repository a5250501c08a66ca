"""Tickers in slots: a slot is brought up to date by a parcel, which is a run of its own.

docs/design.md tells how a build is planned.
"""

from importlib.util import find_spec

from mf_etl.fingerprints import Fingerprints
from mf_etl.planning.build import plan_of
from mf_etl.universe import Universe

IS_PART = False
FINGERPRINTS = Fingerprints(fingerprint_cache(SETTINGS.paths))
UNIVERSE = Universe(
    Path(SETTINGS.paths.raw_root), SETTINGS.universe, FINGERPRINTS.is_of_many
)
PLAN = plan_of(SETTINGS, UNIVERSE, FINGERPRINTS, code_for)


def CONTENT_OF(exchange, ticker):
    """Content fingerprint of a ticker's raw file."""
    return PLAN.content((exchange, ticker))


def is_flat():
    """Whether all jobs of all tickers are in one plan: where it is shown whole, or asked for in parts.

    Parcels go by parameters, files and nothing else, and start no software environments.
    """
    asked = workflow.dag_settings
    triggers = {trigger.name for trigger in workflow.rerun_triggers}
    return not (
        SETTINGS.planning.parcels
        and find_spec("snakemake_parts")
        and workflow.execution_settings
        and triggers >= {"MTIME", "PARAMS", "INPUT"}
        and "CODE" not in triggers
        and not workflow.deployment_settings.deployment_method
        and not (asked.until or asked.omit_from or asked.batch)
        and not any(is_of_a_ticker(str(target)) for target in asked.targets)
    )


def is_of_a_ticker(target):
    """Whether a target is the file of a ticker, which is planned by itself."""
    return any(dataset.wildcards(target) for dataset in DATA.per_ticker())


def from_plan(look):
    """A function of wildcards that looks at what is pending; a mistake ends the run with its line."""

    def looked(wildcards):
        forced = (
            STEPS if workflow.dag_settings.forceall else workflow.dag_settings.forcerun
        )
        PLAN.forced = frozenset(map(str, forced)).intersection(STEPS)
        try:
            return look(wildcards)
        except MfEtlError as error:
            stop(error)

    return looked


def summaries(layer):
    """An input function: the summaries of a layer, one a slot."""
    return from_plan(lambda wildcards: PLAN.summaries(layer))


@from_plan
def summary_above(wildcards):
    """The summary of the layer above: a slot's layers follow each other."""
    place = STEPS.index(wildcards.layer)
    above = TOTAL.layer_summary.format(layer=STEPS[place - 1], slot=wildcards.slot)
    return [above] if place else []


@from_plan
def ticker_files(wildcards):
    """In a flat plan, the files that are summed up."""
    if not is_flat() or workflow.touch:
        return []
    return PLAN.files(wildcards.layer, wildcards.slot)


def touched_files(layer):
    """An input function: for `--touch`, the files of every ticker down to a layer."""
    place = STEPS.index(layer) + 1
    return from_plan(
        lambda wildcards: [
            file
            for slot in (PLAN.slots if workflow.touch else ())
            for step in STEPS[:place]
            for file in PLAN.files(step, slot)
        ]
    )


rule parcel:
    """A layer of a slot's tickers: brought up to date, once for all layers asked for, and summed up."""
    input:
        above=summary_above,
        tickers=ticker_files,
    output:
        layer_summary=TOTAL.layer_summary,
    log:
        TOTAL.layer_summary.log,
    priority: 1
    retries: 1
    conda:
        "../envs/mf_etl.yaml"
    resources:
        tmpdir=None,
        attempt=lambda wildcards, attempt: attempt,
    params:
        work=from_plan(lambda wildcards: PLAN.work(wildcards.layer, wildcards.slot)),
        settings=settings_for("parcel"),
        code=CODE.of(ROOT / "mf_etl" / "qa" / "summary.py"),
    script:
        "../scripts/parcel.py"


rule built:
    """Fails, after all else, when a ticker could not be built, and names it."""
    input:
        summaries=lambda wildcards: summaries(wildcards.layer)(wildcards),
    output:
        built=TOTAL.built,
    log:
        TOTAL.built.log,
    priority: -1
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("built"),
    script:
        "../scripts/built.py"


rule bronze:
    """Valid bars, rejects and quality report of every ticker, and the manifest."""
    input:
        TOTAL.built.format(layer="bronze_ohlcv"),
        TOTAL.file_manifest_current,
        touched_files("bronze_ohlcv"),


rule silver:
    """Helper series of every ticker."""
    input:
        TOTAL.built.format(layer="silver_base"),
        touched_files("silver_base"),


rule indicators:
    """Indicators of every ticker."""
    input:
        TOTAL.built.format(layer="silver_indicators"),
        touched_files("silver_indicators"),


rule events:
    """Events and flow states of every ticker."""
    input:
        TOTAL.built.format(layer="gold_events"),
        touched_files("gold_events"),


rule features:
    """Research features of every ticker."""
    input:
        TOTAL.built.format(layer="gold_features"),
        touched_files("gold_features"),
