"""Clean texts in the same way in imports, headers and forms, so that texts that look the same are the same.

The patterns are regular expressions for both Python and polars.
"""

# All characters without width. Joiners and direction marks have a meaning between letters, but not at the ends.
INVISIBLE = "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
