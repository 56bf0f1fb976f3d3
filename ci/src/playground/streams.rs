//! `kubectl exec`, `attach`, `cp`, `port-forward` and the proxies, against the playground.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A pod that stays, and one that goes on talking.
const PODS: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: stays }
spec:
  nodeName: virtual-kubelet
  containers: [{ name: main, image: busybox, command: [sh, -c, "echo before; sleep 3600"] }]
---
apiVersion: v1
kind: Pod
metadata: { name: speaks }
spec:
  nodeName: virtual-kubelet
  containers: [{ name: main, image: busybox, command: [sh, -c, "while true; do echo tick; sleep 1; done"] }]
"#;

/// The protocol that kubectl begins with: the one of 1.31 and later, or the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    WebSocket,
    Spdy,
}

/// One command of kubectl: its arguments, its input, the exit code, and the texts that its output has to contain.
type Row = (&'static str, &'static str, i32, &'static [&'static str]);

const BEGINNING: &[Row] = &[
    ("apply -f -", PODS, 0, &["pod/stays created", "pod/speaks created"]),
    ("wait --for=condition=Ready pod/stays pod/speaks --timeout=120s", "", 0, &["pod/speaks condition met"]),
];

const ROWS: &[Row] = &[
    ("exec stays -- echo hello", "", 0, &["hello\n"]),
    ("exec stays -c main -- sh -c 'echo gone; exit 3'", "", 3, &["gone\n", "exit code 3"]),
    ("exec -i stays -- sh", "echo typed\nexit 4\n", 4, &["typed\n"]),
    ("exec -i stays -- sh", "echo typed\n", 0, &["typed\n"]),
    ("exec stays -- top", "", 127, &["top is not simulated"]),
    ("exec stays -c other -- ls", "", 1, &["container other is not valid for pod stays"]),
    ("exec nobody -- ls", "", 1, &["pods \"nobody\" not found"]),
    ("attach -i stays", "", 1, &["ECI cannot attach to the standard input"]),
    ("cp stays:/etc/hostname hostname", "", 0, &[]),
    ("cp hostname stays:/tmp/copied", "", 0, &[]),
    ("exec stays -- cat /tmp/copied", "", 0, &["stays"]),
    ("debug stays --image busybox", "", 1, &["ephemeral containers are not supported"]),
    ("get --raw /api/v1/nodes/virtual-kubelet/proxy/healthz", "", 0, &["ok"]),
    (
        "get --raw /api/v1/nodes/virtual-kubelet/proxy/stats/summary",
        "",
        0,
        &["\"nodeName\":\"virtual-kubelet\""],
    ),
    (
        "get --raw /api/v1/namespaces/default/pods/stays:80/proxy/",
        "",
        1,
        &["error trying to reach service: dial tcp ", "none of them listens"],
    ),
    (
        "get --raw /api/v1/namespaces/default/services/nobody:80/proxy/",
        "",
        1,
        &["services \"nobody\" not found"],
    ),
];

/// Checks what streams, over WebSockets and over SPDY, on pods that are gone afterwards.
pub fn are_carried(folder: &Path) -> Result<()> {
    for row in BEGINNING {
        play(folder, Protocol::WebSocket, row)?;
    }
    for protocol in [Protocol::WebSocket, Protocol::Spdy] {
        for row in ROWS {
            play(folder, protocol, row)?;
        }
        let mut attached = Running::start(folder, protocol, "attach speaks")?;
        ensure!(attached.line("tick")?.is_some(), "`kubectl attach speaks` should follow the output");
        a_port_is_forwarded(folder, protocol)?;
        println!("✓ kubectl attach speaks, kubectl port-forward pod/stays :80 ({protocol:?})");
    }
    play(
        folder,
        Protocol::WebSocket,
        &("delete pod stays speaks --grace-period=1 --timeout=120s", "", 0, &[]),
    )
}

fn play(folder: &Path, protocol: Protocol, (arguments, typed, code, wanted): &Row) -> Result<()> {
    let Output { status, stdout, stderr } = output(folder, protocol, arguments, typed)?;
    let printed = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    let missing: Vec<_> = wanted.iter().filter(|word| !printed.contains(**word)).collect();
    ensure!(
        status.code() == Some(*code) && missing.is_empty(),
        "`kubectl {arguments}` ({protocol:?}) should end with {code} and say {wanted:?}; it ended with {status} and said:\n\
         {printed}"
    );
    println!("✓ kubectl {arguments} ({protocol:?})");
    Ok(())
}

/// Nobody listens at a pod's port in the playground, and the node's own words say so at this end.
fn a_port_is_forwarded(folder: &Path, protocol: Protocol) -> Result<()> {
    let mut forward = Running::start(folder, protocol, "port-forward pod/stays :80 2>&1")?;
    let opened =
        forward.line("Forwarding from 127.0.0.1:")?.context("`kubectl port-forward` opens no port")?;
    let port =
        opened.split(':').nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default().parse()?;
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    client.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
    // What the connection's end says is not the point, only that there is one.
    let _ = client.read(&mut [0; 64]);
    let refused = forward.line("error forwarding port 80 to pod stays_default")?;
    ensure!(
        refused.is_some_and(|line| line.contains("none of them listens")),
        "`kubectl port-forward` should say what the node said"
    );
    Ok(())
}

fn start(folder: &Path, protocol: Protocol, arguments: &str) -> Result<Child> {
    let websockets = if protocol == Protocol::WebSocket { "true" } else { "false" };
    Command::new("sh")
        .args(["-c", &format!("exec kubectl {arguments}")])
        .current_dir(folder)
        .env("KUBECONFIG", folder.join("virtual-node.kubeconfig"))
        .env("HOME", folder)
        .env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", websockets)
        .env("KUBECTL_PORT_FORWARD_WEBSOCKETS", websockets)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start kubectl")
}

fn output(folder: &Path, protocol: Protocol, arguments: &str, typed: &str) -> Result<Output> {
    let mut child = start(folder, protocol, arguments)?;
    let mut stdin = child.stdin.take().context("kubectl has no input")?;
    // One that is refused reads nothing.
    let _ = stdin.write_all(typed.as_bytes());
    drop(stdin);
    Ok(child.wait_with_output()?)
}

/// A kubectl that does not end by itself; it is ended when this is dropped.
struct Running {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(folder: &Path, protocol: Protocol, arguments: &str) -> Result<Self> {
        let mut process = start(folder, protocol, arguments)?;
        let output = process.stdout.take().context("kubectl has no output")?;
        Ok(Self { process, lines: BufReader::new(output).lines() })
    }

    /// The next line that contains a text; none when kubectl ends before.
    fn line(&mut self, text: &str) -> Result<Option<String>> {
        for line in self.lines.by_ref() {
            let line = line?;
            if line.contains(text) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended
        let _ = self.process.wait();
    }
}
