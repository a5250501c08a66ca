"""Names of datasets asked for on the command line: the same request has the same name."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from mf_etl.research.datasets.columns import KEY_FEATURES
from mf_etl.research.datasets.request import DatasetRequest

PREFIX = "adhoc"
"""Begins every name made from options; a dataset named in the settings must not begin with it."""

ADOPTED_PREFIX = f"{PREFIX}-file_"
"""Begins the names of datasets that are files from elsewhere; no other name made here has a `_`."""

DIGEST_DIGITS = 10
READABLE_CHARACTERS = 80


def dataset_name(request: DatasetRequest) -> str:
    """A file name for `request`: what it asks for in short, then a digest of all its options.

    Lower-case letters, digits, ``.``, ``-`` and ``_`` only, at most 100 characters. Options that do not
    bear on the result, such as the seed without a sample, do not bear on the name.
    """
    text = json.dumps(request.options(), sort_keys=True)
    digest = hashlib.blake2b(text.encode()).hexdigest()[:DIGEST_DIGITS]
    readable = "-".join(re.sub(r"[^a-z0-9.]+", "-", part.lower()) for part in _parts(request))
    prefix = f"{PREFIX}-" if request.file is None else ADOPTED_PREFIX
    return f"{prefix}{readable[:READABLE_CHARACTERS].strip('-.')}-{digest}"


def _parts(request: DatasetRequest) -> list[str]:
    if request.file is not None:
        path = Path(request.file)
        return [part for part in (path.parent.name, path.stem) if part != "dataset"]
    parts = []
    for names, noun in ((request.tickers, "tickers"), (request.exchanges, "exchanges")):
        if names is not None:
            parts.append("-".join(names) if len(names) <= 3 else f"{len(names)}-{noun}")
    if request.symbols_limit is not None:
        parts.append(f"first-{request.symbols_limit}")
    if request.start_date is not None:
        parts.append(f"from-{request.start_date}")
    if request.end_date is not None:
        parts.append(f"to-{request.end_date}")
    if request.sample_frac < 1:
        parts.append(f"{request.sample_frac:g}-of-{request.sample_by}s-seed-{request.seed}")
    if request.required_features != KEY_FEATURES:
        parts.append("own-required-features")
    return parts or ["all"]
