"""What a research run is asked to do: the `spec.yaml` of its folder, and its entry in the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import yaml
from pydantic import Field, model_validator

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.naming import PREFIX
from mf_etl.research.datasets.request import checked
from mf_etl.research.models.cluster_spec import (
    METHODS,
    TAKEN,
    ClusteringOptions,
    ClusteringSpec,
    Method,
)
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.preparation.spec import HmmPreparation, PreparationSpec
from mf_etl.settings.sections import DATASET_PATTERN, FilePath, Section
from mf_etl.yaml_text import read_mapping


class Request(Section):
    """A dataset and how it is prepared: what all kinds of runs have in common."""

    dataset: Annotated[str, Field(pattern=f"^{DATASET_PATTERN}$")] = "market"
    """Name of the dataset. On the command line also the path of any `dataset.parquet`; in the
    settings `datasets.<name>.file` gives such a file a name."""
    preparation: PreparationSpec = PreparationSpec()
    """Features, scaling and split."""

    kind: ClassVar[str]
    """What `spec.yaml` calls this kind of run; begins with the research, clustering or hmm."""
    grid: ClassVar[frozenset[str]] = frozenset()
    """Options that add cells and leave those that are there as they are."""

    title: ClassVar[str]
    """Middle of the name of the run's folder."""
    entry: ClassVar[str]
    """List of the settings that names such runs: `runs`, `sweeps` or `stability`."""

    @property
    def spec(self) -> ClusteringSpec | HmmSpec:
        """The model that is asked for."""
        raise NotImplementedError(type(self).__name__)

    def cells(self) -> Mapping[str, ClusteringSpec | HmmSpec]:
        """Specification of each cell or seed by its name, in order; a single run has none."""
        return {}

    def folder(self, run_id: str) -> str:
        """Name of the run's folder."""
        return f"{run_id}_{self.title}_{self.dataset}"

    @property
    def research(self) -> str:
        """`clustering` or `hmm`."""
        return self.kind.partition("_")[0]

    def adhoc_id(self) -> str:
        """Run id of a request that has no name: a grown sweep or study has the same."""
        return f"{PREFIX}-{digest(self, self.grid)}"


class Seeds(Request):
    """The same model from several seeds."""

    seeds: int = Field(default=5, ge=2, le=1000)
    """Number of seeds."""
    seed_start: int = Field(default=0, ge=0, lt=2**31)
    """First seed; the others follow."""

    entry = "stability"
    grid = frozenset({"seeds", "seed_start"})

    @property
    def every_seed(self) -> range:
        """The seeds of the study."""
        return range(self.seed_start, self.seed_start + self.seeds)


class ClusteringRun(Request):
    """One clustering of a dataset."""

    clustering: ClusteringSpec
    """Method and its options."""

    kind, entry = "clustering_run", "runs"

    @property
    def spec(self) -> ClusteringSpec:
        """The clustering that is asked for."""
        return self.clustering

    def folder(self, run_id: str) -> str:
        """Name of the run's folder, with its method."""
        return f"{run_id}_{self.clustering.method}_{self.dataset}"


class ClusteringSweep(Request):
    """One clustering for each method and number of clusters."""

    methods: tuple[Method, ...] = Field(default=("kmeans",), min_length=1)
    """Methods to try; hdbscan finds the number of clusters itself and is one cell."""
    n_clusters: tuple[Annotated[int, Field(ge=2, le=1000)], ...] = (2, 3, 4, 5, 6, 7, 8)
    """Numbers of clusters to try with kmeans and gmm."""
    clustering: ClusteringOptions = ClusteringOptions()
    """Options of every cell."""

    kind, entry = "clustering_sweep", "sweeps"
    grid = frozenset({"methods", "n_clusters"})

    @model_validator(mode="after")
    def _has_cells(self) -> Self:
        if not self.cells():
            raise ValueError("kmeans and gmm need at least one number in n_clusters")
        return self

    def cells(self) -> dict[str, ClusteringSpec]:
        """Specification of each cell by its name, such as `kmeans-5`, in order."""
        cells = {}
        for method in dict.fromkeys(self.methods):
            options = self.clustering.model_dump(include=set(TAKEN[method]))
            counted = METHODS[method].takes_clusters
            for number in sorted(set(self.n_clusters)) if counted else [None]:
                name = method if number is None else f"{method}-{number}"
                cells[name] = ClusteringSpec(method=method, n_clusters=number, **options)
        return cells

    def folder(self, run_id: str) -> str:
        """Name of the run's folder; the summary lies beside it, as the same name and `_summary`."""
        return f"{run_id}_cluster_sweep"


