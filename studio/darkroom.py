"""The darkroom: stored inputs become what the engine gets, and what it gives becomes stored pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from studio import masks, pictures
from studio.engine import Inputs, Picture
from studio.gallery import Gallery, NewImage
from studio.job import Generation, Image, Job
from studio.model import Model
from studio.params import Recipe
from studio.recipe_text import Making, texts_of
from studio.recipes import engine_size
from studio.results import Kept, check_result, finish_picture
from studio.store import new_id


@dataclass(frozen=True)
class Sitting:
    """What one job works with: `inputs` for the engine, and what its result must leave alone, if anything."""

    inputs: Inputs
    kept: Kept | None = None


def studio_version() -> str:
    """The version of the installed package; "unknown" in a checkout that nobody installed."""
    try:
        return version("sdcpp-studio")
    except PackageNotFoundError:
        return "unknown"


class Darkroom:
    """Prepares and develops pictures. Stateless but for the gallery it reads and writes; any thread."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._version = studio_version()

    def prepare(self, recipe: Recipe, model: Model) -> Sitting:
        """The inputs of a recipe at the engine's size. Errors: NotFound if a stored input is gone."""
        if recipe.input_image is None:
            return Sitting(Inputs())
        width, height = engine_size((recipe.width, recipe.height), model)
        source = pictures.read_stored(self._gallery.open_input(recipe.input_image))
        original = pictures.fit(source, recipe.width, recipe.height, recipe.fit)
        image = pictures.to_png(pictures.for_engine(original, width, height))
        if recipe.mask is None:
            return Sitting(Inputs(image))
        stored = pictures.read_stored(self._gallery.open_input(recipe.mask), field="mask").convert("L")
        mask = masks.fit_mask(stored, source.size, recipe.width, recipe.height, recipe.fit)
        mask_png = pictures.to_png(pictures.for_engine(mask, width, height))
        return Sitting(Inputs(image, mask_png), Kept(original, mask, recipe.mask_feather))

    def develop(
        self, job: Job, model: Model, made: Sequence[Picture], sitting: Sitting, *, now: float
    ) -> Generation:
        """The job's pictures checked, finished and on disk; what to record of them.

        Errors: BadResult; StorageFull. A crash before the record leaves files that the next start sweeps.
        """
        recipe = job.recipe
        size = engine_size((recipe.width, recipe.height), model)
        generation_id = new_id()
        images: list[Image] = []
        files: list[NewImage] = []
        for index, picture in enumerate(made):
            pixels = check_result(picture.png, *size, allow_flat=model.allow_flat)
            image_id = new_id()
            making = Making(
                recipe, picture.seed, index, image_id, generation_id, job.id, model.name, self._version
            )
            png = finish_picture(
                picture.png, pixels, recipe.width, recipe.height, texts_of(making), kept=sitting.kept
            )
            files.append(NewImage(image_id, now, png))
        for index, (picture, saved) in enumerate(zip(made, self._gallery.save_many(files), strict=True)):
            images.append(
                Image(
                    id=files[index].id,
                    generation_id=generation_id,
                    index=index,
                    path=saved.path,
                    mime_type="image/png",
                    width=recipe.width,
                    height=recipe.height,
                    size=saved.size,
                    sha256=saved.sha256,
                    seed=picture.seed,
                    revised_prompt=recipe.revised_prompt,
                )
            )
        return Generation(
            id=generation_id,
            seq=0,
            job_id=job.id,
            recipe=recipe,
            created_at=now,
            updated_at=now,
            image_count=len(images),
            images=tuple(images),
        )
