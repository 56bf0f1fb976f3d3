//! Fields of a container: what runs, its resources, its rights, and how it is watched.

use k8s_openapi::api::core::v1::{
    AppArmorProfile, Capabilities, Container, ContainerPort, EnvFromSource, EnvVar, EnvVarSource,
    ResourceRequirements, SELinuxOptions, SeccompProfile, SecurityContext, VolumeMount,
};

use crate::config::capacity::GPU;

use super::probe::{walk_lifecycle, walk_probe};
use super::walk::{Walk, some, some_text};

pub(super) const NO_APP_ARMOR: &str = "ECI takes no AppArmor profile";
pub(super) const NO_SE_LINUX: &str = "ECI takes no SELinux context";
pub(super) const NO_PROFILES: &str = "ECI takes no seccomp profile";
const NOT_IN_INIT: &str = "ECI does not take it for init containers";
const ADDRESS: &str = "only ECI knows the address; have a shell in the container read the variable";
/// Fields that hold an address, which variables get of ECI.
const ADDRESSES: [&str; 4] = ["status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs"];
/// The resources that a container's size is made of.
const RESOURCES: [&str; 4] = ["cpu", "ephemeral-storage", "memory", GPU];

fields! {
    /// Walks over a container; what is otherwise for init containers is in [`walk_init_container`].
    fn walk_container(Container, walk) {
        args "args"
            sent("`Container.Arg`, with references to variables replaced"),
            left_out(addresses_in(args.iter().flatten(), env), " that refer to an address", ADDRESS);
        command "command"
            sent("`Container.Command`, with references to variables replaced"),
            left_out(addresses_in(command.iter().flatten(), env), " that refers to an address", ADDRESS);
        env "env"
            each(walk_variable),
            left_out(addresses_in(env.iter().flatten().filter_map(|one| one.value.as_ref()), env), " that refers to an address", ADDRESS);
        env_from "envFrom" each(walk_variables_from);
        image "image" sent("`Container.Image`");
        image_pull_policy "imagePullPolicy" sent("`Container.ImagePullPolicy`");
        lifecycle "lifecycle" inside(walk_lifecycle);
        liveness_probe "livenessProbe" inside(walk_probe);
        name "name" sent("`Container.Name`");
        ports "ports" each(walk_port);
        readiness_probe "readinessProbe" inside(walk_probe);
        resize_policy "resizePolicy" no_effect("an instance keeps its size");
        resources "resources" inside(walk_resources);
        restart_policy "restartPolicy"
            elsewhere("`Always` has an init container run beside the others: it starts before them, and ends after them")
                shown "containers/sidecar-ends-last",
            left_out(restart_policy.as_deref().is_some_and(|policy| policy != "Always"), " other than Always", "the pod's own holds for all containers");
        restart_policy_rules "restartPolicyRules"
            left_out(some(restart_policy_rules), "", "ECI restarts containers by the pod's policy alone");
        security_context "securityContext" inside(walk_security_context);
        startup_probe "startupProbe"
            left_out(startup_probe.is_some(), "", "ECI has none; the livenessProbe begins after the longest time that it gives") shown "pods/startup-probe";
        stdin "stdin" sent("`Container.Stdin`");
        stdin_once "stdinOnce" sent("`Container.StdinOnce`");
        termination_message_path "terminationMessagePath" sent("`Container.TerminationMessagePath`");
        termination_message_policy "terminationMessagePolicy" sent("`Container.TerminationMessagePolicy`");
        tty "tty" sent("`Container.Tty`");
        volume_devices "volumeDevices" refused(some(volume_devices), "", "ECI gives containers no block devices");
        volume_mounts "volumeMounts" each(walk_mount);
        working_dir "workingDir" sent("`Container.WorkingDir`");
    }
}

