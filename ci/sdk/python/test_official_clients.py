"""The official Python clients, unmodified, against the local ECI: they must not be able to tell.

Usage: ECI_SIM=path/to/eci-sim python -m unittest -v
"""

import json
import unittest

from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client as TeaClient
from alibabacloud_tea_openapi import models as open_api
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkeci.request.v20180808.CreateContainerGroupRequest import CreateContainerGroupRequest
from aliyunsdkeci.request.v20180808.DeleteContainerGroupRequest import DeleteContainerGroupRequest
from aliyunsdkeci.request.v20180808.DescribeContainerGroupPriceRequest import DescribeContainerGroupPriceRequest
from aliyunsdkeci.request.v20180808.DescribeContainerGroupsRequest import DescribeContainerGroupsRequest
from aliyunsdkeci.request.v20180808.DescribeContainerLogRequest import DescribeContainerLogRequest
from aliyunsdkeci.request.v20180808.DescribeRegionsRequest import DescribeRegionsRequest

from local_eci import KEY_ID, KEY_SECRET, REGION, WithLocalEci

class Tea(WithLocalEci):
    """`alibabacloud-eci20180808`: ACS3-HMAC-SHA256, JSON, everything in the query."""

    def client(self, secret=KEY_SECRET, **more):
        return TeaClient(
            open_api.Config(
                access_key_id=KEY_ID, access_key_secret=secret, endpoint=self.eci.endpoint, protocol="http", **more
            )
        )

    def create(self, name, command=("sh", "-c", "echo hello from the cloud; sleep 3600")):
        container = models.CreateContainerGroupRequestContainer(
            name="main",
            image="busybox:1.36",
            cpu=0.5,
            memory=1.0,
            command=list(command),
            environment_var=[models.CreateContainerGroupRequestContainerEnvironmentVar(key="K", value="")],
            port=[models.CreateContainerGroupRequestContainerPort(port=80, protocol="TCP")],
        )
        request = models.CreateContainerGroupRequest(
            region_id=REGION,
            container_group_name=name,
            security_group_id="sg-1",
            v_switch_id="vsw-1",
            container=[container],
            tag=[models.CreateContainerGroupRequestTag(key="team", value="测试 1")],
        )
        return self.client().create_container_group(request).body.container_group_id

    def describe(self, group_id):
        request = models.DescribeContainerGroupsRequest(region_id=REGION, container_group_ids=json.dumps([group_id]))
        return self.client().describe_container_groups(request).body

    def test_a_group_is_created_described_and_deleted(self):
        group_id = self.create("tea-life")
        self.assertRegex(group_id, r"^eci-[a-z0-9]{20}$")
        self.assertEqual(self.describe(group_id).container_groups[0].status, "Scheduling")
        self.eci.advance(120)
        group = self.describe(group_id).container_groups[0]
        self.assertEqual(group.status, "Running")
        self.assertEqual((group.cpu, group.memory), (0.5, 1.0))
        self.assertEqual((group.tags[0].key, group.tags[0].value), ("team", "测试 1"))
        self.assertEqual(group.containers[0].current_state.state, "Running")
        self.client().delete_container_group(
            models.DeleteContainerGroupRequest(region_id=REGION, container_group_id=group_id)
        )
        self.eci.advance(120)
        self.assertEqual(self.describe(group_id).total_count, 0)

    def test_logs_are_read(self):
        group_id = self.create("tea-logs")
        self.eci.advance(120)
        request = models.DescribeContainerLogRequest(
            region_id=REGION, container_group_id=group_id, container_name="main", tail=10
        )
        self.assertIn("hello from the cloud", self.client().describe_container_log(request).body.content)

    def test_a_price_is_told_per_second(self):
        request = models.DescribeContainerGroupPriceRequest(region_id=REGION, cpu=2.0, memory=4.0)
        price = self.client().describe_container_group_price(request).body.price_info.price
        self.assertEqual(price.trade_price, 0.00012252)

    def test_the_region_is_listed(self):
        regions = self.client().describe_regions(models.DescribeRegionsRequest(region_id=REGION)).body.regions
        self.assertIn(REGION, [region.region_id for region in regions])

    def test_the_status_of_a_group_is_read(self):
        group_id = self.create("tea-status")
        self.eci.advance(120)
        request = models.DescribeContainerGroupStatusRequest(
            region_id=REGION, container_group_ids=json.dumps([group_id])
        )
        data = self.client().describe_container_group_status(request).body.data
        self.assertEqual(data[0].container_group_id, group_id)
        self.assertEqual(data[0].pod_status.phase, "Running")

    def test_a_wrong_secret_is_told_apart(self):
        with self.assertRaises(Exception) as caught:
            self.client(secret="wrong").describe_regions(models.DescribeRegionsRequest())
        self.assertEqual(caught.exception.code, "SignatureDoesNotMatch")

    def test_the_old_signature_of_the_new_client_is_taken(self):
        regions = self.client(signature_algorithm="v2").describe_regions(models.DescribeRegionsRequest()).body.regions
        self.assertTrue(regions)


