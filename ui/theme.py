"""The look in Gradio's own words: palette, fonts, sizes. The rest is in assets/studio.css."""

import gradio as gr

ACCENT = gr.themes.Color(
    c50="#eef3ff", c100="#dfe7ff", c200="#c2d0ff", c300="#9bb0ff", c400="#7089fb", c500="#4d68f0",
    c600="#3a51dc", c700="#3041b8", c800="#2b3a93", c900="#283676", c950="#191f47",
)  # fmt: skip


# Gradio's name for a colour or size -> ours; *_dark for the dark theme.
OVERRIDES = {
    "body_background_fill": "#f5f6f8",
    "body_background_fill_dark": "#0e0f13",
    "body_text_color": "#1b1d23",
    "body_text_color_dark": "#e7e8ec",
    "body_text_color_subdued": "#5c6270",
    "body_text_color_subdued_dark": "#9ba1b0",
    "background_fill_primary": "#ffffff",
    "background_fill_primary_dark": "#16181e",
    "background_fill_secondary": "#f0f1f4",
    "background_fill_secondary_dark": "#1b1e25",
    "border_color_primary": "#dfe1e7",
    "border_color_primary_dark": "#2a2e38",
    "block_background_fill": "#ffffff",
    "block_background_fill_dark": "#16181e",
    "block_border_color": "#dfe1e7",
    "block_border_color_dark": "#2a2e38",
    "block_shadow": "none",
    "block_shadow_dark": "none",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_title_text_weight": "700",
    "block_title_text_size": "13px",
    "block_label_text_weight": "700",
    "block_info_text_size": "12px",
    "input_background_fill": "#ffffff",
    "input_background_fill_dark": "#0f1116",
    "input_border_color": "#cfd2da",
    "input_border_color_dark": "#343947",
    "input_border_color_focus": "*primary_500",
    "input_border_color_focus_dark": "*primary_400",
    "input_border_width": "1px",
    "slider_color": "*primary_500",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_500",
    "button_primary_background_fill_dark": "*primary_600",
    "button_primary_background_fill_hover_dark": "*primary_500",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_dark": "#ffffff",
    "button_large_text_weight": "700",
    "button_small_text_weight": "400",
}


def studio_theme() -> gr.themes.Base:
    """One accent, neutral greys, flat panels, dense but calm; light and dark. Fonts come with Gradio."""
    # Only Regular and Bold of these faces are whole: other weights fall apart into a mixed face.
    sans = gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    mono = gr.themes.LocalFont("IBM Plex Mono", weights=(400,))
    return gr.themes.Base(
        primary_hue=ACCENT,
        neutral_hue="zinc",
        font=[sans, "system-ui", "sans-serif"],
        font_mono=[mono, "ui-monospace", "monospace"],
        text_size="md",
        spacing_size="sm",
        radius_size="md",
    ).set(**OVERRIDES)
