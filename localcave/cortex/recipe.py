"""What the demo cortex is made from: published numbers of minnie65_public, and how far they are scaled down.

Counts, quantiles and matrices without another source are those of the public MICrONS tables
`aibs_metamodel_celltypes_v661`, `nucleus_detection_v0`, `proofreading_status_and_strategy` and
`synapses_pni_2` at version 1300, 1507 or 1718 as said beside each, and of the MICrONS papers
(MICrONS Consortium, Nature 2025, doi:10.1038/s41586-025-08790-w; Schneider-Mizell et al., Nature 2025,
doi:10.1038/s41586-024-07780-8; Elabbady et al., Nature 2025, doi:10.1038/s41586-024-07765-7).
Lengths are micrometres; x and z are the axes along the cortex and depth is below the pia, in the frame of
`standard_transform.minnie_ds.transform_vx`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

DATASTACK = "karst_demo"
ALIGNED_VOLUME = "minnie65_phase3"
PCG_TABLE = "karst_demo_pcg"
VOXEL_NM = np.array([4.0, 4.0, 40.0])

# --- time -------------------------------------------------------------------------------------------------
OLDEST = "2020-11-02T18:56:35.530100"
EXPIRED_VERSION, OLDER_VERSION, NEWEST_VERSION = 1412, 1507, 1621
VERSIONS = (EXPIRED_VERSION, OLDER_VERSION, NEWEST_VERSION)
VERSION_TIME = {
    1412: "2025-04-29T10:10:01.200893",
    1507: "2025-07-31T08:10:01.117494",
    1621: "2025-11-25T08:10:01.094430",
}
VERSION_EXPIRES = {
    1412: "2025-10-20T07:00:00.000001",
    1507: "2125-05-14T08:10:01.117494",
    1621: "2125-09-08T08:10:01.094430",
}
LAST_EDIT = "2026-03-01T12:00:00.000001"
"""Edits go on after the newest version, so that "of now" and "of the version" are different questions."""

# --- cell types -------------------------------------------------------------------------------------------
EXCITATORY = ("23P", "4P", "5P-IT", "5P-ET", "5P-NP", "6P-IT", "6P-CT")
INHIBITORY = ("BC", "BPC", "MC", "NGC")
GLIA = ("astrocyte", "oligo", "OPC", "microglia", "pericyte")
TYPES = EXCITATORY + INHIBITORY + GLIA
NEURONS = EXCITATORY + INHIBITORY
TYPE = {name: code for code, name in enumerate(TYPES)}
N_EXCITATORY, N_NEURON_TYPES = len(EXCITATORY), len(NEURONS)
UNTYPED = -1

NUCLEI = 144_120
TYPE_ROWS = 94_014
TYPE_ROWS_ROOT_ZERO = 175
MULTI_SOMA_ROOTS = 1_119
LARGEST_MULTI_SOMA = 346
TYPED_TWICE = 24
"""Nuclei with two rows of different types: none is documented, but reference tables allow it and readers must cope."""

SINGLE_SOMA_COUNTS = {
    "23P": 19642, "4P": 14720, "5P-IT": 7889, "5P-ET": 2157, "5P-NP": 957, "6P-IT": 11637, "6P-CT": 6755,
    "BC": 3309, "BPC": 1484, "MC": 2433, "NGC": 621,
    "astrocyte": 7108, "oligo": 6900, "OPC": 1451, "microglia": 2394, "pericyte": 846,
}  # fmt: skip
"""Version 1300 after `drop_duplicates("pt_root_id", keep=False)`."""

MULTI_SOMA_WEIGHTS = {
    "23P": 31, "4P": 17, "5P-IT": 25, "5P-ET": 22, "5P-NP": 6, "6P-IT": 38, "6P-CT": 22,
    "BC": 12, "BPC": 2, "MC": 16, "NGC": 0,
    "astrocyte": 358, "oligo": 45, "OPC": 119, "microglia": 94, "pericyte": 313,
}  # fmt: skip
"""Types of the first row of each multi-soma root (`keep="first"` less `keep=False`): mostly cells on vessels."""

DEPTH_PERCENTILES = (0, 2, 5, 25, 50, 75, 95, 98, 100)
DEPTH_UM = {
    "23P": (50, 72.7, 86.9, 125.5, 168.2, 210.6, 242.9, 249.0, 262),
    "4P": (240, 250.2, 255.5, 278.5, 305.8, 333.5, 359.0, 366.5, 385),
    "5P-IT": (338, 352.7, 359.5, 382.6, 414.0, 462.5, 505.7, 518.0, 545),
    "5P-ET": (330, 362.9, 391.8, 435.8, 464.5, 498.0, 606.1, 673.0, 715),
    "5P-NP": (385, 410.5, 427.4, 474.5, 506.9, 550.1, 701.0, 714.9, 735),
    "6P-IT": (495, 513.6, 523.8, 567.8, 613.1, 655.9, 700.5, 713.0, 745),
    "6P-CT": (490, 516.8, 531.2, 578.2, 616.6, 656.3, 706.8, 718.6, 745),
    "BC": (60, 103.9, 130.6, 282.5, 396.5, 491.4, 632.8, 666.0, 720),
    "MC": (60, 100.2, 127.9, 282.0, 411.7, 492.5, 618.5, 662.0, 720),
    "BPC": (25, 62.5, 84.3, 166.0, 302.4, 433.8, 634.3, 681.2, 725),
    "NGC": (6, 22.4, 32.2, 64.3, 91.2, 142.8, 362.0, 489.5, 640),
    "astrocyte": (4, 34.8, 52.2, 169.7, 342.7, 518.3, 679.9, 705.7, 760),
    "oligo": (40, 121.4, 181.5, 353.5, 488.9, 620.0, 712.1, 736.6, 800),
    "OPC": (8, 60.5, 98.0, 307.7, 499.7, 644.1, 735.6, 759.9, 815),
    "microglia": (6, 48.6, 75.7, 200.4, 365.3, 511.5, 662.1, 699.7, 780),
    "pericyte": (4, 53.6, 90.3, 255.9, 403.6, 547.5, 705.4, 749.8, 820),
}
"""Soma depth; 0 % and 100 % are extrapolated within the observed 1.2-828.3."""

VOLUME_PERCENTILES = (0, 5, 25, 50, 75, 95, 100)
VOLUME_UM3 = {
    "23P": (165, 220.0, 261.0, 295.9, 334.8, 400.0, 500),
    "4P": (150, 201.4, 230.3, 254.2, 282.3, 330.3, 420),
    "5P-IT": (170, 227.8, 266.2, 298.0, 337.7, 404.8, 510),
    "5P-ET": (190, 283.0, 375.1, 437.6, 497.6, 596.3, 760),
    "5P-NP": (150, 198.9, 224.4, 245.9, 271.3, 308.2, 380),
    "6P-IT": (160, 215.1, 248.1, 275.7, 307.7, 361.9, 450),
    "6P-CT": (165, 215.5, 245.2, 268.7, 294.0, 340.0, 420),
    "BC": (165, 224.8, 266.1, 301.1, 342.7, 409.6, 520),
    "MC": (150, 209.0, 250.5, 286.0, 325.5, 405.8, 520),
    "BPC": (130, 171.8, 199.1, 225.8, 252.3, 301.7, 380),
    "NGC": (160, 214.9, 249.9, 279.0, 310.5, 367.7, 450),
    "astrocyte": (95, 127.3, 146.4, 160.9, 175.9, 202.7, 250),
    "oligo": (55, 76.9, 90.1, 99.9, 110.3, 132.0, 180),
    "OPC": (50, 77.4, 111.6, 127.4, 142.3, 176.5, 230),
    "microglia": (45, 58.2, 66.8, 72.6, 78.3, 87.1, 110),
    "pericyte": (30, 40.5, 46.4, 51.5, 59.8, 98.3, 150),
}
"""Nucleus volume, cubic micrometres."""

# --- space ------------------------------------------------------------------------------------------------
X_UM = (198.0, 1549.0)
Z_UM = (603.0, 1105.0)
V1_EDGE_X_UM = 1010.0
V1_SHARE = 0.654
AREAS = ("V1", "AL", "RL", "LM")
LM_BOX_UM = ((1050.0, 1190.0), (603.0, 640.0))
"""LM is a sliver of x and z; the rest beyond V1 is AL (large x, small z) or RL."""
AL_MARGIN = 0.2
COLUMN_CENTRE_UM = (667.0, 876.0)
VOLUME_MIN_NM = np.array([110_592, 110_592, 592_640])
VOLUME_MAX_NM = np.array([1_814_528, 1_552_384, 1_116_160])

# --- proofreading -----------------------------------------------------------------------------------------
PROOFREAD_TYPES = {
    "23P": 538, "4P": 520, "5P-IT": 196, "5P-ET": 70, "5P-NP": 14, "6P-IT": 237, "6P-CT": 166,
    "BC": 214, "MC": 114, "BPC": 85, "NGC": 24,
}  # fmt: skip
"""Proofread cells by type, version 1718; scaled to the number of rows at the newest version."""

STRATEGY_AXON = {
    1412: {"axon_partially_extended": 1702, "axon_interareal": 156, "axon_fully_extended": 124, "none": 38},
    1507: {"axon_partially_extended": 1750, "axon_interareal": 124, "axon_fully_extended": 267, "none": 41},
    1621: {"axon_partially_extended": 1676, "axon_interareal": 122, "axon_fully_extended": 419, "none": 41},
}
"""Rows by axon strategy; 1621 lies between the published 1507 and 1718 (1608, 120, 547, 41)."""

DENDRITE_NOT_PROOFREAD = 0.043
"""2,182 rows at 1507, 2,088 of them with status_dendrite."""

# --- degrees ----------------------------------------------------------------------------------------------
DEGREE_SCALE = 0.21
"""Numbers of synapses of a cell are the published ones times this."""

INPUT_PERCENTILES = (0, 10, 25, 50, 75, 90, 100)
INPUTS = {
    "23P": (1500, 2469, 3318, 4358, 5269, 6174, 8300),
    "4P": (900, 1436, 1767, 2251, 2885, 3584, 5400),
    "5P-IT": (1100, 1763, 2254, 2823, 3747, 4562, 6700),
    "5P-ET": (3000, 4729, 6310, 8127, 10299, 12259, 16500),
    "5P-NP": (550, 723, 822, 879, 1064, 1260, 1600),
    "6P-IT": (1300, 1816, 2059, 2470, 2890, 3251, 4600),
    "6P-CT": (1350, 1830, 1994, 2310, 2534, 3077, 4300),
    "BC": (1600, 2885, 4437, 6583, 9987, 12713, 18000),
    "MC": (1700, 3028, 4317, 6231, 7595, 8822, 12000),
    "BPC": (850, 1511, 1977, 2645, 3272, 3971, 5800),
    "NGC": (1600, 2277, 2426, 2790, 4557, 5281, 7000),
}
"""Input synapses of proofread cells, version 1718; the ends are extrapolated."""

OUTPUTS = {
    "23P": (290, 0.75), "4P": (285, 0.75), "5P-IT": (190, 0.9), "5P-ET": (204, 0.6), "5P-NP": (60, 0.6),
    "6P-IT": (120, 0.9), "6P-CT": (110, 0.9), "BC": (4036, 0.45), "MC": (2907, 0.6), "BPC": (359, 0.55),
    "NGC": (444, 0.55),
}  # fmt: skip
"""Output synapses of a proofread axon: median and SD of the logarithm (medians of the m-types, version 795)."""

OUTPUT_FACTOR = {
    "axon_partially_extended": 1.0, "axon_interareal": 3.0, "axon_fully_extended": 2.6, "none": 0.35,
}  # fmt: skip
"""Against the median for the type; a fully extended excitatory axon makes 900 synapses and up."""

INPUT_TYPED_SHARE = 0.125
"""Share of a proofread cell's inputs whose partner has one nucleus and a type (85-88 % have not)."""
OUTPUT_FRAGMENT_SHARE, OUTPUT_UNTYPED_SHARE = 0.14, 0.06
"""Share of outputs onto fragments and onto untyped nuclei: together about a fifth."""
ROOT_ZERO_SHARE = 0.003
AUTAPSE_SHARE = 0.004
"""Of a proofread cell's inputs; among the synapses between proofread cells this makes about a tenth."""
EXCITATORY_INPUT_SHARE = {
    "23P": 0.27, "4P": 0.35, "5P-IT": 0.47, "5P-ET": 0.51, "5P-NP": 0.5, "6P-CT": 0.56, "6P-IT": 0.57,
    "BC": 0.53, "MC": 0.59, "BPC": 0.44, "NGC": 0.34,
}  # fmt: skip
"""Of the typed inputs, version 1822; 5P-NP is not published."""

