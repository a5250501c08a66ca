"""Compares executors on a workflow of many tickers with five chained Python scripts each.

    python benchmark.py --tickers 1000 --cores 4 --stock-tickers 40

Prints the wall time of a bare process pool, of the warm executor and of the stock local executor
(the latter for fewer tickers and scaled up), of a run with nothing to do, and the largest memory
of Snakemake's main process. Data and workflow go to a temporary directory.
"""

from __future__ import annotations

import argparse
import os
import shutil
import string
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

BODY = '''\
"""The work of one layer: about ten milliseconds of polars and a zstd Parquet file."""
import json
from pathlib import Path
import polars as pl

ROWS = 4_000

def write(frame, path):
    frame.write_parquet(path, compression="zstd")

def work(frame):
    price = pl.col("close")
    for window in (3, 5, 10, 20, 50, 100, 150, 200):
        frame = frame.with_columns(
            price.rolling_mean(window).alias(f"mean_{window}"),
            price.rolling_std(window).alias(f"std_{window}"),
            (price / price.shift(window) - 1).alias(f"return_{window}"),
        )
    return frame.with_columns(price.ewm_mean(alpha=0.1).alias("ewm"))

def first(seed, bars, rejects, quality):
    row = pl.int_range(ROWS, eager=True)
    noise = row.hash(seed) / 2**64
    frame = pl.DataFrame({"row": row, "close": 100 + noise.cum_sum() - row / 2})
    write(work(frame), bars)
    write(frame.head(0), rejects)
    Path(quality).write_text(json.dumps({"rows": ROWS}))

def next_layer(source, target):
    write(work(pl.read_parquet(source).select("row", "close")), target)
'''

SNAKEFILE = """\
TICKERS = config["tickers"].split()
NEXT = ["silver/base_series", "silver/indicators", "gold/events", "gold/features"]

def path(layer, name="part-000.parquet"):
    return f"data/{layer}_by_symbol/exchange={{exchange}}/prefix={{prefix}}/ticker={{ticker}}/{name}"

wildcard_constraints:
    exchange="[A-Z]+", prefix="[A-Z]", ticker="[A-Z0-9.]+"

rule all:
    input:
        [path(layer).format(exchange="NASDAQ", prefix=ticker[0], ticker=ticker)
         for layer in ["bronze/ohlcv", *NEXT] for ticker in TICKERS]

rule bronze_ohlcv:
    output:
        bars=path("bronze/ohlcv"),
        rejects=path("bronze/rejects"),
        quality=path("bronze/quality", "quality.json"),
    params: settings={"eps": 1e-12, "windows": [5, 20]}, code="0" * 32
    log: "logs/bronze_ohlcv/exchange={exchange}/prefix={prefix}/ticker={ticker}.log"
    script: "scripts/first.py"

for layer, before in zip(NEXT, ["bronze/ohlcv", *NEXT]):
    rule:
        name: layer.replace("/", "_")
        input: source=path(before)
        output: target=path(layer)
        params: settings={"eps": 1e-12, "windows": [5, 20]}, code="0" * 32
        log: f"logs/{layer}/exchange={{exchange}}/prefix={{prefix}}/ticker={{ticker}}.log"
        script: "scripts/next.py"
"""

FIRST = """\
import bench_body
seed = sum(snakemake.wildcards.ticker.encode())
bench_body.first(seed, *snakemake.output)
"""

NEXT = """\
import bench_body
bench_body.next_layer(snakemake.input.source, snakemake.output.target)
"""

POOL = """\
import multiprocessing, os, sys
os.environ["POLARS_MAX_THREADS"] = "1"
import bench_body

LAYERS = ["silver/base_series", "silver/indicators", "gold/events", "gold/features"]

def path(layer, ticker, name="part-000.parquet"):
    folder = f"pool/{layer}_by_symbol/exchange=NASDAQ/prefix={ticker[0]}/ticker={ticker}"
    os.makedirs(folder, exist_ok=True)
    return f"{folder}/{name}"

def bronze(ticker):
    bench_body.first(
        sum(ticker.encode()), path("bronze/ohlcv", ticker), path("bronze/rejects", ticker),
        path("bronze/quality", ticker, "quality.json"),
    )
    return "bronze/ohlcv", ticker

def after(layer, before, ticker):
    bench_body.next_layer(path(before, ticker), path(layer, ticker))
    return layer, ticker

if __name__ == "__main__":
    tickers, cores = sys.argv[2].split(), int(sys.argv[1])
    chain = dict(zip(["bronze/ohlcv", *LAYERS], LAYERS))
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        left = 5 * len(tickers)
        import queue
        done = queue.Queue()
        for ticker in tickers:
            pool.apply_async(bronze, (ticker,), callback=done.put, error_callback=done.put)
        while left:
            result = done.get()
            if isinstance(result, Exception):
                raise result
            left -= 1
            layer, ticker = result
            if layer in chain:
                pool.apply_async(
                    after, (chain[layer], layer, ticker), callback=done.put,
                    error_callback=done.put,
                )
"""

