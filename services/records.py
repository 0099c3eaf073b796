"""What CAVE says about versions and tables, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class Version:
    """One materialization. Times are UTC; `expires` is None when it is kept for good.

    An invalid version has expired: it may still answer, or its data may be gone.
    """

    number: int
    timestamp: datetime
    expires: datetime | None
    valid: bool


@dataclass(frozen=True)
class TableInfo:
    """One table or view at a version.

    `reference_table` names the table whose `id` this one's `target_id` holds. `created` is
    empty for views. `voxel_resolution_nm` is the size in x, y, z of the voxels that positions
    count. `row_count` is None where CAVE does not say (views).
    """

    name: str
    kind: Literal["table", "view"]
    schema_type: str
    description: str
    notice: str
    reference_table: str | None
    created: str
    voxel_resolution_nm: tuple[float, float, float]
    row_count: int | None