# --- pairs ------------------------------------------------------------------------------------------------
CONTINUE = (0.545, 0.63, 0.663, 0.687, 0.70)
"""Chance that a pair with 2, 3, 4, 5, 6 or more synapses has another one: hazards of the published numbers of
synapses in a pair of proofread cells at 1507 (88979, 20850, 9211, 5298, 3256, 2092, 1453, 933)."""
SECOND = {("E", "E"): 0.095, ("E", "I"): 0.313, ("I", "E"): 0.514, ("I", "I"): 0.504}
"""Chance of a second synapse by class of pre and post, at 1507: P(>=2) / P(>=1)."""
SECOND_OUTSIDE = 0.4
"""The same, against `SECOND`, when the partner is not proofread: such partners are farther away."""
SECOND_INPUT, CONTINUE_INPUT = 0.076, (0.25, 0.6, 0.6, 0.65)
"""For inputs from fragments; one cell's inputs are 91 % single, 6.5 % double, then 0.9, 0.6, 0.3 %, up to 19."""
MOST_PER_PAIR = 40
MOST_PER_INPUT_PAIR = 19
RECIPROCAL_SHARE = 0.12
"""Proofread pairs that get the opposite connection too, which doubles what distance and class alone give."""

_MATRIX_TYPES = ("23P", "4P", "5P-IT", "5P-NP", "5P-ET", "6P-CT", "6P-IT", "6P-U", "BC", "BPC", "MC", "NGC")
_MATRIX = (
    (6708, 1373, 976, 16, 2342, 398, 448, 76, 5068, 755, 5293, 324),
    (4030, 4181, 2113, 10, 1143, 671, 560, 89, 4602, 413, 2904, 215),
    (1838, 799, 822, 14, 594, 536, 389, 89, 1683, 199, 1050, 125),
    (50, 10, 44, 1, 46, 133, 104, 23, 48, 7, 50, 1),
    (53, 26, 92, 25, 83, 152, 101, 21, 316, 17, 376, 7),
    (65, 183, 163, 53, 129, 425, 355, 72, 204, 26, 917, 8),
    (243, 188, 190, 20, 170, 686, 886, 132, 1413, 58, 428, 96),
    (33, 50, 26, 7, 29, 153, 103, 26, 169, 7, 160, 13),
    (14679, 9970, 4292, 32, 2754, 1496, 2421, 353, 2518, 324, 636, 24),
    (172, 189, 189, 5, 213, 313, 176, 43, 856, 205, 1165, 48),
    (16325, 9379, 2845, 61, 1947, 839, 705, 153, 1554, 938, 278, 286),
    (655, 217, 109, 4, 157, 70, 116, 15, 73, 73, 17, 76),
)
"""Synapses among manually typed proofread column cells, version 1718; rows are presynaptic."""


