"""Which port an engine gets, and whether it is really ours that listens there."""

import socket

import psutil


def free_port() -> int:
    """A loopback port that nobody listens on.

    The plain bind, without SO_REUSEPORT, fails for a port that another sd-server shares: two of them on one
    port would answer in turn.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_sole_listener(pid: int, port: int) -> bool:
    """Whether exactly one socket listens on `port` and it belongs to `pid` or a process started by it.

    False where the system does not tell.
    """
    try:
        family = {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
        listening = [
            connection.pid
            for connection in psutil.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        ]
    except (psutil.Error, OSError):
        return False
    return len(listening) == 1 and listening[0] in family
