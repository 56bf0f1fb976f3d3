//! A control plane for your own kubectl, until Ctrl-C. `cargo run -p control-plane --example up`

use control_plane::{Binaries, ControlPlane};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut plane = ControlPlane::start(&Binaries::find()?).await?;
    println!("export KUBECONFIG={}", plane.kubeconfig().display());
    for ((name, log), (_, id)) in plane.logs().zip(plane.processes()) {
        println!("# {name}: process {id}, log {}", log.display());
    }
    println!("# Ctrl-C ends everything.");
    tokio::signal::ctrl_c().await?;
    plane.all_run()?;
    plane.end();
    Ok(())
}
