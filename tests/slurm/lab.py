"""A real SLURM of two nodes on the loopback of this machine, with everything it writes in one folder.

``python -m tests.slurm.lab FOLDER`` brings it up, prints what to export, and takes it down at the end
of its input. Debian's `slurm-wlm` and `munge` are installed when they are missing, which needs root.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

NODES = ("node1", "node2")
PACKAGES = ("slurm-wlm", "munge")
PROGRAMS = ("setpriv", "munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
SECONDS = 60


class NoSlurm(Exception):
    """SLURM is not on this machine and cannot be had; the message says why."""


def installed() -> None:
    """See to it that the programs are there; `NoSlurm` where they cannot be had."""
    if not _missing():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoSlurm(f"{', '.join(_missing())} not found, and no apt-get or no root to install it")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quiet = ["-qq", "-o", "DPkg::Lock::Timeout=300"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", *quiet, *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    if _missing():
        raise NoSlurm(f"apt-get could not install it: {done.stderr.strip()[-300:]}")


def _missing() -> list[str]:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


class Lab:
    """The cluster; `environment` is what its clients need."""

    def __init__(self, folder: Path, cpus: int = 2) -> None:
        """`folder` is made, below one that others may enter; each node has so many `cpus`."""
        self.folder = folder
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        }
        self._cpus = cpus
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def up(self) -> None:
        """Start everything; returns when a job can run."""
        installed()
        for name in ("state", "log", "munge", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "munge").chmod(0o755)
        key = self.folder / "munge" / "key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        (self.folder / "slurm.conf").write_text(self._configuration(), encoding="utf-8")
        places = {"key": "key", "socket": "socket", "pid": "pid", "seed": "seed", "log": "log"}
        options = [
            f"--{name}{'' if name == 'socket' else '-file'}={self.folder}/munge/{file}"
            for name, file in places.items()
        ]
        self._start("munged", "munged", "--foreground", "--force", *options)
        self._wait(
            "munged", lambda: self._succeeds("munge", "-n", "-S", f"{self.folder}/munge/socket")
        )
        self.start_controller()
        for node in NODES:
            self._start(f"slurmd-{node}", "slurmd", "-D", "-N", node)
        self._wait("a job", lambda: self._succeeds("srun", "-N2", "-t1", "true"))

    def start_controller(self) -> None:
        """Start slurmctld; returns when it answers. To be called by a thread that goes on."""
        self._start("slurmctld", "slurmctld", "-D")
        self._wait("slurmctld", lambda: "UP" in self.asked("scontrol", "ping"))

    def stop_controller(self) -> None:
        """Stop slurmctld; jobs go on."""
        self._stop("slurmctld")

    def asked(self, *command: str) -> str:
        """What a command of SLURM's prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout

    def down(self) -> None:
        """Cancel all jobs and stop everything."""
        if "slurmctld" in self._running:
            self.asked("scancel", f"--user={getpass.getuser()}")
            deadline = time.monotonic() + 20
            while self.asked("squeue", "--noheader") and time.monotonic() < deadline:
                time.sleep(0.5)
        for name in reversed([*self._running]):
            self._stop(name)

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / "log" / f"{name}.out").open("ab") as output:
            self._running[name] = subprocess.Popen(
                # Nothing stays behind when this process is killed.
                ["setpriv", "--pdeathsig", "TERM", *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _stop(self, name: str) -> None:
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _succeeds(self, *command: str) -> bool:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, timeout=30, check=False
        )
        return done.returncode == 0

    def _wait(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_there():
            if time.monotonic() > deadline:
                logs = [
                    path.read_text(errors="replace")[-1500:]
                    for path in (self.folder / "log").iterdir()
                ]
                raise NoSlurm(f"waited in vain for {what}:\n" + "\n".join(logs))
            time.sleep(0.3)

    def _configuration(self) -> str:
        host, user = socket.gethostname().partition(".")[0], getpass.getuser()
        controller, *ports = _free_ports(1 + len(NODES))
        memory = psutil.virtual_memory().total // 2**20 * 9 // 10
        lines = [
            "ClusterName=lab",
            f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={controller}",
            f"SlurmUser={user}",
            f"SlurmdUser={user}",
            "AuthType=auth/munge",
            f"AuthInfo=socket={self.folder}/munge/socket",
            "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny",
            f"StateSaveLocation={self.folder}/state",
            f"SlurmdSpoolDir={self.folder}/spool/%n",
            f"SlurmctldPidFile={self.folder}/slurmctld.pid",
            f"SlurmdPidFile={self.folder}/slurmd-%n.pid",
            f"SlurmctldLogFile={self.folder}/log/slurmctld.log",
            f"SlurmdLogFile={self.folder}/log/slurmd-%n.log",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SwitchType=switch/none",
            "MpiDefault=none",
            "JobAcctGatherType=jobacct_gather/none",
            "AccountingStorageType=accounting_storage/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU_Memory",
            "SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=5",
            "ReturnToService=2",
            "KillWait=10",
            *(
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
                f"CPUs={self._cpus} RealMemory={memory} State=UNKNOWN"
                for node, port in zip(NODES, ports, strict=True)
            ),
            f"PartitionName=main Nodes={','.join(NODES)} Default=YES DefaultTime=60 State=UP",
        ]
        return "\n".join(lines) + "\n"


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


if __name__ == "__main__":
    lab = Lab(Path(sys.argv[1]).absolute(), *map(int, sys.argv[2:]))
    try:
        lab.up()
        print(f"export SLURM_CONF={lab.environment['SLURM_CONF']}", flush=True)
        sys.stdin.read()
    finally:
        lab.down()
