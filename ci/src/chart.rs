//! Checks of the Helm chart: its refusals, its rendering, and its whole life on a real control plane.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::control_plane_session::ControlPlaneSession;
use crate::outcome::CheckOutcome;
use crate::tools::tool;

/// The guide's four parameters.
pub const PARAMETERS: [&str; 4] =
    ["ECI_VSWITCH=vsw-1", "ECI_SECURITY_GROUP=sg-1", "ECI_ACCESS_KEY=the-id", "ECI_SECRET_KEY=hush"];
/// Name of the release in these checks.
pub const RELEASE: &str = "ack-virtual-node";

/// `helm lint`, `helm template`, and one clear sentence for each parameter that is missing.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let helm = Helm { program: tool("helm")?, chart: root.join("provider/chart") };
    helm.accepts("lint", &PARAMETERS)?;
    let rendered = helm.accepts("template", &PARAMETERS)?;
    ensure!(rendered.contains("failurePolicy: Ignore"), "the webhook must not hold pods up:\n{rendered}");
    keys(&helm, &rendered)?;
    uninstallation(&helm)?;
    options(&helm, &rendered)?;
    named_namespaces(&helm)?;
    certificates(&helm)?;
    refusals(&helm)?;
    println!("✓ the chart renders, and refuses what is missing or misspelt by its name");
    life(root)?;
    println!("✓ the chart is installed, upgraded, rolled back and uninstalled, and leaves nothing behind");
    Ok(CheckOutcome::Passed)
}

/// Both keys stand in the chart's Secret alone, or in one that exists.
fn keys(helm: &Helm, rendered: &str) -> Result<()> {
    for line in rendered.lines().filter(|line| line.contains("hush") || line.contains("the-id")) {
        let entry = line.trim_start();
        let in_secret = entry.starts_with("ECI_SECRET_KEY: ") || entry.starts_with("ECI_ACCESS_KEY: ");
        ensure!(in_secret, "a key stands outside its Secret: {line}");
    }
    let elsewhere = [PARAMETERS[0], PARAMETERS[1], "existingSecret=keys"];
    let rendered = helm.accepts("template", &elsewhere)?;
    ensure!(rendered.contains("name: keys, key: ECI_SECRET_KEY"), "existingSecret is not used:\n{rendered}");
    Ok(())
}

/// The hook before an uninstallation does with live groups what `onUninstall` says.
fn uninstallation(helm: &Helm) -> Result<()> {
    for treatment in ["warn", "refuse", "delete"] {
        let value = format!("onUninstall={treatment}");
        let rendered = helm.accepts("template", &[&PARAMETERS[..], &[&value]].concat())?;
        let hook = rendered.split("---").find(|part| part.contains("helm.sh/hook: pre-delete"));
        let hook = hook.context("nothing is done before an uninstallation")?;
        let argued = hook.contains(&format!("args: [uninstall-check, --on-live-groups={treatment}]"));
        ensure!(argued && hook.contains("helm.sh/hook-output-log-policy"), "{value} is not passed:\n{hook}");
        ensure!(
            !hook.contains("app.kubernetes.io/name: ack-virtual-node\n      "),
            "the hook is taken for a provider"
        );
    }
    Ok(())
}

