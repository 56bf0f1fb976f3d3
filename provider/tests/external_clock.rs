//! A provider that takes the time from a local ECI.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use determinism::Clock;
use eci_sim::{ControlClient, ControlServer, EciSim, listener};
use provider::external_clock::calls::InFlightCalls;
use provider::external_clock::{ClockWentBackwards, RemoteClock, hold_clock, paused_runtime};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const NAME: &str = "virtual-kubelet";

/// A task that follows the clock `cloud`, the client of that clock's control API, and the clock that follows.
async fn follower(
    cloud: &Clock,
    calls: &InFlightCalls,
) -> (JoinHandle<ClockWentBackwards>, ControlClient, Clock) {
    let sim = EciSim::builder().clock(cloud.clone()).build();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    let control = ControlServer::new(sim.control());
    tokio::spawn(listener::serve(socket, move |request| control.exchange(&request), std::future::pending()));
    let remote = RemoteClock::new(base.parse().unwrap(), NAME).unwrap();
    let clock = remote.start().await;
    let (own, calls) = (clock.clone(), calls.clone());
    let following = tokio::spawn(async move { remote.follow(&own, &calls).await });
    (following, ControlClient::new(&base).unwrap(), clock)
}

async fn until_it_has_caught_up(control: &ControlClient) {
    loop {
        let time = control.time().await.unwrap();
        if !time.followers.is_empty() && time.behind().is_none() {
            return;
        }
    }
}

fn nine() -> Clock {
    Clock::still("2026-01-01T09:00:00Z".parse().unwrap())
}

#[test]
fn an_hour_of_the_cloud_is_an_hour_of_the_provider() {
    paused_runtime().unwrap().block_on(async {
        let _held = hold_clock();
        let (_following, control, clock) = follower(&nine(), &InFlightCalls::default()).await;
        let sleeper = tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)));
        until_it_has_caught_up(&control).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T09:00:00Z");
        control.advance(Duration::from_secs(3599)).await.unwrap();
        until_it_has_caught_up(&control).await;
        assert!(!sleeper.is_finished());
        control.advance(Duration::from_secs(1)).await.unwrap();
        until_it_has_caught_up(&control).await;
        assert!(sleeper.is_finished());
        assert_eq!(clock.now().to_string(), "2026-01-01T10:00:00Z");
    });
}

#[test]
fn a_clock_that_goes_back_ends_the_following_with_a_sentence() {
    paused_runtime().unwrap().block_on(async {
        let _held = hold_clock();
        let cloud = nine();
        let (following, control, _) = follower(&cloud, &InFlightCalls::default()).await;
        until_it_has_caught_up(&control).await;
        cloud.set("2026-01-01T08:00:00Z".parse().unwrap());
        let why = following.await.unwrap().to_string();
        assert!(why.contains("went back from 2026-01-01T09:00:00Z to 2026-01-01T08:00:00Z"), "{why}");
    });
}
