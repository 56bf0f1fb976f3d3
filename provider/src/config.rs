//! Settings of the virtual node's cloud and of the node itself: flag over environment over file.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use eci_api::Secret;

use crate::eci::{BadEndpoint, Credentials, Endpoint};
use crate::policy::{BadPolicy, Policy};
use crate::webhook::injection::Injection;

/// The name of the node where nobody chose another.
pub const NODE_NAME: &str = "virtual-kubelet";
/// The region where nobody chose another.
pub const REGION: &str = "cn-hangzhou";
/// The DNS suffix of a cluster's Services where nobody chose another.
pub const CLUSTER_DOMAIN: &str = "cluster.local";
/// The port on which the API server asks a node.
pub const KUBELET_PORT: u16 = 10250;

/// Settings of a virtual node besides its clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The node's name.
    pub node_name: String,
    /// The vSwitches of the instances, separated by commas.
    pub vswitch: String,
    /// The security group of the instances.
    pub security_group: String,
    /// The resource group of the instances; the account's default group when absent.
    pub resource_group: Option<String>,
    /// The id that tells this cluster's instances from another's; the UID of kube-system when absent.
    pub cluster_id: Option<String>,
    /// The zone that the node claims to be in.
    pub zone: Option<String>,
    /// The address at which the API server reaches the node's port.
    pub node_ip: Option<IpAddr>,
    /// The node's port.
    pub kubelet_port: u16,
    /// The addresses of the cluster's DNS; found in kube-system when empty.
    pub cluster_dns: Vec<IpAddr>,
    /// The DNS suffix of the cluster's Services, as `cluster.local`.
    pub cluster_domain: String,
    /// The processor architecture of the instances.
    pub architecture: Architecture,
    /// The resources that the node offers to the scheduler.
    pub capacity: Capacity,
    /// The changes that the webhook makes to pods.
    pub injection: Injection,
    /// The purchases that pods' authors may make.
    pub policy: Policy,
    /// The namespaces whose pods the node runs; all when empty.
    pub namespaces: Vec<String>,
    /// The time for which a group is kept whose pod was gone when this process found it, where the node object or the
    /// view of the cloud gives cause for doubt.
    pub orphan_grace: std::time::Duration,
    /// Groups that the cloud does not show are lost, whatever speaks against it.
    pub accept_loss: bool,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Architecture {
    /// x86.
    #[default]
    Amd64,
    /// Arm.
    Arm64,
}

/// The node's capacity, in Kubernetes' quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// vCPU.
    pub cpu: String,
    /// Memory.
    pub memory: String,
    /// The number of pods.
    pub pods: String,
    /// Temporary storage.
    pub ephemeral_storage: String,
    /// GPUs.
    pub gpus: Option<String>,
}

impl Config {
    /// A node with the usual name and the least that must be said.
    pub fn new(vswitch: impl Into<String>, security_group: impl Into<String>) -> Self {
        Self {
            node_name: NODE_NAME.to_owned(),
            vswitch: vswitch.into(),
            security_group: security_group.into(),
            resource_group: None,
            cluster_id: None,
            zone: None,
            node_ip: None,
            kubelet_port: KUBELET_PORT,
            cluster_dns: Vec::new(),
            cluster_domain: CLUSTER_DOMAIN.to_owned(),
            architecture: Architecture::default(),
            capacity: Capacity::default(),
            injection: Injection::default(),
            policy: Policy::default(),
            namespaces: Vec::new(),
            orphan_grace: crate::pods::ORPHAN_GRACE,
            accept_loss: false,
        }
    }
}

impl Default for Capacity {
    /// The capacity of the vendor's serverless clusters: more than an account's quota usually allows, since the quota
    /// is the cloud's to judge.
    fn default() -> Self {
        Self {
            cpu: "192000".into(),
            memory: "640Ti".into(),
            pods: "4000".into(),
            ephemeral_storage: "60000Gi".into(),
            gpus: None,
        }
    }
}

impl Architecture {
    /// As Kubernetes writes it.
    pub fn in_kubernetes(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// As ECI writes it.
    pub fn in_eci(self) -> &'static str {
        match self {
            Self::Amd64 => "AMD64",
            Self::Arm64 => "ARM64",
        }
    }
}

/// All that a process of its own is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// About the node.
    pub config: Config,
    /// The access key.
    pub credentials: Credentials,
    /// The region.
    pub region: String,
    /// The cloud's endpoint; the region's own when absent.
    pub endpoint: Option<Endpoint>,
    /// The address at which the node's port listens.
    pub listen: SocketAddr,
    /// The address of a local ECI whose clock is followed instead of the machine's.
    pub clock_url: Option<Endpoint>,
}

