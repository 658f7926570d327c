"""Enlarger: does what the recipe of an upscale says, by Pillow or with the engine."""

from PIL import Image

from studio import pictures
from studio.catalog import Catalog
from studio.darkroom import Sitting
from studio.engine import Engine, Inputs, Picture, Report
from studio.framing import whole
from studio.gallery import Gallery
from studio.job import Phase, Progress
from studio.recipe import Recipe
from studio.results import check_result
from studio.upscalers import LANCZOS, Upscalers
from studio.upscaling import drawn_size, repeats


class Enlarger:
    """Makes stored pictures larger. Used by the worker's thread only."""

    def __init__(self, catalog: Catalog, gallery: Gallery, engine: Engine, upscalers: Upscalers) -> None:
        self._catalog = catalog
        self._gallery = gallery
        self._engine = engine
        self._upscalers = upscalers

    def enlarge(self, recipe: Recipe, report: Report) -> tuple[Sitting, list[Picture]]:
        """The larger picture, and what `Darkroom.develop` needs to store it.

        Errors: NotFound if the source is gone; InvalidRequest if the upscaler is; as Engine.upscale.
        Interrupted from `report` passes through.
        """
        assert recipe.upscale is not None
        report(Progress(Phase.UPSCALING, image=1, images=1))
        source = pictures.read_stored(self._gallery.open_input(recipe.input_image or ""))
        if recipe.upscale.method == LANCZOS:
            larger = source
        else:
            larger = self._drawn(source, recipe.upscale.method, recipe.upscale.factor, report)
        size = (recipe.width, recipe.height)
        png = pictures.to_png(pictures.fit(larger, *size, recipe.fit))
        maker = self._catalog.name_of(recipe.model)
        # A picture of one colour stays one when it is made larger.
        sitting = Sitting(Inputs(), whole(size, size), size, size, maker, allow_flat=True)
        return sitting, [Picture(png, *size, recipe.seed)]

    def _drawn(self, source: Image.Image, method: str, factor: float, report: Report) -> Image.Image:
        """What the network makes of the picture: at least that many times as large."""
        upscaler = self._upscalers.get(method)
        times = repeats(upscaler, factor)
        png = self._engine.upscale(upscaler, pictures.to_png(source), times, report)
        is_flat = source.getcolors(maxcolors=1) is not None
        return check_result(png, *drawn_size(upscaler, source.size, times), allow_flat=is_flat)
