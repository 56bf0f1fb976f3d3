//! Probes are asked: commands by the reader of commands, ports by what the containers serve.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{container, create, group, look, sim, status, wait, wait_until};
use eci_api::actions::create_container_group::{Container, Exec, HttpGet, Probe, TcpSocket};
use eci_api::actions::{CreateContainerGroup, ExecContainerCommand};
use eci_sim::{EciSim, Script};

fn every(seconds: i32) -> Probe {
    Probe { period_seconds: Some(seconds), failure_threshold: Some(2), ..Probe::default() }
}

fn command(seconds: i32, words: &[&str]) -> Probe {
    let command = words.iter().map(|word| (*word).to_owned()).collect();
    Probe { exec: Some(Exec { command }), ..every(seconds) }
}

fn page(port: i32, path: &str) -> Probe {
    let get = HttpGet { port: Some(port), path: Some(path.into()), ..HttpGet::default() };
    Probe { http_get: Some(get), ..every(10) }
}

fn socket(port: i32) -> Probe {
    Probe { tcp_socket: Some(TcpSocket { port: Some(port) }), ..every(10) }
}

fn ready_by(probe: Probe, container: Container) -> Container {
    Container { readiness_probe: Some(probe), ..container }
}

fn living_by(probe: Probe, container: Container) -> Container {
    Container { liveness_probe: Some(probe), ..container }
}

fn shell(script: &str) -> Container {
    container("web", "busybox", &["sh", "-c", script])
}

fn exec(sim: &EciSim, id: &str, script: &str) {
    let request = ExecContainerCommand {
        container_group_id: Some(id.into()),
        container_name: Some("web".into()),
        command: Some(serde_json::to_string(&["sh", "-c", script]).unwrap()),
        sync: Some(true),
        ..ExecContainerCommand::default()
    };
    sim.act(&request).unwrap();
}

fn running(sim: &EciSim, container: Container) -> String {
    let id = create(sim, &group("web", vec![container]));
    wait_until(sim, &id, "Running");
    id
}

fn is_ready(sim: &EciSim, id: &str) -> bool {
    look(sim, id).unwrap().containers[0].ready
}

/// Seconds from now on, within two minutes, in which the container's readiness changes.
fn turns(sim: &EciSim, id: &str) -> Vec<u64> {
    let (mut turns, mut before) = (Vec::new(), false);
    for second in 0..120 {
        let now = is_ready(sim, id);
        if now != before {
            turns.push(second);
        }
        before = now;
        wait(sim, 1);
    }
    turns
}

/// Messages of the events of a reason, each with its count.
fn reported(sim: &EciSim, id: &str, reason: &str) -> Vec<(String, i32)> {
    let events = look(sim, id).unwrap().events;
    let own = events.into_iter().filter(|event| event.reason == reason);
    own.map(|event| (event.message, event.count)).collect()
}

#[test]
fn a_container_is_ready_at_the_first_probe_after_its_script_made_the_file_and_not_ready_without_it() {
    for (script, wanted) in [
        ("sleep 12; touch /tmp/ready; sleep 9999", &[15][..]),
        ("touch /tmp/ready; sleep 9999", &[0]),
        ("while true; do sleep 7; touch /tmp/ready; done", &[10]),
        // gone at 42 s, missed at 45 and 50 s
        ("sleep 12; touch /tmp/ready; sleep 30; rm /tmp/ready; sleep 9999", &[15, 50]),
        // gone for one probe only
        ("touch /tmp/ready; sleep 12; rm /tmp/ready; sleep 5; touch /tmp/ready; sleep 9999", &[0]),
        ("sleep 9999", &[]),
    ] {
        let sim = sim();
        let id = running(&sim, ready_by(command(5, &["test", "-f", "/tmp/ready"]), shell(script)));
        assert_eq!(turns(&sim, &id), wanted, "{script}");
        assert_eq!(sim.control().assumed(), [], "{script}");
    }
}

#[test]
fn a_liveness_probe_that_fails_too_often_restarts_its_container_as_the_policy_says() {
    for (policy, restarts, state) in
        [("Always", 1, "Running"), ("OnFailure", 1, "Running"), ("Never", 0, "Failed")]
    {
        let sim = sim();
        let script = "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600";
        let probe = Probe { initial_delay_seconds: Some(5), ..command(5, &["cat", "/tmp/healthy"]) };
        let web = living_by(probe, shell(script));
        let id = create(
            &sim,
            &CreateContainerGroup { restart_policy: Some(policy.into()), ..group("web", vec![web]) },
        );
        wait_until(&sim, &id, "Running");
        // asked without the file at 30 and 35 s
        wait(&sim, 34);
        assert_eq!(
            (status(&sim, &id).as_str(), reported(&sim, &id, "Killing").len()),
            ("Running", 0),
            "{policy}"
        );
        wait(&sim, 3);
        let seen = look(&sim, &id).unwrap();
        assert_eq!((seen.status.as_str(), seen.containers[0].restart_count), (state, restarts), "{policy}");
        let why = "Liveness probe failed: cat: /tmp/healthy: No such file or directory";
        assert_eq!(reported(&sim, &id, "Unhealthy"), [(why.to_owned(), 2)], "{policy}");
    }
}

