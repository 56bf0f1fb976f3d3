//! `sizes` and `cost` as a person types them: tables, documents, budgets, and one clear sentence for each mistake.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const SHOP: &str = "\
kind: Service
metadata: { name: web }
---
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  template:
    spec:
      containers:
      - { name: app, image: a, resources: { limits: { cpu: 4, memory: 8Gi } } }
      - { name: cache, image: a, resources: { requests: { cpu: 3, memory: 5Gi } } }
---
kind: Job
metadata: { name: batch, namespace: shop }
spec: { template: { spec: { containers: [{ name: c, image: a }] } } }
";
const TYPED: &str = "\
kind: Pod
metadata: { name: model, annotations: { k8s.aliyun.com/eci-use-specs: ecs.gn6i-c4g1.xlarge } }
spec: { containers: [{ name: c, image: a }] }
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The program at a fixed time, without the environment of the test, and with `input`.
fn scenarios(folder: &Path, typed: &str, input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenarios"));
    command.args(typed.split_whitespace()).args(["--at", "2026-01-01T00:00:00+08:00"]);
    command.current_dir(folder).env_clear().stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that does not read closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_folder_s_cost_is_a_table_no_wider_than_a_hundred_characters() {
    let folder =
        folder(&[("shop/web.yaml", SHOP), ("shop/more/typed.yaml", TYPED), ("shop/notes.txt", "no")]);
    let output = scenarios(folder.path(), "cost -f shop", "");
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    let wanted = "\
cost of shop · cn-hangzhou · CNY · prices of 2026-01-01 · a month is 730 h

                     asked    bought  pods   an hour  a month  economy     spot   waste
Deployment shop/web  7-13Gi   8-14Gi     2  3.440304  2511.42  1586.37  1090.62  289.76
Job shop/batch       nothing  2-4Gi      1  0.441072   321.98   206.35   135.78       -
in all                                   3  3.881376  2833.40  1792.72  1226.40  289.76

cheaper     Deployment shop/web with 6 vCPU, 12 GiB instead of 7-13Gi: ¥ 579.53 a month less
undeclared  1 of 2: without requests and limits, and so 2 vCPU, 4 GiB a pod; less may do
jobs        are counted as if they always ran; say for how long in a month with --job-hours
passed over Service 1
next:       ";
    assert!(said.starts_with(wanted), "{said}");
    assert!(wanted.lines().all(|line| line.chars().count() <= 100));
    let said = text(&scenarios(folder.path(), "cost -R -f shop --job-hours 10", "").stdout);
    assert!(said.contains("Pod default/model") && said.contains("Job shop/batch (10 h)"), "{said}");
    assert!(said.contains("unknown     1 without a price; the others are ¥ 2515.83 a month\n"), "{said}");
    assert!(said.contains("(shop/more/typed.yaml:1): no price is known for ecs.gn6i-c4g1.xlarge"), "{said}");
}

#[test]
fn a_change_is_told_against_what_was_and_fails_above_its_budget() {
    let folder = folder(&[("web.yaml", SHOP)]);
    let before = scenarios(folder.path(), "cost -f web.yaml --json", "");
    std::fs::write(folder.path().join("main.json"), &before.stdout).unwrap();
    let more = SHOP.replace("replicas: 2", "replicas: 3");
    let typed = "cost -f - --against main.json --budget";
    for (budget, form, code, says) in [
        ("4100/month", "", 0, "Deployment shop/web  2 × 8-14Gi  3 × 8-14Gi  +1255.71\n"),
        ("4100/month", "--markdown", 0, "| `Deployment shop/web` | 2 × 8-14Gi | 3 × 8-14Gi | +1255.71 |\n"),
        (
            "4000/month",
            "--markdown",
            1,
            "**Above budget:** ¥ 4089.12 a month is ¥ 89.12 above the budget of ¥ 4000.00 a month.\n",
        ),
        ("4000/month", "", 1, "in all               2833.40     4089.12     +1255.71\n"),
    ] {
        let output = scenarios(folder.path(), &format!("{typed} {budget} {form}"), &more);
        let (said, error) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}{error}");
        assert!(said.contains(says), "{said}");
        let sentence = "error: ¥ 4089.12 a month is ¥ 89.12 above the budget of ¥ 4000.00 a month\n";
        assert_eq!(error, if code == 0 { "" } else { sentence });
    }
}

#[test]
fn sizes_tells_each_workload_and_its_document_has_the_same() {
    let folder = folder(&[("web.yaml", SHOP)]);
    let said = text(&scenarios(folder.path(), "sizes web.yaml", "").stdout);
    for says in [
        "Deployment shop/web · 2 pods · CNY · web.yaml:4\n",
        "  cache               3    5  request\n",
        "bought in cn-hangzhou: 8-14Gi\n",
        "  ask for 6 vCPU, 12 GiB  6-12Gi  1.323216  23 % less\n",
        "Job shop/batch · 1 pod · CNY · web.yaml:14\n",
    ] {
        assert!(said.contains(says), "{says}\n{said}");
    }
    let output = scenarios(
        folder.path(),
        "sizes - --json --region cn-hangzhou --region eu-west-1 --currency USD",
        SHOP,
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document[0]["place"], "standard input:4");
    let what: Vec<_> = document[0]["regions"].as_array().unwrap().iter().map(|one| &one["what"]).collect();
    assert_eq!(what, ["8-14Gi", "8-16Gi"]);
    assert_eq!(document[1]["regions"][0]["hour"], "0.069264");
}