def type_matrix() -> np.ndarray:
    """Published synapses from type to type, (11, 11) float in the order of `NEURONS`; 6P-U counts as 6P-IT."""
    matrix = np.zeros((N_NEURON_TYPES, N_NEURON_TYPES))
    codes = [TYPE["6P-IT" if name == "6P-U" else name] for name in _MATRIX_TYPES]
    np.add.at(matrix, np.ix_(codes, codes), np.array(_MATRIX, dtype=float))
    return matrix


REACH_UM = {"E": 130.0, "I": 100.0}
"""Decay of the chance of a connection with lateral distance, by class of the presynaptic cell."""
GIANT_REACH_UM = 320.0

# --- synapses ---------------------------------------------------------------------------------------------
SIZE_STEP, SIZE_MIN, SIZE_MAX = 4, 160, 63_532
SIZE_MEDIAN = {"E": 5900.0, "I": 2600.0}
SIZE_SD_LN = {"E": 1.1, "I": 0.9}
"""Sizes are log-normal multiples of 4: together the inputs of 23P cells have the published median of 4,756 (9,201
synapses, version 343), and an interneuron's outputs average 2,400 to 4,500."""
TAGS = ("spine", "shaft", "soma")
TAG_SHARE = {
    "E>E": (0.833, 0.162, 0.005), "E>I": (0.21, 0.77, 0.02),
    "BC>": (0.217, 0.626, 0.157), "MC>": (0.245, 0.752, 0.003), "I>": (0.25, 0.73, 0.02),
    "?>E": (0.73, 0.235, 0.035), "?>I": (0.20, 0.77, 0.03), "?>5P-NP": (0.42, 0.54, 0.04),
    "5P-NP>": (0.545, 0.45, 0.005), "6P-CT>": (0.554, 0.441, 0.005),
}  # fmt: skip
"""Postsynaptic compartment by pre > post; `?` is a fragment. Census: excitatory cells receive 70.3 % of their
inputs on spines, inhibitory ones 19.8 %."""
PREDICTED_SHARE = 204_331_842 / 337_312_429
"""Share of synapses that have a row in `synapse_target_predictions_ssa`."""

