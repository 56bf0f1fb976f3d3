"""An `eci-sim` process for the tests of a class, and a listener before it that keeps what it answers."""

import http.server
import json
import os
import re
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

REGION = "cn-hangzhou"
KEY_ID, KEY_SECRET = "sdk-key", "sdk-secret"


class LocalEci:
    """An `eci-sim` process with a clock that stands still until it is told to move."""

    def __init__(self):
        command = [os.environ["ECI_SIM"], "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--time", "paused"]
        environment = dict(os.environ, ECI_ACCESS_KEY=KEY_ID, ECI_SECRET_KEY=KEY_SECRET)
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        addresses = {}
        while len(addresses) < 2:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("eci-sim ended before it said where it listens")
            found = re.search(r"http://(127\.0\.0\.1:\d+)", line)
            if found:
                addresses[line.split()[0].lower()] = found.group(1)
        self.endpoint = addresses["eci"]
        self.control = addresses["control"]

    def advance(self, seconds):
        request = urllib.request.Request(
            f"http://{self.control}/clock/advance",
            data=json.dumps({"seconds": seconds}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stdout.close()


class WithLocalEci(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.eci = LocalEci()
        cls.addClassCleanup(cls.eci.stop)


class Overhearing:
    """Passes each call on as it came, and keeps the last answer as it was sent."""

    def __init__(self, endpoint):
        self.last = None
        overhearing = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = urllib.request.Request(f"http://{endpoint}{self.path}", data=body or None, method=self.command)
                for name, value in self.headers.items():
                    if name.lower() != "connection":
                        request.add_header(name, value)
                try:
                    answer = urllib.request.urlopen(request)
                except urllib.error.HTTPError as refused:
                    answer = refused
                with answer:
                    overhearing.last = answer.read()
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(overhearing.last)

            do_GET = do_POST = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
