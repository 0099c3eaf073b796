"""Parts of a script that read the skeletons of cells, for figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from services.cave.release import Release
from services.cells.partner_script import turn
from services.tables.scripts import written_client

_READ = """import numpy as np
import pandas as pd
{imports}from caveclient import CAVEclient

{client}


def skeleton_of(root_id):
    \"\"\"A skeleton, its vertices in nm and, along the axes of the volume, in um.\"\"\"
    skeleton = client.skeleton.fetch_skeletons([root_id])[str(root_id)]
    nm = np.array(skeleton['vertices'], 'float64')
    return skeleton | {{'vertices_um': {turn}}}

"""


def readings(release: Release, root_ids: Sequence[int], names: Collection[str]) -> list[str]:
    """Parts of a script that define `client` and the variables in `names`: "cell_skeleton" is the skeleton of the first
    root id, "cell_skeletons" those of all by root id, each as of :func:`morphology.placed`."""
    turning = turn(release.volume)
    imports = "import standard_transform\n" if "standard_transform." in turning else ""
    parts = [_READ.format(imports=imports, client=written_client(release), turn=turning)]
    if "cell_skeleton" in names:
        parts.append(f"cell_skeleton = skeleton_of({root_ids[0]})")
    if "cell_skeletons" in names:
        parts.append(f"cell_skeletons = {{root_id: skeleton_of(root_id) for root_id in {list(root_ids)}}}")
    return parts
