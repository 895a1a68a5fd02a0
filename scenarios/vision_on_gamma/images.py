"""What the model looks at: digits, and pairs of views of a photograph whose patches correspond."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor
from torch.nn import functional

__all__ = ["Views", "digits", "normalised", "photographs", "view_pair"]

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, as in training
MOST_TURN_rad, ZOOMS = np.pi / 6, (0.8, 1.25)  # of the second view


@dataclass(frozen=True, kw_only=True)
class Views:
    """A crop of a photograph, and a turned and zoomed crop around the same centre."""

    name: str
    first: np.ndarray  # (size, size, 3) in [0, 1]
    second: np.ndarray
    turn_rad: float
    zoom: float

    def moved(self, places: np.ndarray) -> np.ndarray:
        """Where places (n, 2) of the first view are in the second; rows and columns in pixels."""
        middle = (len(self.first) - 1) / 2
        return middle + self.zoom * (places - middle) @ _turned(-self.turn_rad).T


def digits(n: int, size: int, rng: np.random.Generator) -> tuple[Tensor, np.ndarray]:
    """Equally many of each of scikit-learn's digits, enlarged: (n, 3, size, size), and which each is."""
    from sklearn.datasets import load_digits

    given = load_digits()
    order = rng.permutation(len(given.target))
    each = [order[given.target[order] == digit][: -(-n // 10)] for digit in range(10)]
    chosen = np.stack(each, axis=1).ravel()[:n]
    grey = torch.from_numpy(given.images[chosen] / 16).float()[:, None]  # (n, 1, 8, 8)
    large = functional.interpolate(grey, size=size, mode="bilinear")
    return normalised(large.expand(-1, 3, -1, -1)), given.target[chosen]


def photographs() -> dict[str, np.ndarray]:
    """Photographs that come with scikit-learn and matplotlib, (height, width, 3) in [0, 1]."""
    from matplotlib import get_data_path
    from matplotlib.image import imread
    from sklearn.datasets import load_sample_images

    given = load_sample_images()
    names = [Path(name).stem for name in given.filenames]
    portrait = imread(Path(get_data_path()) / "sample_data" / "grace_hopper.jpg")
    return {
        name: image / 255 for name, image in zip([*names, "portrait"], [*given.images, portrait], strict=True)
    }


def view_pair(name: str, image: np.ndarray, size: int, rng: np.random.Generator) -> Views:
    """Draw a crop of `size` pixels a side, and how the second view is turned and zoomed."""
    room = [max(0, length - size) for length in image.shape[:2]]
    corner = np.array([rng.integers(margin + 1) for margin in room])
    turn, zoom = rng.uniform(-MOST_TURN_rad, MOST_TURN_rad), float(np.exp(rng.uniform(*np.log(ZOOMS))))
    middle = (size - 1) / 2
    grid = np.stack(np.meshgrid(*[np.arange(size)] * 2, indexing="ij"), axis=-1) - middle  # (size, size, 2)
    second = grid @ _turned(turn).T / zoom
    return Views(
        name=name,
        first=_sampled(image, corner + middle + grid),
        second=_sampled(image, corner + middle + second),
        turn_rad=turn,
        zoom=zoom,
    )


def normalised(images: Tensor) -> Tensor:
    """Colours (B, 3, height, width) in [0, 1] as such models expect them."""
    return (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(SPREAD)[:, None, None]


def _turned(angle_rad: float) -> np.ndarray:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, -s], [s, c]])


def _sampled(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The image between its pixels; beyond its edge it is mirrored."""
    rows, columns = places[..., 0], places[..., 1]
    channels = [map_coordinates(image[..., c], [rows, columns], order=1, mode="mirror") for c in range(3)]
    return np.stack(channels, axis=-1)
