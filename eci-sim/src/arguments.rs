//! Command-line arguments and environment variables.

pub mod runtime;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use determinism::Seed;
use eci_api::Secret;
use eci_sim::faults::{Rule, parse};
use eci_sim::{Builder, Currency, Latency, PriceFile, tls};
use jiff::Timestamp;
use rustls::ServerConfig;

/// A local Alibaba Cloud ECI.
#[derive(Parser)]
#[command(version)]
pub struct Arguments {
    /// Address of the ECI OpenAPI; port 0 takes a free one
    #[arg(long, env = "ECI_SIM_LISTEN", default_value = "127.0.0.1:8088")]
    pub listen: SocketAddr,
    /// Address of the control API; without it there is none
    #[arg(long, env = "ECI_SIM_CONTROL")]
    pub control: Option<SocketAddr>,
    /// Address that serves the clock alone, without a token, to followers such as a provider with --clock-url;
    /// without it there is none, but the control API serves them too
    #[arg(long, env = "ECI_SIM_CLOCK")]
    pub clock: Option<SocketAddr>,
    /// Address of the ECI OpenAPI over TLS; port 0 takes a free one
    #[arg(long, env = "ECI_SIM_TLS")]
    pub tls: Option<SocketAddr>,
    /// The file with the authority's certificate, which clients are to trust; made where it is not there, with its key
    /// beside it (`ca.pem`, `ca.key.pem`)
    #[arg(
        long,
        env = "ECI_SIM_TLS_CA",
        default_value = "eci-sim-ca.pem",
        conflicts_with = "tls_certificate"
    )]
    tls_ca: PathBuf,
    /// One more name that clients use, where the certificate is made; may be given several times
    #[arg(long, env = "ECI_SIM_TLS_NAME", value_delimiter = ',')]
    tls_name: Vec<String>,
    /// A file with the certificates to be shown instead, as PEM
    #[arg(long, env = "ECI_SIM_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The file with their key, as PEM
    #[arg(long, env = "ECI_SIM_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Token of the control API; required where it listens elsewhere than on loopback
    #[arg(long, env = "ECI_SIM_CONTROL_TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// The access key id that clients sign with [env also: ECI_ACCESS_KEY]
    #[arg(long, env = "ECI_SIM_ACCESS_KEY_ID")]
    access_key_id: Option<String>,
    /// Secret of the access key [env also: ECI_SECRET_KEY]
    #[arg(long, env = "ECI_SIM_ACCESS_KEY_SECRET", hide_env_values = true)]
    access_key_secret: Option<String>,
    /// Name of a RAM role of the access key's account, as `virtual-node`: temporary keys of it are given to whoever brings an
    /// OIDC token to `AssumeRoleWithOIDC`, and to everybody who asks the paths of the machine's metadata service
    #[arg(long, env = "ECI_SIM_RAM_ROLE")]
    pub ram_role: Option<String>,
    /// Seed of all randomness: three words, as a run prints them
    #[arg(long, env = "ECI_SIM_SEED", default_value_t = Seed::DEFAULT)]
    pub seed: Seed,
    /// Rate of the clock: `wall`, a factor such as `x60`, or `paused` until the control API moves it; without it
    /// `wall`, or the rate that a restored world had
    #[arg(long, env = "ECI_SIM_TIME", value_parser = rate)]
    pub time: Option<u32>,
    /// Latency of the steps of a group's life: `none`, `published`, or a factor such as `x2` or `x0.5`; without it
    /// `published`, or that of a restored world
    #[arg(long, env = "ECI_SIM_LATENCY")]
    pub latency: Option<Latency>,
    /// Time at which the clock starts, as 2025-01-06T01:30:00Z; without it the present, or the time of a restored world
    #[arg(long, env = "ECI_SIM_START_TIME")]
    pub start_time: Option<Timestamp>,
    /// Directory in which the world is persisted, made for its owner alone where it does not exist; without it the
    /// world ends with the process
    #[arg(long, env = "ECI_SIM_DATA")]
    pub data: Option<PathBuf>,
    /// Size of the journal in KiB from which --data compacts it into a snapshot
    #[arg(long, env = "ECI_SIM_JOURNAL_COMPACT_KIB", default_value_t = 1024)]
    pub journal_compact_kib: u64,
    /// Region of calls that name none
    #[arg(long, env = "ECI_SIM_REGION", default_value = "cn-hangzhou")]
    pub region: String,
    /// Currency of the bill: CNY, as on aliyun.com, or USD, as on alibabacloud.com
    #[arg(long, env = "ECI_SIM_CURRENCY", default_value_t)]
    currency: Currency,
    /// A file of prices as CSV, in the columns of eci-sim/data/prices.csv, which go before the compiled-in ones: `item` (vcpu,
    /// memory, storage, cache_disk, snapshot, minimum or an ECS type), `category`, `region`, `zone`, `currency`, `amount`
    /// for each `per_seconds`, `from` and `to`; may be given several times
    #[arg(long, value_name = "FILE", env = "ECI_SIM_PRICE_FILE", value_delimiter = ',')]
    price_file: Vec<PathBuf>,
    /// A fault: `ACTION VERB …`, as in `CreateContainerGroup refuse Throttling.User times=2` or `'*' delay 500ms every=3`;
    /// may be given several times. The verbs: refuse CODE, delay SPAN, drop-before, drop-after, truncate BYTES,
    /// stale SPAN, sold-out ZONE, reclaim MINUTES, crash CONTAINER EXIT-CODE
    #[arg(long, value_name = "RULE")]
    fault: Vec<Rule>,
    /// A file that lists faults as YAML or JSON, in the shape in which the control API takes them
    #[arg(long, value_name = "FILE", env = "ECI_SIM_FAULT_FILE")]
    fault_file: Option<PathBuf>,
    /// Container runtime.
    #[command(flatten)]
    pub runtime: runtime::RuntimeArguments,
}

