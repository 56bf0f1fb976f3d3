//! Settings of the virtual node's cloud and of the node itself: flag over environment over file.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use eci_api::Secret;

use super::capacity::BadCapacity;
use super::{Config, KUBELET_PORT, REGION};
use crate::eci::key_source::{KeySource, OidcRole, sts_of_region};
use crate::eci::{BadEndpoint, Credentials, Endpoint, Key};
use crate::policy::{BadPolicy, Policy};

/// The settings of a process that runs a virtual node.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node's configuration.
    pub config: Config,
    /// The source of access keys.
    pub keys: KeySource,
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
const SECURITY_TOKEN: Parameter = Parameter {
    name: "ECI_SECURITY_TOKEN",
    flag: None,
    what: "the security token of a temporary access key",
};
const KEYS: Parameter = parameter(
    "ECI_KEYS",
    "--keys",
    "a folder or file with ECI_ACCESS_KEY and ECI_SECRET_KEY, which is read again when it changes",
);
const RAM_ROLE: Parameter = parameter(
    "ECI_RAM_ROLE",
    "--ram-role",
    "the RAM role of the machine, whose temporary keys are used; `auto` for the one that it has",
);
const METADATA_ENDPOINT: Parameter = Parameter {
    name: "ECI_METADATA_ENDPOINT",
    flag: None,
    what: "the address of the machine's metadata service",
};
const STS_ENDPOINT: Parameter =
    Parameter { name: "ECI_STS_ENDPOINT", flag: None, what: "the address of STS" };
/// What the cluster's webhook gives to pods whose service account opens a role (RRSA, eci-openapi.md 12).
const ROLE_ARN: Parameter = Parameter { name: "ALIBABA_CLOUD_ROLE_ARN", flag: None, what: "the role" };
const PROVIDER_ARN: Parameter =
    Parameter { name: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", flag: None, what: "the identity provider" };
const TOKEN_FILE: Parameter =
    Parameter { name: "ALIBABA_CLOUD_OIDC_TOKEN_FILE", flag: None, what: "the file with the token" };
const METADATA: &str = "http://100.100.100.200";
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
const CAPACITY: Parameter = parameter(
    "ECI_CAPACITY",
    "--capacity",
    "the resources that the node offers, as `cpu=1000,memory=4Ti,pods=200,nvidia.com/gpu=8`",
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
    /// The capacity.
    #[error("ECI_CAPACITY: {0}")]
    Capacity(#[from] BadCapacity),
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
        let region = sources.find(&REGION_ID).unwrap_or_else(|| REGION.to_owned());
        let keys = sources.keys(&region, &mut problems);
        let endpoint = sources.find(&ENDPOINT).map(|text| text.parse()).transpose();
        let endpoint = endpoint.unwrap_or_else(|error| {
            problems.push(ConfigError::Endpoint(error));
            None
        });
        let listen = sources
            .parsed(&LISTEN, "an address and a port, as `0.0.0.0:10250`", &mut problems)
            .unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], KUBELET_PORT)));
        let should = "the address of a local ECI's control API, as `http://127.0.0.1:8089`";
        let clock_url = sources.parsed(&CLOCK_URL, should, &mut problems);
        let mut config = Config { kubelet_port: listen.port(), ..Config::new(vswitch, security_group) };
        sources.configure(&mut config, &mut problems);
        match keys {
            Some(keys) if problems.is_empty() => {
                Ok(Self { config, keys, region, endpoint, listen, clock_url })
            }
            _ => Err(problems),
        }
    }
}

impl Sources<'_> {
    /// The source of access keys: a folder or file, a key, a role that the cluster's tokens open, the machine's role, in this
    /// order.
    fn keys(&self, region: &str, problems: &mut Vec<ConfigError>) -> Option<KeySource> {
        if let Some(path) = self.find(&KEYS) {
            return Some(KeySource::Files(path.into()));
        }
        let has_key = self.find(&ACCESS_KEY).is_some() || self.find(&SECRET_KEY).is_some();
        let oidc = [&ROLE_ARN, &PROVIDER_ARN, &TOKEN_FILE].map(|parameter| self.find(parameter));
        let mut endpoint = |parameter: &Parameter, usual: Result<Endpoint, BadEndpoint>| {
            let found = self.find(parameter).map_or(usual, |text| text.parse());
            found.map_err(|error| problems.push(ConfigError::Endpoint(error))).ok()
        };
        if let ([Some(role_arn), Some(provider_arn), Some(token_file)], false) = (oidc, has_key) {
            let endpoint = endpoint(&STS_ENDPOINT, sts_of_region(region))?;
            let token_file = token_file.into();
            return Some(KeySource::Oidc(OidcRole { endpoint, role_arn, provider_arn, token_file }));
        }
        if let Some(role) = self.find(&RAM_ROLE).filter(|_| !has_key) {
            let endpoint = endpoint(&METADATA_ENDPOINT, METADATA.parse())?;
            return Some(KeySource::MachineRole { endpoint, role: Some(role).filter(|role| role != "auto") });
        }
        let access_key_id = self.need(&ACCESS_KEY, problems);
        let credentials =
            Credentials { access_key_id, secret: Secret::new(self.need(&SECRET_KEY, problems)) };
        let security_token = self.find(&SECURITY_TOKEN).map(Secret::new);
        Some(KeySource::Fixed(Key { credentials, security_token, expires: None }))
    }

    /// Fills in what has a default.
    fn configure(&self, config: &mut Config, problems: &mut Vec<ConfigError>) {
        config.node_ip = self.parsed(&NODE_IP, "an IP address", problems);
        config.architecture = self.parsed(&ARCHITECTURE, "`amd64` or `arm64`", problems).unwrap_or_default();
        config.cluster_id = self.find(&CLUSTER);
        if let Some(domain) = self.find(&DOMAIN) {
            config.cluster_domain = domain;
        }
        for address in self.list(&DNS) {
            let should = "an IP address, as `10.96.0.10`";
            match address.parse() {
                Ok(address) => config.cluster_dns.push(address),
                Err(_) => problems.push(ConfigError::Unusable { name: DNS.name, value: address, should }),
            }
        }
        config.resource_group = self.find(&RESOURCE_GROUP);
        config.zone = self.find(&ZONE);
        if let Some(name) = self.find(&NODE) {
            if !is_node_name(&name) {
                let should = "a name of lower case letters, digits, `-` and `.`, at most 253 characters";
                problems.push(ConfigError::Unusable { name: NODE.name, value: name.clone(), should });
            }
            config.node_name = name;
        }
        for name in self.list(&NAMESPACES) {
            let should = "a list of namespaces, as `web,ci`";
            if name.contains('.') || !is_node_name(&name) || name.len() > 63 {
                problems.push(ConfigError::Unusable { name: NAMESPACES.name, value: name, should });
            } else if !config.namespaces.contains(&name) {
                config.namespaces.push(name);
            }
        }
        match self.find(&CAPACITY).unwrap_or_default().parse() {
            Ok(capacity) => config.capacity = capacity,
            Err(error) => problems.push(ConfigError::Capacity(error)),
        }
        match self.find(&POLICY).map(|text| Policy::parse(&text)).transpose() {
            Ok(policy) => config.policy = policy.unwrap_or_default(),
            Err(error) => problems.push(ConfigError::Policy(error)),
        }
    }

    /// The trimmed items of a list that commas separate; none when it is not given.
    fn list(&self, parameter: &Parameter) -> Vec<String> {
        let found = self.find(parameter);
        found.iter().flat_map(|list| list.split(',')).map(|item| item.trim().to_owned()).collect()
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
mod tests;
