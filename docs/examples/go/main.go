// An hour of nginx on a local ECI: created and described by the official client, billed in a moment.
//
//	eci-sim --listen 127.0.0.1:8088 --control 127.0.0.1:8089 --time paused --access-key-id local --access-key-secret local-secret
//	go run .
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	eci "github.com/alibabacloud-go/eci-20180808/v3/client"
	"github.com/alibabacloud-go/tea/tea"
)

const region = "cn-hangzhou"

type bill struct {
	Currency string            `json:"currency"`
	Total    string            `json:"total"`
	Lines    []json.RawMessage `json:"lines"`
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// advance moves the clock of the local ECI, through its control API, which the real cloud does not have.
func advance(control string, seconds int) error {
	body := strings.NewReader(fmt.Sprintf(`{"seconds": %d}`, seconds))
	answer, err := http.Post("http://"+control+"/clock/advance", "application/json", body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the control API answers %s", answer.Status)
	}
	return nil
}

func costs(control string) (found bill, err error) {
	answer, err := http.Get("http://" + control + "/bill")
	if err != nil {
		return found, err
	}
	defer answer.Body.Close()
	return found, json.NewDecoder(answer.Body).Decode(&found)
}

func run() error {
	control := env("ECI_CONTROL", "127.0.0.1:8089")
	client, err := eci.NewClient(&openapi.Config{
		AccessKeyId:     tea.String(env("ECI_ACCESS_KEY", "local")),
		AccessKeySecret: tea.String(env("ECI_SECRET_KEY", "local-secret")),
		Endpoint:        tea.String(env("ECI_ENDPOINT", "127.0.0.1:8088")),
		Protocol:        tea.String("http"),
	})
	if err != nil {
		return err
	}

	created, err := client.CreateContainerGroup(&eci.CreateContainerGroupRequest{
		RegionId:           tea.String(region),
		ContainerGroupName: tea.String("nginx"),
		VSwitchId:          tea.String("vsw-local"),
		SecurityGroupId:    tea.String("sg-local"),
		Container: []*eci.CreateContainerGroupRequestContainer{{
			Name:    tea.String("nginx"),
			Image:   tea.String("nginx:1.27"),
			Cpu:     tea.Float32(2),
			Memory:  tea.Float32(4),
			Command: tea.StringSlice([]string{"sh", "-c", "echo ready; sleep 86400"}),
		}},
	})
	if err != nil {
		return err
	}
	id := tea.StringValue(created.Body.ContainerGroupId)

	if err := advance(control, 60); err != nil {
		return err
	}
	described, err := client.DescribeContainerGroups(&eci.DescribeContainerGroupsRequest{
		RegionId:          tea.String(region),
		ContainerGroupIds: tea.String(fmt.Sprintf("[%q]", id)),
	})
	if err != nil {
		return err
	}
	group := described.Body.ContainerGroups[0]
	fmt.Printf("%s is %s at %s\n", *group.ContainerGroupName, *group.Status, *group.IntranetIp)

	logged, err := client.DescribeContainerLog(&eci.DescribeContainerLogRequest{
		RegionId:         tea.String(region),
		ContainerGroupId: tea.String(id),
		ContainerName:    tea.String("nginx"),
	})
	if err != nil {
		return err
	}
	fmt.Printf("its log: %s\n", strings.TrimSpace(tea.StringValue(logged.Body.Content)))

	if err := advance(control, 3600); err != nil {
		return err
	}
	if _, err := client.DeleteContainerGroup(&eci.DeleteContainerGroupRequest{
		RegionId:         tea.String(region),
		ContainerGroupId: tea.String(id),
	}); err != nil {
		return err
	}
	cost, err := costs(control)
	if err != nil {
		return err
	}
	fmt.Printf("%d lines, %s %s\n", len(cost.Lines), cost.Total, cost.Currency)
	return nil
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
