//! The real kubectl over HTTPS, as its users type it.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::measured::Measured;
use crate::played::Played;
use certificate_authority::CertificateTemplate;
use determinism::Clock;
use kube_sim::KubeSim;
use serde_json::json;

/// One command: its arguments, what it reads, what it has to say.
type Row = (&'static str, &'static str, &'static [&'static str]);

const NODE: &str = "\
apiVersion: v1
kind: Node
metadata: {name: node-a, labels: {kubernetes.io/role: agent}}
status:
  capacity: {cpu: '4', memory: 8Gi, pods: '10'}
  conditions: [{type: Ready, status: 'True', reason: KubeletReady, message: ok, lastHeartbeatTime: null, lastTransitionTime: null}]
";
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - {name: c, image: 'nginx:1.25', resources: {limits: {cpu: 500m, memory: 1536Mi}}}
";

const OTHER_IMAGE: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: c, image: 'nginx:1.26'}
";

const ROWS: &[Row] = &[
    ("version", "", &["v1.34.4"]),
    ("api-resources", "", &["pods", "po", "leases"]),
    ("api-versions", "", &["v1", "coordination.k8s.io/v1"]),
    ("create ns vk", "", &["namespace/vk created"]),
    ("label namespace vk virtual-node-affinity-injection=enabled", "", &["namespace/vk labeled"]),
    ("get ns vk --show-labels", "", &["Active", "virtual-node-affinity-injection=enabled"]),
    ("create configmap c --from-literal=a=1", "", &["configmap/c created"]),
    ("create secret generic s --from-literal=a=1", "", &["secret/s created"]),
    ("get secret s -o jsonpath={.data.a}", "", &["MQ=="]),
    ("create sa robot", "", &["serviceaccount/robot created"]),
    ("create token robot", "", &[""]),
    ("auth can-i create pods", "", &["yes"]),
    ("create -f -", NODE, &["node/node-a created"]),
    ("get nodes", "", &["node-a", "Ready", "agent"]),
    ("apply -f -", POD, &["pod/web created"]),
    ("apply -f -", POD, &["pod/web unchanged"]),
    ("wait --for=condition=PodScheduled pod/web --timeout=20s", "", &["condition met"]),
    ("get pods -o wide", "", &["NAME", "web", "Pending", "node-a"]),
    ("describe pod web", "", &["Node:", "memory:  1536Mi", "Successfully assigned default/web to node-a"]),
    ("describe node node-a", "", &["Non-terminated Pods:", "web", "Failed to get lease"]),
    ("annotate pod web note=1", "", &["pod/web annotated"]),
    ("patch pod web -p '{\"metadata\":{\"labels\":{\"b\":\"2\"}}}'", "", &["pod/web patched"]),
    ("get pods -l app=web,b=2 --field-selector spec.nodeName=node-a -o name", "", &["pod/web"]),
    ("apply --server-side --force-conflicts -f -", POD, &["serverside-applied"]),
    (
        "get pod web --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'",
        "",
        &["kubectl", "kubectl-annotate", "kubectl-patch"],
    ),
    (
        "apply --server-side --field-manager other --force-conflicts -f -",
        OTHER_IMAGE,
        &["serverside-applied"],
    ),
    ("-n vk run nginx --image nginx", "", &["pod/nginx created"]),
    ("get events", "", &["Scheduled"]),
    ("taint node node-a a=b:NoSchedule", "", &["node/node-a tainted"]),
    ("cordon node-a", "", &["node/node-a cordoned"]),
    ("get node node-a", "", &["SchedulingDisabled"]),
    ("delete pod web --grace-period=0 --force", "", &["force deleted"]),
    ("-n vk delete pod nginx --grace-period=0 --force", "", &["force deleted"]),
    ("delete ns vk", "", &["namespace \"vk\" deleted"]),
    ("delete node node-a", "", &["node \"node-a\" deleted"]),
];

