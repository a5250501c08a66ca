"""After a run: what is settled, what failed, what the checks say, and the record of the run."""

import json
import subprocess
from collections import Counter
from datetime import UTC, datetime

from mf_etl.history import account, write_record
from mf_etl.io import replacing, write_json
from mf_etl.orphans import tickers_beside, told_beside
from mf_etl.qa.verdict import told
from mf_etl.reasons import ABOVE, FORCED, MISSING, NEW, changed_parameters
from mf_etl.targets import unknown_target

STARTED_AT = datetime.now(UTC)
# The named targets that cover every ticker.
UNIVERSAL_TARGETS = {
    "all",
    "bronze",
    "silver",
    "indicators",
    "events",
    "features",
    "qa",
    "market",
    "dataset",
    "clustering",
    "hmm",
}


def done_or_up_to_date(job):
    """Whether nothing is left to do for a job of the plan."""
    dag = workflow.dag
    return not dag.needrun(job) or (dag.finished(job) and not workflow.dryrun)


def record_settled():
    """Record the units of which all jobs were up to date or have been done."""
    if not by_content():
        return
    units = {}
    for job in workflow.dag.jobs:
        if unit := unit_of(job):
            units.setdefault(unit, []).append(done_or_up_to_date(job))
    planned = {str(file) for job in workflow.dag.jobs for file in job.output}
    SETTLED.add(
        unit
        for unit, jobs in units.items()
        if all(jobs) and planned.issuperset(files_of(unit))
    )


def unit_of(job):
    """What a job makes a part of: a ticker, the manifest, or the files over the universe."""
    if job.rule.name in STEPS:
        return (job.wildcards.exchange, job.wildcards.ticker)
    makes_dataset = job.rule.name in ("ml_dataset", "adopted_dataset")
    if makes_dataset and job.wildcards.dataset in SETTINGS.datasets:
        return (DATASET, job.wildcards.dataset)
    for research in RUNS:
        if job.rule.name.startswith(f"{research}_"):
            unit = (research, job.wildcards.run)
            return (RUN, *unit) if unit in NAMED else None
    return {"file_manifest": MANIFEST, "qa_gate": AGGREGATES}.get(job.rule.name)


def promote_manifest():
    """After a full build the manifest becomes the one that the next is compared with."""
    universe = SETTINGS.universe
    is_full = not (universe.limit or universe.tickers or universe.exchanges)
    asked = {rule.name for rule in workflow.dag.targetrules}
    manifest, stable = Path(TOTAL.file_manifest_current), Path(TOTAL.file_manifest)
    is_current = SETTLED.among([MANIFEST]) or any(
        job.rule.name == "file_manifest" and done_or_up_to_date(job)
        for job in workflow.dag.jobs
    )
    if is_full and asked & UNIVERSAL_TARGETS and is_current and manifest.exists():
        content = manifest.read_bytes()
        if not stable.exists() or stable.read_bytes() != content:
            with replacing(stable) as temporary:
                temporary.write_bytes(content)


def build_without_failed():
    """Bring the files over the universe up to date although tickers have failed.

    Snakemake leaves out what depends on a failed job, and these depend on all tickers. They are built
    once more, without the steps that could not be done, which they name as missing. Not so after an
    interrupt: then steps are missing that nobody has tried.
    """
    first = first_unfinished_jobs()
    is_interrupted = not workflow.scheduler.failed.issuperset(first.values())
    if SETTINGS.planning.unfinished or not first or is_interrupted:
        return
    record = Path(SETTINGS.paths.data_root, ".cache", "unfinished.json")
    write_json({key: job.rule.name for key, job in sorted(first.items())}, record)
    log = Path(SETTINGS.paths.logs_root, "aggregates.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    values = {**workflow.config_settings.config, "planning__unfinished": str(record)}
    is_warm = workflow.executor_plugin.name == "warm"
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", workflow.main_snakefile),
        *("--nolock", "--cores", str(workflow.resource_settings.cores or 1), "qa"),
        *(() if is_warm else ("--workflow-profile", "none", "--executor", "local")),
        *("--config", *(f"{key}={value}" for key, value in values.items())),
    ]
    with log.open("wb") as output:
        subprocess.run(command, stdout=output, stderr=output, check=False)
    print(
        f"Built the files over the universe without what has failed (log: {log})",
        file=sys.stderr,
    )


def first_unfinished_jobs():
    """The first job of each ticker that this run should have done and has not."""
    found = {}
    for job in workflow.dag.jobs:
        if job.rule.name in STEPS and not done_or_up_to_date(job):
            key = f"{job.wildcards.exchange}/{job.wildcards.ticker}"
            rank = STEPS.index(job.rule.name)
            if key not in found or rank < STEPS.index(found[key].rule.name):
                found[key] = job
    return found


def print_verdict():
    """What the checks say, at the end of a build that has them."""
    path = Path(TOTAL.qa_verdict)
    asked = {job.rule.name for job in workflow.dag.jobs}
    if path.exists() and "qa_gate" in asked:
        print(
            "\n".join(told(json.loads(path.read_text(encoding="utf-8")))),
            file=sys.stderr,
        )


