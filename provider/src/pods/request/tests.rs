//! Tests of the request as a whole, with the guide's own manifests among them.

use serde_json::{Value, json};

use super::*;
use crate::config::Config;

fn scope() -> Scope {
    Scope {
        config: Config::new("vsw-1", "sg-1"),
        region: "cn-hangzhou".into(),
        owner: Owner { cluster: "c-1".into(), cluster_uid: None, node: "virtual-kubelet".into() },
    }
}

fn pod(spec: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": "nginx", "namespace": "vk", "uid": "u-1" },
        "spec": spec
    }))
    .unwrap()
}

fn made(spec: Value) -> Made {
    for_pod(&pod(spec), &Sources::default(), &scope(), &TokenBasis::First).unwrap()
}

#[test]
fn the_guide_s_pod_becomes_one_container_in_the_given_network() {
    let request = made(json!({
        "containers": [{ "image": "nginx", "imagePullPolicy": "Always", "name": "nginx" }],
        "nodeSelector": { "type": "virtual-kubelet" },
        "tolerations": [{ "key": "virtual-kubelet.io/provider", "operator": "Exists" }]
    }))
    .request;
    assert_eq!(request.container_group_name.as_deref(), Some("vk-nginx"));
    assert_eq!(request.client_token.as_deref(), Some("u-1"));
    assert_eq!(
        (request.vswitch_id.as_deref(), request.security_group_id.as_deref()),
        (Some("vsw-1"), Some("sg-1"))
    );
    assert_eq!((request.cpu, request.memory), (None, None));
    assert_eq!(request.container[0].image.as_deref(), Some("nginx"));
    assert_eq!(request.restart_policy.as_deref(), Some("Always"));
}

#[test]
fn command_args_and_ports_keep_their_places() {
    let request = made(json!({ "restartPolicy": "Never", "containers": [{
        "name": "c", "image": "busybox", "command": ["sh", "-c"], "args": ["echo $(GREETING)"],
        "env": [{ "name": "GREETING", "value": "hello" }],
        "ports": [{ "containerPort": 80, "protocol": "TCP" }],
        "resources": { "limits": { "cpu": "250m", "memory": "512Mi" } }
    }] }))
    .request;
    let container = &request.container[0];
    assert_eq!(container.command, ["sh", "-c"]);
    assert_eq!(container.arg, ["echo hello"]);
    assert_eq!(container.port[0].port, Some(80));
    assert_eq!(container.cpu.unwrap().to_string(), "0.25");
    assert_eq!(request.memory.unwrap().to_string(), "0.5");
}

#[test]
fn init_containers_stay_apart_and_sidecars_start_first_among_the_others() {
    let request = made(json!({
        "initContainers": [{ "name": "prepare", "image": "a" }, { "name": "proxy", "image": "b", "restartPolicy": "Always" }],
        "containers": [{ "name": "main", "image": "c" }]
    }))
    .request;
    let names: Vec<_> = request.container.iter().filter_map(|c| c.name.as_deref()).collect();
    assert_eq!((request.init_container.len(), names), (1, vec!["proxy", "main"]));
    let keys: Vec<_> = request.container[0].environment_var.iter().filter_map(|v| v.key.as_deref()).collect();
    assert_eq!(keys, ["ECI_CONTAINER_TYPE", "ECI_CONTAINER_LAUNCH_PRIORITY", "ECI_CONTAINER_EXIT_PRIORITY"]);
}

#[test]
fn sidecars_start_in_their_order_and_end_behind_the_others_in_the_reverse_one() {
    let sidecar = |name: &str| json!({ "name": name, "image": "i", "restartPolicy": "Always" });
    let request = made(json!({ "initContainers": [sidecar("a"), sidecar("b")],
        "containers": [{ "name": "main", "image": "c" }] }))
    .request;
    let priority = |at: usize, key: &str| {
        let mut variables = request.container[at].environment_var.iter();
        let value = variables.find(|one| one.key.as_deref() == Some(key))?.value.clone()?;
        value.parse::<i32>().ok()
    };
    let (launch, exit) = ("ECI_CONTAINER_LAUNCH_PRIORITY", "ECI_CONTAINER_EXIT_PRIORITY");
    let of = |key: &str| [0, 1, 2].map(|at| priority(at, key));
    assert_eq!(of(launch), [Some(1000), Some(999), None]);
    assert_eq!(of(exit), [Some(-1000), Some(-999), None]);
}