const LIST: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: '1'}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: two}, spec: {replicas: 0, selector: {matchLabels: {a: b}},
   template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: nginx}]}}}}
";
const MISSPELT_LIST: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}, dta: {a: '1'}}
";
const MISSPELT: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: misspelt}
spec: {containers: [{name: c, image: nginx, imagePullPolice: Always}]}
";
const NOT_SERVED: &str = "\
apiVersion: v1
kind: ReplicationController
metadata: {name: none}
spec: {selector: {a: b}, template: {metadata: {labels: {a: b}}, spec: {containers: []}}}
";
const UNKNOWN_GROUP: &str = "\
apiVersion: example.com/v1
kind: Widget
metadata: {name: none}
";

/// Commands that need to know the fields of kinds, or that only say what they would do.
const SCHEMA_ROWS: &[Row] = &[
    (
        "explain pod.spec.containers",
        "",
        &[
            "KIND:       Pod",
            "FIELD: containers <[]Container>",
            "imagePullPolicy\t<string>",
            "name\t<string> -required-",
        ],
    ),
    (
        "explain deployment --recursive",
        "",
        &["rollingUpdate\t<RollingUpdateDeployment>", "maxSurge\t<IntOrString>"],
    ),
    ("explain jobs.spec.template.spec.volumes.configMap.items", "", &["FIELD: items <[]KeyToPath>"]),
    ("explain leases", "", &["GROUP:      coordination.k8s.io"]),
    ("explain pods.spec --output=plaintext-openapiv2", "", &["RESOURCE: spec <Object>", "containers"]),
    ("create -f -", NODE, &["node/node-a created"]),
    ("apply -f -", LIST, &["configmap/one created", "deployment.apps/two created"]),
    ("apply -f -", LIST, &["configmap/one unchanged", "deployment.apps/two unchanged"]),
    ("apply --dry-run=server -f -", POD, &["pod/web created (server dry run)"]),
    ("apply --validate=ignore -f -", MISSPELT, &["pod/misspelt created"]),
    ("apply --validate=warn -f -", MISSPELT, &["unknown field \"spec.containers[0].imagePullPolice\""]),
    ("apply -f -", POD, &["pod/web created"]),
    ("wait --for=condition=PodScheduled pod/web --timeout=20s", "", &["condition met"]),
    ("set image pod/web c=nginx:1.26", "", &["image updated"]),
    ("apply -f -", POD, &["pod/web configured"]),
    (
        "drain node-a --dry-run=server --force --ignore-daemonsets",
        "",
        &["node/node-a drained (server dry run)"],
    ),
    (
        "get pod web -o jsonpath={.metadata.deletionTimestamp}{.status.conditions[*].type}",
        "",
        &["PodScheduled"],
    ),
    ("delete pod web --dry-run=server", "", &["deleted (server dry run)"]),
    ("delete configmap --all --dry-run=server", "", &["\"one\" deleted (server dry run)"]),
    ("get pod web", "", &["Pending"]),
    ("get configmap one", "", &["one"]),
    (
        "scale deployment two --replicas=3 --dry-run=server",
        "",
        &["deployment.apps/two scaled (server dry run)"],
    ),
    ("get deployment two -o jsonpath={.spec.replicas}", "", &["0"]),
];

const SETS: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 0, serviceName: db, selector: {matchLabels: {a: db}},
   template: {metadata: {labels: {a: db}}, spec: {containers: [{name: c, image: 'nginx:1'}]}}}}
- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: {a: agent}},
   template: {metadata: {labels: {a: agent}}, spec: {nodeSelector: {disk: none}, containers: [{name: c, image: 'nginx:1'}]}}}}
";

