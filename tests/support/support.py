# SPDX-License-Identifier: MIT
"""What the runners of cases share: where things are, differences, the loop over the cases and its last line."""
import argparse
import difflib
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIMEOUT = 60  # seconds for one command; nothing here takes one


def default_pressrun():
    return os.environ.get("PRESSRUN") or os.path.join(ROOT, "build", "release", "cli", "pressrun")


def environment(**more):
    """The tests' environment: nothing of the user's that pressrun looks at, and no cache: whether rendering is dear enough
    to be kept depends on the machine and the build."""
    result = {k: v for k, v in os.environ.items() if not k.startswith(("PRESSRUN_", "SLURM_", "OMPI_", "PBS_", "MPI_"))
              and k not in ("SOURCE_DATE_EPOCH", "MAKEFLAGS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT")}
    result.update(LC_ALL="C.UTF-8", TZ="UTC", NO_COLOR="1", PRESSRUN_CACHE="off")
    result.update(more)
    return result


def difference(what, want, got):
    """A diff of two byte strings that shows what a terminal would hide; empty where they are equal."""
    if want == got:
        return ""

    def lines(data):
        text = data.decode("utf-8", "backslashreplace")
        out = [line.replace("\t", "\\t").replace("\r", "\\r") for line in text.split("\n")]
        if out[-1]:
            out[-1] += "  (no newline at the end)"
        else:
            out.pop()
        return out

    rows = difflib.unified_diff(lines(want), lines(got), what + ", expected", what + ", got", lineterm="", n=2)
    return "".join("    %s\n" % row for row in rows)


def main(doc, root, check, bless, is_ours=None):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bless", action="store_true")
    parser.add_argument("--pressrun", default=default_pressrun())
    if is_ours:
        parser.add_argument("--reference", action="store_true")
    parser.add_argument("case", nargs="*", help="names of cases; all of them without")
    arguments = parser.parse_args()
    reference = is_ours and arguments.reference
    pressrun = os.path.join(ROOT, "tests", "support", "jinja2_render") if reference else arguments.pressrun
    pressrun = os.path.abspath(pressrun)
    if not os.access(pressrun, os.X_OK):
        print("there is no %s: build it first" % pressrun)
        return 2
    cases = arguments.case or sorted(d for d in os.listdir(root) if os.path.isdir(os.path.join(root, d)))
    if reference:
        cases = [case for case in cases if not is_ours(os.path.join(root, case))]
    failed = 0
    for case in cases:
        wrong = (bless if arguments.bless else check)(pressrun, os.path.join(root, case))
        if wrong:
            failed += 1
            print("FAILED %s\n%s" % (case, wrong))
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return 1 if failed or not cases else 0
