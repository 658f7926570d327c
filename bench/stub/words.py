"""The words and limits that sd-server publishes."""

SAMPLERS = (
    "euler", "euler_a", "heun", "dpm2", "dpm++2s_a", "dpm++2m", "dpm++2mv2", "ipndm", "ipndm_v",
    "lcm", "ddim_trailing", "tcd", "res_multistep", "res_2s", "er_sde",
)  # fmt: skip
SAMPLER_TITLES = (
    "Euler", "Euler A", "Heun", "DPM2", "DPM++ (2s)", "DPM++ (2M)", "modified DPM++ (2M)", "iPNDM",
    "iPNDM_v", "LCM", 'DDIM "trailing"', "TCD", "Res Multistep", "Res 2s", "ER-SDE",
)  # fmt: skip
SCHEDULERS = (
    "discrete", "karras", "exponential", "ays", "gits", "sgm_uniform", "simple", "smoothstep",
    "kl_optimal", "lcm", "bong_tangent",
)  # fmt: skip
UPSCALERS = (
    "None", "Lanczos", "Nearest", "Latent", "Latent (nearest)", "Latent (nearest-exact)",
    "Latent (antialiased)", "Latent (bicubic)", "Latent (bicubic antialiased)",
)  # fmt: skip
# The first three work on pixels, the rest on latents.
PIXEL_UPSCALERS = 3

# The names of the A1111 API that aren't the engine's own.
SAMPLER_ALIASES = {
    "euler a": "euler_a",
    "k_euler_a": "euler_a",
    "k_euler": "euler",
    "k_heun": "heun",
    "k_dpm_2": "dpm2",
    "ddim": "ddim_trailing",
    "dpm++ 2m": "dpm++2m",
    "k_dpmpp_2m": "dpm++2m",
    "res multistep": "res_multistep",
    "k_res_multistep": "res_multistep",
    "res 2s": "res_2s",
    "k_res_2s": "res_2s",
}

FORMATS = ("png", "jpeg", "webp")
EDIT_FORMATS = FORMATS[:2]
MAX_PENDING = 64
JOB_SECONDS = 600
"""How long a finished job is kept, and then how long its id answers "expired"."""
