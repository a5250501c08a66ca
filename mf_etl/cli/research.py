"""Commands that run clusterings and hidden Markov models: each a door to the targets of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from mf_etl.cli import context, datasets, project
from mf_etl.cli.accounts import ACCOUNTS, read_account
from mf_etl.cli.building import BuildCommand, build
from mf_etl.cli.fields import decorated, given, options_of, refuse_other_names
from mf_etl.cli.tables import near, show
from mf_etl.io import replacing
from mf_etl.research.datasets.request import checked
from mf_etl.research.models.cluster_spec import ClusteringOptions, ClusteringSpec
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.runs.catalog import SPEC, final_files, run_patterns, runs_root
from mf_etl.research.runs.listing import listed
from mf_etl.research.runs.requests import (
    ClusteringRun,
    ClusteringStability,
    ClusteringSweep,
    HmmRun,
    HmmStability,
    HmmSweep,
    Request,
    spec_text,
)
from mf_etl.research.validation.listing import validations
from mf_etl.settings.model import RunName
from mf_etl.settings.sections import Section


class Door(NamedTuple):
    """A command and the kind of run that it asks for."""

    command: str
    request: type[Request]
    part: str
    """Field of the request that holds the model's own options."""
    options: type[Section]
    entry: str
    """List of the settings that names such runs."""
    help: str


DOORS = (
    Door("cluster-run", ClusteringRun, "clustering", ClusteringSpec, "runs",
         "One clustering of a dataset: model, clusters of all rows, profiles, figures."),
    Door("cluster-sweep", ClusteringSweep, "clustering", ClusteringOptions, "sweeps",
         "One clustering for each method and number of clusters, compared."),
    Door("cluster-stability", ClusteringStability, "clustering", ClusteringSpec, "stability",
         "The same clustering from several seeds: how far its clusters are the same."),
    Door("hmm-run", HmmRun, "hmm", HmmSpec, "runs",
         "One hidden Markov model: states of all rows, profiles, transitions, figures."),
    Door("hmm-sweep", HmmSweep, "hmm", HmmSpec, "sweeps",
         "One hidden Markov model for each number of states, compared."),
    Door("hmm-stability", HmmStability, "hmm", HmmSpec, "stability",
         "The same hidden Markov model from several seeds: how far its states are the same."),
)  # fmt: skip

EPILOGUE = (
    "Without options: the runs of the settings. With options: a run whose folder holds them as "
    "spec.yaml, so that `snakemake` knows it, too; the same options are the same run."
)


def door(door: Door) -> click.Command:
    """The command of one kind of run."""
    own = tuple(n for n in door.request.model_fields if n not in ("preparation", door.part))
    replaced = {"ClusteringSweep": ("n_clusters",), "HmmSweep": ("n_components",)}
    without = replaced.get(door.request.__name__, ())

    def command(run_id: str | None, **values: Any) -> None:
        chosen = _chosen(door, run_id, values)
        paths = context.settings().paths
        build(*(file for folder, r in chosen.items() for file in final_files(paths, r, folder)))
        for folder, request in chosen.items():
            ACCOUNTS[request.kind](Path(runs_root(paths, request.research)), folder)

    name = click.option("--run-id", help="Name of the run: one of the settings, or your own.")
    fields = [
        name,
        *options_of(door.request, without=("preparation", door.part)),
        *options_of(door.options, without=(*without, *own)),
        *options_of(PreparationSpec),
    ]
    make = click.command(
        f"research-{door.command}", cls=BuildCommand, help=door.help, epilog=EPILOGUE
    )
    return make(decorated(command, fields))


def _chosen(door: Door, run_id: str | None, values: Mapping[str, Any]) -> dict[str, Request]:
    """The runs that are asked for, by folder; one of options has its specification written."""
    section = "clustering" if door.part == "clustering" else "hmm"
    named = getattr(getattr(context.settings(), f"research_{section}"), door.entry)
    if all(value is None for value in values.values()):
        if run_id is None:
            if not named:
                raise click.UsageError(
                    f"the settings name no such run (research_{section}.{door.entry}); "
                    "give options, such as --dataset market"
                )
            return _checked({request.folder(name): request for name, request in named.items()})
        if run_id in named:
            return _checked({named[run_id].folder(run_id): named[run_id]})
        raise click.UsageError(
            f"{run_id} is not in research_{section}.{door.entry}; give options{near(run_id, named)}"
        )
    if run_id in named:
        raise click.UsageError(
            f"{run_id} is a run of the settings: leave out the other options, or name it otherwise"
        )
    if run_id is not None:
        refuse_other_names("--run-id", run_id, RunName)
    request = _requested(door, values)
    folder = request.folder(run_id or request.adhoc_id())
    chosen = _checked({folder: request})
    _write_spec(request, Path(runs_root(context.settings().paths, request.research), folder))
    return chosen


