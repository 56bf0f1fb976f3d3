//! The guide's commands and both its templates, all that streams, and a table of command lines, through the real kubectl,
//! against the playground.

mod commands;
mod streams;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};

use crate::cache;
use crate::outcome::CheckOutcome;
use crate::workspace::release_programs;

const BY_SELECTOR: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: by-selector
spec:
  containers:
  - image: nginx
    imagePullPolicy: Always
    name: nginx
  nodeSelector:
    type: virtual-kubelet
  tolerations:
  - key: virtual-kubelet.io/provider
    operator: Exists
";

const BY_NAME: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: by-name
spec:
  containers:
  - image: nginx
    imagePullPolicy: Always
    name: nginx
  nodeName: virtual-kubelet
";

/// One command of kubectl: its arguments, its input, and the texts that its output has to contain.
pub type Row = (&'static str, &'static str, &'static [&'static str]);

/// The guide's commands, and those of a person who looks around.
pub const ROWS: &[Row] = &[
    ("get nodes", "", &["virtual-kubelet", "Ready", "agent"]),
    (
        "describe node virtual-kubelet",
        "",
        &["virtual-kubelet.io/provider=alibabacloud:NoSchedule", "Ready", "True"],
    ),
    ("create ns vk", "", &["namespace/vk created"]),
    ("label namespace vk virtual-node-affinity-injection=enabled", "", &["namespace/vk labeled"]),
    ("-n vk run nginx --image nginx", "", &["pod/nginx created"]),
    ("apply -f -", BY_SELECTOR, &["pod/by-selector created"]),
    ("apply -f -", BY_NAME, &["pod/by-name created"]),
    (
        "-n vk run speaker --image busybox --restart Never --command -- sh -c 'echo said in the cloud; sleep 3600'",
        "",
        &["pod/speaker created"],
    ),
    (
        "-n vk wait --for=condition=Ready pod/nginx pod/speaker --timeout=120s",
        "",
        &["pod/nginx condition met"],
    ),
    (
        "wait --for=condition=Ready pod/by-selector pod/by-name --timeout=120s",
        "",
        &["pod/by-name condition met"],
    ),
    ("-n vk get pods -o wide", "", &["nginx", "Running", "virtual-kubelet"]),
    ("get pods -o wide", "", &["by-selector", "by-name", "Running", "virtual-kubelet"]),
    ("-n vk describe pod nginx", "", &["Node:", "virtual-kubelet", "Started", "Events:"]),
    ("-n vk logs speaker", "", &["said in the cloud"]),
    ("-n vk logs speaker --tail=1 --timestamps", "", &["Z said in the cloud"]),
    ("apply -f -", BY_NAME, &["pod/by-name unchanged"]),
    ("delete pod by-selector by-name", "", &["pod \"by-selector\" deleted", "pod \"by-name\" deleted"]),
    ("delete ns vk", "", &["namespace \"vk\" deleted"]),
    ("get pods --all-namespaces", "", &[]),
];

const LIST: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: listed}, data: {a: '1'}}
- {apiVersion: v1, kind: Pod, metadata: {name: listed}, spec: {nodeName: virtual-kubelet, containers: [{name: c, image: nginx}]}}
";

const MISSPELT: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: misspelt}
spec: {containers: [{name: c, image: nginx, imagePullPolice: Always}]}
";

const DRY_DRAIN: &str = "drain virtual-kubelet --dry-run=server --force --ignore-daemonsets";

/// Commands that only say what they would do, with a pod that runs on the virtual node; nothing is left of them. The fields of
/// kinds are shown by kube-sim's own test of kubectl.
const DRY_RUNS: &[Row] = &[
    ("apply -f -", LIST, &["configmap/listed created", "pod/listed created"]),
    ("wait --for=condition=Ready pod/listed --timeout=120s", "", &["pod/listed condition met"]),
    ("apply --validate=ignore --dry-run=server -f -", MISSPELT, &["pod/misspelt created (server dry run)"]),
    (DRY_DRAIN, "", &["evicting pod default/listed (server dry run)", "drained (server dry run)"]),
    ("delete pod listed --dry-run=server", "", &["pod \"listed\" deleted (server dry run)"]),
    ("get pod listed", "", &["Running"]),
    ("delete -f -", LIST, &["configmap \"listed\" deleted", "pod \"listed\" deleted"]),
];

/// Commands that ask for measures, which a cluster without a server of them, such as kind's, has not.
const MEASURED: &[Row] = &[("top node virtual-kubelet", "", &["CPU(cores)", "virtual-kubelet"])];

/// Commands that are refused.
const REFUSED: &[Row] = &[
    ("apply -f -", MISSPELT, &["unknown field \"spec.containers[0].imagePullPolice\""]),
    ("get pod misspelt", "", &["pods \"misspelt\" not found"]),
];

const TEN_MINUTES: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: ten-minutes}
spec:
  template:
    spec:
      nodeName: virtual-kubelet
      restartPolicy: Never
      containers: [{name: c, image: busybox, command: [sleep, '600']}]