def layers_up_to_date():
    """Tickers of each layer in this plan that had nothing to do, those left out of it included.

    Only files that are there count: Snakemake makes no file anew that nobody has asked for.
    """
    needed = {
        (job.rule.name, job.wildcards.exchange, job.wildcards.ticker)
        for job in workflow.dag.jobs
        if job.rule.name in STEPS and workflow.dag.needrun(job)
    }
    planned = {job.rule.name for job in workflow.dag.jobs}
    is_universal = UNIVERSAL_TARGETS & {rule.name for rule in workflow.dag.targetrules}
    if not is_universal:
        return {}
    return {
        step: sum(
            (step, exchange, ticker) not in needed
            and os.path.exists(
                getattr(DATA, step).path(exchange=exchange, ticker=ticker)
            )
            for exchange, ticker in tickers()
        )
        for step in STEPS
        if step in planned
    }


def write_reasons(path):
    """Why each step has to run, for `mf-etl status`: counts by step and reason."""
    counts = {}
    for job in workflow.dag.jobs:
        if workflow.dag.needrun(job) and not job.rule.norun:
            reasons = counts.setdefault(job.rule.name, Counter())
            reasons.update(reasons_of(job)[:1])
    write_json({"steps": counts, "up_to_date": layers_up_to_date()}, Path(path))


def reasons_of(job):
    """Why a job has to run, the root of it first."""
    reason = workflow.dag.reason(job)
    change = reason.params_changed
    if reason.forced:
        return [FORCED]
    if change:
        return changed_parameters(
            change.only_old,
            change.only_new,
            step=job.rule.name,
            code=getattr(job.params, "code", ""),
            fingerprint=getattr(job.params, "fingerprint", None),
        )
    if job.rule.name == "bronze_ohlcv" and reason.missing_output:
        unit = (job.wildcards.exchange, job.wildcards.ticker)
        return [MISSING if any(map(os.path.exists, files_of(unit))) else NEW]
    if reason.missing_output and not reason.updated_input_run:
        return [MISSING]
    if reason.incomplete_output:
        return [MISSING]
    return [ABOVE]


def record_run():
    """The record of this run in the run history, and a short account of it on the console."""
    dag = workflow.dag
    needed = [job for job in dag.jobs if dag.needrun(job) and not job.rule.norun]
    jobs = [(job.rule.name, why(dag.reason(job)), dag.finished(job)) for job in needed]
    failures = [
        {
            "rule": job.rule.name,
            "wildcards": dict(job.wildcards_dict),
            "log": log,
            "error": first_line(log),
        }
        for job in needed
        if job in workflow.scheduler.failed
        for log in job.log[:1]
    ]
    targets = sorted(rule.name for rule in dag.targetrules) + sorted(
        map(str, dag.targetfiles)
    )
    record = write_record(
        run_history(SETTINGS.paths), STARTED_AT, targets, jobs, failures
    )
    lines = account(json.loads(record.read_text(encoding="utf-8")), layers_up_to_date())
    if universe_if_at_hand(None):
        beside = told_beside(tickers_beside(DATA, {*UNIVERSE.listed}))
        lines += [line for line in (UNIVERSE.left_out(), beside) if line]
    print("\n".join(lines), file=sys.stderr)


def why(reason):
    """The kind of a job's reason, without the files that it names."""
    return str(reason).removeprefix("Finished (was: ").partition(":")[0].rstrip(")")


def first_line(path):
    """What a failed job has to say, from its log."""
    log = Path(path)
    text = (
        log.read_text(encoding="utf-8", errors="replace").strip()
        if log.exists()
        else ""
    )
    return text.splitlines()[0] if text else "failed before it could say why"


def tell_unknown_targets():
    """Name what comes near each target that no rule makes: Snakemake only says that it is none."""
    patterns = [*DATA.per_ticker(), *vars(TOTAL).values(), *vars(SCIENCE).values()]
    for target in sorted(workflow.dag_settings.targets):
        if (
            workflow.is_rule(target)
            or os.path.exists(target)
            or any(rule.is_producer(target) for rule in workflow.rules)
        ):
            continue
        line = unknown_target(
            target,
            named=UNIVERSAL_TARGETS | {"prune", "catalog"},
            data=DATA,
            patterns=patterns,
            listed=UNIVERSE.listed,
        )
        print(f"mf_etl: {line}", file=sys.stderr)


def at_end():
    """Whatever way the run ended, if it had a plan."""
    os.chdir(WORKING_FOLDER)
    give_former_files_back()
    CODE.save()
    if workflow.dag is None or workflow.execution_settings is None or workflow.touch:
        return
    jobs = list(workflow.dag.jobs)
    if workflow.scheduler is None:
        tell_unknown_targets()
        return  # there is no whole plan: it could not be made, or an interrupt came first
    record_settled()
    if workflow.dryrun:
        if SETTINGS.planning.reasons:
            write_reasons(SETTINGS.planning.reasons)
        return
    if not any(map(workflow.dag.needrun, jobs)):
        promote_manifest()  # a run that was killed at its very end has not
    elif workflow.scheduler is not None:
        record_run()


if workflow.is_main_process:
    atexit.register(at_end)


onstart:
    FINGERPRINTS.save()  # jobs of processes of their own need not read every file again


onsuccess:
    give_former_files_back()
    record_settled()
    promote_manifest()
    print_verdict()


onerror:
    give_former_files_back()
    record_settled()
    build_without_failed()
    promote_manifest()
    print_verdict()
