#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_statistics.py PROGRAM: compares the statistics with those of SciPy and NumPy.

PROGRAM is statistics_values. Without SciPy (Debian: python3-scipy) nothing is tested and the exit code is 77.
"""
import itertools
import math
import os
import random
import subprocess
import sys

try:
    import numpy
    from scipy import special, stats
except ImportError:
    DEBIAN = "/usr/bin/python3"  # has what Debian's packages bring, whichever Python comes first in the path
    if os.path.exists(DEBIAN) and not os.environ.get("STATISTICS_AGAIN"):
        os.environ["STATISTICS_AGAIN"] = "1"
        os.execv(DEBIAN, [DEBIAN] + sys.argv)
    print("skipped: there is no SciPy to compare with (python3-scipy)")
    sys.exit(77)

WRONG = []


def ask(what, *numbers):
    done = subprocess.run([sys.argv[1], what], input=" ".join(repr(float(x)) for x in numbers), text=True,
                          stdout=subprocess.PIPE, check=True)
    return [float(x) for x in done.stdout.split()]


def near(what, got, want, relative=1e-9, absolute=1e-13):
    for g, w in zip(got, want, strict=True):
        if not math.isclose(g, w, rel_tol=relative, abs_tol=absolute):
            WRONG.append("%s: %r, SciPy says %r" % (what, g, w))


def distributions():
    for x in (-8, -3.3, -1, -0.1, 0, 0.7, 2.5, 6):
        near("normal %g" % x, ask("normal", x), [special.ndtr(x)])
    for a, b, x in itertools.product((0.5, 1, 3.5, 40, 900), (0.5, 2, 17, 300), (1e-6, 0.03, 0.4, 0.77, 0.999)):
        near("beta %g %g %g" % (a, b, x), ask("beta", a, b, x), [special.betainc(a, b, x), special.betaincinv(a, b, x)],
             1e-8)
    for t, f in itertools.product((0.01, 0.5, 1.9, 4, 30), (1, 2, 7.3, 58, 1000)):
        near("student %g %g" % (t, f), ask("student", t, f), [2 * stats.t.sf(t, f)])


def null_of_ranks(n):
    """P(W <= w), by polynomial multiplication with exact whole numbers."""
    ways = [1]
    for rank in range(1, n + 1):
        ways = [a + b for a, b in itertools.zip_longest(ways, [0] * rank + ways, fillvalue=0)]
    return [s / 2**n for s in itertools.accumulate(ways)]


def ranks():
    for n in (1, 2, 9, 25, 60, 96):
        near("ranks %d" % n, ask("ranks", n), null_of_ranks(n))
    chance = random.Random(5)
    for n in (6, 17, 50, 96):
        d = [chance.gauss(0.3, 1) for _ in range(n)]
        walsh = sorted((d[i] + d[j]) / 2 for i in range(n) for j in range(i, n))
        for confidence in (0.9, 0.95, 0.99):
            risk = (1 - confidence) / 2
            k = sum(1 for p in null_of_ranks(n) if p <= risk)
            want = [float(numpy.median(walsh)), walsh[k - 1] if k else -math.inf, walsh[-k] if k else math.inf]
            near("interval of %d" % n, ask("interval", confidence, *d), want)
            # A shift by the lower bound is just not rejected, one a little further out is.
            if k:
                inside, outside = want[1] + 1e-9, want[1] - 1e-9
                p = [stats.wilcoxon([x - s for x in d], alternative="greater", mode="exact").pvalue
                     for s in (inside, outside)]
                if not p[0] > risk >= p[1]:
                    WRONG.append("interval of %d: Wilcoxon's test disagrees: %r" % (n, p))


def proportions():
    for hits, n in ((0, 7), (1, 30), (19, 20), (12, 4000), (300, 300)):
        interval = stats.binomtest(hits, n).proportion_ci(0.95, "exact")
        near("proportion %d of %d" % (hits, n), ask("proportion", hits, n, 0.95), [interval.low, interval.high], 1e-8)


def quantiles():
    chance = random.Random(7)
    for n, q, confidence in itertools.product((5, 31, 400), (0.1, 0.5, 0.9), (0.9, 0.95)):
        x = sorted(chance.expovariate(1) for _ in range(n))
        risk = (1 - confidence) / 2
        # The l-th smallest is below the quantile unless fewer than l samples are.
        l = max((k for k in range(1, n + 1) if stats.binom.cdf(k - 1, n, q) <= risk), default=0)
        h = min((k for k in range(1, n + 1) if stats.binom.cdf(k - 1, n, q) >= 1 - risk), default=0)
        both = bool(l and h)
        near("quantile %g of %d" % (q, n), ask("quantile", q, confidence, *x),
             [float(numpy.quantile(x, q)), x[l - 1] if both else x[0], x[h - 1] if both else x[-1], both])


def changes():
    chance = random.Random(9)
    x = [chance.gauss(100 if i < 23 else 108, 2) for i in range(40)]
    found = ask("change", *x)
    near("change", found, [found[0], stats.ttest_ind(x[:int(found[0])], x[int(found[0]):]).pvalue])
    if found[0] != 23:
        WRONG.append("change: at %g, not 23" % found[0])


if __name__ == "__main__":
    distributions()
    quantiles()
    changes()
    ranks()
    proportions()
    for wrong in WRONG:
        print(wrong)
    sys.exit(bool(WRONG))