#[test]
fn a_port_answers_as_the_container_serves_it() {
    let refused = |port: u16| format!("dial tcp {{}}:{port}: connect: connection refused");
    let get = |port: u16, path: &str| format!("Get \"http://{{}}:{port}/{path}\": {}", refused(port));
    let missing = || "HTTP probe failed with statuscode: 404".to_owned();
    let malformed = |port: u16| {
        format!(
            "Get \"http://{{}}:{port}/\": net/http: HTTP/1.x transport connection broken: malformed HTTP response"
        )
    };
    for (web, probe, failure) in [
        (container("web", "nginx:1.29", &[]), page(80, "/"), None),
        (container("web", "nginx:1.29", &[]), socket(80), None),
        (container("web", "nginx:1.29", &["nginx", "-g", "daemon off;"]), page(80, ""), None),
        (container("web", "nginx:1.29", &[]), page(80, "/healthz"), Some(missing())),
        (container("web", "nginx:1.29", &[]), page(8080, "/"), Some(get(8080, ""))),
        (container("web", "nginx:1.29", &[]), socket(81), Some(refused(81))),
        (container("web", "redis:7", &[]), socket(6379), None),
        (container("web", "redis:7", &[]), page(6379, "/"), Some(malformed(6379))),
        (container("web", "redis:7", &["redis-server", "--port", "7000"]), socket(7000), None),
        (container("web", "redis:7", &["redis-server", "--port", "7000"]), socket(6379), Some(refused(6379))),
        (shell("sleep 9999"), socket(80), Some(refused(80))),
        (shell("nc -lk -p 9000"), socket(9000), None),
        (shell("nc -lk -p 9000 & sleep 9999"), socket(9000), None),
        (
            shell("mkdir /www; echo ok > /www/health; httpd -p 8080 -h /www; sleep 9999"),
            page(8080, "/health"),
            None,
        ),
        (shell("mkdir /www; httpd -f -p 8080 -h /www"), page(8080, "/health"), Some(missing())),
        (shell("cd /tmp; echo x > a; python3 -m http.server"), page(8000, "/a?b=c"), None),
        (
            shell("while true; do printf 'HTTP/1.1 200 OK\\r\\n\\r\\nhi' | nc -l -p 8080; done"),
            page(8080, "/x"),
            None,
        ),
        (
            shell("while true; do printf 'HTTP/1.1 503 No\\r\\n\\r\\n' | nc -l -p 8080; done"),
            page(8080, "/x"),
            Some("HTTP probe failed with statuscode: 503".to_owned()),
        ),
        (
            shell("timeout 3 nc -lk -p 9000; sleep 9999"),
            Probe { initial_delay_seconds: Some(5), ..socket(9000) },
            Some(refused(9000)),
        ),
    ] {
        let sim = sim();
        let id = running(&sim, ready_by(probe.clone(), web.clone()));
        wait(&sim, 20);
        assert_eq!(is_ready(&sim, &id), failure.is_none(), "{web:?} {probe:?}");
        let address = look(&sim, &id).unwrap().intranet_ip;
        let failure = failure.map(|why| format!("Readiness probe failed: {}", why.replace("{}", &address)));
        let found: Vec<String> = reported(&sim, &id, "Unhealthy").into_iter().map(|(why, _)| why).collect();
        assert_eq!(found, failure.into_iter().collect::<Vec<_>>(), "{web:?} {probe:?}");
        assert_eq!(sim.control().assumed(), [], "{web:?} {probe:?}");
    }
}

#[test]
fn a_sidecar_s_port_opens_and_closes_with_its_container() {
    let sim = sim();
    let web = ready_by(socket(9000), shell("sleep 9999"));
    let side = container("side", "busybox", &["sh", "-c", "sleep 25; nc -lk -p 9000 & sleep 30; exit 1"]);
    let id = create(&sim, &group("web", vec![web, side]));
    wait_until(&sim, &id, "Running");
    let turns = turns(&sim, &id);
    // open at 25 s, closed at 55 s, open again 25 s after a restart that takes a moment
    assert_eq!(turns.first(), Some(&30), "{turns:?}");
    assert_eq!(turns.get(1), Some(&70), "{turns:?}");
}

