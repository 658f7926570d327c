"""Many pictures on one, each with its caption, to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

TILE, TEXT, MARGIN, LINE = 160, 26, 2, 27
"""Pixels of a tile and of the text below it, the gap around a picture, letters per line."""


@dataclass(frozen=True)
class Tile:
    """A picture, what was asked for, and what is wrong with it, if anything is."""

    image: Image.Image
    caption: str
    fault: str = ""


def save_sheet(path: Path, tiles: Sequence[Tile], columns: int) -> None:
    """Write a PNG with `columns` pictures in a row; faulty ones have a red caption."""
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * TILE, rows * (TILE + TEXT)), "white")
    draw = ImageDraw.Draw(sheet)
    inner = TILE - 2 * MARGIN
    for index, tile in enumerate(tiles):
        x, y = index % columns * TILE + MARGIN, index // columns * (TILE + TEXT) + MARGIN
        sheet.paste(tile.image.resize((inner, inner), Image.Resampling.LANCZOS), (x, y))
        text = f"{tile.caption}  {tile.fault}".strip()
        colour = "red" if tile.fault else "black"
        draw.text((x, y + inner), text[:LINE], fill=colour)
        draw.text((x, y + inner + 12), text[LINE : 2 * LINE], fill=colour)
    sheet.save(path, optimize=True)
