"""The page's own kind of Gradio page: one that takes no files."""

from typing import Any

import gradio as gr
from gradio_client import utils


def _refuse(_: Any) -> None:
    raise gr.Error("Files are not taken here: send pictures to /api/inputs.", print_exception=False)


class Blocks(gr.Blocks):
    """Refuses every value that stands for a file, whichever function it is meant for.

    Nothing on the page has a use for one, and Gradio would fetch the address that a stranger writes into it.
    """

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *more: Any, **named: Any) -> Any:
        utils.traverse(inputs, _refuse, utils.is_file_obj_with_meta)
        return await super().preprocess_data(block_fn, inputs, *more, **named)
