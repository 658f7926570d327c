"""Reading pictures back: throughput over 8 connections, and what the headers let a browser keep."""

from studio_bench.figures import Figures, milliseconds, ratio
from studio_bench.workbench import Workbench

_CONNECTIONS = 8


async def measure(bench: Workbench) -> Figures:
    """Reads the last pictures that this run made."""
    paths = [f"/images/{image}" for image in bench.images[-8:]]
    if not paths:
        return {"skipped": "no picture"}
    connection = bench.connection()
    one = await connection.request("GET", bench.prefix + paths[0], keep=True)
    connection.close()
    load = await bench.read(paths, _CONNECTIONS, bench.seconds(4, 0.5))
    count, etag = len(load.latencies), one.headers.get("etag")
    figures = {
        **milliseconds(load.latencies),
        "rps": round(count / load.wall, 1),
        "mb_per_s": round(load.size / load.wall / 1e6, 1),
        "statuses": load.statuses,
        "cpu_ms_per_req": round(load.cpu * 1000 / count, 3),
        "client_busy": load.client_busy,
        "bytes": one.size,
        "png": (one.body or b"").startswith(b"\x89PNG"),
        "content_type": one.headers.get("content-type"),
        "cache_control": one.headers.get("cache-control"),
        "etag": etag is not None,
        "rps_over_direct_get": ratio(count / load.wall, bench.direct["get_models"]["rps"]),
    }
    if etag is not None:
        connection = bench.connection(f"If-None-Match: {etag}\r\n")
        figures["if_none_match_status"] = (await connection.request("GET", bench.prefix + paths[0])).status
        connection.close()
    return figures
