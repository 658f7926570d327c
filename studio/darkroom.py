"""The darkroom: stored inputs become what the engine gets, and what it gives becomes stored pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from PIL import Image as Pixels

from studio import pictures
from studio.engine import Inputs, Picture
from studio.framing import Frame, Size, whole
from studio.gallery import Gallery, NewImage
from studio.job import Generation, Image, Job
from studio.loras import check_loras
from studio.model import Model
from studio.recipe import Recipe
from studio.recipe_text import Making, texts_of
from studio.recipes import engine_size, result_size
from studio.results import Kept, check_result, finish_picture
from studio.staging import output_size, stage
from studio.store import new_id
from studio.witness import Witness

# The engine makes references smaller than this itself, and not as well.
REFERENCE_PIXELS = 1024 * 1024


@dataclass(frozen=True)
class Sitting:
    """What one job works with: `inputs` for the engine, how its result becomes the picture (`frame`, and
    `sheet`, the size the engine is asked for), and what the result must leave alone, if anything.

    `result` is the size in pixels that the engine's pictures must have; `maker` is the name of the model in
    their texts.
    """

    inputs: Inputs
    frame: Frame
    sheet: Size
    result: Size
    maker: str
    allow_flat: bool
    kept: Kept | None = None


def studio_version() -> str:
    """The version of the installed package; "unknown" in a checkout that nobody installed."""
    try:
        return version("sdcpp-studio")
    except PackageNotFoundError:
        return "unknown"


class Darkroom:
    """Prepares and develops pictures. Stateless but for the gallery it reads and writes; any thread."""

    def __init__(self, gallery: Gallery, witness: Witness) -> None:
        self._gallery = gallery
        self._witness = witness

    def prepare(self, recipe: Recipe, model: Model) -> Sitting:
        """The inputs of a recipe at the engine's size.

        Errors: NotFound if a stored input is gone; InvalidRequest if a LoRA is, or is damaged.
        """
        check_loras(recipe.loras, model)
        sheet = engine_size((recipe.width, recipe.height), model)
        references = tuple(map(self._reference, recipe.references))
        about = (result_size(recipe, model), model.name, model.allow_flat)
        if recipe.input_image is None:
            frame = whole(output_size(recipe), (recipe.width, recipe.height))
            inputs = Inputs(references=references, control=self._control(recipe, frame, sheet))
            return Sitting(inputs, frame, sheet, *about)
        source = pictures.read_stored(self._gallery.open_input(recipe.input_image))
        scene = stage(source, self._mask(recipe), recipe)
        image = pictures.to_png(pictures.for_engine(scene.image, *sheet))
        control = self._control(recipe, scene.frame, sheet)
        if scene.mask is None or scene.repaint is None:
            return Sitting(Inputs(image, None, references, control), scene.frame, sheet, *about)
        mask = pictures.to_png(pictures.for_engine(scene.mask, *sheet))
        kept = Kept(scene.canvas, scene.repaint, recipe.mask_feather)
        return Sitting(Inputs(image, mask, references, control), scene.frame, sheet, *about, kept)

    def _mask(self, recipe: Recipe) -> Pixels.Image | None:
        if recipe.mask is None:
            return None
        return pictures.read_stored(self._gallery.open_input(recipe.mask), field="mask").convert("L")

    def _reference(self, input_id: str) -> bytes:
        """A reference picture, no larger than the engine looks at it."""
        image = pictures.read_stored(self._gallery.open_input(input_id), field="references")
        return pictures.to_png(pictures.at_most(pictures.checked_reference(image), REFERENCE_PIXELS))

    def _control(self, recipe: Recipe, frame: Frame, sheet: Size) -> bytes | None:
        """The control picture: brought to the size of the finished one, of which the frame takes its part."""
        if recipe.control_image is None:
            return None
        source = pictures.read_stored(self._gallery.open_input(recipe.control_image), field="control_image")
        view = frame.take(pictures.fit(pictures.flatten(source), *frame.canvas, recipe.fit))
        return pictures.to_png(pictures.for_engine(view, *sheet))

    def develop(self, job: Job, made: Sequence[Picture], sitting: Sitting, *, now: float) -> Generation:
        """The job's pictures checked, finished and on disk; what to record of them.

        Errors: BadResult; StorageFull. A crash before the record leaves files that the next start sweeps.
        """
        recipe = job.recipe
        width, height = sitting.frame.canvas
        generation_id, made_with = new_id(), self._witness.of(recipe)
        images: list[Image] = []
        files: list[NewImage] = []
        for index, picture in enumerate(made):
            pixels = check_result(picture.png, *sitting.result, allow_flat=sitting.allow_flat)
            image_id = new_id()
            making = Making(
                recipe, picture.seed, index, image_id, generation_id, job.id, sitting.maker,
                made_with.studio, made_with,
            )  # fmt: skip
            png = finish_picture(
                picture.png, pixels, sitting.frame, sitting.sheet, texts_of(making), kept=sitting.kept
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
                    width=width,
                    height=height,
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
            made_with=made_with,
        )
