"""A press on the page is made in the name of the key that the browser sends."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI

from studio.caller import Scope, asker
from tests.api.serving import Served, serving
from tests.ui.studio_page import forget_what_gradio_leaves_open
from ui.blocks import Blocks


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[Served, str]]:
    """A studio with a page that tells who asks, and a key."""

    def who() -> str:
        return f"{asker().name} {asker().scope}"

    async def who_waits() -> str:
        return who()

    with Blocks() as blocks:
        answer = gr.Textbox()
        gr.Button().click(who, None, answer, api_name="who")
        gr.Button().click(who_waits, None, answer, api_name="who_waits")
    inner = FastAPI()
    gr.mount_gradio_app(inner, blocks, path="/")
    forget_what_gradio_leaves_open()
    with serving(tmp_path, page=inner) as running:
        secret = running.studio.key_ring._keys.add("ada", Scope.SUBMIT)
        yield running, secret
    forget_what_gradio_leaves_open()


@pytest.mark.parametrize("name", ["who", "who_waits"])
def test_a_handler_runs_in_the_name_of_the_key(page: tuple[Served, str], name: str) -> None:
    served, secret = page
    headers = {"X-Api-Key": secret}
    asked = served.http.post(f"/gradio_api/call/{name}", json={"data": []}, headers=headers)
    told = served.http.get(f"/gradio_api/call/{name}/{asked.json()['event_id']}", headers=headers)
    assert 'data: ["ada submit"]' in told.text
    assert served.http.post(f"/gradio_api/call/{name}", json={"data": []}).status_code == 401
