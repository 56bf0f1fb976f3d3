//! Fields of a pod as a whole: its spec, its security context, names and addresses.

use k8s_openapi::api::core::v1::{
    Container, EphemeralContainer, HostAlias, PodDNSConfig, PodDNSConfigOption, PodOS, PodReadinessGate,
    PodSecurityContext, PodSpec, ResourceRequirements, Sysctl,
};

use super::container::{
    NO_APP_ARMOR, NO_PROFILES, NO_SE_LINUX, app_armor, se_linux, seccomp, walk_container, walk_init_container,
};
use super::volume::walk_volume;
use super::walk::{Walk, some, some_text};
use crate::pods::request::size::is_sidecar;

const SCHEDULER: &str = "the scheduler";
const OWN_HOST: &str = "an instance is a host of its own";
/// The reason for which an ephemeral container is not made.
pub const NO_EPHEMERAL: &str =
    "an instance takes no further container while it runs; use `kubectl exec`, or a container of the pod";

fields! {
    /// Walks over a pod's spec.
    fn walk_pod_spec(PodSpec, walk) {
        active_deadline_seconds "activeDeadlineSeconds" sent("`ActiveDeadlineSeconds`; the node ends the pod, too");
        affinity "affinity" elsewhere(SCHEDULER);
        automount_service_account_token "automountServiceAccountToken" elsewhere("the API server adds the volume, or not");
        containers "containers" each(walk_main_container);
        dns_config "dnsConfig" inside(walk_dns_config);
        dns_policy "dnsPolicy" sent("`DnsConfig`, `DnsPolicy`");
        enable_service_links "enableServiceLinks"
            elsewhere("variables of Services; those beyond 240 a container are left out, with a warning")
                shown "pods/many-services";
        ephemeral_containers "ephemeralContainers" left_out(names(ephemeral_containers), "", NO_EPHEMERAL);
        host_aliases "hostAliases" each(walk_host_alias);
        host_ipc "hostIPC" refused(*host_ipc == Some(true), ": true", OWN_HOST);
        host_network "hostNetwork" refused(*host_network == Some(true), ": true", OWN_HOST);
        host_pid "hostPID" refused(*host_pid == Some(true), ": true", OWN_HOST);
        host_users "hostUsers"
            refused(*host_users == Some(false), ": false", "ECI has no user namespaces within an instance");
        hostname "hostname" sent("`HostName`");
        hostname_override "hostnameOverride" sent("`HostName`");
        image_pull_secrets "imagePullSecrets" sent("`ImageRegistryCredential`");
        init_containers "initContainers"
            each(walk_an_init_container),
            left_out(has_one_behind_a_sidecar(init_containers), ": the place behind a sidecar", "ECI runs them before all that run beside the others")
                shown "containers/init-container-behind-a-sidecar";
        node_name "nodeName" elsewhere(SCHEDULER);
        node_selector "nodeSelector" elsewhere(SCHEDULER);
        os "os" inside(walk_os);
        overhead "overhead" left_out(overhead.as_ref().is_some_and(|all| !all.is_empty()), "", "an instance's size is what its containers ask for");
        preemption_policy "preemptionPolicy" elsewhere(SCHEDULER);
        priority "priority" elsewhere(SCHEDULER);
        priority_class_name "priorityClassName" elsewhere(SCHEDULER);
        readiness_gates "readinessGates" each(walk_readiness_gate);
        resource_claims "resourceClaims" refused(some(resource_claims), "", "ECI allocates no devices by claims");
        resources "resources" inside(walk_resources);
        restart_policy "restartPolicy" sent("`RestartPolicy`");
        runtime_class_name "runtimeClassName"
            refused(some_text(runtime_class_name), "", "all instances run their containers in one way, each in a machine of its own");
        scheduler_name "schedulerName" elsewhere(SCHEDULER);
        scheduling_gates "schedulingGates" elsewhere(SCHEDULER);
        security_context "securityContext" inside(walk_security_context);
        service_account "serviceAccount" no_effect("an older name of `serviceAccountName`");
        service_account_name "serviceAccountName" elsewhere("tokens are asked of the API server");
        set_hostname_as_fqdn "setHostnameAsFQDN"
            left_out(*set_hostname_as_fqdn == Some(true), ": true", "an instance has a short host name");
        share_process_namespace "shareProcessNamespace" sent("`ShareProcessNamespace`");
        subdomain "subdomain" elsewhere("the cluster's DNS; the instance's own hosts file has the short name alone");
        termination_grace_period_seconds "terminationGracePeriodSeconds" sent("`TerminationGracePeriodSeconds`");
        tolerations "tolerations" elsewhere(SCHEDULER);
        topology_spread_constraints "topologySpreadConstraints" elsewhere(SCHEDULER);
        volumes "volumes" each(walk_volume);
    }
}

