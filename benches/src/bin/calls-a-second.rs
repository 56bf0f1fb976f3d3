//! `calls-a-second`: one and the same client for simulators of clouds: it makes instances, and asks for one of them by its id,
//! over a few connections, as often as it can.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use benches::conversation::{calls_a_second, median, one};
use clap::{Parser, ValueEnum};
use determinism::{Chance, Clock, Seed, Stopwatch};
use eci_api::Secret;
use eci_api::query::render;
use eci_api::signature::acs3;
use tokio::net::TcpStream;

/// The access key of the calls; a simulator that verifies signatures has to know it.
const KEY: (&str, &str) = ("rivals", "rivals-secret");

/// The longest wait for a simulator that starts.
const STARTING_MAX: Duration = Duration::from_secs(60);

/// Makes instances in a simulator of a cloud, and asks for one of them by its id, as often as it can.
#[derive(Debug, Parser)]
struct Arguments {
    /// Address of the simulator.
    #[arg(long)]
    to: SocketAddr,
    /// The API that the simulator has.
    #[arg(long, value_enum)]
    dialect: Dialect,
    /// The number of instances to be made first.
    #[arg(long, default_value_t = 1_000)]
    instances: usize,
    /// The number of calls in a turn.
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// The number of turns, whose median is told.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// The number of connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

/// An API of instances.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dialect {
    /// ECI 2018-08-08: DescribeContainerGroups, each call signed with a nonce of its own.
    Eci,
    /// EC2 2016-11-15: DescribeInstances, with the heading of a signature that nobody verifies.
    Ec2,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(arguments.connections > 0 && arguments.turns > 0, "there should be a connection and a turn");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    wait_for(arguments.to).await?;
    let mut client = Client { to: arguments.to, dialect: arguments.dialect, nonces: fresh_nonces()? };
    let id = client.make(arguments.instances).await?;
    let each = arguments.calls / arguments.connections;
    let mut told = Vec::new();
    for _ in 0..arguments.turns {
        let mut share = || (0..each).map(|_| client.describe(&id)).collect::<Vec<_>>();
        let shares = (0..arguments.connections).map(|_| share()).collect();
        told.push(calls_a_second(arguments.to, shares).await.map_err(anyhow::Error::from_boxed)?);
    }
    let range =
        (told.iter().min().copied().unwrap_or_default(), told.iter().max().copied().unwrap_or_default());
    println!("{} {} {}", median(told), range.0, range.1);
    Ok(())
}

/// Waits until the simulator, which may be starting, can be connected to.
async fn wait_for(to: SocketAddr) -> Result<()> {
    let started = Stopwatch::start();
    while let Err(error) = TcpStream::connect(to).await {
        ensure!(started.elapsed() < STARTING_MAX, "nobody listens at {to}: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn fresh_nonces() -> Result<Chance> {
    // a simulator that runs already takes no nonce twice
    Ok(Seed::from_entropy()?.chance("nonces"))
}

struct Client {
    to: SocketAddr,
    dialect: Dialect,
    nonces: Chance,
}

impl Client {
    /// Makes so many instances; returns the id of the last one.
    async fn make(&mut self, count: usize) -> Result<String> {
        let calls = match self.dialect {
            Dialect::Eci => (0..count).map(|n| self.create(n)).collect(),
            Dialect::Ec2 => vec![self.ec2(&format!(
                "Action=RunInstances&Version=2016-11-15&ImageId=ami-12c6146b&InstanceType=t3.micro&MinCount={count}&MaxCount={count}"
            ))],
        };
        let mut last = Vec::new();
        for call in calls {
            last = one(self.to, &call).await.map_err(anyhow::Error::from_boxed)?;
        }
        let said = String::from_utf8_lossy(&last);
        let (before, after) = match self.dialect {
            Dialect::Eci => ("\"ContainerGroupId\":\"", '"'),
            Dialect::Ec2 => ("<instanceId>", '<'),
        };
        let id = said.split_once(before).and_then(|(_, rest)| Some(rest.split_once(after)?.0));
        Ok(id.with_context(|| format!("no id in {said}"))?.to_owned())
    }

    /// One call for the instance of this id.
    fn describe(&mut self, id: &str) -> Vec<u8> {
        match self.dialect {
            Dialect::Eci => {
                self.eci("DescribeContainerGroups", vec![("ContainerGroupIds".into(), format!("[\"{id}\"]"))])
            }
            Dialect::Ec2 => {
                self.ec2(&format!("Action=DescribeInstances&Version=2016-11-15&InstanceId.1={id}"))
            }
        }
    }

    fn create(&mut self, number: usize) -> Vec<u8> {
        let query = [
            ("ContainerGroupName", format!("group-{number}")),
            ("Container.1.Name", "main".to_owned()),
            ("Container.1.Image", "nginx".to_owned()),
        ];
        self.eci("CreateContainerGroup", query.map(|(name, value)| (name.to_owned(), value)).to_vec())
    }

    /// A call as Tea clients send it.
    fn eci(&mut self, action: &str, query: Vec<(String, String)>) -> Vec<u8> {
        let query: Vec<_> =
            [("RegionId".to_owned(), "cn-hangzhou".to_owned())].into_iter().chain(query).collect();
        let (nonce, secret) = (self.nonces.text("0123456789abcdef", 32), Secret::new(KEY.1));
        let host = self.to.to_string();
        let now = Clock::system().now();
        let headers = acs3::headers(action, &host, &query, (KEY.0, &secret), now, &nonce);
        let mut lines = String::new();
        for (name, value) in headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
            lines.push_str(&format!("{name}: {value}\r\n"));
        }
        let query = render(&query);
        format!("POST /?{query} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n{lines}\r\n").into_bytes()
    }

    fn ec2(&self, form: &str) -> Vec<u8> {
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260105/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature={}",
            KEY.0,
            "0".repeat(64)
        );
        format!(
            "POST / HTTP/1.1\r\nhost: {}\r\nauthorization: {credential}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            self.to,
            form.len()
        )
        .into_bytes()
    }
}
