//! The chart's whole life on a cluster whose nodes run pods: upgraded, rolled back, uninstalled with each treatment of live groups.

use std::path::Path;

use anyhow::{Result, ensure};

use super::cluster::{Cluster, inside};
use super::control_api::ControlApi;
use super::guide::{appears, kubectl};
use super::install::helm_install;
use crate::engine::pause;

const RELEASE: &str = "ack-virtual-node";
/// A pod that runs on while the provider comes and goes.
const STAYS: &str = "\
apiVersion: v1
kind: Pod
metadata: { name: stays }
spec:
  nodeName: virtual-kubelet
  containers: [{ name: main, image: nginx }]
";

/// Plays the chart's life, from the present installation to the last uninstallation.
pub fn live(cluster: &Cluster, root: &Path) -> Result<()> {
    runs(cluster)?;
    helm_install(cluster, root, &["webhook.timeoutSeconds=9"])?;
    let timeout =
        "get mutatingwebhookconfiguration ack-virtual-node -o jsonpath='{.webhooks[0].timeoutSeconds}'";
    ensure!(kubectl(cluster, timeout, "")? == "9", "the upgrade did not reach the webhook");
    println!("✓ helm upgrade");
    let (rolled, said) = helm(cluster, &["rollback", RELEASE, "1", "--wait"])?;
    ensure!(
        rolled && kubectl(cluster, timeout, "")? == "5",
        "the rollback did not reach the webhook:\n{said}"
    );
    println!("✓ helm rollback");
    refuses(cluster, root)?;
    deletes(cluster, root)?;
    helm_install(cluster, root, &[])?;
    appears(cluster)?;
    runs(cluster)?;
    warns(cluster)
}

/// Uninstalls the chart, and deletes the node, on which nothing runs.
pub fn uninstall(cluster: &Cluster) -> Result<()> {
    let (gone, said) = helm(cluster, &["uninstall", RELEASE, "--wait"])?;
    ensure!(gone && said.contains("nothing is billed"), "helm uninstall says:\n{said}");
    kubectl(cluster, "delete node virtual-kubelet --ignore-not-found", "").map(drop)
}

fn refuses(cluster: &Cluster, root: &Path) -> Result<()> {
    helm_install(cluster, root, &["onUninstall=refuse"])?;
    let (gone, said) = helm(cluster, &["uninstall", RELEASE, "--wait"])?;
    ensure!(!gone && said.contains("does not go on"), "helm uninstall should not go on; it says:\n{said}");
    still_runs(cluster)?;
    let (rolled, said) = helm(cluster, &["rollback", RELEASE, "1", "--wait"])?;
    ensure!(rolled, "after a refusal a release cannot be rolled back:\n{said}");
    println!("✓ with onUninstall=refuse helm uninstall does not go on, and the release can be rolled back");
    Ok(())
}

fn deletes(cluster: &Cluster, root: &Path) -> Result<()> {
    helm_install(cluster, root, &["onUninstall=delete"])?;
    let (gone, said) = helm(cluster, &["uninstall", RELEASE, "--wait"])?;
    ensure!(gone && said.contains("nothing is billed"), "helm uninstall says:\n{said}");
    let control = ControlApi::open(cluster)?;
    for _ in 0..150 {
        if control.groups()?.is_empty() {
            println!("✓ with onUninstall=delete it ends pods and groups");
            return Ok(());
        }
        pause();
    }
    anyhow::bail!("these groups are left: {:?}; helm uninstall said:\n{said}", control.groups()?)
}

/// Checks that an uninstallation names the groups that are left, which go on and are billed.
fn warns(cluster: &Cluster) -> Result<()> {
    let (gone, said) = helm(cluster, &["uninstall", RELEASE, "--wait"])?;
    ensure!(
        gone && said.contains("1 container group of node virtual-kubelet is live"),
        "helm uninstall says:\n{said}"
    );
    ensure!(said.contains("pod default/stays"), "helm uninstall does not name the pod:\n{said}");
    still_runs(cluster)?;
    let control = ControlApi::open(cluster)?;
    control.advance(3600)?;
    let bill = control.get("/bill")?;
    let total = bill["total"].as_str().map_or_else(|| bill["total"].to_string(), str::to_owned);
    ensure!(total.chars().any(|c| ('1'..='9').contains(&c)), "an hour later the bill is {total}");
    println!("✓ helm uninstall says which group is live and billed: an hour later the bill is {total}");
    Ok(())
}

fn runs(cluster: &Cluster) -> Result<()> {
    kubectl(cluster, "apply -f -", STAYS)?;
    kubectl(cluster, "wait --for=condition=Ready pod/stays --timeout=120s", "").map(drop)
}

fn still_runs(cluster: &Cluster) -> Result<()> {
    let groups = ControlApi::open(cluster)?.groups()?;
    ensure!(groups == ["default-stays Running"], "the groups are {groups:?}");
    Ok(())
}

/// Output of helm in the chart's own namespace, and true if it succeeded.
fn helm(cluster: &Cluster, arguments: &[&str]) -> Result<(bool, String)> {
    let output = inside(cluster, "helm")?.args(arguments).arg("--namespace=kube-system").output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok((output.status.success(), said))
}