#[test]
fn an_init_container_behind_a_sidecar_is_told_that_it_runs_before_it() {
    let inits = json!([{ "name": "proxy", "image": "a", "restartPolicy": "Always" }, { "name": "migrate", "image": "b" }]);
    let made = made(json!({ "initContainers": inits, "containers": [{ "name": "c", "image": "c" }] }));
    let message = &made.remarks[0].message;
    assert!(message.starts_with("initContainers: the place behind a sidecar is left out: "), "{message}");
}

#[test]
fn variables_of_secrets_are_hidden_from_those_who_may_look_at_instances() {
    let request = made(json!({ "containers": [
        { "name": "open", "image": "c", "env": [{ "name": "A", "value": "1" }] },
        { "name": "closed", "image": "c", "envFrom": [{ "secretRef": { "name": "keys", "optional": true } }] }
    ] }))
    .request;
    let hidden: Vec<_> = request.container.iter().map(|container| container.environment_var_hide).collect();
    assert_eq!(hidden, [None, Some(true)]);
}

#[test]
fn a_liveness_probe_begins_after_the_longest_time_that_the_startup_probe_gives() {
    let delay = |own: i32| {
        let probe = |more: Value| {
            let mut probe = json!({ "tcpSocket": { "port": 80 } });
            probe.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            probe
        };
        let request = made(json!({ "containers": [{ "name": "c", "image": "c",
            "livenessProbe": probe(json!({ "initialDelaySeconds": own })),
            "startupProbe": probe(json!({ "initialDelaySeconds": 5, "periodSeconds": 10, "failureThreshold": 30 })) }] }))
        .request;
        request.container[0].liveness_probe.as_ref().unwrap().initial_delay_seconds
    };
    assert_eq!((delay(1), delay(600)), (Some(305), Some(600)));
}

#[test]
fn probes_and_hooks_are_mapped_and_what_cannot_be_is_told() {
    let Made { request, remarks } = made(json!({ "containers": [{
        "name": "c", "image": "c", "ports": [{ "name": "web", "containerPort": 8080 }],
        "readinessProbe": { "httpGet": { "path": "/ok", "port": "web" }, "periodSeconds": 5, "successThreshold": 2 },
        "livenessProbe": { "grpc": { "port": 1 } },
        "startupProbe": { "tcpSocket": { "port": 1 } },
        "lifecycle": { "preStop": { "exec": { "command": ["bye"] } } },
        "securityContext": { "runAsUser": 7, "capabilities": { "drop": ["ALL"] } }
    }] }));
    let container = &request.container[0];
    let readiness = container.readiness_probe.as_ref().unwrap();
    assert_eq!(readiness.http_get.as_ref().unwrap().port, Some(8080));
    assert_eq!(readiness.success_threshold, Some(1));
    assert_eq!(container.liveness_probe, None);
    assert_eq!(container.lifecycle_pre_stop_handler_exec, ["bye"]);
    assert_eq!(container.security_context.as_ref().unwrap().run_as_user, Some(7));
    assert_eq!(remarks.len(), 1, "one event a pod: {remarks:?}");
    let left_out =
        remarks[0].message.split("; ").filter_map(|part| part.split_once(" of container c is left out"));
    let left_out: Vec<_> = left_out.map(|(field, _)| field).collect();
    assert_eq!(
        left_out,
        [
            "livenessProbe.grpc",
            "readinessProbe.successThreshold above 1",
            "securityContext.capabilities.drop",
            "startupProbe"
        ]
    );
}

#[test]
fn a_hook_that_sleeps_is_the_command_of_that_name() {
    let request = made(json!({ "containers": [{ "name": "c", "image": "c", "lifecycle": {
        "postStart": { "sleep": { "seconds": 3 } }, "preStop": { "sleep": { "seconds": 5 } }
    } }] }))
    .request;
    assert_eq!(request.container[0].lifecycle_post_start_handler_exec, ["sleep", "3"]);
    assert_eq!(request.container[0].lifecycle_pre_stop_handler_exec, ["sleep", "5"]);
}

