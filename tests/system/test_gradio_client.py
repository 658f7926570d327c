"""The official gradio_client and every endpoint that is meant for it, with the real engine."""

import io
from typing import Any

import httpx
import pytest
from gradio_client.exceptions import AppError
from PIL import Image

from tests.system.running import RunningStudio
from tests.system.test_openai import check_circle
from tests.system.test_pictures import CIRCLE, png
from tests.ui.screenshots import wait_for_page
from tests.ui.test_programs import talking_to

pytestmark = pytest.mark.engine


def picture_at(address: str) -> Image.Image:
    """The picture that an answer names."""
    return Image.open(io.BytesIO(httpx.get(address, trust_env=False).content))


def test_the_official_client_does_its_whole_repertoire(studio: RunningStudio) -> None:
    wait_for_page(studio)
    with talking_to(studio.base) as client:
        assert "demo" in [model["id"] for model in client.predict(api_name="/list_models")["models"]]

        made: dict[str, Any] = client.predict(
            prompt=CIRCLE["prompt"], seed=CIRCLE["seed"], n=2, api_name="/generate"
        )
        assert made["status"] == "completed"
        assert len(made["pictures"]) == 2
        check_circle(picture_at(made["pictures"][0]["url"]))

        with studio.api as api:
            mask = Image.new("L", (128, 128), 0)
            mask.paste(255, (0, 0, 64, 128))
            stored = api.post("/inputs", files={"image": png(mask)}, data={"kind": "mask"})
            assert stored.status_code == 200, stored.text
        image = made["pictures"][0]["id"]
        edited = client.predict(
            image=image, prompt="a green square", mask=stored.json()["id"], strength=0.9, api_name="/edit"
        )
        after = picture_at(edited["pictures"][0]["url"]).convert("RGB")
        before = picture_at(made["pictures"][0]["url"]).convert("RGB")
        right = (64, 0, 128, 128)
        assert after.crop(right).tobytes() == before.crop(right).tobytes()
        assert after.tobytes() != before.tobytes()

        varied = client.predict(image=image, strength=0.3, n=1, wait_seconds=0, api_name="/vary")
        done = client.predict(varied["job_id"], api_name="/wait_for_job")
        assert (done["type"], done["status"], len(done["pictures"])) == ("variation", "completed", 1)

        with pytest.raises(AppError, match="model: "):
            client.predict(prompt="a cat", model="none", api_name="/generate")
