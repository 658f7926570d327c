"""HuggingFace: what the hub says about a file, asked through its own library.

The library finds the file, brings the token and tells faults apart. The bytes then come by our own Transfer:
the library's download begins anew whenever a process ends or somebody cancels, and is not told to stop.
"""

import logging
from typing import TYPE_CHECKING

import httpx

from studio.addresses import shown
from studio.errors import DownloadFailed
from studio.transfer import Remote

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

log = logging.getLogger(__name__)

HOME = "https://huggingface.co"
TOKEN_HELP = "HF_TOKEN in the studio's environment must hold a token from huggingface.co/settings/tokens"


class HuggingFace:
    """The hub, or a mirror of it. Any thread."""

    def __init__(self, endpoint: str | None = None) -> None:
        """`endpoint`: a mirror, as in HF_ENDPOINT; None is the hub itself."""
        self._endpoint = (endpoint or HOME).rstrip("/")
        self._home = httpx.URL(self._endpoint)

    def find(self, repo: str, revision: str, path: str, expected: str | None) -> Remote:
        """The file as it is in the repository now. `expected`: the SHA-256 it should have, if that is known.

        Errors: DownloadFailed.
        """
        # A third of a second that only those who download something should wait.
        from huggingface_hub import get_token, hf_hub_url

        url = hf_hub_url(repo, path, revision=revision, endpoint=self._endpoint)
        metadata = self._metadata(url, repo, revision, path)
        sha256 = metadata.etag or ""
        if len(sha256) != 64:
            sha256 = expected or ""  # a small file: the hub gives git's own checksum
        if not sha256:
            raise DownloadFailed(f"{repo} gives no SHA-256 for {path}; say it in models.yml under `source`.")
        if expected is not None and sha256 != expected:
            raise DownloadFailed(
                f"{repo} has another {path} than models.yml expects: SHA-256 {sha256}, not {expected}."
            )
        token = get_token()
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return Remote(
            url, sha256, metadata.size, headers=headers, by_proxy=True, help_401=self._gate_help(repo)
        )

    def pin(self, url: httpx.URL) -> None:
        """Only https, unless the mirror itself is spoken to without. Errors: DownloadFailed."""
        if url.scheme == "https" or url.scheme == self._home.scheme == "http":
            return
        raise DownloadFailed(f"{shown(url)} is refused: files are downloaded by https only.")

    def _metadata(self, url: str, repo: str, revision: str, path: str) -> "HfFileMetadata":
        from huggingface_hub import get_hf_file_metadata
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            OfflineModeIsEnabled,
            RemoteEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        try:
            return get_hf_file_metadata(url, endpoint=self._endpoint)
        except GatedRepoError as error:
            raise DownloadFailed(f"{repo} is gated: {self._gate_help(repo)}.") from error
        except RepositoryNotFoundError as error:
            raise DownloadFailed(
                f"There is no repository {repo}, or it wants to know who asks: {self._gate_help(repo)}."
            ) from error
        except RevisionNotFoundError as error:
            raise DownloadFailed(f"{repo} has no revision {revision}; check models.yml.") from error
        except RemoteEntryNotFoundError as error:
            raise DownloadFailed(f"{repo} has no file {path} at revision {revision}.") from error
        except OfflineModeIsEnabled as error:
            raise DownloadFailed("HF_HUB_OFFLINE is set, so nothing is downloaded; unset it.") from error
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status in (401, 403):
                raise DownloadFailed(f"{repo} refuses ({status}): {self._gate_help(repo)}.") from error
            raise DownloadFailed(f"{self._home.host} answered {status}; try again later.") from error
        except Exception as error:
            # The library's transport, and with it the classes of these faults, changed between its versions.
            log.info("%s not found: %r", url, error)
            reason = str(error) or type(error).__name__
            raise DownloadFailed(
                f"{self._home.host} can't be reached ({reason}). Check that this machine is online, "
                "then resume."
            ) from error

    def _gate_help(self, repo: str) -> str:
        return f"accept its licence at {self._endpoint}/{repo}, and {TOKEN_HELP}"