/// Commands about workloads, volumes, roles and ways in.
const KIND_ROWS: &[Row] = &[
    ("apply -f -", SETS, &["statefulset.apps/db created", "daemonset.apps/agent created"]),
    ("rollout status sts/db --timeout=20s", "", &["complete"]),
    ("rollout status ds/agent --timeout=20s", "", &["successfully rolled out"]),
    ("set image sts/db c=nginx:2", "", &["image updated"]),
    ("set image ds/agent c=nginx:2", "", &["image updated"]),
    ("rollout status sts/db --timeout=20s", "", &["complete"]),
    ("rollout history sts/db", "", &["1 ", "2 "]),
    ("rollout undo sts/db", "", &["statefulset.apps/db rolled back"]),
    ("rollout undo ds/agent", "", &["daemonset.apps/agent rolled back"]),
    ("get sts,ds -o wide", "", &["0/0", "NODE SELECTOR", "disk=none", "nginx:1"]),
    ("rollout restart sts/db", "", &["restarted"]),
    ("scale sts db --replicas=0", "", &["scaled"]),
    ("describe sts db", "", &["Pods Status:", "0 Running"]),
    ("describe ds agent", "", &["Desired Number of Nodes Scheduled: 0"]),
    ("get controllerrevisions", "", &["CONTROLLER", "statefulset.apps/db", "daemonset.apps/agent"]),
    ("create cronjob tick --image i --schedule '*/5 * * * *'", "", &["cronjob.batch/tick created"]),
    ("get cronjobs", "", &["SCHEDULE", "*/5 * * * *", "<none>", "False"]),
    ("create job now --from cronjob/tick", "", &["job.batch/now created"]),
    ("explain cronjob.spec.timeZone", "", &["timeZone <string>"]),
    ("get sc", "", &["standard (default)", "Delete", "Immediate"]),
    ("create role looks --verb get --resource pods", "", &["role.rbac.authorization.k8s.io/looks created"]),
    (
        "create rolebinding looks --role looks --user alice",
        "",
        &["rolebinding.rbac.authorization.k8s.io/looks created"],
    ),
    ("get rolebindings -o wide", "", &["Role/looks", "alice"]),
    ("describe clusterrole view", "", &["pods/log"]),
    ("create ingress web --rule=web.example.com/*=web:80", "", &["ingress.networking.k8s.io/web created"]),
    ("get ing", "", &["web.example.com", "80"]),
    ("auth can-i delete nodes --as alice", "", &["yes"]),
    ("create clusterrolebinding all --clusterrole cluster-admin --group everybody", "", &["created"]),
];

const MEASURED_POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: busy}
spec: {nodeName: measured, containers: [{name: c, image: nginx}]}
";

