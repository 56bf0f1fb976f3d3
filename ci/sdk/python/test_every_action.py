"""Every action that an official Python client has, played from one story; each reply is decoded without loss.

The story is `../every-action.json`; the Node client plays it as well. A client that has an action which the story does
not play fails here, so that a newer client is noticed.
"""

import importlib
import json
import pathlib
import pkgutil
import re
import unittest

import aliyunsdkeci.request.v20180808 as core_requests
from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client as TeaClient
from alibabacloud_tea_openapi import models as open_api
from aliyunsdkcore.client import AcsClient

from local_eci import KEY_ID, KEY_SECRET, REGION, Overhearing, WithLocalEci

STORY = json.loads(pathlib.Path(__file__).with_name("..").joinpath("every-action.json").read_text("utf-8"))

# Members of replies that only the Go client's newer release knows (eci-openapi.md, section 5).
UNKNOWN = {"DnsPolicy"}


def filled(value, known):
    """The value with what is known in the place of `${name}`."""
    if isinstance(value, dict):
        return {name: filled(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, known) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{([\w-]+)\}", lambda found: known[found.group(1)], value)
    return value


def leaves(value, path=""):
    """Every value that holds no other, by its path."""
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        return {path: value}
    found = {}
    for name, each in inner:
        found.update(leaves(each, f"{path}.{name}" if path else str(name)))
    return found


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class EveryAction(WithLocalEci):
    def setUp(self):
        self.overhearing = Overhearing(self.eci.endpoint)
        self.addCleanup(self.overhearing.stop)

    def play(self, actions, call):
        known, played = {}, set()
        for step in STORY:
            if "advance" in step:
                self.eci.advance(step["advance"])
            elif step["action"] in actions:
                with self.subTest(action=step["action"]):
                    reply = call(step["action"], filled(step.get("parameters", {}), known))
                    self.is_whole(reply)
                    self.is_expected(reply, filled(step.get("expect", {}), known))
                    for name, path in step.get("remember", {}).items():
                        known[name] = leaves(reply)[path]
                    played.add(step["action"])
        self.assertEqual(set(actions) - played, set(), "the story plays every action that this client has")

    def is_whole(self, reply):
        sent, read = leaves(json.loads(self.overhearing.last)), leaves(reply)
        self.assertTrue(sent.get("RequestId"))
        lost = {path: value for path, value in sent.items() if path not in read or read[path] != value}
        lost = {path: value for path, value in lost.items() if path.rpartition(".")[2] not in UNKNOWN}
        self.assertEqual(lost, {}, "what the client did not decode")

    def is_expected(self, reply, expected):
        read = leaves(reply)
        for path, value in expected.items():
            if value == "*":
                self.assertTrue(any(each == path or each.startswith(f"{path}.") for each in read), path)
            else:
                self.assertEqual(read.get(path), value, path)

    def test_of_the_tea_client_is_answered_and_decoded_without_loss(self):
        client = TeaClient(
            open_api.Config(
                access_key_id=KEY_ID,
                access_key_secret=KEY_SECRET,
                endpoint=self.overhearing.endpoint,
                protocol="http",
                region_id=REGION,
            )
        )

        def call(action, parameters):
            request = getattr(models, f"{action}Request")().from_map({"RegionId": REGION, **parameters})
            return getattr(client, snake(action))(request).body.to_map()

        methods = [name for name in dir(client) if name.endswith("_with_options")]
        names = {snake(name.removesuffix("Request")): name.removesuffix("Request") for name in dir(models)}
        self.play([names[method.removesuffix("_with_options")] for method in methods], call)

    def test_of_the_core_client_is_answered(self):
        client = AcsClient(KEY_ID, KEY_SECRET, REGION)
        client.add_endpoint(REGION, "Eci", self.overhearing.endpoint)

        def call(action, parameters):
            module = importlib.import_module(f"{core_requests.__name__}.{action}Request")
            request = getattr(module, f"{action}Request")()
            for name, value in in_plural(parameters):
                # it is not wholly of one mind: ids are lists in the singular
                setter = getattr(request, f"set_{name}", None) or getattr(request, f"set_{name[:-1]}")
                setter(value)
            return json.loads(client.do_action_with_exception(request))

        modules = [module.name for module in pkgutil.iter_modules(core_requests.__path__)]
        self.play([name.removesuffix("Request") for name in modules if name.endswith("Request")], call)


def in_plural(parameters):
    """As the core client wants it: lists in the plural, and what lies within a list's items by names with dots."""

    def item(value, prefix=""):
        flat = {}
        for name, inner in value.items():
            if isinstance(inner, dict):
                flat.update(item(inner, f"{prefix}{name}."))
            elif isinstance(inner, list):
                flat[f"{prefix}{name}s"] = [item(each) if isinstance(each, dict) else each for each in inner]
            else:
                flat[f"{prefix}{name}"] = inner
        return flat

    def top(name, value):
        if isinstance(value, list):
            return f"{name}s", [item(each) if isinstance(each, dict) else each for each in value]
        return name, value

    return [top(name, value) for name, value in parameters.items()]


if __name__ == "__main__":
    unittest.main()
