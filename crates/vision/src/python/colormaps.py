"""Writes colormaps.bin beside it: 256 colours, three bytes each, of each map in the order of `Cmap`.

Needs numpy and matplotlib 3.11. Run it in this folder: python3 colormaps.py
"""

import matplotlib
import numpy as np

NAMES = ["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "jet", "hot", "coolwarm", "gray", "tab20"]

with open("colormaps.bin", "wb") as file:
    for name in NAMES:
        cmap = matplotlib.colormaps[name]
        # tab20 has 20 colours: here each label has its own, and they start anew after 20.
        places = np.arange(256) if name != "tab20" else np.arange(256) % 20
        file.write((cmap(places)[:, :3] * 255).round().astype(np.uint8).tobytes())
