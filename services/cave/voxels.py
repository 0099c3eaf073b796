"""Which supervoxel lies at a place, and the image around it, read from voxels with cloud-volume."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from services.cache.shared import Cache
from services.cave.asker import Asker
from services.core.addresses import bare, is_private_way
from services.core.errors import KarstError, NotFound
from services.core.settings import Settings

log = logging.getLogger("karst.cave")
SOURCE_TTL_S = 3600
READ_S = 15.0
"""A block of voxels is read within it, and within the time-out of the settings, or not at all: there are other ways to
tell what lies at a place."""
MOST_PIXELS = 800
BUCKETS = ("gs://", "s3://")
_readers = {name: ThreadPoolExecutor(4, thread_name_prefix=name) for name in ("voxel", "section", "mesh")}
"""Who reads what: cloud-volume has no time-out, so reading is left behind when it takes too long, and keeps nobody from
reading something else."""


Result = TypeVar("Result")


class Voxels(ABC):
    """The questions of :class:`Cave` about the voxels of a segmentation."""

    cache: Cache
    asker: Asker
    settings: Settings

    @abstractmethod
    def info(self, datastack: str) -> dict[str, Any]:
        """The info service's record."""

    @abstractmethod
    def require(self, datastack: str) -> None:
        """Raises NotAllowed unless whoever asks may read the datastack."""

    @abstractmethod
    def segmentation(self, datastack: str) -> Any:
        """caveclient's client of the segmentation."""

    def voxel_source(self, datastack: str) -> str:
        """Where the voxels of a datastack's segmentation are: a public bucket, or an https address; "" for none.

        They are read without a token, for they may be anywhere.
        """

        self.require(datastack)

        def load() -> str:
            subject = self.asker.subject(datastack)
            record = self.asker.ask("segmentation", subject, self.segmentation, lambda graph: graph.segmentation_info)
            source = str(record.get("data_dir") or "").removeprefix("precomputed://")
            return source if source.startswith(BUCKETS) or is_private_way(source) else ""

        return str(self.cache.value(("voxel source", datastack), load, ttl_s=SOURCE_TTL_S))

    def supervoxel_at(self, datastack: str, point_nm: Sequence[float]) -> int | None:
        """The supervoxel at x, y, z in nm; 0 where there is none, None where the voxels cannot be read."""
        try:
            source = self.voxel_source(datastack)
        except KarstError:  # a datastack without a segmentation
            return None
        return self._read("voxel", READ_S, lambda: _voxel(source, point_nm)) if source else None

    def image_around(self, datastack: str, centre_nm: Sequence[float], width_nm: float) -> npt.NDArray[np.uint8] | None:
        """One section of the electron microscopy, rows along y and columns along x, around x, y, z in nm, at the
        finest resolution at which `width_nm` is at most `MOST_PIXELS`; None where it cannot be read. It is read without
        a token. Raises NotFound where the datastack names no image that is read so."""
        self.require(datastack)
        source = str(self.info(datastack)["image_source"] or "").removeprefix("precomputed://")
        if not source.startswith(BUCKETS) and not is_private_way(source):
            raise NotFound(f"{bare(datastack)} names no image in a bucket that is read without a token.")
        return self._read("section", READ_S, lambda: _section(source, centre_nm, width_nm))

    def _read(self, name: str, most_s: float, read: Callable[[], Result]) -> Result | None:
        """What `read` returns; None when it fails, or takes longer than `most_s` or the time-out of the settings."""
        reading = _readers[name].submit(read)
        try:
            return reading.result(min(most_s, self.settings.timeout_s))
        except Exception as error:  # whatever a bucket or a network has
            reading.cancel()
            log.info("%s could not be read: %s", name, type(error).__name__)
            return None


def _voxel(source: str, point_nm: Sequence[float]) -> int:
    """The value of the voxel at a place, at the finest resolution; 0 outside the volume."""
    from cloudvolume import Bbox, CloudVolume  # noqa: PLC0415 - takes seconds, which only a position should cost

    volume = CloudVolume(source, mip=0, use_https=True, progress=False, fill_missing=True, secrets={"user": None})
    voxel = np.floor(np.asarray(point_nm) / volume.resolution).astype(int)
    if not volume.bounds.contains(voxel):
        return 0
    return int(volume.download(Bbox(voxel, voxel + 1))[0, 0, 0, 0])


def _section(source: str, centre_nm: Sequence[float], width_nm: float) -> npt.NDArray[np.uint8]:
    """A square of the section at a place; 0 outside the volume."""
    from cloudvolume import Bbox, CloudVolume  # noqa: PLC0415 - takes seconds

    options: dict[str, Any] = {"use_https": True, "progress": False, "fill_missing": True, "secrets": {"user": None}}
    volume = CloudVolume(source, bounded=False, **options)
    fits = [mip for mip in volume.available_mips if width_nm / volume.meta.resolution(mip)[0] <= MOST_PIXELS]
    volume.mip = fits[0] if fits else volume.available_mips[-1]
    size_nm = np.asarray(volume.resolution)
    middle = np.asarray(centre_nm) / size_nm
    half = np.array([*(width_nm / 2 / size_nm[:2]), 0])
    first = np.floor(middle - half).astype(int)
    last = np.maximum(first + 1, np.floor(middle + half).astype(int))
    section: npt.NDArray[np.uint8] = np.asarray(volume.download(Bbox(first, last)))[:, :, 0, 0].T
    return section