/// A clock, rates and replicas become flags where they are given, and `plain` has none of them.
fn options(helm: &Helm, plain: &str) -> Result<()> {
    let with = |value| helm.accepts("template", &[&PARAMETERS[..], &[value]].concat());
    ensure!(!plain.contains("ECI_CLOCK_URL"), "a clock is followed unasked:\n{plain}");
    let rendered = with("clockUrl=http://sim:8090")?;
    let followers = rendered.matches("value: \"http://sim:8090\"").count();
    ensure!(followers == 1, "the clock is followed by {followers}, not by the provider alone:\n{rendered}");
    let rates = "cloudRates=CreateContainerGroup=300";
    let rendered = with(rates)?;
    let argued = rendered.contains(r#"- "--cloud-rates=CreateContainerGroup=300""#);
    ensure!(argued, "{rates} is not passed:\n{rendered}");
    let alone = !plain.contains("--leader-election") && plain.contains("type: Recreate");
    ensure!(alone, "one replica:\n{plain}");
    let several = with("replicas=2")?;
    for part in ["replicas: 2", "- --leader-election=", "type: RollingUpdate"] {
        ensure!(several.contains(part), "two replicas, and not `{part}`:\n{several}");
    }
    Ok(())
}

/// What is missing or wrong is refused by its name.
fn refusals(helm: &Helm) -> Result<()> {
    for missing in PARAMETERS {
        let name = missing.split('=').next().unwrap_or_default();
        let others: Vec<_> = PARAMETERS.into_iter().filter(|p| !p.starts_with(name)).collect();
        helm.refuses(&others, name)?;
    }
    for (wrong, named) in [
        ("ECI_VSWITCH=vsw 1", "ECI_VSWITCH"),
        ("nodeName=Virtual_Kubelet", "nodeName"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("ECI_VSWICH=vsw-1", "ECI_VSWICH"),
        ("onUninstall=forget", "onUninstall"),
        ("clockUrl=noon", "clockUrl"),
        ("cloudRates=fast", "cloudRates"),
        ("namespaces={Web}", "namespaces"),
        ("policy.default.limits.vcpus=4", "vcpus"),
        ("policy.node.instances=-1", "instances"),
        ("replicas=0", "replicas"),
    ] {
        helm.refuses(&[&PARAMETERS[..], &[wrong]].concat(), named)?;
    }
    Ok(())
}

/// With namespaces that are named there is no right over pods or Secrets of all.
fn named_namespaces(helm: &Helm) -> Result<()> {
    let named = helm.accepts("template", &[&PARAMETERS[..], &["namespaces={web,ci}"]].concat())?;
    ensure!(named.contains("value: \"web,ci\""), "the provider is not told its namespaces:\n{named}");
    let of_all = named.split("\n---\n").find(|part| part.contains("kind: ClusterRole\n"));
    let of_all = of_all.context("there is no ClusterRole")?;
    for resource in ["pods", "secrets", "configmaps", "services", "serviceaccounts", "events"] {
        ensure!(!of_all.contains(resource), "the ClusterRole gives {resource} of all namespaces:\n{of_all}");
    }
    for namespace in ["web", "ci"] {
        let role = format!("kind: Role\nmetadata:\n  name: {RELEASE}\n  namespace: {namespace}\n");
        ensure!(named.contains(&role), "there is no Role in {namespace}:\n{named}");
    }
    Ok(())
}

/// Nothing is drawn while the chart is rendered: twice the same, so that a tool that renders it anew changes nothing.
fn certificates(helm: &Helm) -> Result<()> {
    let [one, other] = [helm.accepts("template", &PARAMETERS)?, helm.accepts("template", &PARAMETERS)?];
    ensure!(one == other, "the chart renders differently each time");
    ensure!(!one.contains("PRIVATE KEY") && !one.contains("tls.key"), "the chart makes certificates:\n{one}");
    ensure!(one.contains("--certificates-secret=kube-system/ack-virtual-node-certificates"), "{one}");
    ensure!(!one.contains("--keys"), "a Secret of the chart's own is watched");
    let keys = helm.accepts("template", &[PARAMETERS[0], PARAMETERS[1], "existingSecret=keys"])?;
    ensure!(keys.contains("--keys=/var/run/virtual-node/keys"), "{keys}");
    let policy =
        helm.accepts("template", &[&PARAMETERS[..], &["policy.default.ramRoles={reader}"]].concat())?;
    ensure!(policy.contains(r#"{\"default\":{\"ramRoles\":[\"reader\"]}}"#), "{policy}");
    Ok(())
}

/// Install, upgrade, rollback, uninstall against a real API server; what is served there is what a cluster would take.
fn life(root: &Path) -> Result<()> {
    let plane = ControlPlaneSession::start(root)?;
    let chart = root.join("provider/chart");
    let chart = chart.to_str().context("the path of this clone is no text")?;
    let values: Vec<_> = PARAMETERS.into_iter().flat_map(|value| ["--set-string", value]).collect();
    let stored =
        "--namespace kube-system get secret ack-virtual-node-certificates --output jsonpath={.data.ca\\.crt}";
    let trusted = "get mutatingwebhookconfiguration ack-virtual-node --output jsonpath={.webhooks[0].clientConfig.caBundle}";

    let notes = plane.helm(&[&["install", RELEASE, chart][..], &values].concat())?;
    for way in [
        "virtual-node-affinity-injection=enabled",
        "virtual-kubelet.io/provider",
        "nodeName: virtual-kubelet",
    ] {
        ensure!(notes.contains(way), "the notes do not tell of {way}:\n{notes}");
    }
    // as the provider does, with an authority that is at hand
    let authority = plane
        .kubectl("config view --raw --output jsonpath={.clusters[0].cluster.certificate-authority-data}")?;
    ensure!(!authority.is_empty(), "the kubeconfig names no authority");
    let fill = format!("--patch={{\"data\":{{\"ca.crt\":\"{authority}\"}}}}");
    plane.kubectl(&format!("--namespace kube-system patch secret ack-virtual-node-certificates {fill}"))?;
    let path = "/webhooks/0/clientConfig/caBundle";
    let trust = format!("[{{\"op\":\"add\",\"path\":\"{path}\",\"value\":\"{authority}\"}}]");
    plane.kubectl(&format!(
        "patch mutatingwebhookconfiguration ack-virtual-node --type=json --patch={trust}"
    ))?;
    let kept = |after: &str| {
        let (stored, trusted) = (plane.kubectl(stored)?, plane.kubectl(trusted)?);
        ensure!(stored == authority, "{after} changed the stored authority: {stored}");
        ensure!(trusted == authority, "{after} changed the authority that the API server trusts: {trusted}");
        Ok(())
    };
    let more = ["--set", "webhook.timeoutSeconds=9"];
    plane.helm(&[&["upgrade", RELEASE, chart][..], &values, &more].concat())?;
    kept("an upgrade")?;
    let timeout =
        "get mutatingwebhookconfiguration ack-virtual-node --output jsonpath={.webhooks[0].timeoutSeconds}";
    ensure!(plane.kubectl(timeout)? == "9", "the upgrade did not reach the webhook");
    plane.helm(&["rollback", RELEASE, "1"])?;
    ensure!(plane.kubectl(timeout)? == "5", "the rollback did not reach the webhook");
    kept("a rollback")?;
    // a tool that renders the chart without the cluster and applies it, as Argo CD does
    let rendered = plane.helm(&[&["template", RELEASE, chart, "--no-hooks"][..], &values].concat())?;
    for _ in 0..2 {
        crate::control_plane_session::apply(&plane, &rendered)?;
        kept("kubectl apply")?;
    }
    // the hook needs a node that runs its pod; kind has one
    plane.helm(&["uninstall", RELEASE, "--no-hooks"])?;
    let kinds = "clusterroles,clusterrolebindings,roles,rolebindings,secrets,services,serviceaccounts,deployments,\
                 poddisruptionbudgets,networkpolicies,mutatingwebhookconfigurations";
    let left = plane.kubectl(&format!("get {kinds} --all-namespaces --output name"))?;
    let left: Vec<_> = left.lines().filter(|name| name.contains(RELEASE)).collect();
    ensure!(left.is_empty(), "the uninstallation left behind: {left:?}");
    plane.end()
}

struct Helm {
    program: std::path::PathBuf,
    chart: std::path::PathBuf,
}

impl Helm {
    fn output(&self, verb: &str, values: &[&str]) -> Result<(bool, String)> {
        let mut helm = Command::new(&self.program);
        helm.arg(verb);
        if verb == "template" {
            helm.arg(RELEASE);
        }
        helm.arg(&self.chart).args(["--namespace", "kube-system"]);
        helm.args(values.iter().flat_map(|value| ["--set-string", *value]));
        let output = helm.env_remove("KUBECONFIG").output().context("cannot start helm")?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    fn accepts(&self, verb: &str, values: &[&str]) -> Result<String> {
        let (accepted, said) = self.output(verb, values)?;
        ensure!(accepted, "helm {verb} refuses {values:?}:\n{said}");
        Ok(said)
    }

    fn refuses(&self, values: &[&str], named: &str) -> Result<()> {
        let (accepted, said) = self.output("template", values)?;
        ensure!(!accepted, "helm takes {values:?}");
        ensure!(said.contains(named), "helm refuses {values:?} without naming {named}:\n{said}");
        Ok(())
    }
}