/// References to variables that hold an address, in texts of the container whose variables these are.
fn addresses_in<'a>(texts: impl Iterator<Item = &'a String>, env: &Option<Vec<EnvVar>>) -> Vec<String> {
    let texts: Vec<&String> = texts.collect();
    let path = |variable: &EnvVar| Some(variable.value_from.as_ref()?.field_ref.as_ref()?.field_path.clone());
    let holds_address = |variable: &&EnvVar| path(variable).is_some_and(|path| ADDRESSES.contains(&&*path));
    let holding = env.iter().flatten().filter(holds_address);
    let references = holding.map(|variable| format!("$({})", variable.name));
    references.filter(|reference| texts.iter().any(|text| refers(text, reference))).collect()
}

/// True for a text with a reference that is not written `$$(…)`, which means the letters.
fn refers(text: &str, reference: &str) -> bool {
    text.match_indices(reference).any(|(at, _)| !text[..at].ends_with('$'))
}

/// Walks over what an init container that ends before the others start cannot have; [`walk_container`] has the rest.
pub(super) fn walk_init_container(value: &Container, walk: &mut Walk) {
    let (is_init, pod) = (walk.is_init(), walk.pod_security());
    let own = value.security_context.clone().unwrap_or_default();
    let user = own.run_as_user.or(pod.run_as_user);
    let non_root = is_init && own.run_as_non_root.or(pod.run_as_non_root) == Some(true);
    let group = is_init && own.run_as_group.or(pod.run_as_group).is_some();
    let privileged = is_init && own.privileged == Some(true);
    walk.left_out("securityContext.privileged", value, privileged, "", NOT_IN_INIT);
    walk.left_out("securityContext.runAsGroup", value, group, "", NOT_IN_INIT);
    walk.left_out(
        "securityContext.runAsNonRoot",
        value,
        non_root && user.is_none(),
        " without runAsUser",
        "ECI does not take it for init containers; give runAsUser, which it takes",
    );
    walk.refused(
        "securityContext.runAsNonRoot",
        value,
        non_root && user == Some(0),
        " with runAsUser: 0",
        "the one forbids the other",
    );
    walk.left_out("stdin", value, is_init && value.stdin == Some(true), "", NOT_IN_INIT);
    walk.left_out("tty", value, is_init && value.tty == Some(true), "", NOT_IN_INIT);
}

fields! {
    fn walk_variable(EnvVar, walk) {
        name "name" sent("`EnvironmentVar.Key`");
        value "value" sent("`EnvironmentVar.Value`, with references to other variables replaced");
        value_from "valueFrom" inside(walk_variable_source);
    }
}

fields! {
    fn walk_variable_source(EnvVarSource, walk) {
        config_map_key_ref "configMapKeyRef" sent("`EnvironmentVar.Value`");
        field_ref "fieldRef" sent("`EnvironmentVar.Value`; addresses as `FieldRef`");
        file_key_ref "fileKeyRef"
            refused(file_key_ref.is_some(), "", "a volume's files are not there before the container is");
        resource_field_ref "resourceFieldRef" sent("`EnvironmentVar.Value`");
        secret_key_ref "secretKeyRef" sent("`EnvironmentVar.Value`, hidden by `EnvironmentVarHide` where ECI can: not of init containers");
    }
}

fields! {
    fn walk_variables_from(EnvFromSource, walk) {
        config_map_ref "configMapRef" sent("`EnvironmentVar`");
        prefix "prefix" sent("`EnvironmentVar.Key`");
        secret_ref "secretRef" sent("`EnvironmentVar`, hidden by `EnvironmentVarHide` where ECI can: not of init containers");
    }
}

fields! {
    fn walk_port(ContainerPort, walk) {
        container_port "containerPort" sent("`Port.Port`");
        host_ip "hostIP" left_out(some_text(host_ip), "", "an instance has one address of its own");
        host_port "hostPort"
            left_out(host_port.is_some_and(|port| port != 0 && port != *container_port), " other than containerPort", "an instance is a host of its own, and its ports are the containers'");
        name "name" elsewhere("probes, hooks and Services refer to it");
        protocol "protocol" sent("`Port.Protocol`");
    }
}

