"""What the author's kit does behind `rlstack env …` and `rlstack rescore`.

`check(folder)` holds an environment against its contract; an author's test is one line of it.
"""

from rlstack.authoring.contract import check
from rlstack.authoring.report import Finding, Report

__all__ = ["Finding", "Report", "check"]
