"""Shelf: what people do with pictures that are made: find, mark, remove, take along, read."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio import reading
from studio.archive import Archive
from studio.caller import Scope, asker
from studio.catalog import Catalog
from studio.clock import Clock
from studio.darkroom import studio_version
from studio.entry import Entry, Listing, Removal, Totals
from studio.errors import InvalidRequest, NotFound, UnknownModel
from studio.events import GENERATION, IMAGE, EventBus, about
from studio.filters import Filter, Order
from studio.gallery import Gallery
from studio.holdings import Holdings
from studio.library import Library
from studio.reading import Reading
from studio.recipe_text import parameters_text

log = logging.getLogger(__name__)

_DAY = 86_400.0


@dataclass(frozen=True)
class Cleaning:
    """How much a clean-up takes away, or would take."""

    images: int
    bytes: int


@dataclass(frozen=True)
class Clearance:
    """What goes, or would go: generations that lose their last picture, pictures, bytes; and what stays."""

    generations: int
    images: int
    bytes: int
    protected: int


@dataclass(frozen=True)
class Stock:
    """What is stored, and how much room is left; in bytes but for the counts in `pictures`."""

    pictures: Totals
    inputs_bytes: int
    free_bytes: int


class Shelf:
    """The library with its files. Thread-safe; made by assembly, reached as `Studio.shelf`."""

    def __init__(
        self,
        *,
        library: Library,
        holdings: Holdings,
        gallery: Gallery,
        catalog: Catalog,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._library = library
        self._holdings = holdings
        self._gallery = gallery
        self._catalog = catalog
        self._bus = bus
        self._clock = clock

    # -- looking -------------------------------------------------------------------------------------

    def page(
        self, wanted: Filter, *, limit: int, order: Order = Order.NEWEST, before: str | None = None
    ) -> Listing:
        """A slice of the pictures that match: Library.page, which see for the errors."""
        return self._library.page(wanted, limit=limit, order=order, before=before)

    def entry(self, image_id: str) -> Entry:
        """One picture with all that is known of it. Errors: NotFound."""
        return self._library.entry(image_id)

    def parameters(self, entry: Entry) -> str:
        """The picture's making as the A1111 text that its file carries."""
        return parameters_text(
            entry.recipe,
            seed=entry.image.seed,
            model_name=self._catalog.name_of(entry.recipe.model),
            version=studio_version(),
        )

    def stock(self) -> Stock:
        """How much there is of everything. Errors: StorageFull if the disk can't be asked."""
        return Stock(self._library.totals(), self._holdings.size(), self._gallery.free_bytes())

    # -- changing ------------------------------------------------------------------------------------

    def mark(
        self, image_id: str, *, favourite: bool | None = None, tags: Sequence[str] | None = None
    ) -> Entry:
        """The picture with new marks. Errors: NotAllowed if it is somebody else's; those of Library.mark."""
        asker().check_owns(self._library.entry(image_id).owner, f"Image {image_id}")
        entry = self._library.mark(image_id, favourite=favourite, tags=tags)
        self._bus.hint(about(IMAGE, image_id, entry.owner))
        return entry

    def delete(self, ids: Iterable[str], *, even_favourites: bool = False) -> Removal:
        """Forget pictures and remove their files; a generation goes with its last.

        Errors: NotAllowed, and none is deleted, if one is somebody else's; StorageFull.
        """
        chosen, caller = list(ids), asker()
        if caller.scope is not Scope.ADMIN:
            for entry in self._library.entries(chosen):
                caller.check_owns(entry.owner, f"Image {entry.image.id}")
        removal = self._library.delete(chosen, even_favourites=even_favourites)
        log.info("%d images deleted, %d generations with them", len(removal.images), len(removal.generations))
        for image in removal.images:
            self._bus.hint(about(IMAGE, image.id, image.owner))
        owners = {image.generation_id: image.owner for image in removal.images}
        for generation_id in removal.generations:
            self._bus.hint(about(GENERATION, generation_id, owners[generation_id]))
        # Rows first: a crash in between leaves files without rows, which the next start sweeps.
        self._gallery.delete([image.path for image in removal.images], [image.id for image in removal.images])
        return removal

    def clean(
        self,
        *,
        older_than_days: float | None = None,
        keep_bytes: int | None = None,
        model: str | None = None,
        dry_run: bool,
    ) -> Cleaning:
        """Delete, or with `dry_run` only count, the pictures to which every rule given applies.

        Favourites are always kept. With `keep_bytes` the newest pictures that fit into that many bytes are.
        Errors: InvalidRequest without any rule; StorageFull.
        """
        if older_than_days is None and keep_bytes is None and model is None:
            raise InvalidRequest("name at least one of older_than_days, keep_bytes and model")
        before = None if older_than_days is None else self._clock.now() - older_than_days * _DAY
        found = self._library.dispensable(model=model, created_before=before, keep_bytes=keep_bytes)
        if dry_run:
            return Cleaning(len(found), sum(size for _, size in found))
        removal = self.delete(image_id for image_id, _ in found)
        return Cleaning(len(removal.images), sum(image.size for image in removal.images))

    def clear(self, wanted: Filter, *, even_favourites: bool, dry_run: bool) -> Clearance:
        """Delete, or with `dry_run` only count, the generations that have a wanted picture.

        A favourite stays, and its generation with it, unless `even_favourites`. Errors: InvalidRequest for
        too many words; StorageFull.
        """
        found = self._library.of_generations(wanted)
        if not dry_run:
            removal = self.delete((image.id for image, _ in found), even_favourites=even_favourites)
            size = sum(image.size for image in removal.images)
            return Clearance(len(removal.generations), len(removal.images), size, len(removal.protected))
        kept = [image for image, is_favourite in found if is_favourite and not even_favourites]
        going = [image for image, is_favourite in found if even_favourites or not is_favourite]
        gone = {image.generation_id for image in going} - {image.generation_id for image in kept}
        return Clearance(len(gone), len(going), sum(image.size for image in going), len(kept))

    # -- taking along and bringing back --------------------------------------------------------------

    def archive(self, ids: Iterable[str]) -> Archive:
        """A ZIP of these pictures, each with its making as JSON; what is gone is left out.

        Errors: NotFound if nothing is left.
        """
        parts: list[tuple[str, Path | bytes]] = []
        for entry in self._library.entries(ids):
            try:
                parts.append((f"{entry.image.id}.png", self._gallery.image_path(entry.image.path)))
            except NotFound:
                continue
            text = json.dumps(self.making(entry), indent=2, ensure_ascii=False)
            parts.append((f"{entry.image.id}.json", text.encode("utf-8", "backslashreplace")))
        if not parts:
            raise NotFound("None of these pictures is there any more.")
        return Archive(parts)

    def making(self, entry: Entry) -> dict[str, Any]:
        """All that is known of a picture, as JSON keeps it: seeds are decimal strings."""
        image = entry.image
        return {
            "id": image.id,
            "generation_id": image.generation_id,
            "job_id": entry.job_id,
            "index": image.index,
            "created_at": int(entry.created_at),
            "width": image.width,
            "height": image.height,
            "seed": str(image.seed),
            "favourite": entry.favourite,
            "tags": list(entry.tags),
            "recipe": entry.recipe.model_dump(mode="json") | {"seed": str(entry.recipe.seed)},
            "parameters": self.parameters(entry),
        }

    def read(self, content: bytes) -> Reading:
        """What a picture file says of its making, as far as it can be repeated here.

        A model that is not in the catalogue, and inputs that are not stored here, are left out.
        Errors: TooLarge; InvalidImage.
        """
        read = reading.read_picture(content)
        params = dict(read.params)
        model = self._known_model(params.pop("model", ""))
        if model is not None:
            params["model"] = model
        for name in ("input_image", "mask", "control_image"):
            if name in params and not self._is_stored(params[name]):
                del params[name]
        if "references" in params:
            params["references"] = list(filter(self._is_stored, params["references"]))
        return replace(read, params=params)

    def _known_model(self, name: str) -> str | None:
        """The id of the model of this id, alias or name."""
        try:
            return self._catalog.model(name).id
        except UnknownModel:
            wanted = name.casefold()
            same = (model.id for model in self._catalog.models.values() if model.name.casefold() == wanted)
            return next(same, None)

    def _is_stored(self, input_id: str) -> bool:
        try:
            self._holdings.path(input_id)
        except NotFound:
            return False
        return True
