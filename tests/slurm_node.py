"""A SLURM cluster of one node, this machine, for the length of a test: munged, slurmctld and slurmd in a folder."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Node", "one_node"]

CONFIGURATION = """
ClusterName=fortyhertz
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SwitchType=switch/none
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=few Nodes={host} Default=YES MaxTime=60 State=UP OverSubscribe=FORCE:4
"""
WAIT_S = 30


class Node:
    """The running cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *words: str) -> None:
        """Start a daemon in the foreground; it ends with the cluster."""
        with (self.folder / f"{name}.out").open("ab") as out:
            self._daemons[name] = subprocess.Popen([name, *words], stdout=out, stderr=out)

    def stop(self, name: str) -> None:
        """End a daemon."""
        daemon = self._daemons.pop(name)
        daemon.terminate()
        daemon.wait(timeout=WAIT_S)

    def command(self, *words: str) -> str:
        """What a command of SLURM says."""
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    def jobs(self) -> list[str]:
        """Numbers of the jobs that run, oldest first."""
        return sorted(self.command("squeue", "-h", "-t", "R", "-o", "%A").split(), key=int)

    def restart_controller(self) -> None:
        """Stop what schedules the jobs, and start it again from its saved state."""
        self.stop("slurmctld")
        self.start("slurmctld", "-D")
        self.wait_for("slurmctld answers", "scontrol", "ping", said="is UP")

    def wait_for(self, what: str, *words: str, said: str) -> None:
        """Wait until a command says something."""
        for _ in range(WAIT_S * 5):
            ran = subprocess.run(words, capture_output=True, text=True, check=False)
            if said in ran.stdout:
                return
            time.sleep(0.2)
        raise TimeoutError(f"{what}: got {ran.stdout}{ran.stderr}; see {self.folder}/*.log")

    def log(self) -> str:
        """The jobs that have ended, a line each."""
        path = self.folder / "jobs.log"
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        """End all daemons."""
        for name in list(self._daemons)[::-1]:
            self.stop(name)


@contextmanager
def one_node(folder: Path) -> Iterator[Node]:
    """Set the cluster up, and take it down."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    ports = dict(zip(("controller_port", "node_port"), _free_ports(2), strict=True))
    file = folder / "slurm.conf"
    file.write_text(CONFIGURATION.format(host=_host(), user=getpass.getuser(), folder=folder, **ports))
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(file)
    node = Node(folder)
    try:
        node.start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket",
                   f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
                   f"--seed-file={folder}/munged.seed")  # fmt: skip
        node.wait_for("munged answers", "munge", "-n", f"--socket={folder}/munge.socket", said="MUNGE:")
        node.start("slurmctld", "-D")
        node.wait_for("slurmctld answers", "scontrol", "ping", said="is UP")
        node.start("slurmd", "-D", "-N", _host())
        node.wait_for("the node is idle", "sinfo", "-h", "-o", "%T", said="idle")
        yield node
    finally:
        node.close()
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before


def _host() -> str:
    return socket.gethostname().partition(".")[0]


def _free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