/// A setting and its names.
struct Parameter {
    name: &'static str,
    flag: Option<&'static str>,
    what: &'static str,
}

const fn parameter(name: &'static str, flag: &'static str, what: &'static str) -> Parameter {
    Parameter { name, flag: Some(flag), what }
}

const VSWITCH: Parameter = parameter(
    "ECI_VSWITCH",
    "--vswitch",
    "the id of the vSwitch in which instances get their addresses, as `vsw-bp1…`; several are separated by commas",
);
const SECURITY_GROUP: Parameter = parameter(
    "ECI_SECURITY_GROUP",
    "--security-group",
    "the id of the instances' security group, as `sg-bp1…`",
);
const ACCESS_KEY: Parameter =
    parameter("ECI_ACCESS_KEY", "--access-key", "the id of an access key that may use ECI, as `LTAI…`");
const SECRET_KEY: Parameter = Parameter {
    name: "ECI_SECRET_KEY",
    // An argument can be read by everybody on the machine.
    flag: None,
    what: "the secret of that access key",
};
const REGION_ID: Parameter =
    parameter("ECI_REGION", "--region", "the region of the vSwitch, as `cn-hangzhou`");
const ENDPOINT: Parameter = parameter("ECI_ENDPOINT", "--endpoint", "where the ECI OpenAPI answers");
const CLOCK_URL: Parameter =
    parameter("ECI_CLOCK_URL", "--clock-url", "the address of a local ECI that tells the time");
const NODE: Parameter = parameter("NODE_NAME", "--node-name", "the name of the node");
const NODE_IP: Parameter =
    parameter("POD_IP", "--node-ip", "the address at which the API server reaches this process");
const LISTEN: Parameter = parameter("KUBELET_LISTEN", "--listen", "where the node's port is opened");
const CLUSTER: Parameter =
    parameter("ALIYUN_CLUSTERID", "--cluster-id", "what tells this cluster's instances from another's");
const RESOURCE_GROUP: Parameter = parameter(
    "ALIYUN_RESOURCEGROUP_ID",
    "--resource-group",
    "the resource group of the instances, as `rg-…`",
);
const ZONE: Parameter =
    parameter("ECI_ZONE", "--zone", "the zone that the node claims to be in, as `cn-hangzhou-j`");
const DNS: Parameter = parameter(
    "CLUSTER_DNS",
    "--cluster-dns",
    "the addresses of the cluster's DNS, separated by commas; found in kube-system when not given",
);
const DOMAIN: Parameter =
    parameter("CLUSTER_DOMAIN", "--cluster-domain", "what the names of the cluster's Services end with");
const ARCHITECTURE: Parameter =
    parameter("ECI_ARCHITECTURE", "--architecture", "the architecture of the instances, `amd64` or `arm64`");
const POLICY: Parameter =
    parameter("ECI_POLICY", "--policy", "the purchases that pods' authors may make, as a JSON object");
const NAMESPACES: Parameter = parameter(
    "ECI_NAMESPACES",
    "--namespaces",
    "the namespaces whose pods the node runs, separated by commas; all when not given",
);

/// Errors in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Something that has no default was not given.
    #[error("{name} is missing: {what}. Set it {ways}.")]
    Missing {
        /// The parameter's name, as in the environment.
        name: &'static str,
        /// The parameter's meaning, as a noun phrase.
        what: &'static str,
        /// The ways in which it can be given, as a phrase.
        ways: String,
    },
    /// Something was given that cannot be used.
    #[error("{name} is `{value}`, which is not {should}")]
    Unusable {
        /// The parameter's name, as in the environment.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// A noun phrase for the values that can be used.
        should: &'static str,
    },
    /// The endpoint.
    #[error("ECI_ENDPOINT: {0}")]
    Endpoint(#[from] BadEndpoint),
    /// The policy.
    #[error("ECI_POLICY: {0}")]
    Policy(#[from] BadPolicy),
}

/// Sources of settings, in the order of their weight.
pub struct Sources<'a> {
    /// From the command line, by the parameter's name.
    pub flags: BTreeMap<&'static str, String>,
    /// From the environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// From a file of lines `NAME=value`.
    pub file: BTreeMap<String, String>,
}

