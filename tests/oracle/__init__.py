"""The formulas of the layers read row by row in plain Python: an independent second opinion.

None is undefined. Nothing here is shared with the library.
"""

from tests.oracle.gold import events, features
from tests.oracle.segments import apart, days_to_segments
from tests.oracle.silver import base, indicators

__all__ = ["apart", "base", "days_to_segments", "events", "features", "indicators"]