#[test]
fn what_is_not_played_is_assumed_to_succeed_and_said_once() {
    for (web, probe, words) in [
        (
            container("web", "app:1", &[]),
            page(8080, "/healthz"),
            "what answers at port 8080 (the own command of the image app:1)",
        ),
        (
            container("web", "busybox", &["sleep", "9999"]),
            command(10, &["grpc_health_probe", "-addr=:5000"]),
            "grpc_health_probe -addr=:5000",
        ),
        (
            container("web", "envoy", &[]),
            socket(9901),
            "what answers at port 9901 (the configuration of envoy)",
        ),
    ] {
        let sim = sim();
        let id = running(&sim, ready_by(probe, web));
        wait(&sim, 3600);
        assert!(is_ready(&sim, &id), "{words}");
        let assumed = sim.control().assumed();
        let own: Vec<_> = assumed.iter().filter(|run| run.message.contains("readiness probe")).collect();
        assert_eq!(own.len(), 1, "{assumed:?}");
        assert!(own[0].message.contains(words), "{assumed:?}");
        assert!(
            reported(&sim, &id, "CommandNotPlayed")
                .iter()
                .any(|(why, count)| why.contains(words) && *count == 1)
        );
    }
}

#[test]
fn what_a_script_says_of_a_container_s_health_is_not_asked() {
    let sim = sim();
    let after = |seconds| Some(Duration::from_secs(seconds));
    sim.control().script("app", Script { ready_after: after(20), ..Script::default() });
    sim.control().script("speaker", Script { log: vec!["up".into()], ..Script::default() });
    let own = |image| container("web", image, &[]);
    let id = running(&sim, living_by(command(1, &["false"]), ready_by(page(1, "/"), own("app"))));
    assert_eq!(turns(&sim, &id), [20]);
    assert_eq!(look(&sim, &id).unwrap().containers[0].restart_count, 0);
    let id = running(&sim, ready_by(page(8080, "/"), own("speaker")));
    assert!(is_ready(&sim, &id));
    assert_eq!(sim.control().assumed(), []);
}

#[test]
fn a_day_of_probes_that_find_the_same_costs_nothing() {
    for web in [
        ready_by(command(10, &["test", "-f", "/etc/passwd"]), shell("sleep infinity")),
        ready_by(command(10, &["test", "-f", "/tmp/no"]), shell("sleep infinity")),
        ready_by(command(10, &["sh", "-c", "date > /tmp/seen; echo ok"]), shell("sleep infinity")),
        living_by(page(80, "/"), ready_by(socket(80), container("web", "nginx", &[]))),
        ready_by(
            command(10, &["test", "-f", "/etc/passwd"]),
            shell("while true; do date >> /tmp/log; sleep 1; done"),
        ),
    ] {
        let sim = sim();
        let id = running(&sim, web.clone());
        wait(&sim, 100);
        let events = look(&sim, &id).unwrap().events.len();
        match web.readiness_probe.as_ref().and_then(|probe| probe.exec.as_ref()) {
            // each run of it writes another time
            Some(exec) if exec.command.join(" ").contains("date") => {
                assert!(sim.control().next_due().is_some())
            }
            _ => assert_eq!(sim.control().next_due(), None, "{web:?}"),
        }
        wait(&sim, 86_400);
        assert_eq!(look(&sim, &id).unwrap().events.len(), events);
    }
}

#[test]
fn a_probe_sees_what_an_exec_wrote_and_a_snapshot_keeps_what_it_found() {
    let sim = sim();
    let id = running(&sim, ready_by(command(10, &["test", "-f", "/tmp/ready"]), shell("sleep infinity")));
    wait(&sim, 86_395);
    exec(&sim, &id, "touch /tmp/ready");
    assert!(!is_ready(&sim, &id));
    wait(&sim, 10);
    assert!(is_ready(&sim, &id));
    exec(&sim, &id, "rm /tmp/ready");
    wait(&sim, 10);
    sim.control().save("once").unwrap();
    for _ in 0..2 {
        assert!(is_ready(&sim, &id), "failed once, of two times");
        wait(&sim, 10);
        assert!(!is_ready(&sim, &id));
        sim.control().load("once").unwrap();
    }
}

#[test]
fn a_probe_that_changes_what_it_looks_at_is_asked_each_time() {
    let sim = sim();
    let probe = command(10, &["sh", "-c", "echo x >> /tmp/count; [ $(wc -l < /tmp/count) -ge 6 ]"]);
    let id = running(&sim, ready_by(probe, shell("sleep infinity")));
    assert_eq!(turns(&sim, &id), [50]);
}

#[test]
fn a_probe_that_takes_longer_than_it_may_has_failed() {
    let sim = sim();
    let id = running(&sim, ready_by(command(10, &["sleep", "2"]), shell("sleep infinity")));
    wait(&sim, 30);
    let why = "Readiness probe failed: command timed out: \"sleep 2\" timed out after 1s";
    assert_eq!(reported(&sim, &id, "Unhealthy"), [(why.to_owned(), 2)]);
}
