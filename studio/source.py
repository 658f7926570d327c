"""Source: where the files of a model can be downloaded, as models.yml says it."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from studio.engine_options import CatalogValues

DOWNLOADABLE = (".safetensors", ".gguf")
"""The formats that are fetched: both can be checked, and neither runs code."""
MAX_FILE_BYTES = 2**40


def _url(value: str) -> str:
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in value):
        raise ValueError("has blanks or control characters in it; write them as %20")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise ValueError("is not an address such as https://host/path/file.safetensors")
    if parts.scheme not in ("https", "http"):
        raise ValueError("is not an https address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a name or password, which would be written into files and shown")
    if not parts.path.lower().endswith(DOWNLOADABLE):
        raise ValueError(f"names no file that ends in {' or '.join(DOWNLOADABLE)}")
    return value


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RepoName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$", max_length=200)
]
Url = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_url)]


class SourceFile(CatalogValues):
    """One file to download: from a repository by its path there, or from an address by its checksum."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    repo: RepoName | None = None
    """None: the repository of the whole `source`."""
    url: Url | None = None
    """https; hosts that the setting `download_hosts` names may do without."""
    sha256: Sha256 | None = None
    bytes: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES)] | None = None
    """Its size, if it is known before anybody asks the source."""

    @model_validator(mode="before")
    @classmethod
    def _a_path_alone(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        faults = list(self._faults())
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        """ "key: sentence" for each rule that is broken."""
        if (self.path is None) == (self.url is None):
            yield "path: say either `path`, inside a repository, or `url`"
        if self.url is not None and self.sha256 is None:
            yield "sha256: is needed with `url`, so that nothing else can come from there"
        if self.url is not None and self.repo is not None:
            yield "repo: has no meaning beside `url`"
        if self.path is not None:
            parts = PurePosixPath(self.path).parts
            if self.path.startswith("/") or ".." in parts or "\\" in self.path or "://" in self.path:
                yield "path: is not a path inside a repository"
            elif not self.path.lower().endswith(DOWNLOADABLE):
                yield f"path: is no file that ends in {' or '.join(DOWNLOADABLE)}"


class Source(CatalogValues):
    """Where the files are: a Hugging Face repository, and per key of `files` the file in it or its URL."""

    repo: RepoName | None = None
    revision: Annotated[str, StringConstraints(pattern=r"^[\w][\w./-]{0,99}$")] = "main"
    files: dict[str, SourceFile]

    @model_validator(mode="after")
    def _every_file_has_a_place(self) -> Self:
        homeless = [key for key, file in self.files.items() if file.url is None and not self.repo_of(file)]
        if homeless:
            raise ValueError(
                "\n".join(f"files.{key}: needs a `repo`, here or in `source`" for key in homeless)
            )
        return self

    def repo_of(self, file: SourceFile) -> str | None:
        """The repository a file lies in; None for one with an address."""
        return None if file.url is not None else file.repo or self.repo
