"""The formulas of the layers read row by row in plain Python: an independent second opinion.

None is undefined. Nothing here is shared with the library.
"""

from tests.oracle.gold import events, features
from tests.oracle.silver import base, indicators

__all__ = ["base", "events", "features", "indicators"]