class Core(WithLocalEci):
    """`aliyun-python-sdk-eci`: RPC 1.0, HMAC-SHA1, GET."""

    def call(self, request, secret=KEY_SECRET, **parameters):
        client = AcsClient(KEY_ID, secret, REGION)
        client.add_endpoint(REGION, "Eci", self.eci.endpoint)
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        return json.loads(client.do_action_with_exception(request))

    def create(self, name):
        containers = [{"Name": "main", "Image": "busybox:1.36", "Commands": ["sh", "-c", "echo old friend; sleep 60"]}]
        return self.call(
            CreateContainerGroupRequest(),
            ContainerGroupName=name,
            SecurityGroupId="sg-1",
            VSwitchId="vsw-1",
            Containers=containers,
            Tags=[{"Key": "team", "Value": "测试 1"}],
        )["ContainerGroupId"]

    def test_a_group_is_created_described_and_deleted(self):
        group_id = self.create("core-life")
        self.eci.advance(60)
        groups = self.call(DescribeContainerGroupsRequest(), ContainerGroupIds=json.dumps([group_id]))
        group = groups["ContainerGroups"][0]
        self.assertEqual(group["ContainerGroupName"], "core-life")
        self.assertEqual((group["Cpu"], group["Memory"]), (2, 4), "nothing asked means 2 vCPU and 4 GiB")
        self.assertEqual(group["Tags"], [{"Key": "team", "Value": "测试 1"}])
        self.call(DeleteContainerGroupRequest(), ContainerGroupId=group_id)
        self.eci.advance(120)
        groups = self.call(DescribeContainerGroupsRequest(), ContainerGroupIds=json.dumps([group_id]))
        self.assertEqual(groups["TotalCount"], 0)

    def test_logs_are_read(self):
        group_id = self.create("core-logs")
        self.eci.advance(120)
        answer = self.call(DescribeContainerLogRequest(), ContainerGroupId=group_id, ContainerName="main")
        self.assertIn("old friend", answer["Content"])

    def test_a_price_is_told_per_second(self):
        answer = self.call(DescribeContainerGroupPriceRequest(), Cpu=2, Memory=4)
        self.assertEqual(answer["PriceInfo"]["Price"]["TradePrice"], 0.00012252)

    def test_the_region_is_listed(self):
        answer = self.call(DescribeRegionsRequest())
        self.assertIn(REGION, [region["RegionId"] for region in answer["Regions"]])

    def test_a_wrong_secret_is_told_apart(self):
        with self.assertRaises(ServerException) as caught:
            self.call(DescribeRegionsRequest(), secret="wrong")
        # This client compares the server's string to sign with its own; where both agree, only the secret can be
        # wrong, and it says so in place of the server's SignatureDoesNotMatch.
        self.assertEqual(caught.exception.get_error_code(), "InvalidAccessKeySecret")

    def test_an_unknown_group_is_refused_by_name(self):
        with self.assertRaises(ServerException) as caught:
            self.call(DeleteContainerGroupRequest(), ContainerGroupId="eci-nothere")
        self.assertEqual(caught.exception.get_http_status(), 404)
        self.assertIn("eci-nothere", caught.exception.get_error_msg())


if __name__ == "__main__":
    unittest.main()