/// Commands about what is used, what follows from it, and certificates; `alice.key` and `request.yaml` are in the home folder.
const MEASURED_ROWS: &[Row] = &[
    (
        "api-resources --api-group metrics.k8s.io",
        "",
        &["metrics.k8s.io/v1beta1", "NodeMetrics", "PodMetrics"],
    ),
    ("apply -f -", MEASURED_POD, &["pod/busy created"]),
    (
        "patch pod busy --subresource status --type merge -p '{\"status\":{\"phase\":\"Running\"}}'",
        "",
        &["pod/busy patched"],
    ),
    ("top pod", "", &["NAME", "busy", "250m", "64Mi"]),
    ("top pod busy --containers", "", &["POD", "busy", "c", "250m"]),
    ("top node", "", &["measured", "250m", "6%", "64Mi"]),
    ("get pods.metrics.k8s.io", "", &["NAME", "CPU", "MEMORY", "WINDOW", "busy", "15s"]),
    ("create deployment web --image nginx", "", &["deployment.apps/web created"]),
    (
        "autoscale deployment web --min 2 --max 5 --cpu-percent 50",
        "",
        &["horizontalpodautoscaler.autoscaling/web autoscaled"],
    ),
    ("get hpa", "", &["REFERENCE", "Deployment/web", "cpu: <unknown>/50%"]),
    (
        "get horizontalpodautoscalers.v1.autoscaling web -o jsonpath={.spec.targetCPUUtilizationPercentage}",
        "",
        &["50"],
    ),
    ("wait --for=jsonpath={.spec.replicas}=2 deployment/web --timeout=60s", "", &["condition met"]),
    (
        "describe hpa web",
        "",
        &["New size: 2; reason: Current number of replicas below Spec.MinReplicas", "SucceededRescale"],
    ),
    ("explain hpa.spec.behavior.scaleDown", "", &["VERSION:    v2", "stabilizationWindowSeconds\t<integer>"]),
    ("explain hpa.spec --api-version autoscaling/v1", "", &["targetCPUUtilizationPercentage\t<integer>"]),
    ("apply -f $HOME/request.yaml", "", &["certificatesigningrequest.certificates.k8s.io/alice created"]),
    (
        "get csr",
        "",
        &["SIGNERNAME", "kubernetes.io/kube-apiserver-client", "kubernetes-admin", "60m", "Pending"],
    ),
    ("certificate approve alice", "", &["certificatesigningrequest.certificates.k8s.io/alice approved"]),
    ("wait --for=jsonpath={.status.certificate} csr/alice --timeout=20s", "", &["condition met"]),
    ("get csr alice", "", &["Approved,Issued"]),
    ("get csr alice -o jsonpath={.status.certificate} | base64 -d > $HOME/alice.crt", "", &[""]),
    (
        "config set-credentials alice --client-certificate $HOME/alice.crt --client-key $HOME/alice.key",
        "",
        &["User \"alice\" set."],
    ),
    ("--user alice auth whoami", "", &["alice", "[dev system:authenticated]"]),
    ("delete csr alice", "", &["deleted"]),
    ("apply -f $HOME/request.yaml", "", &["certificatesigningrequest.certificates.k8s.io/alice created"]),
    ("certificate deny alice", "", &["certificatesigningrequest.certificates.k8s.io/alice denied"]),
    ("get csr alice", "", &["Denied"]),
    ("describe csr alice", "", &["Requesting User:", "kubernetes-admin", "Common Name:", "alice"]),
];

/// Commands about measures and certificates that are refused.
const NOT_MEASURED: &[Row] = &[
    ("top pod none", "", &["podmetrics.metrics.k8s.io \"default/none\" not found"]),
    ("top node none", "", &["nodemetrics.metrics.k8s.io \"none\" not found"]),
    ("certificate approve none", "", &["certificatesigningrequests.certificates.k8s.io \"none\" not found"]),
    (
        "get pods.metrics.k8s.io --watch-only",
        "",
        &["the server does not allow this method on the requested resource"],
    ),
];