/// True where an init container that ends follows one that runs on, which it could need.
fn has_one_behind_a_sidecar(containers: &Option<Vec<Container>>) -> bool {
    let mut from_sidecar = containers.iter().flatten().skip_while(|container| !is_sidecar(container));
    from_sidecar.any(|container| !is_sidecar(container))
}

/// Warns of a pod's ephemeral containers alone.
pub(super) fn ephemeral_containers(spec: &PodSpec, walk: &mut Walk) {
    let all = &spec.ephemeral_containers;
    walk.left_out("ephemeralContainers", all, names(all), "", NO_EPHEMERAL);
}

fn names(containers: &Option<Vec<EphemeralContainer>>) -> Vec<&str> {
    containers.iter().flatten().map(|container| container.name.as_str()).collect()
}

fn walk_main_container(value: &Container, walk: &mut Walk) {
    walk.container(value, false, |walk| walk_container(value, walk));
}

fn walk_an_init_container(value: &Container, walk: &mut Walk) {
    walk.container(value, !is_sidecar(value), |walk| {
        if !walk.is_listing() {
            walk_container(value, walk);
        }
        walk_init_container(value, walk);
    });
}

fields! {
    fn walk_os(PodOS, walk) {
        name "name" refused(name == "windows", ": windows", "it runs Linux only");
    }
}

fields! {
    fn walk_dns_config(PodDNSConfig, walk) {
        nameservers "nameservers" sent("`DnsConfig.NameServer`, behind the cluster's own; 19 in all");
        options "options" each(walk_dns_option);
        searches "searches" sent("`DnsConfig.Search`, behind the cluster's own; 19 in all");
    }
}

fields! {
    fn walk_dns_option(PodDNSConfigOption, walk) {
        name "name" sent("`DnsConfig.Option.Name`");
        value "value" sent("`DnsConfig.Option.Value`");
    }
}

fields! {
    fn walk_host_alias(HostAlias, walk) {
        hostnames "hostnames" sent("`HostAliase.Hostname`");
        ip "ip" sent("`HostAliase.Ip`");
    }
}

fields! {
    fn walk_readiness_gate(PodReadinessGate, walk) {
        condition_type "conditionType" elsewhere("the pod is not Ready before this condition is True");
    }
}

fields! {
    fn walk_resources(ResourceRequirements, walk) {
        claims "claims" refused(some(claims), "", "ECI allocates no devices by claims");
        limits "limits" sent("`Cpu`, `Memory`, instead of the containers' sum");
        requests "requests" sent("`Cpu`, `Memory`, where there is no limit");
    }
}

fields! {
    fn walk_security_context(PodSecurityContext, walk) {
        app_armor_profile "appArmorProfile" refused(app_armor(app_armor_profile), " other than Unconfined", NO_APP_ARMOR);
        fs_group "fsGroup"
            refused(fs_group.is_some() && walk.has_owned_files(), " with NFS, FlexVolumes, claims or files that not all may read", "ECI gives the files of volumes to no group"),
            left_out(fs_group.is_some() && !walk.has_owned_files(), "", "ECI gives the files of volumes to no group; those of this pod's volumes are open to all of its users");
        fs_group_change_policy "fsGroupChangePolicy" no_effect("says how `fsGroup` is done");
        run_as_group "runAsGroup" sent("`Container.SecurityContextRunAsGroup`, where a container has none of its own");
        run_as_non_root "runAsNonRoot" sent("`Container.SecurityContextRunAsNonRoot`, where a container has none of its own");
        run_as_user "runAsUser" sent("`Container.SecurityContext.RunAsUser`, where a container has none of its own");
        se_linux_change_policy "seLinuxChangePolicy" no_effect("says how `seLinuxOptions` is done");
        se_linux_options "seLinuxOptions" refused(se_linux(se_linux_options), "", NO_SE_LINUX);
        seccomp_profile "seccompProfile" refused(seccomp(seccomp_profile), " other than RuntimeDefault", NO_PROFILES)
            shown "pods/seccomp-profile";
        supplemental_groups "supplementalGroups"
            left_out(some(supplemental_groups), "", "ECI adds no groups to a process; give runAsGroup");
        supplemental_groups_policy "supplementalGroupsPolicy"
            refused(supplemental_groups_policy.as_deref() == Some("Strict"), ": Strict", "a process has the groups that its image gives it");
        sysctls "sysctls" each(walk_sysctl);
        windows_options "windowsOptions" no_effect("for Windows only");
    }
}

fields! {
    fn walk_sysctl(Sysctl, walk) {
        name "name" sent("`SecurityContext.Sysctl.Name`");
        value "value" sent("`SecurityContext.Sysctl.Value`");
    }
}
