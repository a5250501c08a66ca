"""Each plugin, installed from its wheel alone, works without the others."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[1]
SNAKEFILE = """
rule all:
    input: expand("out/{i}", i=range(3))
rule job:
    output: "out/{i}"
    script: "job.py"
"""
PLUGINS = {
    "snakemake-executor-plugin-warm": ("--executor", "warm"),
    "snakemake-scheduler-plugin-depth-first": ("--scheduler", "depth-first"),
    "snakemake-logger-plugin-progress": ("--logger", "progress"),
}
OURS = ("plugin_warm", "plugin_inline", "plugin_depth_first", "plugin_progress")
LIST = """
import pkgutil
print(*(module.name for module in pkgutil.iter_modules() if "plugin_" in module.name))
"""


def wheel(name: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, ENGINE / name], check=True)
    return next(folder.glob("*.whl"))


def environment_with(wheel: Path, folder: Path) -> Path:
    """The Python of a new environment that has the wheel, and what its packages depend on.

    What they depend on is taken from where the tests run: a path in a `.pth` file is searched, but
    what is installed there by a `.pth` file of its own, as these plugins are here, is not.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_works_without_the_others(tmp_path, name):
    made = wheel(name, tmp_path / "wheels")
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
    assert any(path.endswith("LICENSE") for path in names)
    assert not any("tests" in path for path in names)
    python = environment_with(made, tmp_path / "environment")
    found = subprocess.run([python, "-c", LIST], capture_output=True, text=True, check=True).stdout
    own = name.replace("-", "_")
    expected = {own, "snakemake_executor_plugin_inline"} if "warm" in own else {own}
    assert {module for module in found.split() if module.endswith(OURS)} == expected
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "job.py").write_text("open(snakemake.output[0], 'w').write('made')\n")
    command = [python, "-m", "snakemake", "--cores", "2", *PLUGINS[name]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["made"] * 3
    if "progress" in name:
        assert "4 of 4 jobs done" in done.stderr
