"""Which jobs a warm worker can run, and what it has to be told about them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from typing import Any

from snakemake.common import get_snakemake_searchpaths
from snakemake.io import is_flagged
from snakemake.settings.types import DeploymentMethod
from snakemake.shell import shell
from snakemake.sourcecache import LocalSourceFile, infer_source_file
from snakemake.utils import format as format_path
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_warm_worker.protocol import Script

_SPECIAL_FLAGS = ("pipe", "service", "update")


class Router:
    """Tells jobs for warm workers from jobs for the stock code path.

    A job is warm if its rule has a local Python script and nothing needs a process of its own:
    no software environment in force, no shadow directory, pipe, storage, between-workflow
    cache or debugger. Everything else is left to Snakemake's own local executor.
    """

    def __init__(
        self, workflow: Any, excluded_rules: Iterable[str] = (), only_rules: Iterable[str] = ()
    ) -> None:
        self._workflow = workflow
        self._excluded_rules = set(excluded_rules)
        self._only_rules = set(only_rules)
        known = {rule.name for rule in workflow.rules}
        for option, names in (("exclude", self._excluded_rules), ("only", self._only_rules)):
            if unknown := sorted(names - known):
                raise WorkflowError(f"--warm-{option}: no rule is named {', '.join(unknown)}")
        self._is_possible = self._workflow_allows_workers()
        self._rules: dict[Any, int | None] = {}
        self._script_ids: dict[Script, int] = {}
        self._config_ids: dict[int, int] = {}
        self.scripts: list[Script] = []
        self.configs: list[bytes] = []

    def script_id(self, job: Any) -> int | None:
        """Index of the job's script in ``scripts``; None if the job is not for a worker."""
        if not self._is_possible or job.is_group() or not self._rule_is_warm(job.rule):
            return None
        if job.threads < 1 or job.resources.get("shell_exec") is not None:
            return None
        if any(
            file.is_storage or any(is_flagged(file, flag) for flag in _SPECIAL_FLAGS)
            for files in (job.input, job.output, job.log)
            for file in files
        ):
            return None
        path = job.rule.script
        if "{" in str(path):
            return self._find_script(job, path)
        if job.rule not in self._rules:
            self._rules[job.rule] = self._find_script(job, path)
        return self._rules[job.rule]

    def exclude(self, rule: str) -> None:
        """From now on, the jobs of a rule are not for a worker."""
        self._excluded_rules.add(rule)

    def config_id(self, job: Any) -> int:
        """Index of the config that the job's rule sees in ``configs``."""
        config = job.rule.run_func.__globals__["config"]
        if id(config) not in self._config_ids:
            self._config_ids[id(config)] = len(self.configs)
            self.configs.append(pickle.dumps(config, protocol=pickle.HIGHEST_PROTOCOL))
        return self._config_ids[id(config)]

    @staticmethod
    def pickled(job: Any) -> bytes:
        """What the `snakemake` object of the job is made of."""
        return pickle.dumps(
            (
                job.input._plainstrings(),
                job.output._plainstrings(),
                job.params,
                job.wildcards,
                job.threads,
                job.resources,
                job.log._plainstrings(),
            ),
            protocol=pickle.HIGHEST_PROTOCOL,
        )

    @staticmethod
    def search_paths() -> list[str]:
        """Where Snakemake lets scripts look for modules besides Python's own places."""
        paths: list[str] = get_snakemake_searchpaths()
        return paths

    def _workflow_allows_workers(self) -> bool:
        execution = self._workflow.execution_settings
        # A shell prefix or suffix is meant for the command that starts a script, too.
        return (
            os.name == "posix"
            and not execution.debug
            and execution.cleanup_scripts
            and shell._process_prefix is None
            and not shell._process_suffix
        )

    def _rule_is_warm(self, rule: Any) -> bool:
        workflow = self._workflow
        methods = workflow.deployment_settings.deployment_method
        return (
            rule.script is not None
            and rule.name not in self._excluded_rules
            and (not self._only_rules or rule.name in self._only_rules)
            and rule.shadow_depth is None
            and not rule.is_handover
            and not (DeploymentMethod.CONDA in methods and rule.conda_env)
            and not (DeploymentMethod.APPTAINER in methods and rule.container_img)
            and not (DeploymentMethod.ENV_MODULES in methods and rule.env_modules)
            and not (workflow.workflow_settings.cache is not None and rule.cache)
        )

    def _find_script(self, job: Any, path: Any) -> int | None:
        workflow = self._workflow
        if hasattr(path, "get_path_or_uri"):
            path = path.format(wildcards=job.wildcards, params=job.params)
        else:
            path = infer_source_file(
                format_path(str(path), wildcards=job.wildcards, params=job.params)
            )
        file = infer_source_file(path, infer_source_file(job.rule.basedir))
        if not isinstance(file, LocalSourceFile) or not file.get_filename().endswith(".py"):
            return None
        with workflow.sourcecache.open(file) as source:
            script = Script(
                rule=job.rule.name,
                source=source.read(),
                file=os.path.realpath(file.get_path_or_uri(secret_free=True)),
                directory=file.get_basedir().get_path_or_uri(secret_free=True),
                cache_directory=os.path.dirname(workflow.sourcecache.get_path(file)),
            )
        if script not in self._script_ids:
            self._script_ids[script] = len(self.scripts)
            self.scripts.append(script)
        return self._script_ids[script]
