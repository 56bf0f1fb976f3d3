//! Tests of the rules by which an environment is made.

use serde_json::{Value, json};

use super::*;

fn sources() -> Sources {
    let config_map = |data: Value| serde_json::from_value(json!({ "data": data })).unwrap();
    let secret = json!({ "data": { "password": "aHVzaA==" } });
    let service = json!({
        "metadata": { "name": "my-db" },
        "spec": { "clusterIP": "10.0.0.9", "ports": [{ "name": "sql", "port": 5432 }] }
    });
    Sources {
        config_maps: [
            ("settings".to_owned(), config_map(json!({ "COLOUR": "blue", "not a name": "x" }))),
            ("more".to_owned(), config_map(json!({ "COLOUR": "green" }))),
        ]
        .into(),
        secrets: [("keys".to_owned(), serde_json::from_value(secret).unwrap())].into(),
        services: vec![serde_json::from_value(service).unwrap()],
        ..Sources::default()
    }
}

fn environment(container: Value) -> Result<(Environment, Vec<Remark>), RequestError> {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "vk", "uid": "u", "labels": { "app": "web" } },
        "spec": { "nodeName": "virtual-kubelet", "serviceAccountName": "default", "containers": [] }
    }))
    .unwrap();
    let mut container = container;
    container["name"] = json!("c");
    let container: Container = serde_json::from_value(container).unwrap();
    let (sources, size) = (sources(), Size { cpu: Some(Decimal::from(4)), memory: None });
    let mut remarks = Vec::new();
    let context = EnvContext { pod: &pod, sources: &sources, size: &size };
    of_container(&container, &context, &mut remarks).map(|environment| (environment, remarks))
}

fn text(container: Value, name: &str) -> Option<String> {
    environment(container).unwrap().0.text(name)
}

#[test]
fn later_sources_and_then_env_override_what_came_before() {
    let from = json!([{ "configMapRef": { "name": "settings" } }, { "configMapRef": { "name": "more" } }]);
    assert_eq!(text(json!({ "envFrom": from }), "COLOUR").as_deref(), Some("green"));
    let own = json!({ "envFrom": from, "env": [{ "name": "COLOUR", "value": "red" }] });
    assert_eq!(text(own, "COLOUR").as_deref(), Some("red"));
    let prefixed = json!({ "envFrom": [{ "prefix": "A_", "configMapRef": { "name": "more" } }] });
    assert_eq!(text(prefixed, "A_COLOUR").as_deref(), Some("green"));
}

#[test]
fn keys_that_are_no_names_are_skipped_and_told() {
    let (environment, remarks) =
        environment(json!({ "envFrom": [{ "configMapRef": { "name": "settings" } }] })).unwrap();
    assert_eq!(environment.get("not a name"), None);
    assert_eq!(remarks[0].reason, "InvalidEnvironmentVariableNames");
}

#[test]
fn what_is_missing_stops_the_pod_unless_it_is_optional() {
    let key = |source: &str, name: &str, key: &str, optional: bool| json!({ "env": [{ "name": "X", "valueFrom": { source: { "name": name, "key": key, "optional": optional } } }] });
    let from = |source: &str, name: &str, optional: bool| json!({ "envFrom": [{ source: { "name": name, "optional": optional } }] });
    for (container, reason, message) in [
        (
            key("configMapKeyRef", "no", "k", false),
            "MandatoryConfigMapNotFound",
            "configmap \"no\" not found",
        ),
        (key("configMapKeyRef", "no", "k", true), "OptionalConfigMapNotFound", "configmap \"no\" not found"),
        (
            key("configMapKeyRef", "more", "k", false),
            "MandatoryConfigMapKeyNotFound",
            "couldn't find key k in ConfigMap vk/more",
        ),
        (key("secretKeyRef", "no", "k", false), "MandatorySecretNotFound", "secret \"no\" not found"),
        (
            key("secretKeyRef", "keys", "k", true),
            "OptionalSecretKeyNotFound",
            "couldn't find key k in Secret vk/keys",
        ),
        (from("configMapRef", "no", false), "MandatoryConfigMapNotFound", "configmap \"no\" not found"),
        (from("secretRef", "no", true), "OptionalSecretNotFound", "secret \"no\" not found"),
    ] {
        let seen = match environment(container) {
            Ok((_, remarks)) => (remarks[0].reason, remarks[0].message.clone()),
            Err(RequestError::Source { reason, message }) => (reason, message),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(seen, (reason, message.to_owned()));
    }
}

#[test]
fn references_to_earlier_variables_are_replaced_and_later_ones_are_not() {
    let env = json!({ "env": [
        { "name": "EARLY", "value": "$(LATE)" },
        { "name": "LATE", "value": "$(EARLY)-$(MY_DB_SERVICE_HOST)-$$(X)-$(" },
        { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "password" } } },
        { "name": "URL", "value": "me:$(PASSWORD)@db" }
    ] });
    assert_eq!(text(env.clone(), "EARLY").as_deref(), Some("$(LATE)"));
    assert_eq!(text(env.clone(), "LATE").as_deref(), Some("$(LATE)-10.0.0.9-$(X)-$("));
    assert_eq!(text(env, "URL").as_deref(), Some("me:hush@db"));
}

