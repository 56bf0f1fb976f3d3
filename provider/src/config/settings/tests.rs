//! Settings from flags, environment and file.

use super::*;

fn settings(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    file: &str,
) -> Result<Settings, Vec<ConfigError>> {
    let environment = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let flags = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Settings::from(&Sources { flags, environment: &environment, file: read_file(file) })
}

const ENOUGH: &str = "ECI_VSWITCH=vsw-1\nECI_SECURITY_GROUP=sg-1\nECI_ACCESS_KEY=id\nECI_SECRET_KEY=hush";

#[test]
fn four_parameters_are_enough() {
    let read = settings(&[], &[], ENOUGH).unwrap();
    assert_eq!(read.config, Config::new("vsw-1", "sg-1"));
    assert_eq!((read.region.as_str(), read.endpoint), ("cn-hangzhou", None));
}

#[test]
fn a_flag_weighs_more_than_the_environment_and_that_more_than_the_file() {
    let env = [("ECI_VSWITCH", "vsw-env"), ("ECI_SECURITY_GROUP", "sg-env")];
    let read = settings(&[("ECI_VSWITCH", "vsw-flag")], &env, ENOUGH).unwrap();
    assert_eq!(read.config.vswitch, "vsw-flag");
    assert_eq!(read.config.security_group, "sg-env");
    assert!(matches!(read.keys, KeySource::Fixed(key) if key.credentials.access_key_id == "id"));
}

#[test]
fn keys_come_from_a_folder_before_a_key_before_a_role_of_the_cluster_before_one_of_the_machine() {
    let plain = "ECI_VSWITCH=vsw-1\nECI_SECURITY_GROUP=sg-1";
    let rrsa = [
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::17:role/r"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::17:oidc-provider/p"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/token"),
        ("ECI_RAM_ROLE", "auto"),
    ];
    let of = |flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str| {
        settings(flags, env, file).unwrap().keys.to_string()
    };
    assert_eq!(of(&[("ECI_KEYS", "/keys")], &rrsa, ENOUGH), "the access key in /keys");
    assert_eq!(of(&[], &rrsa, ENOUGH), "the access key that was given");
    assert_eq!(of(&[], &rrsa, plain), "the role acs:ram::17:role/r, by https://sts.cn-hangzhou.aliyuncs.com");
    assert_eq!(of(&[], &rrsa[3..], plain), "the RAM role of the machine, by http://100.100.100.200");
}

#[test]
fn namespaces_are_a_list_in_which_each_stands_once() {
    let read = settings(&[], &[("ECI_NAMESPACES", "web, ci,web")], ENOUGH).unwrap();
    assert_eq!(read.config.namespaces, ["web", "ci"]);
    assert!(settings(&[], &[("ECI_NAMESPACES", "web,,ci")], ENOUGH).is_err());
}

#[test]
fn each_missing_parameter_has_a_sentence_of_its_own() {
    let problems = settings(&[], &[("ECI_ACCESS_KEY", " ")], "").unwrap_err();
    let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(text.len(), 4);
    assert_eq!(
        text[1],
        "ECI_SECURITY_GROUP is missing: the id of the instances' security group, as `sg-bp1…`. Set it in the \
         environment, with --security-group, or in the file given by --config."
    );
    assert!(!text[3].contains("--secret"), "{}", text[3]);
}

#[test]
fn what_cannot_be_used_is_told_what_would_be_right() {
    for (name, value) in [
        ("NODE_NAME", "Virtual_Node"),
        ("ECI_ENDPOINT", "ftp://x"),
        ("KUBELET_LISTEN", "x"),
        ("POD_IP", "1.2.3"),
        ("ECI_CLOCK_URL", "here/or/there"),
        ("CLUSTER_DNS", "kube-dns"),
        ("ECI_NAMESPACES", "Web_1"),
        ("ECI_POLICY", "{\"namespace\": 1}"),
        ("ECI_CAPACITY", "cores=4"),
    ] {
        let problems = settings(&[(name, value)], &[], ENOUGH).unwrap_err();
        let named = if name == "ECI_POLICY" { "unknown field `namespace`" } else { value };
        assert!(problems[0].to_string().contains(named), "{problems:?}");
    }
}

#[test]
fn the_secret_key_is_never_printed() {
    assert!(!format!("{:?}", settings(&[], &[], ENOUGH).unwrap()).contains("hush"));
}
