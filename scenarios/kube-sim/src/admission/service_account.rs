//! ServiceAccount: a pod runs as an account of its namespace, and its containers have that account's token.

use determinism::Chance;
use serde_json::{Value, json};

use super::denial::Denial;
use crate::object::field::{annotation, list, list_mut, text};
use crate::pods::defaults::same_account_name;

/// Directory in each container that holds the account's token, certificate and namespace.
pub const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX: &str = "kube-api-access-";
/// Letters of generated suffixes: no vowels, no look-alikes.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";
const TOKEN_SECONDS: i64 = 3607;

/// Gives `pod` its account, the account's pull secrets and its token; `account_of` finds accounts by name.
///
/// # Errors
/// [`Denial`] when the account is not there.
pub fn admit(
    pod: &mut Value,
    namespace: &str,
    account_of: impl FnOnce(&str) -> Option<std::sync::Arc<Value>>,
    chance: &mut Chance,
) -> Result<(), Denial> {
    if annotation(pod, "kubernetes.io/config.mirror").is_some() {
        return mirror(pod);
    }
    if text(pod, "/spec/serviceAccountName").is_empty() {
        pod["spec"]["serviceAccountName"] = "default".into();
    }
    same_account_name(&mut pod["spec"]);
    let name = text(pod, "/spec/serviceAccountName").to_owned();
    let missing =
        || Denial::ServiceAccountNotFound { namespace: namespace.to_owned(), account: name.clone() };
    let account = account_of(&name).ok_or_else(missing)?;
    if wants_token(pod, &account) {
        mount_token(&mut pod["spec"], chance);
    }
    let secrets = list(&account, "/imagePullSecrets");
    if list(pod, "/spec/imagePullSecrets").is_empty() && !secrets.is_empty() {
        pod["spec"]["imagePullSecrets"] = secrets.into();
    }
    Ok(())
}

fn mirror(pod: &Value) -> Result<(), Denial> {
    if !text(pod, "/spec/serviceAccountName").is_empty() {
        return Err(Denial::MirrorPod("service accounts"));
    }
    if list(pod, "/spec/volumes").iter().any(|v| v.get("secret").is_some()) {
        return Err(Denial::MirrorPod("secrets"));
    }
    Ok(())
}

/// True unless the pod, or else its account, sets `automountServiceAccountToken` to false.
fn wants_token(pod: &Value, account: &Value) -> bool {
    let said = |object: &Value, path: &str| object.pointer(path).and_then(Value::as_bool);
    said(pod, "/spec/automountServiceAccountToken")
        .or_else(|| said(account, "/automountServiceAccountToken"))
        .unwrap_or(true)
}

fn mount_token(spec: &mut Value, chance: &mut Chance) {
    let known =
        list(spec, "/volumes").iter().map(|v| text(v, "/name")).find(|n| n.starts_with(VOLUME_PREFIX));
    let (name, is_new) = match known {
        Some(name) => (name.to_owned(), false),
        None => (format!("{VOLUME_PREFIX}{}", chance.text(LETTERS, 5)), true),
    };
    let mount = json!({"name": name, "readOnly": true, "mountPath": MOUNT_PATH});
    let mut mounted = false;
    for kind in ["initContainers", "containers"] {
        let containers = spec.get_mut(kind).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            if list(container, "/volumeMounts").iter().all(|m| text(m, "/mountPath") != MOUNT_PATH) {
                list_mut(container, "volumeMounts").push(mount.clone());
                mounted = true;
            }
        }
    }
    if is_new && mounted {
        list_mut(spec, "volumes").push(token_volume(&name));
    }
}

fn token_volume(name: &str) -> Value {
    json!({"name": name, "projected": {"sources": [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ], "defaultMode": 420}})
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use determinism::Seed;

    use super::*;

    fn admitted(pod: Value, account: Value) -> Value {
        let mut pod = pod;
        admit(&mut pod, "ns", |_| Some(Arc::new(account)), &mut Seed::DEFAULT.chance("names")).unwrap();
        pod
    }

    #[test]
    fn a_pod_gets_the_default_account_and_its_token_in_every_container() {
        let pod = json!({"spec": {"initContainers": [{"name": "i"}], "containers": [{"name": "c"}]}});
        let pod = admitted(pod, json!({}));
        assert_eq!(text(&pod, "/spec/serviceAccountName"), "default");
        assert_eq!(text(&pod, "/spec/serviceAccount"), "default");
        let volume = text(&pod, "/spec/volumes/0/name");
        assert!(volume.starts_with("kube-api-access-") && volume.len() == 21, "{volume}");
        for container in ["/spec/initContainers/0", "/spec/containers/0"] {
            assert_eq!(
                pod.pointer(&format!("{container}/volumeMounts")),
                Some(&json!([{"name": volume, "readOnly": true, "mountPath": MOUNT_PATH}]))
            );
        }
    }

    #[test]
    fn the_token_is_left_out_when_pod_or_account_say_so_and_the_pods_word_counts_first() {
        for (pod_says, account_says, mounted) in [
            (None, None, true),
            (None, Some(false), false),
            (Some(false), None, false),
            (Some(true), Some(false), true),
        ] {
            let pod =
                json!({"spec": {"automountServiceAccountToken": pod_says, "containers": [{"name": "c"}]}});
            let pod = admitted(pod, json!({"automountServiceAccountToken": account_says}));
            assert_eq!(!list(&pod, "/spec/volumes").is_empty(), mounted, "{pod_says:?} {account_says:?}");
        }
    }

    #[test]
    fn admitting_twice_mounts_the_token_into_new_containers_only() {
        let mut pod = admitted(json!({"spec": {"containers": [{"name": "c"}]}}), json!({}));
        list_mut(&mut pod["spec"], "containers").push(json!({"name": "sidecar"}));
        let pod = admitted(pod, json!({}));
        assert_eq!(list(&pod, "/spec/volumes").len(), 1);
        for i in 0..2 {
            assert_eq!(list(&pod, &format!("/spec/containers/{i}/volumeMounts")).len(), 1);
        }
    }

    #[test]
    fn a_missing_account_turns_the_pod_down() {
        let mut pod = json!({"spec": {"serviceAccountName": "robot", "containers": []}});
        let denial = admit(&mut pod, "ns", |_| None, &mut Seed::DEFAULT.chance("names")).unwrap_err();
        assert_eq!(
            denial.to_string(),
            "error looking up service account ns/robot: serviceaccount \"robot\" not found"
        );
    }

    #[test]
    fn an_accounts_pull_secrets_go_to_pods_that_have_none() {
        let account = json!({"imagePullSecrets": [{"name": "registry"}]});
        let pod = |secrets: Value| json!({"spec": {"containers": [], "imagePullSecrets": secrets}});
        let taken = admitted(pod(json!(null)), account.clone());
        assert_eq!(text(&taken, "/spec/imagePullSecrets/0/name"), "registry");
        let kept = admitted(pod(json!([{"name": "own"}])), account);
        assert_eq!(text(&kept, "/spec/imagePullSecrets/0/name"), "own");
    }
}
