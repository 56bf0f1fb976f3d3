// Everything that a kind node runs, in one binary: it is the program whose name it is started under.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/virtual-kubelet/virtual-node-eci/ci/control-plane/programs"
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	name := filepath.Base(os.Args[0])
	run, known := programs.ControlPlane[name]
	if !known {
		run, known = onNodes[name]
	}
	if !known {
		fmt.Fprintf(os.Stderr, "%s is none of the programs of a node\n", name)
		os.Exit(2)
	}
	os.Exit(run())
}

// What only a node needs, or the person who looks at one.
var onNodes = map[string]func() int{
	"crictl":     func() int { return ask(os.Args[1:]) },
	"kube-proxy": func() int { return cli.Run(proxy.NewProxyCommand()) },
	"kubeadm": func() int {
		if err := kubeadm.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	},
	"kubectl": func() int {
		if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
			return 1
		}
		return 0
	},
	"kubelet": func() int { return cli.Run(kubelet.NewKubeletCommand(context.Background())) },
}