#[test]
fn a_port_that_no_container_has_is_refused_by_its_name() {
    let pod = pod(
        json!({ "containers": [{ "name": "c", "image": "c", "ports": [{ "containerPort": 80, "name": "web" }],
        "livenessProbe": { "tcpSocket": { "port": "web" } }, "readinessProbe": { "httpGet": { "port": "wbe" } } }] }),
    );
    let problem = for_pod(&pod, &Sources::default(), &scope(), &TokenBasis::First).unwrap_err().to_string();
    assert!(
        problem.starts_with("readinessProbe.httpGet.port of a name that no port has of container c"),
        "{problem}"
    );
    assert!(!problem.contains("livenessProbe"), "{problem}");
}

#[test]
fn all_that_cannot_be_kept_is_named_at_once() {
    let pod = pod(json!({ "hostUsers": false, "runtimeClassName": "gvisor", "containers": [
        { "name": "c", "image": "c", "securityContext": { "seccompProfile": { "type": "Localhost" } } }
    ] }));
    let problem = for_pod(&pod, &Sources::default(), &scope(), &TokenBasis::First).unwrap_err().to_string();
    for named in [
        "hostUsers: false",
        "runtimeClassName",
        "securityContext.seccompProfile other than RuntimeDefault of container c",
    ] {
        assert!(problem.contains(named), "{named}: {problem}");
    }
}

#[test]
fn a_group_of_files_is_refused_only_where_files_are_not_open_to_all() {
    let of = |volume: Value| {
        let pod = pod(
            json!({ "securityContext": { "fsGroup": 1000 }, "containers": [{ "name": "c", "image": "c" }],
            "volumes": [volume] }),
        );
        for_pod(&pod, &Sources::default(), &scope(), &TokenBasis::First).map(|made| made.remarks.len())
    };
    assert_eq!(of(json!({ "name": "v", "emptyDir": {} })), Ok(1));
    let open = json!({ "name": "v", "secret": { "secretName": "s", "defaultMode": 420, "optional": true } });
    assert_eq!(of(open), Ok(2), "the Secret that is not there is told of, too");
    for closed in [
        json!({ "name": "v", "nfs": { "server": "nas", "path": "/" } }),
        json!({ "name": "v", "secret": { "secretName": "s", "defaultMode": 288, "optional": true } }),
    ] {
        let problem = of(closed).unwrap_err().to_string();
        assert!(problem.contains("securityContext.fsGroup"), "{problem}");
    }
}

#[test]
fn what_the_pod_says_of_rights_is_told_of_where_an_init_container_cannot_have_it() {
    let warning = |security: Value| {
        let spec = json!({ "securityContext": security, "containers": [{ "name": "c", "image": "c" }],
            "initContainers": [{ "name": "i", "image": "i" }] });
        made(spec).remarks.into_iter().map(|remark| remark.message).collect::<String>()
    };
    let both = warning(json!({ "runAsNonRoot": true, "runAsGroup": 7 }));
    assert!(both.contains("securityContext.runAsGroup of container i is left out"), "{both}");
    assert!(
        both.contains("securityContext.runAsNonRoot without runAsUser of container i is left out"),
        "{both}"
    );
    assert_eq!(warning(json!({ "runAsNonRoot": true, "runAsUser": 7 })), "", "the user is sent");
}

#[test]
fn a_container_that_says_what_it_is_is_believed() {
    let own = json!([{ "name": "ECI_CONTAINER_LAUNCH_PRIORITY", "value": "7" }]);
    let request = made(json!({ "containers": [{ "name": "c", "image": "c" }],
        "initContainers": [{ "name": "s", "image": "s", "restartPolicy": "Always", "env": own }] }))
    .request;
    let variables = &request.container[0].environment_var;
    let priorities =
        variables.iter().filter(|one| one.key.as_deref() == Some("ECI_CONTAINER_LAUNCH_PRIORITY"));
    assert_eq!(priorities.map(|one| one.value.as_deref().unwrap()).collect::<Vec<_>>(), ["7"]);
}

