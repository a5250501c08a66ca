"""Commands that validate the labels of a run, and that read a finished validation."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mf_etl.cli import context, project
from mf_etl.cli.building import BuildCommand, build
from mf_etl.cli.fields import decorated, given, options_of
from mf_etl.cli.tables import near
from mf_etl.errors import ResearchError
from mf_etl.io import replacing
from mf_etl.research.datasets.naming import PREFIX
from mf_etl.research.datasets.request import checked
from mf_etl.research.runs.catalog import RUNS_FOLDERS, SPEC, runs_root
from mf_etl.research.runs.requests import Request, digest, read_spec
from mf_etl.research.validation.catalog import (
    SPEC as VALIDATION_SPEC,
)
from mf_etl.research.validation.catalog import (
    validation_files,
    validation_root,
)
from mf_etl.research.validation.request import (
    ValidationOptions,
    ValidationRequest,
    validation_text,
)
from mf_etl.research.walk_forward.folds import refuse

EPILOGUE = (
    "Without options: the validations of the settings. With options: a validation whose folder holds "
    "them as spec.yaml, so that `snakemake` knows it, too; options not given are those of the "
    "settings. Research, not advice."
)


def _validate(run_id: str | None, labels: str | None, **values: Any) -> None:
    """Is there anything in the states of a run? Refits it year by year and tests what followed."""
    chosen = _chosen(run_id, labels, values)
    paths = context.settings().paths
    named = context.settings().research_validation.named()
    build(
        *(
            file
            for folder in chosen
            for file in validation_files(paths, folder)
            # No rule makes a specification that was written here.
            if folder in named or Path(file).name != VALIDATION_SPEC
        )
    )
    for folder in chosen:
        _read(Path(validation_root(paths), folder))


_OPTIONS = (
    click.option("--run-id", help="Name of the validation: one of the settings, or your own."),
    click.option("--labels", metavar="RUN", help="Folder, or its name, of the run to validate."),
    click.option(
        "--column", help="Column of labels; by default the one known on the day (hmm_state)."
    ),
    click.option(
        "--in-sample",
        is_flag=True,
        default=None,
        help="Take the run's own labels, fitted rows and hindsight columns included; every file says "
        "that it proves nothing.",
    ),
    *options_of(ValidationOptions),
)
validate = click.command("research-validate", cls=BuildCommand, epilog=EPILOGUE)(
    decorated(_validate, list(_OPTIONS))
)


def _chosen(
    run_id: str | None, labels: str | None, values: Mapping[str, Any]
) -> dict[str, ValidationRequest]:
    """The validations that are asked for, by folder; one of options has its specification written."""
    section = context.settings().research_validation
    if labels is None and all(value is None for value in values.values()):
        if run_id is not None and run_id not in section.runs:
            hint = near(run_id, section.runs)
            raise click.UsageError(f"{run_id} is not in research_validation.runs{hint}")
        found = {
            folder: asked
            for folder, asked in section.named().items()
            if run_id is None or folder == section.runs[run_id].folder(run_id)
        }
        if not found:
            raise click.UsageError(
                "the settings name no validation (research_validation.runs); give --labels RUN"
            )
    else:
        if labels is None:
            raise click.UsageError("--labels says which run is validated")
        if run_id in section.runs:
            raise click.UsageError(
                f"{run_id} is a validation of the settings: leave out the other options, or name it "
                "otherwise"
            )
        asked = _requested(labels, values)
        found = {asked.folder(run_id or f"{PREFIX}-{digest(asked)}"): asked}
    for asked in found.values():
        refuse(asked, labels_request(asked.labels), asked.labels)
    if labels is not None:
        (folder, asked), *_ = found.items()
        _write_spec(asked, Path(validation_root(context.settings().paths), folder))
    return found


def _requested(labels: str, values: Mapping[str, Any]) -> ValidationRequest:
    section = context.settings().research_validation
    options = {name: getattr(section, name) for name in ValidationOptions.model_fields}
    options |= given(ValidationRequest, values)
    return checked(ValidationRequest, options | {"labels": _run_name(labels)}, "research-validate")


def _run_name(labels: str) -> str:
    """The folder's name of the run that is meant by a name or a path."""
    if "/" not in labels:
        return labels
    path = project.user_path(labels).resolve()
    roots = [Path(runs_root(context.settings().paths, one)).resolve() for one in RUNS_FOLDERS]
    if path.parent not in roots:
        told = " or ".join(map(str, roots))
        raise click.UsageError(f"{labels} is not a run below {told}")
    return path.name


def labels_request(name: str) -> Request:
    """What the run called `name` is asked to do; raises `ResearchError` if there is none."""
    settings = context.settings()
    named = settings.named_runs()
    for research in RUNS_FOLDERS:
        if (research, name) in named:
            return named[research, name]
        spec = Path(runs_root(settings.paths, research), name, SPEC)
        if spec.exists():
            return read_spec(spec)
    known = [folder for _, folder in named]
    raise ResearchError(
        f"there is no run {name}; the settings name: {', '.join(known) or 'none'}"
        f"{near(name, known)}"
    )


def _write_spec(asked: ValidationRequest, folder: Path) -> None:
    """The specification of an ad-hoc validation; one that is the same stays, time stamp included."""
    path, text = folder / VALIDATION_SPEC, validation_text(asked)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


@click.command("research-validate-sanity")
@click.option(
    "--run-dir", type=context.FOLDER, required=True, help="Folder of a finished validation."
)
def sanity(run_dir: Path) -> None:
    """A short account of a finished validation; exit code 1 if what should be told is not."""
    _read(run_dir)


def _read(folder: Path) -> None:
    # Reads tables: most commands need no such library.
    from mf_etl.research.validation.sanity import validation_sanity

    told, problems = validation_sanity(folder)
    click.echo("\n".join(told))
    for problem in problems:
        click.echo(f"problem: {problem}", err=True)
    click.echo(folder)
    if problems:
        sys.exit(1)


COMMANDS = (validate, sanity)
