//! `kubectl logs` with each of its flags, through the real API server and the node's HTTPS port.

use anyhow::{Context, Result, ensure};

use crate::control_plane_session::ControlPlaneSession;
use crate::control_plane_session::apply;

/// A pod that speaks, waits, speaks again and ends.
const SPEAKER: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: speaker }
spec:
  nodeName: virtual-kubelet
  restartPolicy: Never
  containers:
  - { name: main, image: busybox, command: [sh, -c, "echo one; sleep 1; echo two; sleep 1; echo three; sleep 15; echo last"] }
"#;

/// A pod that falls and is started again.
const FALLING: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: falls }
spec:
  nodeName: virtual-kubelet
  containers:
  - { name: main, image: busybox, command: [sh, -c, "echo fell; sleep 3; exit 3"] }
"#;

/// Checks the flags of `kubectl logs` one after the other.
pub fn check_flags(plane: &ControlPlaneSession) -> Result<()> {
    apply(plane, SPEAKER)?;
    plane.kubectl("wait --for=condition=Ready pod/speaker --timeout=60s")?;
    // kubectl comes back when the container has ended, with its output until then
    let said = plane.kubectl("logs speaker --follow")?;
    ensure!(said == "one\ntwo\nthree\nlast\n", "--follow says {said:?}");
    let stamped = plane.kubectl("logs speaker --timestamps")?;
    let mut times = Vec::new();
    for (line, word) in stamped.lines().zip(["one", "two", "three", "last"]) {
        let (time, said) = line.split_once(' ').context("--timestamps writes no time")?;
        ensure!(time.contains('T') && time.ends_with('Z') && said == word, "--timestamps says {line:?}");
        times.push(time);
    }
    ensure!(times.len() == 4 && times.is_sorted(), "--timestamps says\n{stamped}");
    for (flags, wanted) in [
        ("--tail=1".to_owned(), "last\n"),
        ("--tail=0".to_owned(), ""),
        ("--limit-bytes=6".to_owned(), "one\ntw"),
        ("--since=1h".to_owned(), "one\ntwo\nthree\nlast\n"),
        (format!("--since-time={}", times[2]), "three\nlast\n"),
    ] {
        let said = plane.kubectl(&format!("logs speaker {flags}"))?;
        ensure!(said == wanted, "kubectl logs speaker {flags} says {said:?} instead of {wanted:?}");
    }
    apply(plane, FALLING)?;
    let restarted = "wait --for=jsonpath={.status.containerStatuses[0].restartCount}=1";
    plane.kubectl(&format!("{restarted} pod/falls --timeout=90s"))?;
    let said = plane.kubectl("logs falls --previous")?;
    ensure!(said == "fell\n", "--previous says {said:?}");
    let none =
        plane.kubectl("logs speaker --previous").err().context("--previous of a first life is answered")?;
    ensure!(none.to_string().contains("not found"), "--previous of a first life says {none}");
    plane.kubectl("delete pod falls --timeout=60s")?;
    println!("✓ kubectl logs: follow, timestamps, tail, limit-bytes, since, since-time, previous");
    Ok(())
}
