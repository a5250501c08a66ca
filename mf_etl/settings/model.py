"""The settings of a build: defaults, a YAML file, the environment, `--config`; each over the last."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from mf_etl.errors import SettingsError
from mf_etl.research.datasets.columns import CONTEXT, FEATURES
from mf_etl.research.datasets.naming import PREFIX
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.runs.requests import (
    ClusteringRun,
    ClusteringStability,
    ClusteringSweep,
    HmmRun,
    HmmStability,
    HmmSweep,
    Request,
)
from mf_etl.research.validation.request import ValidationOptions, ValidationRequest
from mf_etl.settings.sections import (
    DATASET_PATTERN,
    EventGrammar,
    GoldFeatures,
    Indicators,
    Market,
    Parquet,
    Paths,
    Planning,
    Precision,
    Project,
    Prune,
    Qa,
    Report,
    Section,
    Universe,
    Validation,
)
from mf_etl.yaml_text import read_mapping

ENV_PREFIX = "MF_ETL_"
FILE_VARIABLE = "MF_ETL_SETTINGS_FILE"
DEFAULT_FILE = Path("config/config.yaml")
DELIMITER = "__"


def _no_reserved_name(name: str) -> str:
    if name.startswith(PREFIX):
        raise ValueError(f"names that begin with {PREFIX} are made from options")
    return name


DatasetName = Annotated[
    str, StringConstraints(pattern=f"^{DATASET_PATTERN}$"), AfterValidator(_no_reserved_name)
]
RunName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,59}$"), AfterValidator(_no_reserved_name)
]


class ResearchClustering(Section):
    """Clusterings by name: each is a folder below `research_runs`."""

    runs: dict[RunName, ClusteringRun] = Field(default_factory=dict)
    """Single clusterings."""
    sweeps: dict[RunName, ClusteringSweep] = Field(default_factory=dict)
    """One clustering for each method and number of clusters."""
    stability: dict[RunName, ClusteringStability] = Field(default_factory=dict)
    """The same clustering from several seeds."""


class ResearchHmm(Section):
    """Hidden Markov models by name: each is a folder below `hmm_runs`."""

    runs: dict[RunName, HmmRun] = Field(default_factory=dict)
    """Single models."""
    sweeps: dict[RunName, HmmSweep] = Field(default_factory=dict)
    """One model for each number of states."""
    stability: dict[RunName, HmmStability] = Field(default_factory=dict)
    """The same model from several seeds."""


class ResearchValidation(ValidationOptions):
    """Validations by name: each is a folder below `validation_runs`. Options here hold for all."""

    runs: dict[RunName, ValidationRequest] = Field(default_factory=dict)
    """What is validated; an option given here goes over the one above."""

    @model_validator(mode="after")
    def _of_all_for_each(self) -> Self:
        for name, run in self.runs.items():
            ValidationRequest.model_validate(self._in_force(run))
            if unknown := set(run.trials_with) & {run.folder(name)}:
                raise ValueError(f"run {name}: trials_with names itself, {unknown.pop()}")
        return self

    def named(self) -> dict[str, ValidationRequest]:
        """The validations by folder, each with every option in force."""
        return {
            run.folder(name): ValidationRequest.model_validate(self._in_force(run))
            for name, run in self.runs.items()
        }

    def _in_force(self, run: ValidationRequest) -> dict[str, Any]:
        of_all = {name: getattr(self, name) for name in ValidationOptions.model_fields}
        return of_all | run.model_dump(exclude_unset=True)


class Settings(BaseSettings):
    """All settings in force, strictly checked."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=DELIMITER,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    project: Project = Project()
    paths: Paths = Paths()
    universe: Universe = Universe()
    planning: Planning = Planning()
    precision: Precision = Precision()
    parquet: Parquet = Parquet()
    validation: Validation = Validation()
    indicators: Indicators = Indicators()
    event_grammar: EventGrammar = EventGrammar()
    gold_features: GoldFeatures = GoldFeatures()
    qa: Qa = Qa()
    market: Market = Market()
    datasets: dict[DatasetName, DatasetRequest] = {"market": DatasetRequest()}
    """Research datasets by name."""
    research_clustering: ResearchClustering = ResearchClustering()
    research_hmm: ResearchHmm = ResearchHmm()
    research_validation: ResearchValidation = ResearchValidation()
    report: Report = Report()
    prune: Prune = Prune()

    @model_validator(mode="after")
    def _runs_have_their_features(self) -> Self:
        known = [*FEATURES, *CONTEXT]
        for (research, folder), request in self.named_runs().items():
            dataset = self.datasets.get(request.dataset)
            if dataset is None or dataset.file is not None:
                continue  # told when it is asked for
            for name in request.preparation.features:
                if name not in known:
                    near = difflib.get_close_matches(name, known, n=3)
                    hint = f"; near matches: {', '.join(near)}" if near else ""
                    raise ValueError(
                        f"research_{research}, run {folder}: preparation.features has {name}, "
                        f"which is no feature of a dataset{hint}"
                    )
        return self

    def named_runs(self) -> dict[tuple[str, str], Request]:
        """The research runs that are named here, by research and folder."""
        return {
            (request.research, request.folder(run_id)): request
            for section in (self.research_clustering, self.research_hmm)
            for entry in type(section).model_fields
            for run_id, request in getattr(section, entry).items()
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load_settings` hands in every source itself, so that it can tell where values are from."""
        return (init_settings,)


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read and check the settings.

    `overrides` (from ``--config``) go over the environment, the environment over the YAML `file`.
    Without `file`, ``MF_ETL_SETTINGS_FILE`` names it, else ``config/config.yaml`` if it is there.
    Keys of `overrides` may be nested or written as ``event_grammar__hold_consecutive_bars``.

    Raises `SettingsError` with one line a problem: key, value, what is allowed, nearest known key.
    """
    from_file, from_environment, _ = sources(file, environment)
    merged: dict[str, Any] = {}
    for values in (from_file, from_environment, _nested(overrides or {})):
        merged = _merge(merged, values)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise SettingsError("\n".join(_problems(error))) from None


def sources(
    file: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, Any], Path | None]:
    """What the settings file and the environment say, nested, and the file's path."""
    environment = os.environ if environment is None else environment
    file = settings_file(environment) if file is None else file
    return _from_file(file), _from_environment(environment), file


def settings_file(environment: Mapping[str, str]) -> Path | None:
    """The YAML file in force: the one the environment names, else the default one if it exists."""
    if named := environment.get(FILE_VARIABLE):
        return Path(os.path.expanduser(named))  # noqa: PTH111 - leaves ~unknown as it is
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def setting_keys(model: type[BaseModel] = Settings, above: str = "") -> Iterator[str]:
    """Every known key as a dotted path, sections included."""
    for name, field in model.model_fields.items():
        yield above + name
        if section := section_of(field.annotation):
            of_name = "<name>." if get_origin(field.annotation) is dict else ""
            yield from setting_keys(section, f"{above}{name}.{of_name}")


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The settings section that a field holds, if it holds one."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    return read_mapping(file, "settings file", SettingsError)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    known = set(Settings.model_fields)
    for variable in sorted(environment):
        if not variable.startswith(ENV_PREFIX) or variable == FILE_VARIABLE:
            continue
        path = variable[len(ENV_PREFIX) :].lower()
        if path.split(DELIMITER)[0] not in known:
            key = path.replace(DELIMITER, ".")
            raise SettingsError(f"environment variable {variable}: {_unknown(key)}")
    source = EnvSettingsSource(Settings, env_prefix=ENV_PREFIX, env_nested_delimiter=DELIMITER)
    source.env_vars = {
        name.lower(): value for name, value in environment.items() if name != FILE_VARIABLE
    }
    try:
        return source()
    except ValueError as error:
        raise SettingsError(
            f"environment: {error}; lists and mappings are written as JSON"
        ) from None


def _nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in overrides.items():
        for part in reversed(key.split(DELIMITER)):
            value = {part: value}
        nested = _merge(nested, value)
    return nested


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            yield f"setting {_unknown(key)}"
        elif not key:
            yield f"setting of {problem['msg'].removeprefix('Value error, ')}"
        elif problem["type"] == "value_error" or isinstance(problem["input"], Mapping):
            yield f"setting {key}: {problem['msg'].removeprefix('Value error, ')}"
        else:
            yield f"setting {key} = {problem['input']!r}: {problem['msg']}"


def _unknown(key: str) -> str:
    keys = list(setting_keys())
    nearest = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
    if not nearest:
        last = [known for known in keys if known.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
        nearest = last[:1]
    hint = f"; did you mean {nearest[0]}?" if nearest else "; docs/options.md lists all settings"
    return f"{key} is not known{hint}"