# --- other tables -----------------------------------------------------------------------------------------
M_TYPE_ROWS, COLUMN_M_TYPE_ROWS, COLUMN_GLIA_ROWS, ALTERNATIVE_POINTS = 72_158, 1_351, 542, 8_388
BAYLOR_COARSE_ROWS, BAYLOR_FINE_ROWS, COREGISTERED_ROWS = 55_063, 49_051, 19_181
FUNCTIONAL_ROWS, DIGITAL_TWIN_ROWS, BACKTRACE_ROWS = 12_094, 15_780, 448
ASTROCYTE_ROWS, MET_TYPE_ROWS, MYELIN_POINTS_PER_AXON, UNMYELINATED_UM = 126, 86, 12, 60.0
"""Made up: of the notebooks' tables only the columns are those of the originals."""
COARSE_CLASS_ROWS, COMPARTMENT_TARGET_ROWS, NODE_ROWS = 20_000, 6_000, 3_000
"""Of these three no numbers are published."""

M_TYPES: dict[str, tuple[dict[str, float], bool]] = {
    "23P": ({"L2a": 0.10, "L2b": 0.11, "L2c": 0.12, "L3a": 0.29, "L3b": 0.38}, True),
    "4P": ({"L4a": 0.22, "L4b": 0.51, "L4c": 0.27}, True),
    "5P-IT": ({"L5a": 0.41, "L5b": 0.59}, True),
    "5P-ET": ({"L5ET": 1.0}, False),
    "5P-NP": ({"L5NP": 1.0}, False),
    "6P-IT": ({"L6short-a": 0.27, "L6short-b": 0.23, "L6tall-a": 0.18, "L6tall-c": 0.32}, False),
    "6P-CT": ({"L6tall-a": 0.35, "L6tall-b": 0.3, "L6tall-c": 0.35}, False),
    "BC": ({"PTC": 0.9, "DTC": 0.1}, False),
    "MC": ({"DTC": 0.92, "PTC": 0.08}, False),
    "BPC": ({"ITC": 0.85, "DTC": 0.15}, False),
    "NGC": ({"STC": 0.95, "ITC": 0.05}, False),
}
"""M-types of a type with their shares, and whether they follow each other in depth."""