#[test]
fn each_mistake_is_one_sentence_with_its_place() {
    let large = "kind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: c, image: a, resources: { limits: { cpu: 65 } } }] }\n";
    let list = "item,category,currency,amount,per_seconds,from,to\nvcpu,default,CNY,1,3600,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z\nvcpu,default,CNY,1,3600,2025-03-01T00:00:00Z,\n";
    let header = "item,category,currency,amount,per_seconds,from,to\n";
    let with_rows = |rows: &str| format!("{header}{rows}");
    let negative = with_rows("vcpu,default,CNY,-1,3600,2025-01-01T00:00:00Z,\n");
    let unknown = with_rows("vcpu,premium,CNY,1,3600,2025-01-01T00:00:00Z,\n");
    let overlap =
        with_rows("vcpu,default,CNY,1,1,2025-01-01T00:00:00Z,\nvcpu,default,CNY,2,1,2026-01-01T00:00:00Z,\n");
    let own = folder(&[
        ("negative.csv", &negative),
        ("unknown.csv", &unknown),
        ("overlap.csv", &overlap),
        ("web.yaml", SHOP),
        ("large.yaml", &format!("# too large\n---\n{large}")),
        ("typed.yaml", TYPED),
        ("service.yaml", "kind: Service\nmetadata: { name: a }\n"),
        ("chart/Chart.yaml", "apiVersion: v2\nname: a\n"),
        ("template.yaml", "kind: Pod\nspec: {{ .Values.spec }}\n"),
        ("old.json", "{}"),
        ("gap.csv", list),
        ("empty/notes.txt", ""),
    ]);
    for (typed, says) in [
        (
            "cost -f large.yaml",
            "error: large.yaml:3: Pod default/a cannot be bought: 65 vCPU, 0 GiB asked; the largest size sold is 64",
        ),
        ("sizes large.yaml", "error: large.yaml:3: Pod default/a cannot be bought: 65 vCPU"),
        (
            "cost -f typed.yaml --currency USD --budget 5/month",
            "error: typed.yaml:1: the budget of $ 5.00 a month cannot be judged: no price is known for ecs.gn6i-c4g1.xlarge in cn-hangzhou in USD",
        ),
        ("cost -f web.yaml --currency EUR", "`EUR` is no currency of a price list; it should be CNY or USD"),
        (
            "cost -f web.yaml --budget much/month",
            "`much/month` is no budget; write an amount of 0 or more and its time, as `500/month`",
        ),
        ("cost -f web.yaml --budget 500", "`500` is no budget"),
        (
            "cost -f web.yaml --region cn-hangzou",
            "error: no region `cn-hangzou` sells ECI; did you mean `cn-hangzhou`?",
        ),
        (
            "cost -f web.yaml --price-file gap.csv",
            "error: gap.csv, row 3: the price of vcpu in all regions in CNY is given until",
        ),
        (
            "sizes web.yaml --price-file gap.csv",
            "error: gap.csv, row 3: the price of vcpu in all regions in CNY is given until",
        ),
        (
            "cost -f web.yaml --price-file overlap.csv",
            "error: overlap.csv, row 3: row 2 gives the price of vcpu in all regions in CNY from",
        ),
        (
            "cost -f web.yaml --price-file negative.csv",
            "error: negative.csv, row 2: the amount -1 is negative; a price is 0 or more",
        ),
        (
            "sizes web.yaml --price-file unknown.csv",
            "error: unknown.csv, row 2: `premium` is no category; it should be default or economy or general",
        ),
        ("cost -f web.yaml --against old.json", "error: old.json is no estimate: missing field"),
        ("cost -f service.yaml", "error: service.yaml holds no pod that counts: only Service"),
        (
            "cost -f chart",
            "error: chart/Chart.yaml:1: this is no manifest: it has no `kind`; for a Helm chart, type `helm template",
        ),
        (
            "cost -f template.yaml",
            "it looks like a template: type `helm template CHART | scenarios cost -f -`",
        ),
        ("cost -f empty", "error: empty holds no file that ends in .yaml, .yml or .json"),
        ("cost -f nowhere.yaml", "error: nowhere.yaml: No such file"),
        ("cost -f -", "error: standard input holds no manifest"),
        ("cost --kubeconfig nowhere", "error: the kubeconfig nowhere cannot be used: "),
        ("cost", "--filename <FILE>"),
        ("sizes web.yaml --sidecar much", "`much` is no sidecar; write its CPU and memory, as `100m,128Mi`"),
    ] {
        let output = scenarios(own.path(), typed, "");
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{typed}: {error}");
        assert!(error.contains(says), "{typed}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_s_pods_are_counted_where_they_run() {
    use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
    use scenarios::cost::cluster;

    let world = scenarios::World::start().await.unwrap();
    let pods: kube::Api<Pod> = kube::Api::namespaced(world.kube(), "default");
    for (name, node) in [("web", Some("virtual-kubelet")), ("waiting", None)] {
        let container = Container { name: "c".into(), image: Some("nginx".into()), ..Default::default() };
        let spec =
            PodSpec { node_name: node.map(Into::into), containers: vec![container], ..Default::default() };
        let mut pod = Pod { spec: Some(spec), ..Default::default() };
        pod.metadata.name = Some(name.into());
        pods.create(&Default::default(), &pod).await.unwrap();
    }
    let names = async |node| {
        let found = cluster::read(world.kube(), node).await.unwrap();
        found
            .workloads
            .iter()
            .map(|one| format!("{} {} {}", one.kind, one.name, one.place))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(None).await, ["Pod waiting cluster", "Pod web cluster"]);
    assert_eq!(names(Some("virtual-kubelet")).await, ["Pod web cluster"]);
}