impl Arguments {
    /// The access key.
    pub fn credential(&self) -> anyhow::Result<(String, Secret)> {
        let key_id = given(self.access_key_id.as_ref(), "ECI_ACCESS_KEY", "--access-key-id")?;
        let secret = given(self.access_key_secret.as_ref(), "ECI_SECRET_KEY", "--access-key-secret")?;
        Ok((key_id, Secret::new(secret)))
    }

    /// The fault rules of the file, then those of the flags.
    pub fn faults(&self) -> anyhow::Result<Vec<Rule>> {
        let mut rules = Vec::new();
        if let Some(file) = &self.fault_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("the faults of {} cannot be read", file.display()))?;
            rules =
                parse::rule_list(&text).with_context(|| format!("{} should list faults", file.display()))?;
        }
        rules.extend_from_slice(&self.fault);
        Ok(rules)
    }

    /// The currency of the bill, and the prices of the files.
    pub fn prices(&self, builder: Builder) -> anyhow::Result<Builder> {
        let mut read = Vec::new();
        for file in &self.price_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("the prices of {} cannot be read", file.display()))?;
            read.push((file.display().to_string(), text));
        }
        let files: Vec<_> = read.iter().map(|(name, text)| PriceFile { name, text }).collect();
        Ok(builder.prices(self.currency, &files)?)
    }

    /// The certificate and key for TLS, and a line that says whom clients have to trust.
    pub fn tls_config(&self) -> anyhow::Result<(Arc<ServerConfig>, String)> {
        if let (Some(certificate), Some(key)) = (&self.tls_certificate, &self.tls_key) {
            return Ok((tls::given(certificate, key)?, format!("certificate {}", certificate.display())));
        }
        let config = tls::generated(&self.tls_ca, &self.tls_name)?;
        Ok((config, format!("authority {}", self.tls_ca.display())))
    }

    /// The token of the control API.
    pub fn control_token(&self) -> anyhow::Result<Option<Secret>> {
        let token = self.control_token.as_deref().filter(|token| !token.is_empty());
        match self.control.filter(|address| !address.ip().is_loopback()) {
            Some(address) if token.is_none() => anyhow::bail!(
                "the control API at {address} can be reached from other machines, so it wants a token: give \
                 --control-token or set ECI_SIM_CONTROL_TOKEN, or let it listen on 127.0.0.1"
            ),
            _ => Ok(token.map(Secret::new)),
        }
    }
}

fn given(value: Option<&String>, variable: &str, flag: &str) -> anyhow::Result<String> {
    let value = value.cloned().or_else(|| std::env::var(variable).ok()).filter(|value| !value.is_empty());
    value.with_context(|| format!("{flag} is missing; give the flag, or set {variable}"))
}

/// A value of `--time` that is no rate.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` should be `wall`, `paused`, or a factor such as `x60`")]
struct RateError(String);

fn rate(text: &str) -> Result<u32, RateError> {
    let rate = match text.strip_prefix(['x', '×']) {
        Some(factor) => factor.parse().ok(),
        None if text == "wall" => Some(1),
        None if text == "paused" => Some(0),
        None => None,
    };
    rate.ok_or_else(|| RateError(text.to_owned()))
}