MANUAL_FROM_METAMODEL = {
    "23P": {"23P": 339, "4P": 10}, "4P": {"4P": 252, "23P": 9, "5P-IT": 5},
    "5P-IT": {"5P-IT": 116, "4P": 15, "5P-ET": 6}, "5P-PT": {"5P-ET": 33, "5P-IT": 5}, "5P-NP": {"5P-NP": 10},
    "6P-CT": {"6P-CT": 111, "6P-IT": 32}, "6P-IT": {"6P-IT": 162, "6P-CT": 27}, "6P-U": {"6P-IT": 18, "6P-CT": 10},
    "BC": {"BC": 59}, "BPC": {"BPC": 32, "NGC": 1}, "MC": {"MC": 35, "BC": 6}, "NGC": {"NGC": 10, "BPC": 6},
    "Unsure I": {"BPC": 8, "BC": 5}, "Unsure E": {"23P": 5}, "WM-P": {"6P-CT": 3}, "Unsure": {"4P": 1},
}  # fmt: skip
"""Cells of the column by manual type and type of the metamodel: 1,331 published roots."""
COLUMN_ODD_ROWS = 26
"""The table has 1,357 rows: here the others share a root or have root id 0."""
MANUAL_SYSTEM = {
    **dict.fromkeys(("BC", "BPC", "MC", "NGC", "Unsure I"), "aibs_coarse_inhibitory"),
    "Unsure": "aibs_coarse_unclear",
}

# --- arbors -----------------------------------------------------------------------------------------------
DENDRITE_LENGTH_UM = {
    "23P": 4720, "4P": 3110, "5P-IT": 4050, "5P-ET": 7269, "5P-NP": 2600, "6P-IT": 3100, "6P-CT": 3000,
    "BC": 4176, "MC": 3808, "BPC": 2200, "NGC": 2800,
}  # fmt: skip
"""Median path length of the dendrites; 5P-NP, 6P-*, BPC and NGC from inputs by input density."""


@dataclass(frozen=True)
class Size:
    """How large a cortex is made; counts of nuclei and proofread cells are the published ones times a share."""

    nuclei_share: float
    proofread_share: float
    giant_synapses: int
    background_inputs: float
    """Mean number of inputs that a neuron which is not proofread gets from fragments."""
    edit_share: float


SizeName = Literal["full", "small"]
SIZES: dict[SizeName, Size] = {
    "full": Size(1.0, 1.0, 20_000, 2.5, 1.0),
    "small": Size(0.03, 0.028, 2_000, 2.5, 0.12),
}
