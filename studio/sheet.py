"""Sheet: all cells of a grid in one picture, with the values at their edges. Reads pictures, else pure."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from studio.axes import Plan
from studio.job import Job

# Part of what names a stored sheet: a new look makes new ones.
LOOK = 1
_EDGES = (512, 256)
# Above so many cells each is drawn smaller.
_FEW = 36
_GAP = 8
_MARGIN = 16
_TEXT = 16
_LINE = 22
_MOST_LINES = 3
_ROW_LABEL = 180
_PAPER, _INK, _EMPTY, _FAINT = "#ffffff", "#1a1a1a", "#ececec", "#767676"

Size = tuple[int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class _Layout:
    """Where things are, in pixels."""

    plan: Plan
    box: Size
    left: int
    head: int
    """above the first row of each layer: the values of x, and of z if there is one"""

    @property
    def size(self) -> Size:
        x, y, z = self.plan.lengths
        width = _MARGIN + self.left + x * (self.box[0] + _GAP) - _GAP + _MARGIN
        layer = self.head + y * (self.box[1] + _GAP)
        title = 2 * _LINE if self.plan.title else 0
        return width, _MARGIN + title + z * layer - _GAP + _MARGIN

    def top(self, z: int) -> int:
        """Where a layer begins."""
        title = 2 * _LINE if self.plan.title else 0
        return _MARGIN + title + z * (self.head + self.plan.lengths[1] * (self.box[1] + _GAP))

    def corner(self, cell: int) -> Size:
        """The upper left of a cell."""
        x, y, z = self.plan.place(cell)
        return (
            _MARGIN + self.left + x * (self.box[0] + _GAP),
            self.top(z) + self.head + y * (self.box[1] + _GAP),
        )


def thumbnail_edge(plan: Plan) -> int:
    """The longer side, in pixels, that pictures of such a grid are drawn at."""
    return _EDGES[0] if plan.cells <= _FEW else _EDGES[1]


def draw_sheet(plan: Plan, jobs: Sequence[Job], pictures: Mapping[int, Path]) -> bytes:
    """A PNG: x to the right, y down, z one layer below the other; `pictures` by cell.

    A cell without a picture is an empty frame with its job's status. Errors: OSError for a picture that
    can't be read.
    """
    layout = _layout(plan, jobs)
    sheet = Image.new("RGB", layout.size, _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT)
    if plan.title:
        _write(pen, (_MARGIN, _MARGIN), plan.title, layout.size[0] - 2 * _MARGIN, font, lines=1)
    _label(pen, layout, font)
    statuses = {job.cell: str(job.status) for job in jobs}
    for cell in range(plan.cells):
        left, top = layout.corner(cell)
        if cell in pictures:
            _paste(sheet, pictures[cell], (left, top), layout.box)
        else:
            pen.rectangle((left, top, left + layout.box[0] - 1, top + layout.box[1] - 1), _EMPTY, _FAINT)
            word = statuses.get(cell, "")
            _write(pen, (left + _GAP, top + _GAP), word, layout.box[0] - 2 * _GAP, font, ink=_FAINT)
    out = io.BytesIO()
    sheet.save(out, PngImagePlugin.PngImageFile.format)
    return out.getvalue()


def _layout(plan: Plan, jobs: Sequence[Job]) -> _Layout:
    edge = thumbnail_edge(plan)
    boxes = [_shown_size(job, edge) for job in jobs] or [(edge, edge)]
    # Narrow pictures still need room for their values.
    box = (max(96, *(width for width, _ in boxes)), max(48, *(height for _, height in boxes)))
    layers = 1 if len(plan.axes) > 2 else 0
    return _Layout(
        plan=plan,
        box=box,
        left=_ROW_LABEL if len(plan.axes) > 1 else 0,
        head=_LINE * (_MOST_LINES + layers) + _GAP,
    )


def _shown_size(job: Job, edge: int) -> Size:
    recipe = job.recipe
    width, height = recipe.width, recipe.height
    if recipe.hires is not None:
        width, height = recipe.hires.enlarged(width, height)
    scale = min(1.0, edge / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _label(pen: ImageDraw.ImageDraw, layout: _Layout, font: Font) -> None:
    """Write the values of x above its columns, of y beside its rows, of z above its layers."""
    x, y, z = layout.plan.lengths
    axes = layout.plan.axes
    for layer in range(z):
        top = layout.top(layer)
        if len(axes) > 2:
            width = layout.size[0] - 2 * _MARGIN
            _write(pen, (_MARGIN, top), _told(layout.plan, 2, layer), width, font, lines=1)
            top += _LINE
        for column in range(x):
            left = layout.corner(column)[0]
            _write(pen, (left, top), _told(layout.plan, 0, column), layout.box[0], font)
        for row in range(y if len(axes) > 1 else 0):
            below = layout.corner(layer * x * y + row * x)[1]
            _write(pen, (_MARGIN, below), _told(layout.plan, 1, row), layout.left - _GAP, font)


def _told(plan: Plan, axis: int, index: int) -> str:
    return f"{plan.axes[axis].parameter}: {plan.axes[axis].label(index)}"


def _write(
    pen: ImageDraw.ImageDraw,
    place: Size,
    text: str,
    width: int,
    font: Font,
    *,
    lines: int = _MOST_LINES,
    ink: str = _INK,
) -> None:
    """Write `text` from `place` on, in lines of at most `width` pixels; what is too much ends in dots."""
    left, top = place
    for number, line in enumerate(_wrapped(text, width, font, lines)):
        pen.text((left, top + number * _LINE), line, ink, font)


def _wrapped(text: str, width: int, font: Font, most: int) -> list[str]:
    """At most `most` lines, broken where they are full."""
    rest = " ".join(text.split())
    lines: list[str] = []
    while rest and len(lines) < most:
        count = len(rest) if font.getlength(rest[:200]) <= width and len(rest) <= 200 else 1
        while count < len(rest) and font.getlength(rest[: count + 1]) <= width:
            count += 1
        space = rest.rfind(" ", 0, count + 1)
        if count < len(rest) and space > count // 2:
            count = space
        lines.append(rest[:count].rstrip())
        rest = rest[count:].lstrip()
    if rest and lines:
        last = lines[-1]
        while last and font.getlength(last + "…") > width:
            last = last[:-1]
        lines[-1] = last + "…"
    return lines


def _paste(sheet: Image.Image, path: Path, corner: Size, box: Size) -> None:
    """Draw a picture into its cell, in the middle."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    picture.thumbnail(box, Image.Resampling.LANCZOS)
    left, top = corner
    sheet.paste(picture, (left + (box[0] - picture.width) // 2, top + (box[1] - picture.height) // 2))