def _checked(chosen: dict[str, Request]) -> dict[str, Request]:
    for request in chosen.values():
        datasets.check(request.dataset, request.preparation)
    return chosen


def _requested(door: Door, values: Mapping[str, Any]) -> Request:
    asked: dict[str, Any] = given(door.request, values)
    if "dataset" in asked:
        asked["dataset"] = datasets.dataset_meant(asked["dataset"])
    if asked.get("cluster_labels_file") is not None:
        asked["cluster_labels_file"] = _labels_meant(asked["cluster_labels_file"])
    asked["preparation"] = given(PreparationSpec, values)
    asked[door.part] = given(door.options, {n: v for n, v in values.items() if n not in asked})
    return checked(door.request, asked, door.command)


def _labels_meant(value: str) -> str:
    """The clusters to compare with: the name of a clustering that there is, or the path of a file."""
    if "/" in value or value.endswith(".parquet"):
        file = project.project_path(value)
        if not file.is_file():
            raise click.UsageError(f"--cluster-labels-file {value}: there is no such file")
        return str(file)
    settings = context.settings()
    named = [run for research, run in settings.named_runs() if research == "clustering"]
    if (
        value not in named
        and not Path(runs_root(settings.paths, "clustering"), value, SPEC).exists()
    ):
        raise click.UsageError(
            f"--cluster-labels-file {value!r}: there is no such clustering{near(value, named)}"
        )
    return value


def _write_spec(request: Request, folder: Path) -> None:
    """The specification of an ad-hoc run; one that is the same stays, time stamp included."""
    path, text = folder / SPEC, spec_text(request)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def sanity(research: str) -> click.Command:
    """The command that reads a finished run."""

    def command(run_dir: Path) -> None:
        read_account(research, run_dir)

    option = click.option(
        "--run-dir",
        type=context.FOLDER,
        required=True,
        help="Folder of a finished run.",
    )
    name = {"clustering": "cluster", "hmm": "hmm"}[research]
    text = "A short account of a finished run; exit code 1 if an aggregate that should be is null."
    make: Callable[..., click.Command] = click.command(f"research-{name}-sanity", help=text)
    return make(option(command))


@click.command("research-hmm-decode", cls=BuildCommand)
@click.option(
    "--run-dir",
    type=context.FOLDER,
    required=True,
    help="Folder of a finished HMM run.",
)
@click.option("--dataset", required=True, help="Name or path of the dataset to decode.")
def hmm_decode(run_dir: Path, dataset: str) -> None:
    """States of another dataset, such as one of new days, by a finished model; nothing is fitted."""
    dataset = datasets.dataset_meant(dataset)
    paths = context.settings().paths
    root = Path(runs_root(paths, "hmm"))
    if run_dir.resolve().parent != root.resolve():
        raise click.UsageError(f"{run_dir} is not a run below {root}")
    path = run_patterns(paths, "hmm")["decode"]["decoded_dataset"].format(
        run=run_dir.name, dataset=dataset
    )
    build(path)
    click.echo(path)


@click.command("runs")
def runs() -> None:
    """The runs that there are, one a line, with their main figures."""
    settings = context.settings()
    found = [
        *listed(settings.paths, settings.named_runs()),
        *validations(settings.paths, settings.research_validation.named()),
    ]
    if not found:
        click.echo("There are no runs: the settings name none, and research-* commands make them.")
        return
    show(("run", "kind", "dataset", "state", "figures"), found)


COMMANDS = tuple(door(each) for each in DOORS)
LATER_COMMANDS = (runs, sanity("clustering"), sanity("hmm"), hmm_decode)
