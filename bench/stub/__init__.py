"""A stand-in for stable-diffusion.cpp's sd-server, so that a studio's own time can be measured.

It takes the real server's command line (unknown arguments are ignored), speaks its three HTTP families with
the same shapes and status codes, does image work one at a time behind one lock, prints the same progress
lines, and logs the arrival, start and finish of every request as JSON lines. Standard library only, and no
module that is slow to import: start-up counts in some figures.

Settings (flag, else environment, else default):
  --stub-latency-ms  STUB_LATENCY_MS  0   time per picture
  --stub-load-ms     STUB_LOAD_MS     0   time before "listening on"
  --stub-noise-bits  STUB_NOISE_BITS  3   0..4 bits of noise per byte of a picture
                                          (a 512x512 PNG: 0 is 6 KB, 1 170, 2 310, 3 450, 4 590)
  --stub-size        STUB_SIZE            WxH: every picture has this size
  --stub-log         STUB_LOG             the log, a file of JSON lines (appended)
  --stub-fail-load   STUB_FAIL_LOAD   0   1: exit with 1 while loading

A prompt may carry a directive, which every studio passes through:
  [[stub id=abc123 lat=500 steps=8 fail=1 die=1]]
`id` names the request in the log, `lat` is the time per picture in milliseconds, `fail` makes the job fail,
`die` kills the process in the middle of it.

In the log, `t` and all `t_…` are time.monotonic() (one clock for all processes of a machine), `wall` is
time.time().
"""