WARM = (
    "--executor warm --warm-preload polars bench_body --scheduler depth-first "
    "--max-jobs-per-timespan 1000000/1s --max-checksum-file-size 0"
).split()
QUIET = "--quiet rules progress host reason".split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tickers", type=int, default=200)
    parser.add_argument("--stock-tickers", type=int, default=20, help="0: skip the stock executor")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--skip-pool", action="store_true")
    parser.add_argument("--directory", type=Path, help="keep the workflow and its output here")
    parser.add_argument("options", nargs="*", help="further options for snakemake, after --")
    arguments = parser.parse_args()
    directory = arguments.directory or Path(tempfile.mkdtemp(prefix="snakemake-warm-"))
    write_workflow(directory)
    try:
        compare(directory, arguments)
    finally:
        if not arguments.directory:
            shutil.rmtree(directory)


def compare(directory: Path, arguments: argparse.Namespace) -> None:
    names = tickers(arguments.tickers)
    pool_seconds = None
    if not arguments.skip_pool:
        command = [sys.executable, "pool.py", str(arguments.cores), " ".join(names)]
        pool_seconds = measured("bare pool", command, directory)
    command = snakemake(directory, names, arguments, WARM)
    warm_seconds = measured("warm", command, directory, relative_to=pool_seconds)
    measured("warm, nothing to do", command, directory)
    few = tickers(arguments.stock_tickers)
    if few:
        clear(directory)
        stock = measured(
            f"stock, {len(few)} tickers",
            snakemake(directory, few, arguments, ["--executor", "local"]),
            directory,
        )
        scaled = stock * len(names) / len(few)
        print(
            f"stock, scaled to {len(names)} tickers: {scaled:.1f} s, "
            f"{scaled / warm_seconds:.1f} times warm"
        )
        print("  (start-up is scaled, too)")


def write_workflow(directory: Path) -> None:
    (directory / "scripts").mkdir(parents=True, exist_ok=True)
    for name, text in {
        "Snakefile": SNAKEFILE,
        "bench_body.py": BODY,
        "pool.py": POOL,
        "scripts/first.py": FIRST,
        "scripts/next.py": NEXT,
    }.items():
        (directory / name).write_text(text)


def tickers(count: int) -> list[str]:
    letters = string.ascii_uppercase
    return [
        f"{letters[i % 26]}{letters[i // 26 % 26]}{letters[i // 676 % 26]}.US" for i in range(count)
    ]


def snakemake(directory, names, arguments, options) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake", "--cores", str(arguments.cores)),
        *("--config", "tickers=" + " ".join(names)),
        *options,
        *QUIET,
        *arguments.options,
    ]


def clear(directory: Path) -> None:
    for name in ("data", "logs", ".snakemake"):
        shutil.rmtree(directory / name, ignore_errors=True)


def measured(label: str, command: list[str], directory: Path, relative_to=None) -> float:
    environment = os.environ | {"PYTHONPATH": str(directory)}
    started_at = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak = [0]
    watcher = threading.Thread(target=watch_memory, args=(process.pid, peak), daemon=True)
    watcher.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - started_at
    if process.returncode:
        raise SystemExit(errors.decode()[-3000:])
    ratio = f", {seconds / relative_to:.2f} times the pool" if relative_to else ""
    print(f"{label}: {seconds:.1f} s, main process {peak[0] / 2**20:.0f} MB{ratio}", flush=True)
    return seconds


def watch_memory(process_id: int, peak: list[int]) -> None:
    process = psutil.Process(process_id)
    while True:
        try:
            peak[0] = max(peak[0], process.memory_info().rss)
        except psutil.NoSuchProcess:
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