#[test]
fn a_volume_that_is_read_only_is_mounted_so() {
    let request = made(json!({
        "containers": [{ "name": "c", "image": "c", "volumeMounts": [{ "name": "v", "mountPath": "/v" }] }],
        "volumes": [{ "name": "v", "flexVolume": { "driver": "alicloud/nas", "readOnly": true } }]
    }))
    .request;
    assert_eq!(request.container[0].volume_mount[0].read_only, Some(true));
}

#[test]
fn files_come_from_config_maps_secrets_fields_and_tokens() {
    let pod = pod(json!({ "containers": [{ "name": "c", "image": "c" }], "volumes": [
        { "name": "files", "configMap": { "name": "settings", "defaultMode": 420,
            "items": [{ "key": "a", "path": "sub/a.txt", "mode": 256 }] } },
        { "name": "access", "projected": { "sources": [
            { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
            { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } }] } }
        ] } },
        { "name": "scratch", "emptyDir": { "medium": "Memory", "sizeLimit": "256Mi" } },
        { "name": "share", "nfs": { "server": "nas", "path": "/", "readOnly": true } }
    ] }));
    let wish = crate::pods::sources::TokenSpec { audience: None, seconds: 3607 };
    let sources = Sources {
        config_maps: [(
            "settings".to_owned(),
            serde_json::from_value(json!({ "data": { "a": "A" } })).unwrap(),
        )]
        .into(),
        tokens: [(wish, "jwt".to_owned())].into(),
        ..Sources::default()
    };
    let volumes = for_pod(&pod, &sources, &scope(), &TokenBasis::First).unwrap().request.volume;
    let file = &volumes[0].config_file_volume.as_ref().unwrap().config_file_to_path[0];
    assert_eq!(
        (file.path.as_deref(), file.content.as_deref(), file.mode),
        (Some("sub/a.txt"), Some("QQ=="), Some(400))
    );
    let access = &volumes[1].config_file_volume.as_ref().unwrap().config_file_to_path;
    let paths: Vec<_> = access.iter().filter_map(|file| file.path.as_deref()).collect();
    assert_eq!(paths, ["namespace", "token"]);
    assert_eq!(volumes[2].empty_dir_volume.as_ref().unwrap().medium.as_deref(), Some("Memory"));
    assert_eq!(volumes[3].nfs_volume.as_ref().unwrap().read_only, Some(true));
}

#[test]
fn a_volume_whose_source_is_missing_or_too_large_says_so() {
    let volume = |volume: Value| pod(json!({ "containers": [{ "name": "c" }], "volumes": [volume] }));
    let missing = volume(json!({ "name": "v", "configMap": { "name": "no" } }));
    let problem = for_pod(&missing, &Sources::default(), &scope(), &TokenBasis::First).unwrap_err();
    assert_eq!(problem.to_string(), "MountVolume.SetUp failed for volume \"v\" : configmap \"no\" not found");
    let large = volume(json!({ "name": "v", "configMap": { "name": "large" } }));
    let data = json!({ "data": { "a": "x".repeat(33 * 1024) } });
    let sources = Sources {
        config_maps: [("large".to_owned(), serde_json::from_value(data).unwrap())].into(),
        ..Sources::default()
    };
    let problem = for_pod(&large, &sources, &scope(), &TokenBasis::First).unwrap_err();
    assert!(problem.to_string().contains("32 KiB"), "{problem}");
}

