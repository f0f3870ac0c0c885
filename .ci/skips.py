"""Prints every skipped test of a JUnit report and fails if one is skipped for a reason that is not expected."""

import re
import sys
import xml.etree.ElementTree as ElementTree

EXPECTED = [
    r"the real data is not beside this checkout",
    r"needs root",
    r"needs a GPU",
    r"needs the kernel's",
    r"needs fork",
    r"needs the browser chromium",
    r"needs the harness",  # lm-evaluation-harness, which brings a hundred packages
    r"needs tau-bench's repository",
    r"needs a package put in by hand",  # of slow tests, which are left out here anyway
]

unexpected = 0
for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
    for skip in case.iter("skipped"):
        # Of a module that is skipped whole, the message only says so, and the text why.
        reason = " ".join(filter(None, (skip.get("message"), skip.text)))
        known = any(re.search(pattern, reason) for pattern in EXPECTED)
        unexpected += not known
        verdict = "skipped" if known else "SKIPPED UNEXPECTEDLY"
        print(f"{verdict}: {case.get('classname')}::{case.get('name')}: {reason}")
sys.exit(f"{unexpected} tests were skipped for a reason that .ci/skips.py does not expect" if unexpected else 0)