/// Commands that are refused, and what is said about it.
const REFUSED: &[Row] = &[
    ("apply -f -", MISSPELT_LIST, &["unknown field \"dta\" in io.k8s.api.core.v1.ConfigMap"]),
    (
        "apply -f -",
        MISSPELT,
        &["strict decoding error: unknown field \"spec.containers[0].imagePullPolice\""],
    ),
    (
        "create -f -",
        MISSPELT,
        &["strict decoding error: unknown field \"spec.containers[0].imagePullPolice\""],
    ),
    ("apply -f -", NOT_SERVED, &["no matches for kind \"ReplicationController\" in version \"v1\""]),
    ("create -f -", NOT_SERVED, &["no matches for kind \"ReplicationController\" in version \"v1\""]),
    ("apply -f -", UNKNOWN_GROUP, &["no matches for kind \"Widget\" in version \"example.com/v1\""]),
    (
        "explain replicationcontroller",
        "",
        &["the server doesn't have a resource type \"replicationcontroller\""],
    ),
    ("explain pod.spec.nothing", "", &["field \"nothing\" does not exist"]),
    (
        "apply --server-side --field-manager other -f -",
        OTHER_IMAGE,
        &[
            "conflict with \"kubectl-client-side-apply\" using v1: .spec.containers[name=\"c\"].image",
            "--force-conflicts",
        ],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_finds_what_it_looks_for() {
    play_all(&[(ROWS, true)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_rolls_out_and_back_and_shows_every_kind() {
    play_all(&[(KIND_ROWS, true)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_shows_what_is_used_scales_by_it_and_has_certificates_signed() {
    play_all(&[(MEASURED_ROWS, true), (NOT_MEASURED, false)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_knows_the_fields_of_every_kind_and_only_says_what_it_would_do() {
    play_all(&[(SCHEMA_ROWS, true), (REFUSED, false)]).await;
}

/// Plays tables of commands against a cluster of their own; those of each succeed, or all fail.
async fn play_all(tables: &'static [(&[Row], bool)]) {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        eprintln!("skipped: kubectl is not installed");
        return;
    }
    let sim = KubeSim::builder().clock(Clock::system()).build();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (tls, admin) = sim.https(listener.local_addr().unwrap()).unwrap();
    measure(&sim).await;
    let folder = tempfile::tempdir().unwrap();
    ask_for_a_certificate(folder.path());
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, admin).unwrap();
    let controllers = sim.clone();
    tokio::spawn(async move { controllers.run_controllers().await });
    tokio::spawn(kube_sim::server::serve(listener, tls, sim));
    let home = folder.path().to_owned();
    let failures = tokio::task::spawn_blocking(move || {
        let rows = tables.iter().flat_map(|(rows, works)| rows.iter().map(move |row| (row, *works)));
        rows.filter_map(|(row, works)| play(row, works, &kubeconfig, &home)).collect::<Vec<_>>()
    });
    let failures = failures.await.unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// A node that measures, beside those that the rows make; nothing is scheduled to it.
async fn measure(sim: &KubeSim) {
    let measured = Arc::new(Measured::default());
    measured.measure(sim);
    measured.set_cpu(250);
    measured.set_memory(64 << 20);
    let node =
        Played::node(move |_| crate::played::answer("200 OK", "", &measured.summary().to_string())).await;
    let address = json!([{"type": "InternalIP", "address": node.address.ip()}]);
    let port = json!({"kubeletEndpoint": {"Port": node.address.port()}});
    let room = json!({"cpu": "4", "memory": "8Gi", "pods": "10"});
    let whole = json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "measured", "uid": "measured"},
        "spec": {"unschedulable": true},
        "status": {"addresses": address, "daemonEndpoints": port, "capacity": room, "allocatable": room}});
    sim.store().create(("", "nodes"), whole).unwrap();
    tokio::spawn(async move {
        let mut node = node;
        while node.requests.recv().await.is_some() {}
    });
}

/// Writes a key and a signing request for it.
fn ask_for_a_certificate(home: &std::path::Path) {
    use base64::Engine as _;
    let (pem, key) = CertificateTemplate::client("alice", Some("dev")).request().unwrap();
    let spec = json!({"request": base64::engine::general_purpose::STANDARD.encode(pem), "expirationSeconds": 3600,
        "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]});
    let request = json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": "alice"}, "spec": spec});
    std::fs::write(home.join("request.yaml"), request.to_string()).unwrap();
    std::fs::write(home.join("alice.key"), key).unwrap();
}

/// Runs kubectl as one row says; returns what went wrong, if anything did.
fn play(
    (arguments, input, wanted): &Row,
    works: bool,
    kubeconfig: &std::path::Path,
    home: &std::path::Path,
) -> Option<String> {
    let mut child = Command::new("sh")
        .args(["-c", &format!("exec kubectl --request-timeout=30s {arguments}")])
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let missing: Vec<_> = wanted.iter().filter(|word| !said.contains(**word)).collect();
    if output.status.success() == works && missing.is_empty() {
        return None;
    }
    Some(format!("kubectl {arguments}\n  lacks {missing:?}, ended with {}\n{said}", output.status))
}
