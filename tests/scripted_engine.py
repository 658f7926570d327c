#!/usr/bin/env python3
"""A program that speaks sd-server's language and misbehaves as told, unlike the real one.

Standard library only. A prompt that is a JSON object gives directions for its job, any other is drawn as a
plain picture; SCRIPTED_START, a JSON object in the environment, gives directions for the start:

    start   "exit": code, "stderr": text, "page": text, "ignore_sigterm": true, "answers": false, "once": file
            ("once": only while that file is absent; it is made then)
            "cancels": obeyed | late | ignored | refused | silent: says that it can cancel, and that is how
            "cramped": {"needs": vae_tiling | clip_on_cpu | offload_to_cpu, "at": loading | failed | exit,
            "says": text}: no room without it, told while loading, by a failed job or by ending
    job     "submit": html | nameless | refused | silent | crash
            "job": html | lost | expired | silent | huge | dripping
            "result": base64 | empty | short | size | text | failed | twice | beyond | seeds
            "die": {"signal": n} or {"exit": n}, with "stderr": text; "hold": true; "flood": megabytes
            die and hold happen after the first step
"""

import base64
import json
import os
import signal
import struct
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

BAR = "=" * 25 + " " * 25
NEVER = threading.Event()
BATCH_LIMIT = 4


def say(text):
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def complain(text):
    sys.stderr.buffer.write(text.encode() + b"\n")
    sys.stderr.buffer.flush()


def info(message):
    say(f"[INFO ] scripted.cpp:1    - {message}\n")


def option(name, default=None):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def end(directions):
    if "stderr" in directions:
        complain(directions["stderr"])
    if "signal" in directions:
        os.kill(os.getpid(), directions["signal"])
        NEVER.wait()
    os._exit(directions["exit"])


