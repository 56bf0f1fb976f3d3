//! The provider's program: all that it does stands in `provider::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let coloured = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).with_ansi(coloured).init();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let mut settings = arguments.settings()?;
    // Who takes leave asks the cloud once, for which the machine's time will do.
    let door = settings.follow_clock.take().filter(|_| arguments.farewell().is_none());
    let (runtime, ended) = match door {
        None => {
            let runtime = Runtime::new().map_err(Trouble::Runtime)?;
            let ended = runtime.block_on(live(arguments, settings, Clock::system(), None));
            (runtime, ended)
        }
        Some(door) => {
            let runtime = following::runtime().map_err(Trouble::Runtime)?;
            let followed = Followed::new(door, &settings.config.node_name).map_err(Trouble::Transport)?;
            let ended = runtime.block_on(live_by(&followed, arguments, settings));
            (runtime, ended)
        }
    };
    // Whatever still runs is not waited for.
    runtime.shutdown_background();
    ended
}

/// Lives by a clock somewhere else.
async fn live_by(followed: &Followed, arguments: &Arguments, settings: Settings) -> Result<(), Trouble> {
    let _held = following::hold();
    let calls = Calls::default();
    let clock = followed.begin().await;
    let ended = tokio::select! {
        ended = live(arguments, settings, clock.clone(), Some(&calls)) => ended,
        back = followed.follow(&clock, &calls) => Err(back.into()),
    };
    followed.leave().await;
    ended
}

async fn live(
    arguments: &Arguments,
    mut settings: Settings,
    clock: Clock,
    calls: Option<&Calls>,
) -> Result<(), Trouble> {
    let seed = Seed::from_entropy().map_err(Trouble::Entropy)?;
    let Cluster { client: unlimited, heartbeat, address: api_server } = arguments::cluster(calls).await?;
    let client = kubernetes::with_timeout(unlimited.clone(), kubernetes::CALL_TIMEOUT);
    settings.config.node_ip = settings.config.node_ip.or_else(|| arguments::address_towards(&api_server));
    let line = HyperTransport::new().map_err(Trouble::Transport)?;
    let line: Arc<dyn Transport> = match calls {
        Some(calls) => Arc::new(Counted(line, calls.clone())),
        None => Arc::new(line),
    };
    let eci = Eci::new(line, settings.credentials, settings.region, clock.clone(), seed)
        .with_rates(arguments.cloud_rates.clone());
    let eci = settings.endpoint.into_iter().fold(eci, Eci::at);
    if let Some(manner) = arguments.farewell() {
        return arguments::farewell(manner, settings.config, client, eci).await;
    }

    let listener = arguments::open(settings.listen, "--listen").await?;
    let webhook_port = arguments.webhook_port().await?;
    let address = listener.local_addr().unwrap_or(settings.listen);
    settings.config.kubelet_port = address.port();
    let addresses: Vec<_> = settings.config.node_ip.into_iter().collect();
    let node = settings.config.node_name.clone();
    let provider =
        Provider::new(settings.config, unlimited, eci, clock, seed).with_heartbeat_client(heartbeat);

    let clients = arguments.client_authority(&client, &api_server).await?;
    let mut certificates = arguments.certificates(&client, &node, &addresses)?;
    if let Some(store) = &mut certificates {
        // What does not succeed is told and tried again by the running store.
        let _ = store.reconcile().await;
    }
    let acceptor = arguments.node_tls(&node, &addresses, certificates.as_ref(), clients.as_deref())?;
    let access = (!arguments.no_auth).then(|| Access::new(client.clone(), &node));
    tracing::info!("the node {node} answers at https://{address}");
    let limiter = ConnectionLimiter::default();
    let answer = NodePort { api: provider.kubelet_api(), access };
    let node_port = serve(listener, acceptor, answer, limiter.clone());

    let webhook = arguments.webhook(webhook_port, &client, &addresses, certificates.as_ref()).await?;
    let renewal = async {
        match certificates {
            Some(store) => store.run().await,
            None => std::future::pending().await,
        }
    };
    let webhook = async {
        match webhook {
            Some((listener, acceptor)) => serve(listener, acceptor, provider.webhook(), limiter).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ran = provider.run(arguments::told_to_stop()) => ran.map_err(Trouble::Run),
        () = node_port => Ok(()),
        () = webhook => Ok(()),
        () = renewal => Ok(()),
        () = arguments.changed() => Ok(()),
    }
}
