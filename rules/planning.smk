"""What is pending and how it is planned, for the rules of `parcels.smk`.

docs/design.md tells how.
"""

from importlib.util import find_spec

from mf_etl.fingerprints import Fingerprints
from mf_etl.planning.build import plan_of
from mf_etl.planning.parcel import work_asked_for
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

    Parcels go by parameters, files and nothing else, and start no software environments. In another
    workflow nobody would leave word for them.
    """
    asked = workflow.dag_settings
    triggers = {trigger.name for trigger in workflow.rerun_triggers}
    return not (
        SETTINGS.planning.parcels
        and not IS_MODULE
        and find_spec("snakemake_parts")
        and (workflow.execution_settings or is_reporting())
        and triggers >= {"MTIME", "PARAMS", "INPUT"}
        and "CODE" not in triggers
        and not workflow.deployment_settings.deployment_method
        and not (asked.until or asked.omit_from or asked.batch)
        and not any(is_of_a_ticker(str(target)) for target in asked.targets)
    )


def is_reporting():
    """Whether this is ``snakemake --report``: Snakemake only says so on its command line."""
    return any(word.split("=")[0] == "--report" for word in sys.argv)


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


@from_plan
def parcel_work(wildcards):
    """What there is to do in a slot: the value of `Plan.work`.

    A job of a cluster is told it by the run; files may have changed since.
    """
    if IS_MODULE:
        return "all files are inputs"
    if not workflow.is_main_process:
        return work_asked_for(PLAN.folder, wildcards.slot, wildcards.layer)
    return PLAN.work(wildcards.layer, wildcards.slot)


@from_plan
def planned_members(wildcards):
    """Where nobody leaves word, the tickers of a slot and whether each is a stock or an ETF."""
    return (
        [
            [*pair, UNIVERSE.file(*pair).instrument]
            for pair in PLAN.slots[wildcards.slot]
        ]
        if IS_MODULE
        else None
    )


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
