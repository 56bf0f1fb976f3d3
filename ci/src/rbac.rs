//! The chart's rights: the provider works with them, and none of them is unused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::chart::RELEASE;
use crate::command::output_of;
use crate::control_plane_session::{ControlPlaneSession, apply};
use crate::local_processes::{Binaries, Provider, Simulator, install_chart};
use crate::outcome::CheckOutcome;

/// A pod that needs every right of a provider.
const POD: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data: { greeting: hello }
---
apiVersion: v1
kind: Secret
metadata: { name: word }
stringData: { word: hush }
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: needs-all }
spec:
  capacity: { storage: 20Gi }
  accessModes: [ReadWriteOnce]
  csi: { driver: diskplugin.csi.alibabacloud.com, volumeHandle: d-1 }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec:
  storageClassName: ""
  volumeName: needs-all
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 20Gi } }
---
apiVersion: v1
kind: Pod
metadata: { name: needs-all }
spec:
  nodeName: virtual-kubelet
  restartPolicy: Never
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo said in the cloud; sleep 3600"]
    env:
    - { name: GREETING, valueFrom: { configMapKeyRef: { name: page, key: greeting } } }
    - { name: WORD, valueFrom: { secretKeyRef: { name: word, key: word } } }
    volumeMounts: [{ name: token, mountPath: /token }, { name: data, mountPath: /data }]
  volumes:
  - { name: data, persistentVolumeClaim: { claimName: data } }
  - name: token
    projected:
      sources: [{ serviceAccountToken: { path: token, audience: cloud } }]
"#;

/// A pod that falls and is started again, with the same events every time.
const FALLING: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: falls }
spec:
  nodeName: virtual-kubelet
  containers:
  - { name: main, image: busybox, command: ["false"] }
"#;

/// A pod in a namespace that the provider does not serve.
const ELSEWHERE: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: bound, namespace: elsewhere }
spec:
  nodeName: virtual-kubelet
  containers:
  - { name: main, image: busybox }
"#;

/// A right: the namespace (none for the whole cluster), the verb, the API group, the resource.
type Right = (String, String, String, String);

/// Runs the provider as the chart's service account, lets it do all it can do, and compares; once with rights in all
/// namespaces, once with rights in one that is named and as one of two replicas.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let programs = Binaries::build(root)?;
    mode(root, &programs, None)?;
    mode(root, &programs.with_leader_election(), Some("default"))?;
    Ok(CheckOutcome::Passed)
}

fn mode(root: &Path, programs: &Binaries, namespace: Option<&str>) -> Result<()> {
    let plane = ControlPlaneSession::start(root)?;
    let named = |name| [format!("namespaces={{{name}}}"), "replicas=2".to_owned()];
    let values: Vec<_> = namespace.into_iter().flat_map(named).collect();
    install_chart(root, &plane, &values)?;
    let simulator = Simulator::start(programs)?;
    let start = || Provider::start(programs, &plane, &simulator, namespace);
    let provider = start()?;
    lives(&plane).with_context(|| provider.last_words())?;
    if namespace.is_some() {
        elsewhere(&plane).with_context(|| provider.last_words())?;
    }
    provider.end()?;
    // while it was away, somebody meddled with the node, and a pod was taken away by force
    plane.kubectl("label node virtual-kubelet type-")?;
    plane.kubectl("delete pod needs-all --force --grace-period=0 --timeout=60s")?;
    let provider = start()?;
    let label =
        "wait --for=jsonpath={.metadata.labels.type}=virtual-kubelet node/virtual-kubelet --timeout=30s";
    plane.kubectl(label).with_context(|| provider.last_words())?;
    // the pod lives on until its group, which has no pod any more, has been found
    apply(&plane, FALLING)?;
    plane.kubectl("wait --for=condition=Ready=false pod/falls --timeout=60s")?;
    plane.kubectl("delete pod falls --timeout=60s")?;
    provider.end()?;
    simulator.end()?;

    let (used, refused) = used(&plane.audit_log())?;
    ensure!(refused.is_empty(), "the chart's rights do not suffice; refused were {refused:#?}");
    let given = given(&plane)?;
    let unused: Vec<_> = given.iter().filter(|right| !used.iter().any(|used| is_use(used, right))).collect();
    ensure!(unused.is_empty(), "the chart gives rights that the provider does not use: {unused:#?}");
    let missing: Vec<_> = used.iter().filter(|used| !given.iter().any(|right| is_use(used, right))).collect();
    ensure!(missing.is_empty(), "rights come from elsewhere than the chart: {missing:#?}");
    let pods = given.iter().filter(|right| right.0.is_empty() && right.3 == "pods").count();
    ensure!((pods == 0) == namespace.is_some(), "rights over pods of all namespaces: {pods}");
    let within = namespace.map(|name| format!(" in {name}")).unwrap_or_default();
    println!("✓ the provider works with the chart's {} rights{within} and uses each", given.len());
    plane.end()
}

/// True if a request needs this right.
fn is_use(used: &Right, right: &Right) -> bool {
    let wide = right.0.is_empty() || right.0 == used.0;
    wide && (&used.1, &used.2, &used.3) == (&right.1, &right.2, &right.3)
}