#[test]
fn the_files_of_a_pod_that_are_too_many_are_told_with_what_the_cluster_added() {
    let data = json!({ "data": { "a": "x".repeat(31 * 1024) } });
    let half: k8s_openapi::api::core::v1::ConfigMap = serde_json::from_value(data).unwrap();
    let many: serde_json::Map<_, _> = (0..90).map(|n| (format!("f{n}"), json!("x"))).collect();
    let sources = Sources {
        config_maps: [
            ("half".to_owned(), half),
            ("many".to_owned(), serde_json::from_value(json!({ "data": many })).unwrap()),
        ]
        .into(),
        ..Sources::default()
    };
    let problem = |volumes: Value| {
        let pod = pod(json!({ "containers": [{ "name": "c", "image": "c" }], "volumes": volumes }));
        for_pod(&pod, &sources, &scope(), &TokenBasis::First).unwrap_err().to_string()
    };
    let volume = |name: &str, config_map: &str| json!({ "name": name, "configMap": { "name": config_map } });
    let full = problem(json!([volume("kube-api-access-x", "half"), volume("b", "half")]));
    assert!(full.contains("60 KiB") && full.contains("automountServiceAccountToken: false"), "{full}");
    let many = problem(json!([volume("v", "many")]));
    assert!(many.contains("90 files; ECI takes 89"), "{many}");
}

#[test]
fn the_cluster_s_search_paths_take_no_more_room_than_there_is() {
    let searches: Vec<_> = (0..18).map(|n| format!("s{n}.example.com")).collect();
    let spec =
        json!({ "containers": [{ "name": "c", "image": "c" }], "dnsConfig": { "searches": searches } });
    let sources = Sources { dns: vec!["10.96.0.10".to_owned()], ..Sources::default() };
    let Made { request, remarks } = for_pod(&pod(spec), &sources, &scope(), &TokenBasis::First).unwrap();
    let sent = request.dns_config.unwrap().search;
    assert_eq!((sent.len(), sent[0].as_str()), (19, SEARCHES[0]));
    assert!(remarks[0].message.contains("the last 2 searches of dnsConfig are left out"), "{remarks:?}");
}

#[test]
fn the_tags_that_are_ours_leave_room_for_those_of_the_pod() {
    let mut full = pod(json!({ "containers": [{ "name": "c", "image": "c" }] }));
    full.metadata = serde_json::from_value(json!({
        "name": "p", "namespace": "vk", "uid": "u", "creationTimestamp": "2026-01-05T01:00:00Z",
        "annotations": { "k8s.aliyun.com/eci-custom-tags": "a:1,b:2,c:3" },
        "ownerReferences": [{ "apiVersion": "v1", "kind": "K", "name": "n", "uid": "o", "controller": true }]
    }))
    .unwrap();
    let mut scope = scope();
    scope.owner.cluster_uid = Some("kube-system".to_owned());
    let request = for_pod(&full, &Sources::default(), &scope, &TokenBasis::First).unwrap().request;
    assert_eq!(request.tag.len(), 14, "the cloud takes 20 (eci-openapi.md 6)");
    assert!(request.host_aliase.is_empty(), "no hosts are added");
}

#[test]
fn what_this_node_can_never_do_is_named() {
    let container = || json!([{ "name": "c", "image": "c" }]);
    for (spec, named) in [
        (json!({ "containers": container(), "hostNetwork": true }), "hostNetwork"),
        (json!({ "containers": container(), "os": { "name": "windows" } }), "windows"),
        (
            json!({ "containers": container(), "volumes": [{ "name": "v", "hostPath": { "path": "/" } }] }),
            "hostPath",
        ),
    ] {
        let problem = for_pod(&pod(spec), &Sources::default(), &scope(), &TokenBasis::First).unwrap_err();
        assert!(matches!(&problem, RequestError::Unsupported(text) if text.contains(named)), "{problem}");
    }
}