class ClusteringStability(Seeds):
    """The same clustering from several seeds."""

    clustering: ClusteringSpec
    """Method and its options; its seed is replaced by each seed of the study."""
    seeds: int = Field(default=10, ge=2, le=1000)
    """Number of seeds."""

    kind, title = "clustering_stability", "cluster_stability"

    def cells(self) -> dict[str, ClusteringSpec]:
        """Specification of each seed by its number as text, in order."""
        return {str(s): self.clustering.model_copy(update={"seed": s}) for s in self.every_seed}


class HmmRequest(Request):
    """What runs of hidden Markov models have in common."""

    preparation: HmmPreparation = HmmPreparation()
    """Features, scaling and split."""


class HmmRun(HmmRequest):
    """One hidden Markov model of a dataset."""

    hmm: HmmSpec = HmmSpec()
    """The model and how it is fitted."""
    cluster_labels_file: FilePath | None = None
    """Clusters that the states are compared with: the folder's name of a clustering run, or the path of
    any `clustered_dataset.parquet`; null is none."""

    kind, title, entry = "hmm_run", "hmm", "runs"

    @property
    def spec(self) -> HmmSpec:
        """The model that is asked for."""
        return self.hmm


class HmmSweep(HmmRequest):
    """One model for each number of states."""

    components: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(2, 3, 4, 5, 6, 7, 8), min_length=1
    )
    """Numbers of states to try."""
    hmm: HmmSpec = HmmSpec()
    """The model; its n_components is replaced by each number of the sweep."""

    kind, title, entry = "hmm_sweep", "hmm_sweep", "sweeps"
    grid = frozenset({"components"})

    def cells(self) -> dict[str, HmmSpec]:
        """Specification of each cell by its number of states as text, in order."""
        numbers = sorted(set(self.components))
        return {str(n): self.hmm.model_copy(update={"n_components": n}) for n in numbers}


class HmmStability(HmmRequest, Seeds):
    """The same model from several seeds."""

    hmm: HmmSpec = HmmSpec()
    """The model; its random_state is replaced by each seed of the study."""

    kind, title = "hmm_stability", "hmm_stability"

    def cells(self) -> dict[str, HmmSpec]:
        """Specification of each seed by its number as text, in order."""
        return {str(s): self.hmm.model_copy(update={"random_state": s}) for s in self.every_seed}


KINDS: dict[str, type[Request]] = {
    model.kind: model
    for model in (
        ClusteringRun, ClusteringSweep, ClusteringStability, HmmRun, HmmSweep, HmmStability,
    )
}  # fmt: skip


def read_spec(path: Path) -> Request:
    """The request in a `spec.yaml`; raises `ResearchError` with one line a problem."""
    values = read_mapping(path, "", ResearchError)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise ResearchError(f"{path}: a line `kind:` with one of {', '.join(KINDS)} is needed")
    return checked(KINDS[kind], values, str(path))


def spec_of(research: str, values: Mapping[str, Any]) -> ClusteringSpec | HmmSpec:
    """The model of a `clustering` or `hmm` in plain values."""
    if research == "clustering":
        return checked(ClusteringSpec, values, research)
    return checked(HmmSpec, values, research)


def spec_text(request: Request) -> str:
    """`request` as the text of a `spec.yaml`: every option in force, in the order of the model."""
    told = {"kind": request.kind, **request.model_dump(mode="json")}
    return yaml.safe_dump(told, sort_keys=False)


def digest(model: Section, without: frozenset[str] = frozenset()) -> str:
    """Twelve characters that are equal for equal values of all fields but those `without`."""
    values = model.model_dump(mode="json", exclude=set(without))
    text = json.dumps(values, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
