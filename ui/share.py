"""ShareLink: a public address for the running studio through Gradio's relay, where that can be had."""

import importlib
import logging
import os
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from studio.store import new_id

log = logging.getLogger(__name__)

_INSTEAD = "The studio goes on at its own address; an SSH tunnel or a reverse proxy can publish that instead."
# Without one of their own, people use the relay that Gradio runs; it speaks TLS to the public.
_OWN_RELAY = "GRADIO_SHARE_SERVER_ADDRESS"
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class ShareLink:
    """A tunnel from Gradio's relay to this studio, made and held in the background. Owner: app.py.

    Never raises and never delays anybody. At most one of `url` and `error` is ever set; `settled` is when it
    is known which.
    """

    def __init__(self, host: str, port: int, admit: Callable[[str], None]) -> None:
        """`host` and `port` are what the studio listens on; `admit` is told the link's name, so that requests
        which come by it are let in."""
        self.url: str | None = None
        self.error: str | None = None
        self.settled = threading.Event()
        self._host = _ANY_ADDRESS.get(host, host)
        self._port = port
        self._admit = admit
        self._stopped = False

    def start(self) -> None:
        """Begin; returns at once. The log tells the link, or in one sentence why there is none."""
        threading.Thread(target=self._run, name="share", daemon=True).start()

    def stop(self) -> None:
        """Close the tunnel. Idempotent, also before there is one."""
        self._stopped = True
        if self.settled.is_set():
            self._close()

    def _run(self) -> None:
        try:
            url = self._open()
        except Exception as error:  # whatever goes wrong out there is no fault of the studio
            self._fail(_reason(error))
            return
        name = urlsplit(url).hostname
        if name is None:
            self._fail(f"the relay gave {url!r} as its address")
        else:
            self._admit(name)
            self.url = url
            log.info("public link for up to a week: %s", url)
        self.settled.set()
        if self._stopped:
            self._close()

    def _open(self) -> str:
        """The address of a new tunnel. Errors: of many kinds."""
        if os.environ.get("SPACE_ID"):
            raise OSError("a Space has a public address already")
        # Imports here take seconds, which are this thread's own. The page's comes first: it tells Gradio,
        # which listens only while it is imported, to send nothing anywhere.
        importlib.import_module("ui.mount")
        from gradio import networking

        url = networking.setup_tunnel(
            local_host=self._host,
            local_port=self._port,
            share_token=new_id(),
            share_server_address=None,
            share_server_tls_certificate=os.environ.get("GRADIO_SHARE_SERVER_TLS_CERTIFICATE"),
        )
        scheme = "http" if os.environ.get(_OWN_RELAY) else "https"
        return urlsplit(url)._replace(scheme=scheme).geturl()

    def _fail(self, reason: str) -> None:
        self.error = f"No public link: {reason}. {_INSTEAD}"
        log.warning("%s", self.error)
        self._close()
        self.settled.set()

    def _close(self) -> None:
        from gradio.tunneling import CURRENT_TUNNELS

        for tunnel in list(CURRENT_TUNNELS):
            if (tunnel.local_host, tunnel.local_port) == (self._host, self._port):
                CURRENT_TUNNELS.remove(tunnel)
                process = tunnel.proc
                tunnel.kill()  # type: ignore[no-untyped-call]
                if process is not None:
                    process.wait()  # it ends at once; nobody else would collect it


def start_share(host: str, port: int, admit: Callable[[str], None]) -> ShareLink:
    """A link in the making. Call once the studio listens, and `stop` it when the studio ends."""
    link = ShareLink(host, port, admit)
    link.start()
    return link


def _reason(error: Exception) -> str:
    """Why there is no tunnel, as part of a sentence."""
    text = str(error).strip()
    if "Gradio API Server" in text:
        return "the relay's service can't be reached from here (api.gradio.app, port 443)"
    if type(error).__module__.startswith("httpx"):
        return f"the tunnel's program can't be downloaded ({text or type(error).__name__})"
    if "frpc" in text:
        # Gradio appends what the tunnel's program printed; its last line is the reason.
        return f"the tunnel's program could not connect to the relay: {text.splitlines()[-1].strip()}"
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
