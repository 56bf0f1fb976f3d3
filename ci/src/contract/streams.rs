//! `kubectl exec`, `attach` and `port-forward`, through the real API server and the node's HTTPS port.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

use crate::control_plane_session::ControlPlaneSession;
use crate::control_plane_session::apply;

/// A pod that stays, and whose container can be attached to.
const STAYING: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: stays }
spec:
  nodeName: virtual-kubelet
  restartPolicy: Never
  containers:
  - { name: main, image: busybox, command: [sh, -c, "echo before; sleep 3600"] }
"#;

/// Checks `kubectl exec`, `attach` and `port-forward` one after the other.
pub fn are_carried(plane: &ControlPlaneSession) -> Result<()> {
    apply(plane, STAYING)?;
    plane.kubectl("wait --for=condition=Ready pod/stays --timeout=60s")?;
    for (typed, command, said, code) in [
        ("", &["exec", "stays", "--", "echo", "hello"][..], "hello\n", 0),
        ("", &["exec", "stays", "--", "sh", "-c", "echo gone; exit 3"], "gone\n", 3),
        ("echo typed\nexit 4\n", &["exec", "-i", "stays", "--", "sh"], "typed\n", 4),
        ("echo typed\n", &["exec", "-i", "stays", "--", "sh"], "typed\n", 0),
    ] {
        let output = kubectl(plane, command, typed)?;
        let heard = String::from_utf8_lossy(&output.stdout);
        ensure!(
            heard == said && output.status.code() == Some(code),
            "kubectl {command:?} says {heard:?} and ends with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let refused = |command: &[&str], told: &str| -> Result<()> {
        let output = kubectl(plane, command, "")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && error.contains(told),
            "kubectl {command:?} says {error:?}, and not {told:?}"
        );
        Ok(())
    };
    refused(&["exec", "stays", "--container", "other", "--", "ls"], "other")?;
    refused(&["attach", "-i", "stays"], "ECI cannot attach to the standard input")?;
    plane.kubectl("delete pod stays --grace-period=1 --timeout=60s")?;
    println!(
        "✓ kubectl exec carries output, input and its end, and the exit code; attach -i is refused in words"
    );
    Ok(())
}

/// Output of kubectl with an input.
fn kubectl(plane: &ControlPlaneSession, arguments: &[&str], typed: &str) -> Result<Output> {
    let mut kubectl = Command::new("kubectl");
    kubectl.args(arguments).env("KUBECONFIG", &plane.kubeconfig);
    kubectl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = kubectl.spawn().context("cannot start kubectl")?;
    let mut stdin = child.stdin.take().context("kubectl has no input")?;
    stdin.write_all(typed.as_bytes())?;
    drop(stdin);
    Ok(child.wait_with_output()?)
}
