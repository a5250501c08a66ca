"""Profiles: what the default one leaves to others, and what those of clusters name."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys

import pytest
import yaml
from snakemake.profiles import ProfileConfigFileParser

from tests.conftest import ROOT

CLUSTERS = ("slurm", "gridengine")


def default_profile() -> dict:
    """The default profile under the command line in force."""
    with (ROOT / "profiles" / "default" / "config.yaml").open(encoding="utf-8") as file:
        return dict(ProfileConfigFileParser().parse(file))


def cluster_profile(name: str) -> dict:
    return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("words", [["--profile", "profiles/slurm"], ["--profile=profiles/slurm"]])
def test_another_profile_chooses_its_executor(monkeypatch, words):
    """Snakemake puts the default one over it."""
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    alone = default_profile()
    monkeypatch.setattr(sys, "argv", ["snakemake", *words])
    beside = default_profile()
    assert alone["executor"] == "warm"
    assert alone.keys() - beside.keys() == {"executor", "latency-wait"}
    for name in CLUSTERS:
        overridden = beside.keys() & cluster_profile(name).keys()
        assert not overridden, f"{name} sets in vain: {overridden}"


def test_without_the_engine_the_default_profile_is_stock_snakemake(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if "warm" in name else find(name)
    )
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    left = default_profile()
    assert left["keep-going"] and left["rerun-triggers"]
    assert not [key for key in left if re.search("executor|warm|scheduler|logger", key)]


@pytest.mark.parametrize("code", [0, 3])
def test_a_job_of_a_cluster_leaves_its_own_exit_code(monkeypatch, tmp_path, code):
    """While it runs, there is none of an earlier job of its number."""
    monkeypatch.syspath_prepend(str(ROOT / "profiles"))
    cluster = importlib.import_module("cluster")
    (tmp_path / cluster.FOLDER).mkdir(parents=True)
    left = tmp_path / cluster.FOLDER / "7.exit"
    left.write_text("1\n")
    own = f"#!/bin/sh\ntest ! -e {left} && exit {code}"
    script = cluster._batch_script(own, {"type": "single"}, "NUMBER")
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env={**os.environ, "NUMBER": "7"})
    assert done.returncode == code and left.read_text() == f"{code}\n"


def test_profiles_of_clusters_group_rules_that_there_are():
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, re.MULTILINE))
    rules |= {f"{stem}_qa" for stem in ("silver", "indicators", "events", "features")}
    groups = [cluster_profile(name)["groups"] for name in CLUSTERS]
    assert groups[0] == groups[1]
    assert groups[0].keys() <= rules
    local = re.findall(r"^rule (\w+):(?:(?!^rule ).)*?localrule: True", text, re.M | re.S)
    assert local and not groups[0].keys() & set(local)


@pytest.mark.parametrize("file", ["dataset", "research", "models", "validation"])
def test_each_step_over_many_tickers_asks_for_its_memory_and_time(file):
    """What a site gives by default is for a small job; steps that write a line or two run at home."""
    text = (ROOT / "rules" / f"{file}.smk").read_text(encoding="utf-8")
    blocks = re.split(r"^ *(?=(?:rule|checkpoint)\b.*:$)", text, flags=re.MULTILINE)[1:]
    steps = [block for block in blocks if "script:" in block]
    assert steps
    for step in steps:
        asks = "mem_mb=" in step and "runtime=" in step
        assert asks or "localrule: True" in step, step
