package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const containerd = "unix:///run/containerd/containerd.sock"

// ask answers the two questions that kind puts to a node through crictl: `inspecti IMAGE` and `images`.
func ask(arguments []string) int {
	if err := answer(arguments); err != nil {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		return 1
	}
	return 0
}

func answer(arguments []string) error {
	connection, err := grpc.NewClient(containerd, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	images := runtime.NewImageServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	switch {
	case len(arguments) >= 2 && arguments[0] == "inspecti":
		return inspect(ctx, images, arguments[len(arguments)-1])
	case len(arguments) >= 1 && arguments[0] == "images":
		return list(ctx, images)
	default:
		return fmt.Errorf("this stand-in knows `inspecti IMAGE` and `images`, not %q", arguments)
	}
}

func inspect(ctx context.Context, images runtime.ImageServiceClient, name string) error {
	request := &runtime.ImageStatusRequest{Image: &runtime.ImageSpec{Image: name}}
	reply, err := images.ImageStatus(ctx, request)
	if err != nil {
		return err
	}
	if reply.Image == nil {
		return fmt.Errorf("no such image: %s", name)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"status": map[string]any{
		"id":          reply.Image.Id,
		"repoTags":    reply.Image.RepoTags,
		"repoDigests": reply.Image.RepoDigests,
		"size":        strconv.FormatUint(reply.Image.Size, 10),
	}})
}

func list(ctx context.Context, images runtime.ImageServiceClient) error {
	reply, err := images.ListImages(ctx, &runtime.ListImagesRequest{})
	if err != nil {
		return err
	}
	for _, image := range reply.Images {
		fmt.Println(image.Id, image.Size, image.RepoTags)
	}
	return nil
}