/// Checks that a pod outside the served namespaces stays Pending, and that its log's reader and the node are told the
/// reason.
fn elsewhere(plane: &ControlPlaneSession) -> Result<()> {
    plane.kubectl("create namespace elsewhere")?;
    // made by the control plane's controller, without which no pod is admitted
    plane.kubectl("--namespace elsewhere wait --for=create serviceaccount/default --timeout=60s")?;
    apply(plane, ELSEWHERE)?;
    let asked = plane.kubectl("--namespace elsewhere logs bound");
    let said = asked.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(said.contains("no pods of namespace `elsewhere`"), "kubectl logs says {said:?}");
    let told = "get events --field-selector reason=NamespaceNotServed --output name";
    let mut tries = 0;
    while plane.kubectl(told)?.trim().is_empty() {
        ensure!(tries < 60, "the node is not told that pods of another namespace are bound to it");
        tries += 1;
        crate::engine::pause();
    }
    let phase = plane.kubectl("--namespace elsewhere get pod bound --output jsonpath={.status.phase}")?;
    ensure!(phase == "Pending", "a pod of another namespace is {phase}");
    plane.kubectl("--namespace elsewhere delete pod bound --force --grace-period=0").map(drop)
}

/// Plays a node that comes up, a pod that needs everything, its log and its end, and one that falls.
fn lives(plane: &ControlPlaneSession) -> Result<()> {
    plane.kubectl("wait --for=create node/virtual-kubelet --timeout=30s")?;
    plane.kubectl("wait --for=condition=Ready node/virtual-kubelet --timeout=30s")?;
    apply(plane, POD)?;
    plane.kubectl("wait --for=condition=Ready pod/needs-all --timeout=120s")?;
    let said = plane.kubectl("logs needs-all")?;
    ensure!(said.contains("said in the cloud"), "the log says {said:?}");
    asks_with_a_token(plane)?;
    // not before, or it falls a second time while the other waits for its volume
    apply(plane, FALLING)?;
    // an event of one pod is counted, not repeated; there is none to wait for before the first start
    plane.kubectl(
        "wait --for=jsonpath={.status.containerStatuses[0].restartCount}=1 pod/falls --timeout=120s",
    )?;
    counted_again(plane)?;
    plane.kubectl("delete pod falls --timeout=60s")?;
    Ok(())
}

/// Waits until the count of the container's starts has been written over: the first that is seen may be of several starts.
fn counted_again(plane: &ControlPlaneSession) -> Result<()> {
    let starts = "get events --field-selector involvedObject.name=falls,reason=Started --output jsonpath={.items[*].count}";
    let (mut first, mut tries) = (None, 0);
    loop {
        let count = plane.kubectl(starts)?.trim().parse::<u64>().ok();
        first = first.or(count);
        if count > first {
            return Ok(());
        }
        ensure!(tries < 600, "the count of the container's starts stays at {count:?}");
        tries += 1;
        crate::engine::pause();
    }
}

/// Asks the node's port itself, as a metrics collector does: with the token of somebody who may, and of nobody.
fn asks_with_a_token(plane: &ControlPlaneSession) -> Result<()> {
    let port = "get node virtual-kubelet --output jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}";
    let port = plane.kubectl(port)?;
    plane.kubectl("create serviceaccount asks")?;
    let may =
        "create clusterrolebinding asks --clusterrole system:kubelet-api-admin --serviceaccount default:asks";
    plane.kubectl(may)?;
    let token = plane.kubectl("create token asks")?;
    let ask = |token: &str| {
        let mut kubectl = Command::new("kubectl");
        kubectl.env("KUBECONFIG", "/dev/null").arg(format!("--server=https://127.0.0.1:{port}"));
        kubectl.arg("--insecure-skip-tls-verify").arg(format!("--token={}", token.trim()));
        output_of(kubectl.args(["get", "--raw", "/pods"]))
    };
    ensure!(ask(&token)?.contains("needs-all"), "the node does not list its pods");
    ensure!(ask("nobody").is_err(), "the node answers nobody in particular");
    Ok(())
}

/// Rights that the service account has exercised with success, and those that it was refused.
fn used(log: &Path) -> Result<(BTreeSet<Right>, BTreeSet<Right>)> {
    let user = format!("system:serviceaccount:kube-system:{RELEASE}");
    let (mut used, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for line in fs::read_to_string(log)?.lines() {
        let event: Value = serde_json::from_str(line).context("the audit log cannot be read")?;
        if event["user"]["username"] != user.as_str() {
            continue;
        }
        let object = &event["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut resource = text(&object["resource"]);
        if let Some(subresource) = object["subresource"].as_str() {
            resource = format!("{resource}/{subresource}");
        }
        let right = (text(&object["namespace"]), text(&event["verb"]), text(&object["apiGroup"]), resource);
        if event["responseStatus"]["code"] == 403 {
            refused.insert(right)
        } else {
            used.insert(right)
        };
    }
    ensure!(!used.is_empty(), "the audit log knows nothing of {user}");
    Ok((used, refused))
}

/// Rights that the chart's roles give, as the API server has them.
fn given(plane: &ControlPlaneSession) -> Result<BTreeSet<Right>> {
    let mut given = BTreeSet::new();
    let ours = format!("--all-namespaces --selector app.kubernetes.io/instance={RELEASE} --output json");
    let roles: Value = serde_json::from_str(&plane.kubectl(&format!("get clusterroles,roles {ours}"))?)?;
    for role in roles["items"].as_array().context("there are roles")? {
        let namespace = role["metadata"]["namespace"].as_str().unwrap_or_default();
        let rules = role["rules"].as_array().context("a role has rules")?;
        for rule in rules {
            let of = |field: &str| {
                let list = rule[field].as_array().cloned().unwrap_or_default();
                list.into_iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            for (group, resource) in
                of("apiGroups").iter().flat_map(|g| of("resources").into_iter().map(move |r| (g.clone(), r)))
            {
                let right = |verb| (namespace.to_owned(), verb, group.clone(), resource.clone());
                given.extend(of("verbs").into_iter().map(right));
            }
        }
    }
    ensure!(!given.is_empty(), "the chart's roles give nothing");
    Ok(given)
}
