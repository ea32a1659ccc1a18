#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lint must be able to fail: small trees, each with one violation, and one without any."""
import os
import shutil
import subprocess
import tempfile
import unittest

from lint import Lint

LICENCE = "// SPDX-License-Identifier: MIT\n"
HEADER = LICENCE + "/* What it is for. */\n"
GOOD = {
    "base/str.h": HEADER + "struct str;\n",
    "stages/record/value.h": HEADER + '#include "base/str.h"\n',
    "stages/emit/files.c": LICENCE + '#include "stages/record/value.h"\n// printf("in a comment")\n',
    "scheduler/graph.c": LICENCE + '#include <omp.h>\nstatic const char *const x = "exit(1)";\n',
    "cli/main.c": LICENCE + '#include "base/str.h"\nint main(void) { printf("%d", 1); exit(0); }\n',
    "base/mem.c": LICENCE + "void give_up(void) { abort(); }\n",
}
# What is wrong: the files that make it so, and words of the message.
BAD = {
    "upward include": ({"base/bad.c": LICENCE + '#include "stages/record/value.h"\n'}, "base may not know"),
    "sideways include": ({"stages/load/load.h": HEADER, "stages/emit/bad.c": LICENCE +
                          '#include "stages/load/load.h"\n'}, "stages/emit may not know stages/load"),
    "scheduler sees a stage": ({"scheduler/bad.c": LICENCE + '#include "stages/record/value.h"\n'}, "may not know"),
    "relative include": ({"base/bad.c": LICENCE + '#include "str.h"\n'}, "from the root"),
    "included source": ({"base/bad.c": LICENCE + '#include "base/mem.c"\n'}, "never included"),
    "include cycle": ({"base/a.h": HEADER + '#include "base/b.h"\n', "base/b.h": HEADER + '#include "base/a.h"\n'},
                      "include cycle: base/a.h -> base/b.h -> base/a.h"),
    "tests in the product": ({"tests/unit/fake.h": HEADER, "base/bad.c": LICENCE +
                              '#include "tests/unit/fake.h"\n'}, "only tests"),
    "same name twice": ({"scheduler/str.h": HEADER}, "unique"),
    "unknown room": ({"util/x.c": LICENCE}, "in no layer"),
    "OpenMP elsewhere": ({"base/bad.c": LICENCE + "#pragma omp parallel\n"}, "OpenMP"),
    "OpenMP call elsewhere": ({"cli/bad.c": LICENCE + "int n = omp_get_max_threads();\n"}, "OpenMP"),
    "printing below cli": ({"base/bad.c": LICENCE + 'void f(void) { printf("x"); }\n'}, "prints"),
    "printing to stderr": ({"base/bad.c": LICENCE + 'void f(void) { fprintf(stderr, "x"); }\n'}, "prints"),
    "exit below cli": ({"pipeline/bad.c": LICENCE + "void f(void) { exit(1); }\n"}, "exits"),
    "abort elsewhere": ({"base/bad.c": LICENCE + "void f(void) { abort(); }\n"}, "gives up"),
    "longjmp": ({"cli/bad.c": LICENCE + "void f(void) { longjmp(b, 1); }\n"}, "longjmp"),
    "strcpy": ({"cli/bad.c": LICENCE + "void f(void) { strcpy(a, b); }\n"}, "bounded"),
    "no licence": ({"base/bad.c": "int x(void);\n"}, "SPDX"),
    "header without essay": ({"base/bad.h": LICENCE + "#ifndef BAD_H\n#define BAD_H\n#include <stddef.h>\n// late\n"
                              "int bad(void);\n#endif\n"}, "opens with a comment"),
    "machine path": ({"docs/x.md": "see /home/" + "me/notes\n"}, "machine"),
}


class LintTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="pressrun-lint-")
        self.addCleanup(shutil.rmtree, self.root)

    def lint(self, files, objects=None):
        for path, text in files.items():
            path = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        lint = Lint(self.root)
        lint.check(objects)
        return [text for _, _, text in lint.faults]

    def test_good_tree_passes(self):
        self.assertEqual(self.lint(GOOD), [])

    def test_mutable_globals(self):
        source = ("static int counter; int shared = 1; static _Thread_local int own;\n"
                  "static const int fine = 2; static const char *const names[] = {\"a\"};\n"
                  "int f(int i); int f(int i) { own++; static int hidden; return counter++ + hidden++ + fine + "
                  "shared + names[i & 1][0]; }\n")
        os.makedirs(os.path.join(self.root, "objects"))
        subprocess.run(["cc", "-c", "-fPIE", "-x", "c", "-", "-o", os.path.join(self.root, "objects", "x.o")],
                       input=source.encode(), check=True)
        faults = self.lint({}, os.path.join(self.root, "objects"))
        self.assertEqual(len(faults), 4, faults)
        self.assertFalse([f for f in faults if "fine" in f or "names" in f])

    def test_no_objects_is_a_fault(self):
        self.assertTrue(self.lint({}, self.root))


def violation(files, words):
    def test(self):
        faults = self.lint(dict(GOOD, **files))
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(words, faults[0])
    return test


for name, (files, words) in BAD.items():
    setattr(LintTest, "test_" + name.replace(" ", "_"), violation(files, words))

if __name__ == "__main__":
    unittest.main()