#[test]
fn services_are_told_by_their_variables() {
    for (name, value) in [
        ("MY_DB_SERVICE_HOST", "10.0.0.9"),
        ("MY_DB_SERVICE_PORT", "5432"),
        ("MY_DB_SERVICE_PORT_SQL", "5432"),
        ("MY_DB_PORT", "tcp://10.0.0.9:5432"),
        ("MY_DB_PORT_5432_TCP_ADDR", "10.0.0.9"),
    ] {
        assert_eq!(text(json!({}), name).as_deref(), Some(value), "{name}");
    }
}

/// The environment of a container with `own` variables among `count` Services, each of which has eight.
fn among(count: usize, own: usize, restarts: Value) -> (Vec<String>, Vec<Remark>) {
    let service = |name: String| {
        let ports = json!([{ "name": "web", "port": 80 }]);
        let service =
            json!({ "metadata": { "name": name }, "spec": { "clusterIP": "10.0.0.9", "ports": ports } });
        serde_json::from_value::<Service>(service).unwrap()
    };
    let services =
        (0..count).map(|n| service(format!("svc-{n:02}"))).chain([service("kubernetes".to_owned())]);
    let sources = Sources { services: services.collect(), ..Sources::default() };
    let env: Vec<_> =
        (0..own).map(|n| json!({ "name": format!("V{n}"), "value": "$(SVC_39_SERVICE_HOST)" })).collect();
    let container = json!({ "name": "c", "env": env, "restartPolicy": restarts });
    let container: Container = serde_json::from_value(container).unwrap();
    let (pod, size) = (Pod::default(), Size::default());
    let mut remarks = Vec::new();
    let context = EnvContext { pod: &pod, sources: &sources, size: &size };
    let environment = of_container(&container, &context, &mut remarks).unwrap();
    (environment.iter().map(|(name, _)| name.clone()).collect(), remarks)
}

#[test]
fn services_beyond_what_the_cloud_takes_are_left_out_whole_and_told() {
    let (names, remarks) = among(40, 5, json!(null));
    assert!(names.len() <= 240 && names.len() > 230, "{}", names.len());
    assert!(names.contains(&"KUBERNETES_SERVICE_HOST".to_owned()), "the API server's own come first");
    assert_eq!(
        names.iter().filter(|name| name.starts_with("SVC_")).count() % 8,
        0,
        "a Service is told whole"
    );
    let [remark] = &*remarks else { panic!("{remarks:?}") };
    assert!(remark.message.contains("enableServiceLinks: false"), "{remark:?}");
    assert!(remark.message.contains("12 of 41 Services (svc-28, svc-29, svc-30, …)"), "{remark:?}");
}

#[test]
fn services_that_fit_are_told_without_a_word() {
    assert_eq!(among(28, 5, json!(null)).1, []);
}

#[test]
fn a_sidecar_s_own_variables_have_their_room() {
    let (names, _) = among(40, 7, json!("Always"));
    assert!(names.len() <= 238, "{}", names.len());
}

#[test]
fn a_reference_to_a_service_without_variables_is_replaced_all_the_same() {
    let pod = Pod::default();
    let service =
        json!({ "metadata": { "name": "b" }, "spec": { "clusterIP": "10.0.0.9", "ports": [{ "port": 1 }] } });
    let sources = Sources { services: vec![serde_json::from_value(service).unwrap()], ..Sources::default() };
    let env: Vec<_> =
        (0..240).map(|n| json!({ "name": format!("V{n}"), "value": "$(B_SERVICE_HOST)" })).collect();
    let container: Container = serde_json::from_value(json!({ "name": "c", "env": env })).unwrap();
    let mut remarks = Vec::new();
    let context = EnvContext { pod: &pod, sources: &sources, size: &Size::default() };
    let environment = of_container(&container, &context, &mut remarks).unwrap();
    assert_eq!(
        (environment.text("V0").as_deref(), environment.get("B_SERVICE_HOST")),
        (Some("10.0.0.9"), None)
    );
    assert_eq!(remarks.len(), 1);
}

#[test]
fn fields_of_the_pod_are_given_and_its_address_is_left_to_the_cloud() {
    let field =
        |path: &str| json!({ "env": [{ "name": "X", "valueFrom": { "fieldRef": { "fieldPath": path } } }] });
    for (path, held) in [
        ("metadata.name", Some(EnvValue::Text("web".into()))),
        ("metadata.labels['app']", Some(EnvValue::Text("web".into()))),
        ("spec.nodeName", Some(EnvValue::Text("virtual-kubelet".into()))),
        ("status.podIP", Some(EnvValue::PodIp)),
        ("status.hostIP", Some(EnvValue::PodIp)),
        ("spec.containers", None),
    ] {
        let seen = environment(field(path)).ok().and_then(|(all, _)| all.get("X").cloned());
        assert_eq!(seen, held, "{path}");
    }
}

#[test]
fn resources_are_divided_and_rounded_up() {
    let resource = |resource: &str, divisor: &str| {
        json!({
            "resources": { "limits": { "cpu": "1500m", "memory": "1Gi" } },
            "env": [{ "name": "X", "valueFrom": { "resourceFieldRef": { "resource": resource, "divisor": divisor } } }]
        })
    };
    for (name, divisor, value) in [
        ("limits.cpu", "0", "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.memory", "1Mi", "1024"),
        ("requests.cpu", "1", "0"),
    ] {
        assert_eq!(text(resource(name, divisor), "X").as_deref(), Some(value), "{name} / {divisor}");
    }
    let unset = json!({ "env": [{ "name": "X", "valueFrom": { "resourceFieldRef": { "resource": "limits.cpu" } } }] });
    assert_eq!(text(unset, "X").as_deref(), Some("4"), "falls back to the pod's own size");
}
