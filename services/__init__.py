"""The work behind the pages: plain Python over DataFrames, without any Dash, in rooms by subject.

Imports only point down: ``views`` over ``neuroglancer`` over ``cells`` over ``tables`` over ``filters`` and ``cave``
over ``cache`` over ``core``.
"""

import pandas as pd

# Frames of the cache are handed out without copying them. With copy-on-write (the only way from pandas 3
# on) whoever changes one changes his own.
pd.set_option("mode.copy_on_write", True)
