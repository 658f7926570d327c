"""The studio's processes: which they are, what they use, and how to stop them."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import psutil

from studio_bench.engine_log import EngineLog
from studio_bench.figures import Figures


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pid_on_port(port: int) -> int | None:
    """The process that listens on a TCP port of this machine, if it can be seen."""
    for connection in psutil.net_connections("tcp"):
        address = connection.laddr
        if connection.status == psutil.CONN_LISTEN and address and address.port == port:
            return connection.pid
    return None


def stop_group(process: subprocess.Popen[bytes], timeout: float = 15) -> None:
    """End a process started in a session of its own, and all it started; by force after `timeout` seconds."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout)
    except ProcessLookupError:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


class StudioProcesses:
    """A studio's tree of processes, its engines left out; empty if the studio's process isn't known."""

    def __init__(self, pid: int | None, log: EngineLog) -> None:
        self._pid = pid
        self._log = log

    def _tree(self) -> list[psutil.Process]:
        if self._pid is None:
            return []
        try:
            root = psutil.Process(self._pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        self._log.read()
        return [process for process in tree if process.pid not in self._log.pids]

    def cpu_seconds(self) -> float:
        """CPU time that the processes alive now have used."""
        total = 0.0
        for process in self._tree():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total

    def memory(self) -> Figures:
        """Resident memory now and at its peak, in MB, and the number of processes."""
        resident = peak = 0.0
        count = 0
        for process in self._tree():
            try:
                resident += process.memory_info().rss / 2**20
                peak += _peak_mb(process.pid)
                count += 1
            except (psutil.NoSuchProcess, OSError):
                continue
        return {"rss_mb": round(resident, 1), "peak_mb": round(peak, 1), "processes": count}


def _peak_mb(pid: int) -> float:
    """The kernel's own high-water mark, which psutil doesn't give."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
