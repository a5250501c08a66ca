"""Time of one EM iteration of the HMM against hmmlearn, and alone at the size of a market.

``python -m bench.hmm`` times both at a million rows and ours at 20 million. Data is Gaussian noise
around regimes; both start from the same parameters. Memory is the anonymous memory of a process of
its own at the highest, so pages of the matrix that the system may drop do not count.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click
import numpy as np
from hmmlearn.hmm import GaussianHMM

from bench.dataset import measured
from bench.document import machine, table, write_section
from mf_etl.research.models.hmm.decoding import decoded as decoded_shard
from mf_etl.research.models.hmm.fit import fit_restarts
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.hmm.start import kmeans_start, start_sample
from mf_etl.research.preparation.sequences import Sequences

FEATURES = 24
STATES = 5
SEQUENCE_ROWS = 2_500
WARM_ROWS = 5_000


def write_matrix(path: Path, rows: int) -> None:
    """Regimes of about 20 rows each, float32, written a sequence at a time."""
    random = np.random.default_rng(0)
    means = random.normal(size=(STATES, FEATURES))
    matrix = np.lib.format.open_memmap(path, "w+", np.float32, (rows, FEATURES))
    for begin in range(0, rows, SEQUENCE_ROWS):
        height = min(SEQUENCE_ROWS, rows - begin)
        regimes = random.integers(STATES, size=height // 20 + 1).repeat(20)[:height]
        noise = random.standard_normal((height, FEATURES), dtype=np.float32)
        matrix[begin : begin + height] = means[regimes] + noise
    matrix.flush()


def sequences_of(rows: int) -> Sequences:
    """Sequences of as many rows as a ticker of ten years."""
    whole, rest = divmod(rows, SEQUENCE_ROWS)
    return Sequences.contiguous([SEQUENCE_ROWS] * whole + [rest] * (rest > 0), rows)


def decoded_shards(model: ShardedGaussianHMM, x: np.ndarray, sequences: Sequences):
    """Every shard in all views, in order."""
    return model.over_shards(lambda rows, shard: decoded_shard(model, rows, shard), x, sequences)


def started(path: Path, rows: int, covariance_type: str, threads: int) -> ShardedGaussianHMM:
    """An estimator at its start, its loops compiled."""
    x, sequences = np.load(path, mmap_mode="r"), sequences_of(rows)
    model = ShardedGaussianHMM(
        STATES, covariance_type, init_params="", n_iter=1, tol=0.0, n_jobs=threads
    )
    model.n_features = FEATURES
    sample = start_sample(x, sequences, seed=0)
    start = kmeans_start(sample, STATES, covariance_type=covariance_type, min_covar=1e-3, seed=0)
    for name, value in start.items():
        setattr(model, name, value)
    for decoded in decoded_shards(model, x, sequences_of(min(rows, WARM_ROWS))):
        del decoded
    model._do_estep(x, sequences_of(min(rows, WARM_ROWS)))
    return model


def iterations(path: Path, rows: int, covariance_type: str, threads: int, count: int) -> float:
    """Seconds of one of `count` iterations."""
    x, sequences = np.load(path, mmap_mode="r"), sequences_of(rows)
    model = started(path, rows, covariance_type, threads).set_params(n_iter=count)
    begin = time.perf_counter()
    for _ in range(count):
        model._do_mstep(model._do_estep(x, sequences)[0])
    return (time.perf_counter() - begin) / count


def iteration_of_hmmlearn(path: Path, rows: int, covariance_type: str) -> float:
    """Seconds of one iteration of hmmlearn from the same start, on float64 in memory."""
    x, sequences = np.load(path).astype(np.float64), sequences_of(rows)
    model: GaussianHMM = started(path, rows, covariance_type, 1).to_hmmlearn()
    begin = time.perf_counter()
    model._do_mstep(model._do_estep(x, sequences.lengths)[0])
    return time.perf_counter() - begin


def decoding(path: Path, rows: int, threads: int) -> float:
    """Seconds to decode every row in all three views."""
    x, model = np.load(path, mmap_mode="r"), started(path, rows, "diag", threads)
    begin = time.perf_counter()
    for decoded in decoded_shards(model, x, sequences_of(rows)):
        del decoded
    return time.perf_counter() - begin


def whole_fit(path: Path, rows: int, threads: int) -> float:
    """Seconds of a fit from four starts at the default tolerance."""
    x, spec = np.load(path, mmap_mode="r"), HmmSpec(n_components=STATES, n_restarts=4)
    begin = time.perf_counter()
    _, records = fit_restarts(x, sequences_of(rows), spec, n_jobs=threads)
    if not next(record for record in records if record["kept"])["converged"]:
        raise click.ClickException("the fit has not converged")
    return time.perf_counter() - begin


@click.command()
@click.option("--rows", default=1_000_000, help="Rows that both are timed on.")
@click.option("--alone-rows", default=20_000_000, help="Rows of the market, ours alone; 0: none.")
@click.option("--threads", default=4, help="Threads of ours.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the matrices.")
def main(rows: int, alone_rows: int, threads: int, scratch: Path | None) -> None:
    """Measure, print, and write the section of the benchmark document."""
    found = [("covariance", "rows", "ours, s", "hmmlearn, s", "ratio", "peak MB")]
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        path = Path(name, "x.npy")
        write_matrix(path, rows)
        for kind in ("diag", "full"):
            ours = min(iterations(path, rows, kind, threads, 3) for _ in range(3))
            theirs = iteration_of_hmmlearn(path, rows, kind)
            figures = (f"{ours:.3f}", f"{theirs:.2f}", f"{theirs / ours:.1f}", "")
            found.append((kind, f"{rows:,}", *figures))
        if alone_rows:
            write_matrix(path, alone_rows)
            for kind in ("diag", "full"):
                ours = iterations(path, alone_rows, kind, threads, 2)
                peak = measured(iterations, path, alone_rows, kind, threads, 1)[1]
                found.append((kind, f"{alone_rows:,}", f"{ours:.2f}", "", "", f"{peak:.0f}"))
            ours = decoding(path, alone_rows, threads)
            peak = measured(decoding, path, alone_rows, threads)[1]
            label = "diag, decoding in three views"
            found.append((label, f"{alone_rows:,}", f"{ours:.2f}", "", "", f"{peak:.0f}"))
            ours, peak = measured(whole_fit, path, alone_rows, threads)
            label = "diag, from four starts to the end"
            found.append((label, f"{alone_rows:,}", f"{ours:.2f}", "", "", f"{peak:.0f}"))
    head = f"{machine()}; one EM iteration, {FEATURES} features, K = {STATES}, {threads} threads."
    lines = [head, "", *table(found)]
    print("\n".join(lines))
    write_section("hmm", lines)


if __name__ == "__main__":
    main()
