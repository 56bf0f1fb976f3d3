//! Who is admitted, who gives way, and who is over in time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::pending;
use std::sync::mpsc;

use super::*;

const LIMITS: Limits = Limits { unauthenticated: 4, per_address: 3, connections: 6, bytes: 200 };

fn address(last: u8) -> IpAddr {
    [127, 0, 0, last].into()
}

/// A server whose connections live until they are ended.
struct Server {
    limiter: ConnectionLimiter,
    tasks: JoinSet<()>,
}

impl Server {
    fn start() -> Self {
        Self { limiter: ConnectionLimiter::new(LIMITS), tasks: JoinSet::new() }
    }

    /// The connection, which its task shares.
    fn connect(&mut self, peer: u8) -> Option<Arc<Connection>> {
        let (give, take) = mpsc::channel();
        let admitted = self.limiter.spawn(&mut self.tasks, address(peer), |connection| {
            let connection = Arc::new(connection);
            give.send(Arc::clone(&connection)).unwrap();
            async move {
                let _kept = connection;
                pending::<()>().await;
            }
        });
        admitted.then(|| take.recv().unwrap())
    }

    /// How many tasks were aborted.
    async fn ended(&mut self) -> usize {
        tokio::task::yield_now().await;
        let mut ended = 0;
        while let Some(over) = self.tasks.try_join_next() {
            assert!(over.unwrap_err().is_cancelled());
            ended += 1;
        }
        ended
    }
}

#[tokio::test]
async fn the_address_with_the_most_connections_gives_way_and_not_the_one_that_comes() {
    let mut server = Server::start();
    let greedy: Vec<_> = (0..3).map(|_| server.connect(1).unwrap()).collect();
    let modest = server.connect(2).unwrap();
    let late = server.connect(3).unwrap();
    assert_eq!(server.ended().await, 1);
    assert!(greedy[0].hold(1).is_err(), "the first of the greedy one is over");
    assert!(modest.hold(1).is_ok() && late.hold(1).is_ok() && greedy[1].hold(1).is_ok());
}

#[tokio::test]
async fn one_address_has_its_own_bound_and_what_is_used_stays() {
    let mut server = Server::start();
    let connections: Vec<_> = (0..3).map(|_| server.connect(1).unwrap()).collect();
    connections[0].touch();
    server.connect(1).unwrap();
    assert_eq!(server.ended().await, 1);
    assert!(connections[0].hold(1).is_ok() && connections[1].hold(1).is_err());
}

#[tokio::test]
async fn an_authenticated_connection_never_gives_way() {
    let mut server = Server::start();
    let known: Vec<_> = (0..6)
        .map(|_| {
            let connection = server.connect(1).unwrap();
            connection.authenticate();
            connection
        })
        .collect();
    assert!(server.connect(2).is_none(), "every place is taken");
    assert_eq!(server.ended().await, 0);
    assert!(known.iter().all(|connection| connection.is_authenticated()));
}

#[tokio::test]
async fn where_bytes_are_used_up_the_largest_request_gives_way() {
    let mut server = Server::start();
    let (large, small, other) =
        (server.connect(1).unwrap(), server.connect(2).unwrap(), server.connect(3).unwrap());
    large.hold(90).unwrap();
    small.hold(10).unwrap();
    assert_eq!(large.hold(10), Err(Overloaded), "nobody holds more");
    other.hold(20).unwrap();
    assert_eq!(server.ended().await, 1);
    assert_eq!((large.hold(1), small.hold(1)), (Err(Overloaded), Ok(())));
}

#[tokio::test]
async fn bytes_are_free_again_when_whoever_gave_way_has_let_go_of_them() {
    let mut server = Server::start();
    let (first, second, third) =
        (server.connect(1).unwrap(), server.connect(2).unwrap(), server.connect(3).unwrap());
    first.hold(100).unwrap();
    second.hold(80).unwrap();
    assert_eq!(third.hold(30), Err(Overloaded), "both have to give way, and neither has let go of anything");
    assert_eq!(server.ended().await, 2);
    drop(first);
    third.hold(30).unwrap();
}

#[tokio::test]
async fn requests_of_authenticated_connections_get_the_bytes_of_others() {
    let mut server = Server::start();
    let (known, stranger) = (server.connect(1).unwrap(), server.connect(1).unwrap());
    known.authenticate();
    stranger.hold(30).unwrap();
    known.hold(80).unwrap();
    assert_eq!(stranger.hold(1), Err(Overloaded));
    assert!(known.release(), "it held some");
    assert!(!known.release(), "and holds none");
}

#[tokio::test]
async fn what_is_overdue_is_over_and_a_leap_of_the_clock_is_one_second() {
    let mut server = Server::start();
    let (slow, busy) = (server.connect(1).unwrap(), server.connect(2).unwrap());
    slow.within(2);
    busy.within(2);
    busy.without_deadline();
    let start = Instant::now();
    for (at, ended) in [(1.0, 0), (1.2, 0), (100.0, 0), (101.0, 1)] {
        server.limiter.tick(start + Duration::from_secs_f64(at));
        assert_eq!(server.ended().await, ended, "at {at}");
    }
    assert_eq!(server.limiter.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_is_over_leaves_its_place_and_its_bytes() {
    let mut server = Server::start();
    for _ in 0..20 {
        let connection = server.connect(1).unwrap();
        connection.hold(60).unwrap();
        drop(connection);
        server.tasks.abort_all();
        assert_eq!(server.ended().await, 1);
    }
    assert_eq!(server.limiter.connections(), 0);
}

#[test]
fn addresses_of_one_network_are_counted_together() {
    let network = |text: &str| network(text.parse().unwrap());
    assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:0:1"));
    assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    assert_eq!(network("::ffff:127.0.0.1"), network("127.0.0.1"));
}
