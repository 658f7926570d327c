"""How well the model does in the real engine: a table of numbers and three sheets of pictures.

python -m studio.demo.training.verify SD_SERVER OUT_FOLDER [--model model.npz] [--json]
"""

import argparse
import json
from pathlib import Path
from typing import Any

from studio.demo.expand import FILES, PACKED, write_files
from studio.demo.training import checks
from studio.demo.training.contact_sheet import save_sheet
from studio.demo.training.server import Server, Settings


def measure(binary: Path, packed: Path, out: Path, settings: Settings, threads: int) -> dict[str, Any]:
    """All checks; the expanded files, the engine's log and the sheets go to `out`."""
    write_files(packed, out)
    files = {key: out / name for key, name in FILES.items()}
    with Server(binary, files, out / "server.log", settings, threads) as server:
        server.paint("a red circle", 1)  # the first picture warms up and is not timed
        result: dict[str, Any] = {
            "size": settings.size,
            "steps": settings.steps,
            "cfg": settings.cfg,
            "ready_seconds": server.ready_seconds,
        }
        result["shapes"], shape_tiles = checks.check_shapes(server)
        result["positions"], more_tiles = checks.check_positions(server)
        for name, check in (
            ("areas", checks.check_areas),
            ("seeds", checks.check_seeds),
            ("img2img", checks.check_img2img),
            ("inpainting", checks.check_inpainting),
        ):
            result[name], tiles = check(server)
            more_tiles += tiles
        scene_tiles = checks.paint_scenes(server)
        result["sizes"], size_tiles = checks.check_sizes(server)
    save_sheet(out / "contact.png", shape_tiles, 10)
    save_sheet(out / "contact_more.png", more_tiles, 8)
    save_sheet(out / "contact_scenes.png", scene_tiles + size_tiles, 8)
    return result


def table(result: dict[str, Any]) -> str:
    """The result for people, in the rows of the model's README."""
    shapes, areas, seeds, inpainting = (result[name] for name in ("shapes", "areas", "seeds", "inpainting"))
    lines = [
        f"{result['size']} px, {result['steps']} steps, cfg {result['cfg']:g}; "
        f"server ready in {result['ready_seconds']:.1f} s, {shapes['seconds']:.2f} s per picture (median)",
        f"prompts             {shapes['prompts']}",
        f"ground's colour     {shapes['ground']:.0%}",
        f"figure's colour     {shapes['figure']:.0%}",
        f"shape               {shapes['shape']:.0%}  "
        + ", ".join(f"{name} {share}" for name, share in shapes["by_shape"].items()),
        f"all three           {shapes['all']:.0%}",
        f"position            {result['positions']['right']}/{result['positions']['asked']}",
        f"small, large        cover {areas['small']:.3f} and {areas['large']:.3f} of the picture",
        f"same seed           same bytes: {seeds['same_bytes']}, another seed differs: {seeds['differs']}",
    ]
    for change in result["img2img"]:
        lines.append(
            f"img2img at {change['strength']:<9g}mean change {change['change']:.1f} of 255, "
            f"figure is {change['figure']} (red asked)"
        )
    lines.append(
        f"inpainting          outside the mask {inpainting['outside']:.2f} of 255 "
        f"(95th percentile {inpainting['outside_95']:.1f}), inside {inpainting['inside']:.1f}"
    )
    for size in result["sizes"]:
        lines.append(
            f"at {size['size']} px           {size['seconds']:.2f} s, "
            f"{size['figure']} on {size['ground']} (red on yellow asked)"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the demonstration model in the real engine.")
    parser.add_argument("server", type=Path, help="the sd-server program")
    parser.add_argument("out", type=Path, help="folder for the sheets and the engine's log")
    parser.add_argument("--model", type=Path, default=PACKED, help="packed weights")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--cfg", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(options.size, options.steps, options.cfg)
    result = measure(options.server, options.model, options.out, settings, options.threads)
    print(json.dumps(result, indent=1) if options.json else table(result))


if __name__ == "__main__":
    main()
