"""Pictures in the database, made as a worker makes them, and what the library finds of them."""

from typing import Any

from studio.filters import Filter, Order
from studio.job import Generation, Image
from tests.builders import a_generation, an_image, new_id
from tests.contract.storage.stores import Stores


def made(stores: Stores, count: int = 1, sizes: Any = (), **recipe: Any) -> Generation:
    """What a job of this recipe made; its pictures are `sizes` bytes large."""
    stores.add(n=count, **recipe)
    claim = stores.claimed()
    generation_id = new_id()
    width, height = claim.job.recipe.width, claim.job.recipe.height
    images = tuple(
        an_image(generation_id, index, width=width, height=height, size=sizes[index] if sizes else 1000)
        for index in range(count)
    )
    generation = a_generation(claim.job, id=generation_id, image_count=count, images=images)
    assert stores.claims.finish(claim, generation)
    return generation


def one_image(stores: Stores, **recipe: Any) -> Image:
    return made(stores, **recipe).images[0]


def found_ids(stores: Stores, order: Order = Order.NEWEST, **wanted: Any) -> list[str]:
    """The ids of all matching pictures; the total agrees with them."""
    listing = stores.library.page(Filter(**wanted), limit=200, order=order)
    assert listing.total == len(listing.entries)
    assert listing.next is None
    return [entry.image.id for entry in listing.entries]
