"""What is told of a run: what there is to do and why, what was done, what failed, what the checks say."""

import json
import sys
from collections import Counter
from datetime import UTC, datetime

from mf_etl.cluster import CLUSTER_RECORDS, stopped_jobs
from mf_etl.history import account, write_record
from mf_etl.io import write_json
from mf_etl.orphans import tickers_beside, told_beside
from mf_etl.planning.account import jobs_and_failures
from mf_etl.planning.plan import jobs_by_layer
from mf_etl.qa.verdict import told
from mf_etl.reasons import ABOVE, FORCED, MISSING, changed_parameters
from mf_etl.targets import unknown_target

STARTED_AT = datetime.now(UTC)
# Tickers of each layer that this run found up to date.
LEFT_ALONE = {}


def planned_depth():
    """The layer down to which this run looks at every ticker; None if at none."""
    layers = {
        job.wildcards.layer for job in workflow.dag.jobs if job.rule.name == "parcel"
    }
    return max(layers, key=STEPS.index, default=None)


def todo():
    """Tickers of this plan with something to do, by layer and reason."""
    depth = planned_depth()
    return PLAN.todo(depth) if depth else {}


def up_to_date():
    """Tickers of each layer of this plan that have nothing to do."""
    depth = planned_depth()
    layers = STEPS[: STEPS.index(depth) + 1] if depth else ()
    missing = {step: sum(map(len, found.values())) for step, found in todo().items()}
    return {step: len(tickers()) - missing.get(step, 0) for step in layers}


def write_reasons(path):
    """Why each step has to run, for `mf-etl status`: counts by step and reason, and the first tickers."""
    found, names_told = todo(), SETTINGS.planning.names_told
    counts = {
        step: {reason: len(names) for reason, names in reasons.items()}
        for step, reasons in found.items()
    }
    first = {
        step: {reason: names[:names_told] for reason, names in reasons.items()}
        for step, reasons in found.items()
    }
    for job in needed():
        if job.rule.name not in (*STEPS, "parcel", "built"):
            reasons = counts.setdefault(job.rule.name, Counter())
            reasons.update([reason_of(job)])
    told = {
        "steps": counts,
        "first_tickers": first,
        "up_to_date": up_to_date(),
        "tickers": len(tickers()),
        "left_out": UNIVERSE.left_out(),
    }
    write_json(told, Path(path))


def reason_of(job):
    """Why a job over the universe has to run, the root of it."""
    reason = workflow.dag.reason(job)
    change = reason.params_changed
    if reason.forced:
        return FORCED
    if change:
        code = getattr(job.params, "code", "")
        return changed_parameters(
            change.only_old, change.only_new, step=job.rule.name, code=code
        )[0]
    is_missing = reason.missing_output and not reason.updated_input_run
    return MISSING if is_missing or reason.incomplete_output else ABOVE


def record_run():
    """The record of this run in the run history, and a short account of it on the console."""
    dag = workflow.dag
    jobs = Counter(
        (job.rule.name, why(dag.reason(job)), dag.finished(job)) for job in needed()
    )
    built, failures = jobs_and_failures(PLAN.folder, () if is_flat() else PARCELS)
    jobs.update({(rule, reason, done): count for rule, reason, done, count in built})
    failures += [
        {
            "rule": job.rule.name,
            "wildcards": dict(job.wildcards_dict),
            "log": job.log[0],
            "error": line,
        }
        for job, line in failed_jobs()
        # What is behind a failed `built` are the failures of parcels.
        if job.rule.name != "built" and job.log
    ]
    targets = sorted(rule.name for rule in dag.targetrules) + sorted(
        map(str, dag.targetfiles)
    )
    record = write_record(
        run_history(SETTINGS.paths), STARTED_AT, targets, jobs, failures
    )
    tell_build_page()
    lines = account(json.loads(record.read_text(encoding="utf-8")), LEFT_ALONE)
    if any(job.rule.name == "report_market" for job in workflow.dag.jobs):
        lines.append(f"To look at it: open {PAGES.report_market}")
    if universe_if_at_hand(None):
        beside = told_beside(tickers_beside(DATA, {*UNIVERSE.listed}))
        lines += [line for line in (UNIVERSE.left_out(), beside) if line]
    print("\n".join(lines), file=sys.stderr)


def tell_build_page():
    """The page of the run history, where there is one, with this run on it."""
    page = Path(PAGES.report_build)
    if page.exists():
        from mf_etl.report.history import write_history  # templates are for pages alone

        write_history(run_history(SETTINGS.paths), page)


def why(reason):
    """The kind of a job's reason, without the files that it names."""
    return str(reason).removeprefix("Finished (was: ").partition(":")[0].rstrip(")")


def failed_jobs():
    """Each job that has failed, and what it has to say; of a group, those that have something to say."""
    stopped = stopped_jobs(CLUSTER_RECORDS, STARTED_AT)
    unknown = "failed before it could say why"
    if CLUSTER_RECORDS.is_dir():
        unknown += f"; what it has printed is in {CLUSTER_RECORDS}"
    for failed in workflow.scheduler.failed:
        jobs = [*failed] if failed.is_group() else [failed]
        said = {first_line(job) or why_stopped(job, stopped): job for job in jobs}
        for line, job in said.items():
            if line or len(said) == 1:
                yield job, line or unknown


def first_line(job):
    """What a failed job has to say, from its log; empty if it has not come to that."""
    log = Path(*job.log[:1])
    is_there = job.log and log.exists()
    text = log.read_text(encoding="utf-8", errors="replace") if is_there else ""
    return text.strip().partition("\n")[0]


def why_stopped(job, stopped):
    """Why a cluster has stopped a job; empty if it has not, or none that is known."""
    return next((stopped[file] for file in job.output if file in stopped), "")


def tell_unknown_targets():
    """Name what comes near each target that cannot be made: Snakemake only says that there is no such rule or file."""
    groups = (TOTAL, SCIENCE, PAGES)
    patterns = [
        *DATA.per_ticker(),
        *(p for group in groups for p in vars(group).values()),
    ]
    for target in sorted(workflow.dag_settings.targets):
        if (
            workflow.is_rule(target)
            or os.path.exists(target)
            or any(rule.is_producer(target) for rule in workflow.rules)
        ):
            continue
        line = unknown_target(
            target,
            named=UNIVERSAL_TARGETS.keys() | {"prune", "catalog"},
            data=DATA,
            patterns=patterns,
            listed=UNIVERSE.listed,
        )
        print(f"mf_etl: {line}", file=sys.stderr)


def print_verdict():
    """What the checks say, at the end of a build that has them."""
    path = Path(TOTAL.qa_verdict)
    asked = {job.rule.name for job in workflow.dag.jobs}
    if path.exists() and "qa_gate" in asked:
        print(
            "\n".join(told(json.loads(path.read_text(encoding="utf-8")))),
            file=sys.stderr,
        )
