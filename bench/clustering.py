"""K-means and Gaussian mixtures over a memory map against scikit-learn: time and peak memory.

``python -m bench.clustering --rows 5000000``. Both go through the same number of iterations from the
same start; each in a process of its own. Memory is anonymous memory at its highest: the pages of the
memory map, which the system may drop, do not count, the copies that scikit-learn makes do.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import click
import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from bench.dataset import measured
from bench.document import machine, table, write_section
from mf_etl.research.models.gmm.mixture import BlockedGaussianMixture
from mf_etl.research.models.kmeans.lloyd import fit_kmeans, lloyd
from mf_etl.research.preparation.blocks import MatrixRows

FEATURES = 24
CLUSTERS = 8
# Fewer than either needs to converge, so that both do as many.
ITERATIONS = {"kmeans": 10, "gmm diag": 10, "gmm full": 5}
CHUNK_ROWS = 100_000


def write_matrix(path: Path, rows: int) -> None:
    """Overlapping normal clusters, float32, shape (rows, features), made in pieces."""
    matrix = np.lib.format.open_memmap(path, "w+", np.float32, (rows, FEATURES))
    random = np.random.default_rng(0)
    centres = random.normal(0, 1, (CLUSTERS, FEATURES))
    for start in range(0, rows, CHUNK_ROWS):
        own = random.integers(0, CLUSTERS, min(CHUNK_ROWS, rows - start))
        matrix[start : start + len(own)] = centres[own] + random.normal(size=(len(own), FEATURES))
    matrix.flush()


def ours(name: str, path: Path, threads: int) -> None:
    """This library's fit from the memory map."""
    matrix = np.load(path, mmap_mode="r")
    if name == "kmeans":
        start = matrix[:CLUSTERS].astype(np.float64)
        options = {"max_iter": ITERATIONS[name], "tolerance": -1.0, "threads": threads}
        done = lloyd(MatrixRows(matrix), start, **options).iterations
    else:
        options = _mixture(name, matrix) | {"threads": threads, "accelerate": False}
        model = BlockedGaussianMixture(CLUSTERS, **options)
        done = model.fit(matrix).n_iter_
    _refuse_fewer(name, done)


def whole_fit(path: Path, threads: int) -> None:
    """K-means from 20 starts to its end."""
    fit = fit_kmeans(MatrixRows(np.load(path, mmap_mode="r")), CLUSTERS, seed=0, threads=threads)
    if not fit.converged:
        raise click.ClickException("k-means has not converged")


def scikit_learn(name: str, path: Path, threads: int) -> None:
    """scikit-learn's fit: k-means in float32, mixtures in float64, where they are accurate."""
    warnings.simplefilter("ignore")
    matrix = np.load(path)
    if name == "kmeans":
        start = matrix[:CLUSTERS].copy()
        options = {"n_init": 1, "max_iter": ITERATIONS[name], "tol": 0, "copy_x": False}
        done = KMeans(CLUSTERS, init=start, **options).fit(matrix).n_iter_
    else:
        options = _mixture(name, matrix)
        done = GaussianMixture(CLUSTERS, **options).fit(matrix.astype(np.float64)).n_iter_
    _refuse_fewer(name, done)


def _refuse_fewer(name: str, done: int) -> None:
    if done != ITERATIONS[name]:
        raise click.ClickException(f"{name} made {done} iterations, not {ITERATIONS[name]}")


def _mixture(name: str, matrix: np.ndarray) -> dict[str, object]:
    covariance = name.removeprefix("gmm ")
    shape = (CLUSTERS, 1) if covariance == "diag" else (CLUSTERS, 1, 1)
    unit = np.ones(FEATURES) if covariance == "diag" else np.eye(FEATURES)
    return {
        "covariance_type": covariance,
        "max_iter": ITERATIONS[name],
        "tol": 0.0,
        "weights_init": np.full(CLUSTERS, 1 / CLUSTERS),
        "means_init": matrix[:CLUSTERS].astype(np.float64),
        "precisions_init": np.tile(unit, shape),
    }


@click.command()
@click.option("--rows", default=5_000_000, help="Rows of the matrix.")
@click.option("--threads", default=4, help="Threads of this library.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the matrix.")
def main(rows: int, threads: int, scratch: Path | None) -> None:
    """Measure both, print, and write the section of the benchmark document."""
    found = [("fit", "iterations", "by", "seconds", "ns a row and iteration", "peak MB")]
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        path = Path(folder, "matrix.npy")
        write_matrix(path, rows)
        # Compiles what is compiled, so that the first figure is not of that.
        measured(ours, "kmeans", path, threads)
        for name, iterations in ITERATIONS.items():
            for label, work in (("mf_etl", ours), ("scikit-learn", scikit_learn)):
                seconds, peak = measured(work, name, path, threads)
                each = 1e9 * seconds / rows / iterations
                row = (name, str(iterations), label, f"{seconds:.1f}", f"{each:.0f}", f"{peak:.0f}")
                found.append(row)
        seconds, peak = measured(whole_fit, path, threads)
        name = "kmeans, 20 starts to the end"
        found.append((name, "", "mf_etl", f"{seconds:.1f}", "", f"{peak:.0f}"))
    head = f"{machine()}; {rows:,} rows × {FEATURES}, {CLUSTERS} clusters, {threads} threads."
    lines = [head, "", *table(found)]
    print("\n".join(lines))
    write_section("clustering", lines)


if __name__ == "__main__":
    main()
