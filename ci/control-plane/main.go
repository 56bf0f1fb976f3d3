// A Kubernetes control plane in one binary: it is the program whose name it is started under.
//
// The four programs share most of their code, so one file is a third of the size of four, and links once.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/virtual-kubelet/virtual-node-eci/ci/control-plane/programs"
)

func main() {
	name := filepath.Base(os.Args[0])
	run, known := programs.ControlPlane[name]
	if !known {
		fmt.Fprintf(os.Stderr, "%s is none of the programs of this binary: start it by a link called etcd, kube-apiserver, "+
			"kube-controller-manager or kube-scheduler\n", name)
		os.Exit(2)
	}
	os.Exit(run())
}