#[test]
fn keys_for_registries_are_read_from_both_kinds_of_secret() {
    let pod = pod(
        json!({ "containers": [{ "name": "c" }], "imagePullSecrets": [{ "name": "a" }, { "name": "b" }, { "name": "no" }] }),
    );
    let secret = |key: &str, value: Value| {
        let encoded = k8s_openapi::ByteString(value.to_string().into_bytes());
        serde_json::from_value(json!({ "data": { key: encoded } })).unwrap()
    };
    let new = json!({ "auths": { "https://registry.example.com/v1/": { "auth": "bWU6aHVzaA==" } } });
    let old = json!({ "old.example.com": { "username": "me", "password": "hush" } });
    let sources = Sources {
        secrets: [
            ("a".to_owned(), secret(".dockerconfigjson", new)),
            ("b".to_owned(), secret(".dockercfg", old)),
        ]
        .into(),
        ..Sources::default()
    };
    let Made { request, remarks } = for_pod(&pod, &sources, &scope(), &TokenBasis::First).unwrap();
    let seen: Vec<_> = request
        .image_registry_credential
        .iter()
        .map(|c| {
            (c.server.as_deref().unwrap(), c.user_name.as_deref().unwrap(), c.password.as_deref().unwrap())
        })
        .collect();
    assert_eq!(seen, [("old.example.com", "me", "hush"), ("registry.example.com", "me", "hush")]);
    assert_eq!(remarks[0].reason, "FailedToRetrieveImagePullSecret");
}

/// The DNS of a request for a pod in the namespace `vk`, where the cluster's DNS is at these addresses.
fn dns(spec: Value, servers: &[&str]) -> Value {
    let mut spec = spec;
    spec["containers"] = json!([{ "name": "c", "image": "busybox" }]);
    let dns = servers.iter().map(|server| (*server).to_owned()).collect();
    let sources = Sources { dns, ..Sources::default() };
    let request = for_pod(&pod(spec), &sources, &scope(), &TokenBasis::First).unwrap().request;
    json!({ "policy": request.dns_policy, "config": request.dns_config.map(|config| json!({
        "servers": config.name_server,
        "searches": config.search,
        "options": config.option.into_iter().map(|option| (option.name, option.value)).collect::<Vec<_>>(),
    })) })
}

const SEARCHES: [&str; 3] = ["vk.svc.cluster.local", "svc.cluster.local", "cluster.local"];

#[test]
fn names_of_the_cluster_are_asked_first_as_a_kubelet_has_it() {
    let told = dns(json!({}), &["10.96.0.10"]);
    let config = json!({ "servers": ["10.96.0.10"], "searches": SEARCHES, "options": [["ndots", "5"]] });
    assert_eq!(told, json!({ "policy": "None", "config": config }));
}

#[test]
fn what_a_pod_adds_stands_behind_and_its_options_win() {
    let spec = json!({ "dnsPolicy": "ClusterFirst", "dnsConfig": {
        "nameservers": ["10.96.0.10", "1.1.1.1"], "searches": ["example.com"],
        "options": [{ "name": "ndots", "value": "2" }, { "name": "rotate" }] } });
    let config = dns(spec, &["10.96.0.10"])["config"].clone();
    assert_eq!(config["servers"], json!(["10.96.0.10", "1.1.1.1"]));
    assert_eq!(config["searches"], json!([SEARCHES[0], SEARCHES[1], SEARCHES[2], "example.com"]));
    assert_eq!(config["options"], json!([["ndots", "2"], ["rotate", null]]));
}

#[test]
fn a_cluster_without_dns_and_a_pod_without_wishes_leave_it_to_the_cloud() {
    assert_eq!(dns(json!({}), &[]), json!({ "policy": null, "config": null }));
    assert_eq!(dns(json!({ "dnsPolicy": "Default" }), &[]), json!({ "policy": "Default", "config": null }));
}

