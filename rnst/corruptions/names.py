"""Names and severities of the common corruptions. Does not import torch, so that help is fast."""

SIZE = 224
"""Side in pixels of the photos for which the severities are defined."""
SEVERITIES = (1, 2, 3, 4, 5)
CORRUPTION_NAMES = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""In the order of Hendrycks and Dietterich 2019; a test compares them with the table of `rnst.corruptions.table`."""
