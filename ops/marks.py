"""Which files may leave a mark on their session that putting its settings back does not take away."""

from __future__ import annotations

import re

# What a session keeps (prepared statements, temporary tables, custom settings, loaded libraries, locks), what only a
# new one heeds (settings of roles and databases, login triggers, how a transaction begins), and what may do any of it
# unseen. Said in a comment or a string it counts too: that costs a login, and the other error would cost a verdict.
_MARKS = re.compile(
    r"""\b(?:
        load | listen | prepare | deallocate | discard | hold | temp | temporary | extension | set_config
        | event\s+trigger | pg_(?:try_)?advisory\w* | alter\s+(?:role|user|group|database|system)
        | execute (?!\s+(?:function|procedure|on)\b)
        | characteristics | default_transaction_\w+
    )(?!\w)
    | \bset \s+ (?:local\s+|session\s+)? (?:"[^"]*"|\w+) \s* \.""",
    re.IGNORECASE | re.VERBOSE,
)


def may_leave(text: str) -> bool:
    """Whether the session in which this text runs may be another one afterwards."""
    return bool(_MARKS.search(text))