def png(width, height, seed):
    def chunk(tag, content):
        return struct.pack(">I", len(content)) + tag + content + struct.pack(">I", zlib.crc32(tag + content))

    row = b"\0" + bytes((seed * 37 + column) % 256 for column in range(width * 3))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(row * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


CRAMPED = json.loads(os.environ.get("SCRIPTED_START", "{}")).get("cramped", {"at": "never"})


def has_room(request=None):
    """Whether what it needs is on, tiling by the request, the rest by the command line; or it is a trial."""
    if request is not None and request["width"] * request["height"] <= 64 * 64:
        return True
    if CRAMPED["needs"] == "vae_tiling":
        return request is None or request["vae_tiling_params"]["enabled"]
    return "--" + CRAMPED["needs"].replace("_", "-") in sys.argv


class Job:
    def __init__(self, request):
        # As the real one: more than the limit is clamped without a word.
        self.request = request | {"batch_count": min(request["batch_count"], BATCH_LIMIT)}
        try:
            self.directions = json.loads(request["prompt"])
        except ValueError:
            self.directions = {}
        if not isinstance(self.directions, dict):
            self.directions = {}
        self.done = threading.Event()
        self.cancelled = threading.Event()

    def run(self):
        steps, count = self.request["sample_params"]["sample_steps"], self.request["batch_count"]
        info(f"generate_image {self.request['width']}x{self.request['height']}")
        info("get_learned_condition completed, taking 0.00s")
        for picture in range(count):
            info(f"generating image: {picture + 1}/{count} - seed {self.request['seed'] + picture}")
            for step in range(1, steps + 1):
                say(f"\r  |{BAR}| {step}/{steps} - 9.99it/s\x1b[K" + ("\n" if step == steps else ""))
                self.misbehave()
        if CRAMPED["at"] == "exit" and not has_room(self.request):
            end({"signal": signal.SIGABRT, "stderr": CRAMPED["says"]})
        info(f"generating {count} latent images completed, taking 0.00s")
        info(f"decoding {count} latents")
        for picture in range(count):
            info(f"latent {picture + 1} decoded, taking 0.00s")
        info("generate_image completed in 0.00s")
        self.done.set()

    def misbehave(self):
        if "die" in self.directions:
            end(self.directions["die"])
        if self.directions.get("hold"):
            self.cancelled.wait()
            self.done.set()
            sys.exit()
        for _ in range(self.directions.get("flood", 0)):
            say("x" * (1 << 20))

    def images(self):
        wrong = self.directions.get("result")
        width, height = self.request["width"], self.request["height"]
        if wrong == "empty":
            return []
        if wrong == "base64":
            return [{"index": 0, "b64_json": "!!!"}]
        if wrong == "text":
            return [{"index": 0, "b64_json": base64.b64encode(b"no picture").decode()}]
        if wrong == "size":
            width += 64
        count = self.request["batch_count"] - (1 if wrong == "short" else 0)
        first = self.request["seed"]
        if option("--control-net"):
            # Steered by what it is given, and not at all without a net.
            first += zlib.crc32(self.request.get("control_image", "").encode())
        pictures = [png(width, height, first + index) for index in range(count)]
        # Out of order: the index says which is which.
        images = [
            {"index": index, "b64_json": base64.b64encode(picture).decode()}
            for index, picture in reversed(list(enumerate(pictures)))
        ]
        if wrong in ("twice", "beyond"):
            images[0]["index"] = 0 if wrong == "twice" else len(images)
        if wrong == "seeds":
            images = [image | {"seed": 99 - image["index"], "kind": "final"} for image in images]
        return images

    def answer(self, name):
        if not self.done.is_set():
            return {"id": name, "status": "generating", "result": None, "error": None}
        if self.cancelled.is_set():
            error = {"code": "cancelled", "message": "cancelled"}
            return {"id": name, "status": "cancelled", "result": None, "error": error}
        lacks_room = CRAMPED["at"] == "failed" and not has_room(self.request)
        if lacks_room or self.directions.get("result") == "failed":
            complain(
                CRAMPED["says"] if lacks_room else "[ERROR] scripted.cpp:1 - not a good day for pictures"
            )
            error = {"code": "generation_failed", "message": "generate_image returned no results"}
            return {"id": name, "status": "failed", "result": None, "error": error}
        return {"id": name, "status": "completed", "result": {"images": self.images()}, "error": None}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    jobs: ClassVar[dict] = {}
    page = ""
    cancels = None

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/json"):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        if self.path == "/v1/models":
            return self.reply(200, {"data": []})
        if self.path == "/":
            return self.reply(200, self.page.encode(), "text/html")
        if self.path == "/sdcpp/v1/capabilities":
            features = {"features": {"cancel_generating": self.cancels is not None}}
            return self.reply(200, {"limits": {"max_batch_count": BATCH_LIMIT}} | features)
        name = self.path.rpartition("/")[2]
        job = self.jobs.get(name)
        if job is None:
            return self.reply(404, b"")
        wrong = job.directions.get("job")
        if wrong == "html":
            return self.reply(200, b"<html>It works!</html>", "text/html")
        if wrong in ("lost", "expired"):
            return self.reply(404 if wrong == "lost" else 410, {"error": "job " + wrong})
        if wrong == "silent":
            NEVER.wait()
        if wrong == "huge":
            return self.reply(200, b"0" * (70 << 20))
        if wrong == "dripping":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not NEVER.wait(0.05):
                self.wfile.write(b" ")
        return self.reply(200, job.answer(name))

    def cancel(self, name):
        info(f"asked to cancel {name}")
        job = self.jobs[name]
        if self.cancels == "silent":
            NEVER.wait()
        if self.cancels == "refused":
            error = "job is currently generating and cannot be interrupted yet"
            return self.reply(409, {"error": error})
        if self.cancels == "obeyed":
            job.cancelled.set()
            job.done.wait()
        self.reply(200, job.answer(name))
        if self.cancels == "late":
            threading.Timer(0.3, job.cancelled.set).start()
        return None

    def do_POST(self):
        if self.path.endswith("/cancel"):
            return self.cancel(self.path.split("/")[-2])
        job = Job(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        wrong = job.directions.get("submit")
        if wrong == "html":
            return self.reply(202, b"<html>It works!</html>", "text/html")
        if wrong == "nameless":
            return self.reply(202, {"status": "queued"})
        if wrong == "silent":
            NEVER.wait()
        if wrong == "crash":
            end({"signal": signal.SIGSEGV})
        if wrong == "refused":
            complain("[ERROR] scripted.cpp:1    - invalid init_image")
            return self.reply(400, {"error": "invalid generation parameters"})
        name = f"job_{len(self.jobs)}"
        self.jobs[name] = job
        self.reply(202, {"id": name, "kind": "img_gen", "status": "queued"})
        threading.Thread(target=job.run, daemon=True).start()
        return None


def main():
    start = json.loads(os.environ.get("SCRIPTED_START", "{}"))
    if "--help" in sys.argv:
        return
    if "--version" in sys.argv:
        print("stable-diffusion.cpp version scripted, commit unknown")
        return
    if "once" in start:
        mark = Path(start["once"])
        start = {} if mark.exists() else start
        mark.touch()
    if start.get("ignore_sigterm"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(f"\r  |{BAR}| 1/2 - 99.00MB/s\x1b[K")
    if CRAMPED["at"] == "loading" and not has_room():
        end({"exit": 1, "stderr": CRAMPED["says"] + "\n[ERROR] main.cpp:92   - new_sd_ctx_t failed"})
    if "exit" in start or "signal" in start:
        info("listening on: 127.0.0.1")
        end(start)
    if start.get("answers") is False:
        NEVER.wait()
    say(f"\r  |{BAR}| 2/2 - 99.00MB/s\x1b[K\n")
    Handler.cancels = start.get("cancels")
    Handler.page = start.get("page") or Path(option("--serve-html-path")).read_text()
    info(f"listening on: 127.0.0.1:{option('--listen-port')}")
    ThreadingHTTPServer(("127.0.0.1", int(option("--listen-port"))), Handler).serve_forever()


if __name__ == "__main__":
    main()
