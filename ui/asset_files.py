"""AssetFiles: our scripts and styles, also below an address that browsers may keep for good."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PREFIX = "studio-assets"
ASSETS = Path(__file__).parent / "assets"
_VERSION = re.compile(r"[0-9a-f]{12}")
# A year is as long as anybody keeps anything.
_FOR_GOOD = "max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


class AssetFiles(StaticFiles):
    """The files of a folder, at their names and below `version` as well, a hash of all of them.

    Modules import each other by relative addresses, so that one module's version is that of all. Of another
    version, which a page that was opened before an update asks for, they get what there is now, unkept.
    """

    def __init__(self, directory: Path = ASSETS) -> None:
        super().__init__(directory=directory)
        digest = hashlib.sha256()
        for path in sorted(directory.rglob("*.*")):
            digest.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes())
        self.version = digest.hexdigest()[:12]

    @property
    def import_map(self) -> str:
        """Has the browser read modules from the address with the version, whoever imports them."""
        where = {f"./{PREFIX}/js/": f"./{PREFIX}/{self.version}/js/"}
        return f'<script type="importmap">{json.dumps({"imports": where})}</script>'

    async def get_response(self, path: str, scope: Scope) -> Response:
        first, _, rest = Path(path).as_posix().partition("/")
        has_version = _VERSION.fullmatch(first) is not None
        response = await super().get_response(rest if has_version else path, scope)
        if first == self.version:
            response.headers["Cache-Control"] = _FOR_GOOD
        return response

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = _ASK_AGAIN
        return response
