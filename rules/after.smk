"""Around a run: what it asks of parcels, what failed, what the checks say, and the record of the run."""

import atexit
import json
from collections import Counter
from datetime import UTC, datetime

from mf_etl.history import account, write_record
from mf_etl.io import replacing, write_json
from mf_etl.orphans import tickers_beside, told_beside
from mf_etl.planning.account import jobs_and_failures
from mf_etl.planning.parcel import taken_as_built
from mf_etl.planning.plan import jobs_by_layer
from mf_etl.planning.told import pending_lines
from mf_etl.qa.verdict import told
from mf_etl.reasons import ABOVE, FORCED, MISSING, changed_parameters
from mf_etl.targets import unknown_target

STARTED_AT = datetime.now(UTC)
PARCELS, LOCKS = [], []
# The named targets that cover every ticker, and the layer down to which they do.
UNIVERSAL_TARGETS = dict.fromkeys(
    ("all", "qa", "market", "dataset", "clustering", "hmm"), STEPS[-1]
)
UNIVERSAL_TARGETS |= zip(
    ("bronze", "silver", "indicators", "events", "features"), STEPS
)


def needed(*rules):
    """Jobs of the plan that have to run, of some rules or of all that do something."""
    return [
        job
        for job in workflow.dag.jobs
        if workflow.dag.needrun(job)
        and (job.rule.name in rules if rules else not job.rule.norun)
    ]


def parcel_work():
    """The value of each parcel of the plan that has to run, by layer and slot."""
    return {
        (job.wildcards.layer, job.wildcards.slot): job.params.work
        for job in needed("parcel")
    }


def begin():
    """Leave word for the parcels of this run, or keep other runs off the tickers that it builds itself."""
    for cache in (CODE, FINGERPRINTS):
        cache.save()
    if workflow.touch:
        return  # no script runs
    jobs, work = needed(*STEPS), parcel_work()
    if jobs and work and not is_flat():
        stop(
            f"{jobs[0].output[0]} is asked for by itself and as a part of everything; ask for one"
        )
    LOCKS.extend(
        PLAN.locks((job.wildcards.exchange, job.wildcards.ticker) for job in jobs)
    )
    for lock in LOCKS:
        if not lock.take():
            stop(lock.refusal())
    PARCELS.extend(PLAN.begin(work, is_flat()))
    if not is_flat():
        tell_display(
            {step: sum(n.values()) for step, n in jobs_by_layer(PARCELS).items()}
        )


def tell_display(jobs):
    """Have the jobs of parcels counted as jobs of this run."""
    from snakemake_parts import progress

    progress.expect(jobs)


def promote_manifest():
    """After a full build the manifest becomes the one that the next is compared with."""
    universe = SETTINGS.universe
    is_full = not (universe.limit or universe.tickers or universe.exchanges)
    asked = {rule.name for rule in workflow.dag.targetrules}
    manifest, stable = Path(TOTAL.file_manifest_current), Path(TOTAL.file_manifest)
    is_current = any(
        job.rule.name == "file_manifest"
        and (not workflow.dag.needrun(job) or workflow.dag.finished(job))
        for job in workflow.dag.jobs
    )
    if (
        is_full
        and UNIVERSAL_TARGETS.keys() & asked
        and is_current
        and manifest.exists()
    ):
        content = manifest.read_bytes()
        if not stable.exists() or stable.read_bytes() != content:
            with replacing(stable) as temporary:
                temporary.write_bytes(content)


def print_verdict():
    """What the checks say, at the end of a build that has them."""
    path = Path(TOTAL.qa_verdict)
    asked = {job.rule.name for job in workflow.dag.jobs}
    if path.exists() and "qa_gate" in asked:
        print(
            "\n".join(told(json.loads(path.read_text(encoding="utf-8")))),
            file=sys.stderr,
        )


def refuse_failures():
    """Files over the universe are made without what failed; a run for them alone does not end well either."""
    _, failures = jobs_and_failures(PLAN.folder, () if is_flat() else PARCELS)
    if failures:
        stop(f"tickers that could not be built: {len(failures):,}, as told below")


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
    """Why each step has to run, for `mf-etl status`: counts by step and reason."""
    counts = {
        step: {reason: len(found) for reason, found in reasons.items()}
        for step, reasons in todo().items()
    }
    for job in needed():
        if job.rule.name not in (*STEPS, "parcel", "built"):
            reasons = counts.setdefault(job.rule.name, Counter())
            reasons.update([reason_of(job)])
    write_json({"steps": counts, "up_to_date": up_to_date()}, Path(path))


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
            "log": log,
            "error": first_line(log),
        }
        for job in needed()
        # What is behind a failed `built` are the failures of parcels.
        if job in workflow.scheduler.failed and job.rule.name != "built"
        for log in job.log[:1]
    ]
    targets = sorted(rule.name for rule in dag.targetrules) + sorted(
        map(str, dag.targetfiles)
    )
    record = write_record(
        run_history(SETTINGS.paths), STARTED_AT, targets, jobs, failures
    )
    lines = account(json.loads(record.read_text(encoding="utf-8")), LEFT_ALONE)
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
    """Name what comes near each target that cannot be made: Snakemake only says that there is no such rule or file."""
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
            named=UNIVERSAL_TARGETS.keys() | {"prune", "catalog"},
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
    for lock in LOCKS:
        lock.give_back()
    if workflow.dag is None or workflow.execution_settings is None:
        return
    if workflow.scheduler is None:
        tell_unknown_targets()
        return  # there is no whole plan: it could not be made, or an interrupt came first
    if workflow.touch:
        taken_as_built(PLAN.folder, PLAN.begin(parcel_work(), is_flat()), DATA)
    elif workflow.dryrun:
        if SETTINGS.planning.reasons:
            write_reasons(SETTINGS.planning.reasons)
        elif not is_flat():
            print("\n".join(pending_lines(todo(), SETTINGS.planning.names_told)))
    elif not needed():
        promote_manifest()  # a run that was killed at its very end has not
    else:
        record_run()


# Tickers of each layer that this run found up to date.
LEFT_ALONE = {}

if workflow.is_main_process:
    atexit.register(at_end)


onstart:
    LEFT_ALONE.update(up_to_date())
    begin()
    before_the_first_job()


onsuccess:
    give_former_files_back()
    promote_manifest()
    print_verdict()
    refuse_failures()


onerror:
    give_former_files_back()
    promote_manifest()
    print_verdict()
