"""Mappings in YAML files, with errors that name the file, the line and the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mf_etl.errors import MfEtlError


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice; a date that does not exist stays text, for the model."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        told: set[str] = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name in told and name != "<<":
                raise yaml.MarkedYAMLError(
                    problem=f"{name} is given twice", problem_mark=key.start_mark
                )
            if name is not None:
                told.add(name)
        return super().construct_mapping(node, deep)

    def date_or_text(self, node: yaml.ScalarNode) -> Any:
        """The date or time of a scalar, or its text where there is no such day."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.date_or_text)


def read_mapping(path: Path, what: str, error: type[MfEtlError]) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty one.

    Raises `error` with one line that begins with `what` and the path, if there is no such file, it is
    not valid YAML or holds something else.
    """
    place = f"{what} {path}".strip()
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as problem:
        raise error(f"{place}: {problem.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        told = getattr(problem, "problem", None) or "not UTF-8 text"
        raise error(f"{place}{line}: not valid YAML: {told}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise error(f"{place}: a mapping of options is expected")
    return values