impl Sources<'_> {
    fn find(&self, parameter: &Parameter) -> Option<String> {
        let flag = self.flags.get(parameter.name).cloned();
        let found = flag
            .or_else(|| (self.environment)(parameter.name).filter(|value| !value.trim().is_empty()))
            .or_else(|| self.file.get(parameter.name).cloned())?;
        let found = found.trim().to_owned();
        (!found.is_empty()).then_some(found)
    }

    fn need(&self, parameter: &Parameter, problems: &mut Vec<ConfigError>) -> String {
        self.find(parameter).unwrap_or_else(|| {
            let flag = parameter.flag.map(|flag| format!("with {flag}, ")).unwrap_or_default();
            let ways = format!("in the environment, {flag}or in the file given by --config");
            problems.push(ConfigError::Missing { name: parameter.name, what: parameter.what, ways });
            String::new()
        })
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        parameter: &Parameter,
        should: &'static str,
        problems: &mut Vec<ConfigError>,
    ) -> Option<T> {
        let value = self.find(parameter)?;
        let read = value.parse().ok();
        if read.is_none() {
            problems.push(ConfigError::Unusable { name: parameter.name, value, should });
        }
        read
    }
}

impl Settings {
    /// Puts the settings together.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn from(sources: &Sources<'_>) -> Result<Self, Vec<ConfigError>> {
        let mut problems = Vec::new();
        let vswitch = sources.need(&VSWITCH, &mut problems);
        let security_group = sources.need(&SECURITY_GROUP, &mut problems);
        let access_key_id = sources.need(&ACCESS_KEY, &mut problems);
        let secret = Secret::new(sources.need(&SECRET_KEY, &mut problems));
        let region = sources.find(&REGION_ID).unwrap_or_else(|| REGION.to_owned());
        let endpoint = match sources.find(&ENDPOINT).map(|text| text.parse()).transpose() {
            Ok(endpoint) => endpoint,
            Err(error) => {
                problems.push(ConfigError::Endpoint(error));
                None
            }
        };
        let listen = sources
            .parsed(&LISTEN, "an address and a port, as `0.0.0.0:10250`", &mut problems)
            .unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], KUBELET_PORT)));
        let clock_url = sources.parsed(
            &CLOCK_URL,
            "the address of a local ECI's control API, as `http://127.0.0.1:8089`",
            &mut problems,
        );
        let mut config = Config::new(vswitch, security_group);
        config.kubelet_port = listen.port();
        config.node_ip = sources.parsed(&NODE_IP, "an IP address", &mut problems);
        config.architecture =
            sources.parsed(&ARCHITECTURE, "`amd64` or `arm64`", &mut problems).unwrap_or_default();
        config.cluster_id = sources.find(&CLUSTER);
        config.cluster_domain = sources.find(&DOMAIN).unwrap_or(config.cluster_domain);
        for address in sources.find(&DNS).iter().flat_map(|list| list.split(',')).map(str::trim) {
            match address.parse() {
                Ok(address) => config.cluster_dns.push(address),
                Err(_) => problems.push(ConfigError::Unusable {
                    name: DNS.name,
                    value: address.to_owned(),
                    should: "an IP address, as `10.96.0.10`",
                }),
            }
        }
        config.resource_group = sources.find(&RESOURCE_GROUP);
        config.zone = sources.find(&ZONE);
        if let Some(name) = sources.find(&NODE) {
            if !is_node_name(&name) {
                let should = "a name of lower case letters, digits, `-` and `.`, at most 253 characters";
                problems.push(ConfigError::Unusable { name: NODE.name, value: name.clone(), should });
            }
            config.node_name = name;
        }
        for name in sources.find(&NAMESPACES).iter().flat_map(|list| list.split(',')).map(str::trim) {
            let should = "a list of namespaces, as `web,ci`";
            if name.contains('.') || !is_node_name(name) || name.len() > 63 {
                problems.push(ConfigError::Unusable { name: NAMESPACES.name, value: name.into(), should });
            } else if !config.namespaces.iter().any(|known| known == name) {
                config.namespaces.push(name.to_owned());
            }
        }
        match sources.find(&POLICY).map(|text| Policy::parse(&text)).transpose() {
            Ok(policy) => config.policy = policy.unwrap_or_default(),
            Err(error) => problems.push(ConfigError::Policy(error)),
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let credentials = Credentials { access_key_id, secret };
        Ok(Self { config, credentials, region, endpoint, listen, clock_url })
    }
}

impl std::str::FromStr for Architecture {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "amd64" | "x86_64" => Ok(Self::Amd64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            _ => Err(()),
        }
    }
}

/// Reads lines `NAME=value`; empty lines and those that begin with `#` say nothing.
pub fn read_file(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned())).collect()
}

/// A DNS-1123 subdomain, as names of nodes are.
fn is_node_name(name: &str) -> bool {
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        !label.is_empty() && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(read.credentials.access_key_id, "id");
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
}