fields! {
    fn walk_resources(ResourceRequirements, walk) {
        claims "claims" refused(some(claims), "", "ECI allocates no devices by claims");
        limits "limits"
            sent("`Cpu`, `Memory`, `Gpu` (`nvidia.com/gpu`)"),
            left_out(other_resources(limits), " of another resource", "an instance has vCPU, memory, GPUs and ephemeral storage");
        requests "requests"
            sent("`Cpu`, `Memory`, where there is no limit; `EphemeralStorage` beyond 30 GiB"),
            left_out(other_resources(requests), " of another resource", "an instance has vCPU, memory, GPUs and ephemeral storage");
    }
}

fn other_resources<T>(list: &Option<std::collections::BTreeMap<String, T>>) -> Vec<&str> {
    list.iter().flatten().map(|(name, _)| name.as_str()).filter(|name| !RESOURCES.contains(name)).collect()
}

fields! {
    fn walk_security_context(SecurityContext, walk) {
        allow_privilege_escalation "allowPrivilegeEscalation"
            left_out(*allow_privilege_escalation == Some(false), ": false", "ECI has no such setting");
        app_armor_profile "appArmorProfile" refused(app_armor(app_armor_profile), " other than Unconfined", NO_APP_ARMOR);
        capabilities "capabilities" inside(walk_capabilities);
        privileged "privileged" sent("`Container.SecurityContextPrivileged`");
        proc_mount "procMount"
            refused(proc_mount.as_deref().is_some_and(|mount| mount != "Default"), " other than Default", "ECI mounts /proc in one way");
        read_only_root_filesystem "readOnlyRootFilesystem" sent("`Container.SecurityContext.ReadOnlyRootFilesystem`");
        run_as_group "runAsGroup" sent("`Container.SecurityContextRunAsGroup`");
        run_as_non_root "runAsNonRoot" sent("`Container.SecurityContextRunAsNonRoot`");
        run_as_user "runAsUser" sent("`Container.SecurityContext.RunAsUser`");
        se_linux_options "seLinuxOptions" refused(se_linux(se_linux_options), "", NO_SE_LINUX);
        seccomp_profile "seccompProfile" refused(seccomp(seccomp_profile), " other than RuntimeDefault", NO_PROFILES);
        windows_options "windowsOptions" no_effect("for Windows only");
    }
}

fields! {
    fn walk_capabilities(Capabilities, walk) {
        add "add" sent("`Container.SecurityContext.Capability.Add`");
        drop "drop" left_out(some(drop), "", "ECI can only add capabilities") shown "pods/restricted-profile";
    }
}

/// True for an AppArmor profile that containers would not have anyway.
pub(super) fn app_armor(profile: &Option<AppArmorProfile>) -> bool {
    profile.as_ref().is_some_and(|profile| profile.type_ != "Unconfined")
}

/// True for a seccomp profile that containers would not have anyway.
pub(super) fn seccomp(profile: &Option<SeccompProfile>) -> bool {
    profile.as_ref().is_some_and(|profile| profile.type_ != "RuntimeDefault")
}

/// True for an SELinux context that says something.
pub(super) fn se_linux(options: &Option<SELinuxOptions>) -> bool {
    options.as_ref().is_some_and(|options| *options != SELinuxOptions::default())
}

fields! {
    fn walk_mount(VolumeMount, walk) {
        mount_path "mountPath" sent("`VolumeMount.MountPath`");
        mount_propagation "mountPropagation" sent("`VolumeMount.MountPropagation`");
        name "name" sent("`VolumeMount.Name`");
        read_only "readOnly" sent("`VolumeMount.ReadOnly`");
        recursive_read_only "recursiveReadOnly"
            refused(recursive_read_only.as_deref() == Some("Enabled"), ": Enabled", "ECI mounts read-only without what is mounted below");
        sub_path "subPath" sent("`VolumeMount.SubPath`");
        sub_path_expr "subPathExpr" sent("`VolumeMount.SubPath`");
    }
}
