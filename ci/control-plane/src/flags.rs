//! The flags of the four programs, each with its reason; pure, so that they can be read and tested.

use std::path::Path;

/// Address range of the cluster's Services; no address of it is ever routed here.
pub const SERVICE_RANGE: &str = "10.96.0.0/16";

/// Ports on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Port of etcd, for the API server.
    pub etcd: u16,
    /// Port of the API server.
    pub apiserver: u16,
}

/// The files of one cluster, all in one folder, by the names that the flags use.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a>(pub &'a Path);

impl Files<'_> {
    fn named(self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

/// etcd: one member, in memory as far as it can be, TLS with client certificates.
#[must_use]
pub fn etcd(files: Files<'_>, ports: Ports) -> Vec<String> {
    let client = format!("https://127.0.0.1:{}", ports.etcd);
    // a single member never speaks to a peer; port 0 takes any free one
    let peer = "http://127.0.0.1:0";
    vec![
        format!("--data-dir={}", files.named("etcd")),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        format!("--cert-file={}", files.named("etcd.crt")),
        format!("--key-file={}", files.named("etcd.key")),
        format!("--trusted-ca-file={}", files.named("ca.crt")),
        "--client-cert-auth".to_owned(),
        // no data outlives the run
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

/// kube-apiserver: loopback only, RBAC and the node's own limits, the node reached by its InternalIP.
#[must_use]
pub fn apiserver(files: Files<'_>, ports: Ports) -> Vec<String> {
    vec![
        format!("--etcd-servers=https://127.0.0.1:{}", ports.etcd),
        format!("--etcd-cafile={}", files.named("ca.crt")),
        format!("--etcd-certfile={}", files.named("etcd-client.crt")),
        format!("--etcd-keyfile={}", files.named("etcd-client.key")),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", ports.apiserver),
        format!("--tls-cert-file={}", files.named("apiserver.crt")),
        format!("--tls-private-key-file={}", files.named("apiserver.key")),
        format!("--client-ca-file={}", files.named("ca.crt")),
        // Endpoints of a loopback address are invalid: without this the log fills with refusals
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-signing-key-file={}", files.named("tokens.key")),
        format!("--service-account-key-file={}", files.named("tokens.pub")),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        // logs and exec reach the node's HTTPS port by this address
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--kubelet-client-certificate={}", files.named("apiserver-kubelet-client.crt")),
        format!("--kubelet-client-key={}", files.named("apiserver-kubelet-client.key")),
        // log of requests and their users: unused rights are found by it
        format!("--audit-policy-file={}", files.named("audit-policy.json")),
        format!("--audit-log-path={}", files.named("audit.log")),
        "--profiling=false".to_owned(),
    ]
}

/// kube-controller-manager: all controllers, each with a service account of its own, no port.
#[must_use]
pub fn controller_manager(files: Files<'_>) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", files.named("controller-manager.kubeconfig")),
        // the controller manager stands alone: an election would cost seconds
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        // 20 requests a second, its default, is a start of seconds and a slow cascade of deletions
        "--kube-api-qps=500".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        "--use-service-account-credentials=true".to_owned(),
        format!("--service-account-private-key-file={}", files.named("tokens.key")),
        format!("--root-ca-file={}", files.named("ca.crt")),
        format!("--cluster-signing-cert-file={}", files.named("ca.crt")),
        format!("--cluster-signing-key-file={}", files.named("ca.key")),
        "--profiling=false".to_owned(),
    ]
}

/// kube-scheduler: as it comes, no port, no limit on its own requests.
#[must_use]
pub fn scheduler(files: Files<'_>) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", files.named("scheduler.kubeconfig")),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        "--kube-api-qps=500".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports { etcd: 2379, apiserver: 6443 };

    #[test]
    fn nothing_listens_or_calls_beyond_loopback() {
        let files = Files(Path::new("/c"));
        let all = [etcd(files, PORTS), apiserver(files, PORTS), controller_manager(files), scheduler(files)];
        for flag in all.iter().flatten().filter(|flag| flag.contains("urls=") || flag.contains("address=")) {
            assert!(flag.contains("127.0.0.1"), "{flag}");
        }
        assert!(!format!("{all:?}").contains("0.0.0.0:"));
    }

    #[test]
    fn files_are_named_in_the_clusters_own_folder() {
        let flags = apiserver(Files(Path::new("/c")), PORTS);
        assert!(flags.contains(&"--client-ca-file=/c/ca.crt".to_owned()), "{flags:?}");
    }
}
