//! Arguments of the container runtime.

use std::net::Ipv4Addr;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use eci_sim::EciSim;
use tokio::task::JoinHandle;

use super::Arguments;

/// The container runtimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Runtime {
    /// Scripts and commands that can be interpreted say what would happen
    Scripted,
    /// A Docker Engine runs them for real, in wall time: logs, exec, exit codes and addresses are its own
    Docker,
}

/// The runtime and its Engine.
#[derive(Args)]
pub struct RuntimeArguments {
    /// Container runtime
    #[arg(long, env = "ECI_SIM_RUNTIME", value_enum, default_value = "scripted")]
    pub runtime: Runtime,
    /// The Engine's network that groups are in; there, each has an address of its own
    #[arg(long, env = "ECI_SIM_DOCKER_NETWORK", default_value = "bridge")]
    docker_network: String,
    /// The image of the container that holds a group's network; it has `sh`, `sleep`, and `ip` where there are routes
    #[arg(long, env = "ECI_SIM_DOCKER_SANDBOX", default_value = "busybox")]
    docker_sandbox: String,
    /// A range that groups reach by another way than the network's own, such as `10.96.0.0/16=172.18.0.2`; may be
    /// given several times
    #[arg(long, env = "ECI_SIM_DOCKER_ROUTE", value_delimiter = ',', value_parser = route)]
    docker_route: Vec<(String, Ipv4Addr)>,
    /// Name of this simulator at the engine, unique there
    #[arg(long, env = "ECI_SIM_DOCKER_NAME", default_value = "eci-sim")]
    docker_name: String,
}

/// A runtime's task, which runs until it is told to end.
pub type Work = JoinHandle<anyhow::Result<()>>;

impl Arguments {
    /// Refuses what a real runtime cannot do.
    pub fn check_runtime(&self) -> anyhow::Result<()> {
        if self.runtime.runtime == Runtime::Scripted {
            return Ok(());
        }
        ensure!(
            self.time.is_none_or(|rate| rate == 1),
            "with --runtime docker containers run in real time, so that --time can only be `wall`"
        );
        ensure!(
            self.data.is_none(),
            "with --runtime docker no world can be persisted: what containers did cannot be replayed from the calls; leave \
             --data out"
        );
        Ok(())
    }
}

impl RuntimeArguments {
    /// Lets the Engine that is asked for do the work until `over`; nothing, where none is.
    #[cfg(feature = "docker")]
    pub async fn start(
        &self,
        sim: &EciSim,
        over: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<Option<Work>> {
        use eci_sim::runtime::docker::{DockerEngine, Settings};
        if self.runtime == Runtime::Scripted {
            return Ok(None);
        }
        let settings = Settings {
            name: self.docker_name.clone(),
            network: self.docker_network.clone(),
            sandbox: self.docker_sandbox.clone(),
            routes: self.docker_route.clone(),
        };
        let driver = sim.on_engine(DockerEngine::connect(settings).await?);
        println!(
            "Docker   network {}, all that is started is called {}.…; time runs as it runs",
            self.docker_network, self.docker_name
        );
        Ok(Some(tokio::spawn(async move { Ok(driver.run(over).await?) })))
    }

    /// Refuses an Engine, for which this program was not built.
    #[cfg(not(feature = "docker"))]
    pub async fn start(&self, _: &EciSim, _: impl Future<Output = ()>) -> anyhow::Result<Option<Work>> {
        ensure!(
            self.runtime == Runtime::Scripted,
            "this eci-sim was built without its Docker runtime: cargo run -p eci-sim --features docker -- --runtime docker"
        );
        let Self { docker_network: _, docker_sandbox: _, docker_route: _, docker_name: _, .. } = self;
        Ok(None)
    }
}

/// A value of `--docker-route` that is no route.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` should be a range and an address, such as 10.96.0.0/16=172.18.0.2")]
struct RouteError(String);

fn route(text: &str) -> Result<(String, Ipv4Addr), RouteError> {
    let wrong = || RouteError(text.to_owned());
    let (range, via) = text.split_once('=').ok_or_else(wrong)?;
    let (address, length) = range.split_once('/').ok_or_else(wrong)?;
    let fits = address.parse::<Ipv4Addr>().is_ok() && length.parse::<u8>().is_ok_and(|length| length <= 32);
    let via = via.parse().map_err(|_| wrong())?;
    if fits { Ok((range.to_owned(), via)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn what_is_real_has_the_wall_s_time_and_is_not_kept() {
        for (more, told) in [
            (&[][..], None),
            (&["--time", "wall"], None),
            (&["--time", "x60"], Some("--time can only be `wall`")),
            (&["--time", "paused"], Some("--time can only be `wall`")),
            (&["--data", "/tmp/world"], Some("leave --data out")),
        ] {
            let arguments = [&["eci-sim", "--runtime", "docker"], more].concat();
            let said = Arguments::parse_from(arguments).check_runtime().map_err(|why| why.to_string());
            match told {
                None => assert_eq!(said, Ok(())),
                Some(told) => assert!(said.unwrap_err().contains(told), "{more:?}"),
            }
            let arguments = [&["eci-sim"], more].concat();
            assert!(Arguments::parse_from(arguments).check_runtime().is_ok(), "scripted {more:?}");
        }
    }

    #[test]
    fn a_route_is_a_range_and_the_way_to_it() {
        let via = Ipv4Addr::new(172, 18, 0, 2);
        assert_eq!(route("10.96.0.0/16=172.18.0.2"), Ok(("10.96.0.0/16".to_owned(), via)));
        for wrong in ["10.96.0.0/16", "10.96.0.0=172.18.0.2", "10.96.0.0/33=172.18.0.2", "; rm -r /=1.2.3.4"]
        {
            assert!(route(wrong).is_err(), "{wrong}");
        }
    }
}
