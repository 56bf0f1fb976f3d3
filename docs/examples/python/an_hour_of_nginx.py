"""An hour of nginx on a local ECI: created and described by the official client, billed in a moment.

    eci-sim --listen 127.0.0.1:8088 --control 127.0.0.1:8089 --time paused --access-key-id local --access-key-secret local-secret
    pip install alibabacloud-eci20180808
    python an_hour_of_nginx.py
"""

import json
import os
import urllib.request

from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client
from alibabacloud_tea_openapi.models import Config

REGION = "cn-hangzhou"
ENDPOINT = os.environ.get("ECI_ENDPOINT", "127.0.0.1:8088")
CONTROL = os.environ.get("ECI_CONTROL", "127.0.0.1:8089")


def control(path, body=None):
    """Calls the control API of the local ECI, which the real cloud does not have."""
    request = urllib.request.Request(f"http://{CONTROL}{path}", headers={"Content-Type": "application/json"})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data) as answer:
        return json.load(answer)


def main():
    client = Client(
        Config(
            access_key_id=os.environ.get("ECI_ACCESS_KEY", "local"),
            access_key_secret=os.environ.get("ECI_SECRET_KEY", "local-secret"),
            endpoint=ENDPOINT,
            protocol="http",
        )
    )
    container = models.CreateContainerGroupRequestContainer(
        name="nginx", image="nginx:1.27", cpu=2.0, memory=4.0, command=["sh", "-c", "echo ready; sleep 86400"]
    )
    create = models.CreateContainerGroupRequest(
        region_id=REGION,
        container_group_name="nginx",
        v_switch_id="vsw-local",
        security_group_id="sg-local",
        container=[container],
    )
    group_id = client.create_container_group(create).body.container_group_id

    control("/clock/advance", {"seconds": 60})
    describe = models.DescribeContainerGroupsRequest(region_id=REGION, container_group_ids=json.dumps([group_id]))
    group = client.describe_container_groups(describe).body.container_groups[0]
    print(f"{group.container_group_name} is {group.status} at {group.intranet_ip}")

    log = models.DescribeContainerLogRequest(region_id=REGION, container_group_id=group_id, container_name="nginx")
    print(f"its log: {client.describe_container_log(log).body.content.strip()}")

    control("/clock/advance", {"seconds": 3600})
    delete = models.DeleteContainerGroupRequest(region_id=REGION, container_group_id=group_id)
    client.delete_container_group(delete)
    bill = control("/bill")
    print(f"{len(bill['lines'])} lines, {bill['total']} {bill['currency']}")


if __name__ == "__main__":
    main()
