"""The mesh of a segment, read with cloud-volume."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from services.cave.failures import foreign
from services.cave.voxels import BUCKETS, Voxels
from services.core.addresses import bare, is_name, origin
from services.core.errors import NotFound, TooLarge, Upstream

MOST_FACES = 10_000_000
"""As text these are about 700 MB."""


class Meshes(Voxels):
    """The questions of :class:`Cave` about meshes."""

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
        missing = NotFound(f"CAVE has no mesh of {root_id}.", "Only segments of the chunkedgraph have meshes.")
        if not is_name(table):
            raise missing
        fragments = self.voxel_source(datastack)
        if not fragments.startswith(BUCKETS) and origin(fragments) != origin(server):
            raise foreign(fragments, self.asker.subject(datastack))
        secrets = {"token": self.settings.token or "none"}
        source, most_s = f"graphene://{server}/segmentation/table/{table}", self.settings.timeout_s
        mesh = self._read("mesh", most_s, lambda: _mesh(source, int(root_id), secrets))
        if mesh is None:
            whose = f"The mesh of {root_id} in {bare(datastack)}"
            raise Upstream(f"{whose} could not be read, or not within {most_s:g} s.")
        if not len(mesh.faces):
            raise missing
        if len(mesh.faces) > MOST_FACES:
            raise TooLarge(f"The mesh of {root_id} has {len(mesh.faces):,} faces; at most {MOST_FACES:,} are written.")
        return mesh


def _mesh(source: str, root_id: int, secrets: dict[str, str]) -> Any:
    from cloudvolume import CloudVolume, Mesh  # noqa: PLC0415 - takes seconds

    meshes = CloudVolume(source, use_https=True, progress=False, secrets=secrets).mesh.get(root_id, allow_missing=True)
    return meshes[root_id] if root_id in meshes else Mesh([], [], None)