#[test]
fn what_is_bought_follows_from_the_pod_alone_and_is_what_the_whole_request_says() {
    let limits = |cpu: &str, memory: &str| json!({ "limits": { "cpu": cpu, "memory": memory } });
    let main = || json!({ "name": "main", "image": "a", "resources": limits("2", "4Gi") });
    let with = |key: &str, value: Value| {
        let mut container = main();
        container["name"] = json!("other");
        container[key] = value;
        container
    };
    let gpu = json!({ "limits": { "nvidia.com/gpu": "1", "ephemeral-storage": "50Gi" } });
    for (annotations, containers, inits) in [
        (json!({}), vec![json!({ "name": "c", "image": "a" })], vec![]),
        (json!({}), vec![main()], vec![with("restartPolicy", json!("Always"))]),
        (
            json!({}),
            vec![main(), with("resources", limits("300m", "1.1Gi"))],
            vec![with("name", json!("init"))],
        ),
        (json!({}), vec![main(), with("env", json!([{ "name": shares::IGNORE, "value": "true" }]))], vec![]),
        (
            json!({ "k8s.aliyun.com/eci-use-specs": "ecs.gn6i-c4g1.xlarge" }),
            vec![with("resources", gpu)],
            vec![],
        ),
        (json!({ "k8s.aliyun.com/eci-use-specs": "4-8Gi" }), vec![main()], vec![]),
        (json!({ "k8s.aliyun.com/eci-compute-category": "economy" }), vec![main()], vec![]),
        (
            json!({ "k8s.aliyun.com/eci-spot-strategy": "SpotWithPriceLimit", "k8s.aliyun.com/eci-spot-price-limit": "0.2" }),
            vec![main()],
            vec![],
        ),
    ] {
        let mut pod = pod(json!({ "containers": containers, "initContainers": inits }));
        pod.metadata.annotations = serde_json::from_value(annotations).unwrap();
        let whole = for_pod(&pod, &Sources::default(), &scope(), &TokenBasis::First).unwrap().request;
        let part = purchase::of_pod(&pod, crate::config::Architecture::Amd64).unwrap();
        let bought = |request: &CreateContainerGroup| {
            let asked = |one: &eci_api::actions::create_container_group::Container| {
                let ignored =
                    one.environment_var.iter().any(|own| own.key.as_deref() == Some(shares::IGNORE));
                (one.name.clone(), one.cpu, one.memory, one.gpu, ignored)
            };
            let of_init = |one: &eci_api::actions::create_container_group::InitContainer| {
                (one.name.clone(), one.cpu, one.memory, one.gpu)
            };
            (
                (request.cpu, request.memory, request.ephemeral_storage, request.instance_type.clone()),
                (request.compute_category.clone(), request.spot_strategy.clone(), request.spot_price_limit),
                request.cpu_architecture.clone(),
                request.container.iter().map(asked).collect::<Vec<_>>(),
                request.init_container.iter().map(of_init).collect::<Vec<_>>(),
            )
        };
        assert_eq!(bought(&part), bought(&whole), "{pod:?}");
    }
}

#[test]
fn a_new_disk_takes_the_place_of_an_empty_dir_or_a_host_path_and_of_no_other() {
    let with_disk = |source: Value| {
        let mut volume = source;
        volume["name"] = json!("v");
        let mounts = json!([{ "name": "v", "mountPath": "/v" }]);
        let containers = json!([{ "name": "c", "image": "c", "volumeMounts": mounts }]);
        let mut pod = pod(json!({ "containers": containers, "volumes": [volume] }));
        let wish = [("k8s.aliyun.com/eci-set-diskvolume".to_owned(), "v:ext4:500Gi".to_owned())];
        pod.metadata.annotations = Some(wish.into());
        pod
    };
    for source in [json!({ "emptyDir": {} }), json!({ "hostPath": { "path": "/var" } })] {
        let pod = with_disk(source);
        let volumes =
            for_pod(&pod, &Sources::default(), &scope(), &TokenBasis::First).unwrap().request.volume;
        let disk = volumes[0].flex_volume.as_ref().unwrap();
        assert_eq!((volumes.len(), disk.driver.as_deref()), (1, Some("alicloud/disk")));
        let part = purchase::of_pod(&pod, crate::config::Architecture::Amd64);
        assert!(part.unwrap().volume.is_empty(), "a pod with it has its price");
    }
    let nfs = with_disk(json!({ "nfs": { "server": "s", "path": "/" } }));
    let problem = for_pod(&nfs, &Sources::default(), &scope(), &TokenBasis::First).unwrap_err();
    assert!(problem.to_string().contains("an emptyDir or hostPath of the pod"), "{problem}");
}

#[test]
fn a_pod_that_is_refused_buys_nothing() {
    let refused = pod(json!({ "hostNetwork": true, "containers": [{ "name": "c", "image": "a" }] }));
    let why = purchase::of_pod(&refused, crate::config::Architecture::Amd64).unwrap_err().to_string();
    assert!(why.contains("hostNetwork"), "{why}");
}
