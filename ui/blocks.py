"""The page's own kind of Gradio page: one that takes no files, and whose functions know who asks."""

from typing import Any

import gradio as gr
from gradio_client import utils

from studio.caller import asking
from ui.asking import caller_behind


def _refuse(_: Any) -> None:
    raise gr.Error("Files are not taken here: send pictures to /api/inputs.", print_exception=False)


class Blocks(gr.Blocks):
    """Refuses every value that stands for a file, whichever function it is meant for.

    Nothing on the page has a use for one, and Gradio would fetch the address that a stranger writes into it.
    Every function runs in the name of whoever caused that: whether one reaches what belongs to somebody else
    must not depend on its being told to ask.
    """

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *more: Any, **named: Any) -> Any:
        utils.traverse(inputs, _refuse, utils.is_file_obj_with_meta)
        return await super().preprocess_data(block_fn, inputs, *more, **named)

    async def call_function(
        self,
        block_fn: Any,
        processed_input: list[Any],
        iterator: Any = None,
        requests: Any = None,
        *more: Any,
        **named: Any,
    ) -> Any:
        """`requests` is one, or a list of one: nothing here is called for several at once."""
        request = requests[0] if isinstance(requests, list) else requests
        with asking(caller_behind(request)):
            return await super().call_function(block_fn, processed_input, iterator, requests, *more, **named)
