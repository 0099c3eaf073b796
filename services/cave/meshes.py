"""The mesh of a segment, read with cloud-volume."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from services.cave.failures import foreign
from services.cave.voxels import BUCKETS, Voxels, within
from services.core.addresses import bare, is_name, origin
from services.core.errors import NotFound, TooLarge, Upstream
from services.core.settings import Settings

READ_S = 90.0
"""A large neuron takes a minute."""
MOST_FACES = 10_000_000
"""As text these are about 700 MB."""


class Meshes(Voxels):
    """The questions of :class:`Cave` about meshes."""

    settings: Settings

    @abstractmethod
    def _local_server(self, datastack: str) -> str:
        """Where the services of a datastack are, if the token may go there."""

    def mesh(self, datastack: str, root_id: int) -> Any:
        """The mesh of a root id, a `cloudvolume.Mesh`: vertices in nm, faces of three vertices.

        The token goes to the server of the datastack only; so fragments are read from there or from buckets. Raises
        NotFound where there is none, NotAllowed where fragments are elsewhere, TooLarge, and Upstream.
        """
        self.require(datastack)
        table = (self.info(datastack)["segmentation_source"] or "").rstrip("/").split("/")[-1]
        server = self._local_server(datastack)
        missing = NotFound(f"CAVE has no mesh of {root_id}.", "Meshes exist of segments of the chunkedgraph.")
        if not is_name(table):
            raise missing
        fragments = self.voxel_source(datastack)
        if not fragments.startswith(BUCKETS) and origin(fragments) != origin(server):
            raise foreign(fragments, self.asker.subject(datastack))
        secrets = {"token": self.settings.token or "none"}
        mesh = within(READ_S, lambda: _mesh(f"graphene://{server}/segmentation/table/{table}", int(root_id), secrets))
        if mesh is None:
            whose = f"The mesh of {root_id} in {bare(datastack)}"
            raise Upstream(f"{whose} could not be read; whatever takes {READ_S:.0f} s is given up.")
        if not len(mesh.faces):
            raise missing
        if len(mesh.faces) > MOST_FACES:
            raise TooLarge(f"The mesh of {root_id} has {len(mesh.faces):,} faces; at most {MOST_FACES:,} are written.")
        return mesh


def _mesh(source: str, root_id: int, secrets: dict[str, str]) -> Any:
    from cloudvolume import CloudVolume, Mesh  # noqa: PLC0415 - takes seconds

    meshes = CloudVolume(source, use_https=True, progress=False, secrets=secrets).mesh.get(root_id, allow_missing=True)
    return meshes[root_id] if root_id in meshes else Mesh([], [], None)