";

/// Starts two playgrounds, since most of either is a wait, plays the rows in one and the table in the other, ends each with
/// Ctrl-C, and checks that its kubeconfig is gone.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let programs = release_programs(root)?;
    let binary = programs.path("bin", "scenarios")?;
    std::thread::scope(|scope| {
        let table =
            scope.spawn(|| in_playground(binary, "commands", |folder| commands::are_answered(root, folder)));
        let rows = in_playground(binary, "guide", play).and_then(|()| sped_up(binary));
        let table = table.join().map_err(|_| anyhow!("playing the table of command lines panicked"))?;
        rows.and(table)
    })?;
    Ok(CheckOutcome::Passed)
}

/// Does something to a playground in a folder of its own; no pod and no kubeconfig may be left of it.
fn in_playground(binary: &Path, name: &str, act: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = cache::folder()?.join(format!("playground-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let ended = to_the_end(binary, &folder, act);
    let left_behind = folder.join("virtual-node.kubeconfig").exists();
    std::fs::remove_dir_all(&folder)?;
    ended?;
    ensure!(!left_behind, "the playground left its kubeconfig behind");
    Ok(())
}

fn to_the_end(binary: &Path, folder: &Path, act: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut playground = Playground::start(binary, folder)?;
    act(folder)?;
    let left = kubectl(folder, "get pods --all-namespaces", "")?;
    ensure!(left.contains("No resources found"), "pods are left after their deletion:\n{left}");
    playground.end()
}

/// Waits for a Job of ten minutes in a playground that is faster than the machine: less than that, for whoever waits.
fn sped_up(binary: &Path) -> Result<()> {
    let folder = cache::folder()?.join(format!("playground-sped-up-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("job.yaml"), TEN_MINUTES)?;
    let mut up = Command::new(binary);
    up.args(["up", "--speed", "x500", "--apply", "job.yaml", "--", "kubectl", "wait", "job/ten-minutes"]);
    let waited = up.args(["--for=condition=Complete", "--timeout=120s"]).current_dir(&folder).status();
    std::fs::remove_dir_all(&folder)?;
    let status = waited.context("cannot start the playground")?;
    ensure!(
        status.success(),
        "a Job of ten minutes did not end in two minutes of a playground at x500: {status}"
    );
    println!("✓ up --speed x500 -- kubectl wait job/ten-minutes");
    Ok(())
}

fn play(folder: &Path) -> Result<()> {
    for (rows, works) in [(ROWS, true), (MEASURED, true), (DRY_RUNS, true), (REFUSED, false)] {
        play_rows(folder, rows, works)?;
    }
    streams::are_carried(folder)
}

/// Plays rows that all work, or that are all refused.
fn play_rows(folder: &Path, rows: &[Row], works: bool) -> Result<()> {
    for (arguments, input, wanted) in rows {
        let (ended_well, output) = try_kubectl(folder, arguments, input)?;
        let ended = if works { "work" } else { "be refused" };
        ensure!(ended_well == works, "`kubectl {arguments}` should {ended}; it said:\n{output}");
        for word in *wanted {
            ensure!(output.contains(word), "`kubectl {arguments}` should say `{word}`; it said:\n{output}");
        }
        println!("✓ kubectl {arguments}");
    }
    Ok(())
}

fn kubectl(folder: &Path, arguments: &str, input: &str) -> Result<String> {
    let (ended_well, said) = try_kubectl(folder, arguments, input)?;
    ensure!(ended_well, "`kubectl {arguments}` failed:\n{said}");
    Ok(said)
}

/// Runs kubectl; returns true when it ended well, and what it said.
fn try_kubectl(folder: &Path, arguments: &str, input: &str) -> Result<(bool, String)> {
    let mut child = Command::new("sh")
        .args(["-c", &format!("exec kubectl {arguments}")])
        .env("KUBECONFIG", folder.join("virtual-node.kubeconfig"))
        .env("HOME", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start kubectl")?;
    child.stdin.take().context("kubectl has no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// A running `scenarios up`; killed when it is dropped before its end.
struct Playground {
    process: Child,
}

impl Playground {
    fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let mut command = Command::new(PathBuf::from(binary));
        let mut process = command
            .arg("up")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the playground")?;
        let output = process.stdout.take().context("the playground has no output")?;
        let playground = Self { process };
        let mut lines = BufReader::new(output).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Ctrl-C ends everything"));
        ensure!(ready, "the playground ended before it was ready");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| println!("  up: {line}")));
        Ok(playground)
    }

    /// Ends the playground as by Ctrl-C, and waits.
    fn end(&mut self) -> Result<()> {
        let pressed = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status()?;
        ensure!(pressed.success(), "the playground was gone before Ctrl-C");
        let status = self.process.wait()?;
        ensure!(status.success(), "the playground ended with {status} on Ctrl-C");
        Ok(())
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        let _ = self.process.kill(); // already gone after `end`
        let _ = self.process.wait();
    }
}
