# SPDX-License-Identifier: MIT
"""The house rules as data: who may include whom, and what only some rooms may do. lint.py holds the tree to them."""

# A room and the rooms it may include besides itself. The order is the one data takes.
ROOMS = {
    "base": [],
    "stages/record": ["base"],
    "stages/program": ["base", "stages/record"],
    "stages/load": ["base", "stages/record"],
    "stages/compile": ["base", "stages/record", "stages/program"],
    "stages/render": ["base", "stages/record", "stages/program"],
    "stages/emit": ["base", "stages/record"],
    "scheduler": ["base"],
    "cache": ["base"],
    "monitor": ["base"],
    "pipeline": ["base", "stages/record", "stages/program", "stages/load", "stages/compile", "stages/render",
                 "stages/emit", "scheduler", "cache", "monitor"],
}
ROOMS["report"] = ROOMS["pipeline"] + ["pipeline"]
ROOMS["bench"] = ROOMS["report"] + ["report"]
ROOMS["cli"] = ROOMS["bench"] + ["bench"]

# Words only some places may use: (what, pattern, places that may, why).
RESERVED = [
    ("OpenMP", r"#\s*pragma\s+omp\b|#\s*include\s*<omp\.h>|\bomp_[a-z_]+\s*\(", ["scheduler/", "tests/"],
     "only the scheduler names OpenMP"),
    ("printing", r"(?<![\w.>])(?:v?printf|puts|putchar|perror)\s*\(|\b(?:v?fprintf|fputs|fputc|putc|fwrite|fflush)\s*"
     r"\([^;]*\b(?:stdout|stderr)\b", ["cli/", "tests/", "base/mem.c"], "nothing below cli/ prints"),
    ("exiting", r"(?<![\w.>])(?:_?exit|_Exit|quick_exit)\s*\(", ["cli/", "tests/"], "nothing below cli/ exits"),
    ("abort", r"(?<![\w.>])abort\s*\(", ["base/mem.c", "tests/"], "only base/mem.c gives up"),
    ("longjmp", r"\b(?:sig)?(?:set|long)jmp\s*\(", ["tests/"], "no longjmp"),
    ("unbounded text", r"(?<![\w.>])(?:strcpy|strcat|v?sprintf|gets|strtok|atoi|atol|atof|alloca)\s*\(", [],
     "bounded functions only"),
]

HEADER_LINES = 150  # beyond this a header is worth splitting: a warning
SOURCE_LINES = 500
# Machine paths have no business in the tree.
MACHINE_PATH = r"/(?:work|home|root|farm)/[A-Za-z]"
