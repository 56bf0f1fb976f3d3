"""The bill by the official client of the billing API, and as FOCUS by the specification's own validator."""

import csv
import datetime
import decimal
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.request

import pyarrow
import pyarrow.parquet
import test_official_clients
from alibabacloud_bssopenapi20171214 import models
from alibabacloud_bssopenapi20171214.client import Client as BillingClient
from alibabacloud_tea_openapi import models as open_api
from focus_validator.config_objects.common import ChecklistObjectStatus
from focus_validator.data_loaders.data_loader import DataLoader
from focus_validator.rules import checks
from focus_validator.rules.spec_rules import SpecRules
from focus_validator.validator import DEFAULT_VERSION_SETS_PATH

from local_eci import KEY_ID, KEY_SECRET, REGION, Overhearing, WithLocalEci
from test_every_action import leaves

COLUMNS = pathlib.Path(__file__).parents[3] / "eci-sim/data/focus.csv"

# What version 1.0 of the validator calls four columns (focus.md, section 5).
CALLED = {
    "InvoiceIssuerName": "InvoiceIssuer",
    "ProviderName": "Provider",
    "PublisherName": "Publisher",
    "ResourceId": "ResourceID",
}


# A rule of the validator that asks for `ChargeType`, a column which version 1.0 does not have.
BROKEN = {"SkuPriceId_Nullable"}


def exact(number):
    return decimal.Decimal(str(number))


class Bills(WithLocalEci):
    """`alibabacloud-bssopenapi20171214`: every row is decoded without loss, and the sums are the bill's."""

    client, create = test_official_clients.Tea.client, test_official_clients.Tea.create

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in ("bill-web", "bill-db"):
            cls().create(name)
            cls.eci.advance(1800)
        cls.eci.advance(7200)

    def setUp(self):
        self.overhearing = Overhearing(self.eci.endpoint)
        self.addCleanup(self.overhearing.stop)
        config = open_api.Config(
            access_key_id=KEY_ID,
            access_key_secret=KEY_SECRET,
            endpoint=self.overhearing.endpoint,
            protocol="http",
            region_id=REGION,
        )
        self.billing = BillingClient(config)
        with urllib.request.urlopen(f"http://{self.eci.control}/bill") as answer:
            bill = json.load(answer)
        self.total = exact(bill["total"])
        # the machine's own day may be the last of a month
        self.cycles = sorted({self.month(line["from"]) for line in bill["lines"]})

    @staticmethod
    def month(instant):
        """The month of UTC+08:00."""
        at = datetime.datetime.fromisoformat(instant.replace("Z", "+00:00"))
        return (at + datetime.timedelta(hours=8)).strftime("%Y-%m")

    def is_whole(self, body):
        sent, read = leaves(json.loads(self.overhearing.last)), leaves(body.to_map())
        self.assertEqual({path: value for path, value in sent.items() if read.get(path) != value}, {})

    def pages(self, cycle, by_item):
        rows, page = [], 1
        while True:
            request = models.QueryInstanceBillRequest(
                billing_cycle=cycle, is_billing_item=by_item, page_num=page, page_size=1, product_code="eci"
            )
            body = self.billing.query_instance_bill(request).body
            self.is_whole(body)
            rows += body.data.items.item
            if len(rows) >= body.data.total_count:
                return rows
            page += 1

    def test_every_page_of_the_instance_bill_is_read(self):
        for by_item in (False, True):
            rows = [row for cycle in self.cycles for row in self.pages(cycle, by_item)]
            self.assertEqual(sum(exact(row.pretax_amount) for row in rows), self.total)
            self.assertEqual({row.nick_name for row in rows}, {"bill-web", "bill-db"})

    def chain(self, cycle):
        rows, token = [], None
        while True:
            request = models.DescribeInstanceBillRequest(
                billing_cycle=cycle, is_billing_item=True, max_results=1, next_token=token
            )
            body = self.billing.describe_instance_bill(request).body
            self.is_whole(body)
            rows += body.data.items
            token = body.data.next_token
            if not token:
                self.assertEqual(len(rows), body.data.total_count)
                return rows

    def test_every_token_of_the_instance_bill_is_followed(self):
        rows = [row for cycle in self.cycles for row in self.chain(cycle)]
        self.assertEqual(sum(exact(row.pretax_amount) for row in rows), self.total)
        self.assertEqual({row.billing_item_code for row in rows}, {"cpu", "mem"})
        self.assertIn("key:team value:测试 1", rows[0].tag)

    def test_the_account_bill_is_the_sum(self):
        amounts = []
        for cycle in self.cycles:
            request = models.QueryAccountBillRequest(billing_cycle=cycle, is_group_by_product=True)
            body = self.billing.query_account_bill(request).body
            self.is_whole(body)
            amounts += [exact(row.pretax_amount) for row in body.data.items.item]
        self.assertEqual(len(amounts), len(self.cycles))
        self.assertEqual(sum(amounts), self.total)


class Focus(unittest.TestCase):
    """`focus-validator`: the columns of version 1.0 of the file of all cases."""

    def test_the_file_of_all_cases_has_no_fault(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "bill.focus.csv"
            run = [os.environ["SCENARIOS"], "run", "--quiet", "--bill", str(file)]
            subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
            with file.open(encoding="utf-8") as text:
                rows = list(csv.DictReader(text))
            self.assertGreater(len(rows), 100)
            table = pathlib.Path(folder) / "bill.parquet"
            pyarrow.parquet.write_table(self.subset(rows), table)
            faults = self.faults(table)
        self.assertEqual(faults, [])

    @staticmethod
    def subset(rows):
        """The columns of version 1.0, with their types, under the validator's names."""
        with COLUMNS.open(encoding="utf-8") as text:
            columns = [column for column in csv.DictReader(text) if column["since"] == "1.0"]
        arrays = {}
        for column in columns:
            name, values = column["column"], [row[column["column"]] or None for row in rows]
            if column["type"] == "Decimal":
                array = pyarrow.array([value and float(value) for value in values], pyarrow.float64())
            else:
                array = pyarrow.array(values, pyarrow.string())
            arrays[CALLED.get(name, name)] = array
        return pyarrow.table(arrays)

    @staticmethod
    def faults(table):
        # It would read the list of all currencies from a file that does not come with it.
        checks.get_currency_codes = lambda: ["CNY", "USD"]
        rules = SpecRules(
            override_filename=None,
            rule_set_path=DEFAULT_VERSION_SETS_PATH,
            rules_version="1.0",
            column_namespace=None,
        )
        rules.load()
        found = rules.validate(DataLoader(data_filename=str(table)).load()).checklist
        assert len(found) > 100, "the validator checked next to nothing"
        passed = ChecklistObjectStatus.PASSED
        return sorted(f"{name}: {check.status} {check.error}" for name, check in found.items() if check.status != passed and name not in BROKEN)
