//! The real kubectl over HTTPS, as its users type it.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use determinism::Clock;
use kube_sim::KubeSim;

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
    let (tls, admin) = kube_sim::tls::api_server(listener.local_addr().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
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
