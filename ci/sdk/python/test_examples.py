"""The examples of `docs/examples` against the local ECI: each prints what its page promises."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from local_eci import KEY_ID, KEY_SECRET, LocalEci

EXAMPLES = pathlib.Path(__file__).parents[3] / "docs" / "examples"


class Examples(unittest.TestCase):
    def said(self, command, folder):
        eci = LocalEci()
        self.addCleanup(eci.stop)
        environment = dict(
            os.environ, ECI_ENDPOINT=eci.endpoint, ECI_CONTROL=eci.control, ECI_ACCESS_KEY=KEY_ID, ECI_SECRET_KEY=KEY_SECRET
        )
        done = subprocess.run(command, cwd=EXAMPLES / folder, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check(self, said):
        self.assertRegex(said, r"^nginx is Running at 10\.[\d.]+\nits log: ready\n\d lines, 0\.4[45]\d+ CNY\n$")

    def test_python(self):
        self.check(self.said([sys.executable, "an_hour_of_nginx.py"], "python"))

    @unittest.skipUnless(shutil.which("go"), "there is no Go")
    def test_go(self):
        self.check(self.said(["go", "run", "."], "go"))


if __name__ == "__main__":
    unittest.main()
