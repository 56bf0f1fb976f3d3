//! Commands in containers that ask what their group serves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{container, create, group, log, look, sim, wait, wait_until};
use eci_api::actions::create_container_group::{Container, Exec, HostAliase, Probe};
use eci_api::actions::{CreateContainerGroup, ExecContainerCommand};
use eci_sim::EciSim;

fn shell(name: &str, script: &str) -> Container {
    container(name, "busybox", &["sh", "-c", script])
}

fn exec(sim: &EciSim, id: &str, script: &str) -> String {
    let request = ExecContainerCommand {
        container_group_id: Some(id.into()),
        container_name: Some("web".into()),
        command: Some(serde_json::to_string(&["sh", "-c", script]).unwrap()),
        sync: Some(true),
        ..ExecContainerCommand::default()
    };
    sim.act(&request).unwrap().sync_response
}

#[test]
fn a_page_is_fetched_from_who_serves_it() {
    let sim = sim();
    let web = shell("web", "mkdir /www; echo one > /www/page; httpd -p 8080 -h /www; sleep infinity");
    let alias = HostAliase { hostname: vec!["site.local".into()], ip: Some("127.0.0.1".into()) };
    let request = CreateContainerGroup {
        host_aliase: vec![alias],
        ..group("web-0", vec![web, container("side", "nginx:1.29", &[]), container("cache", "redis", &[])])
    };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    let address = look(&sim, &id).unwrap().intranet_ip;
    for (script, wanted) in [
        ("wget -qO- localhost:8080/page", "one\n"),
        ("wget -q -O - http://127.0.0.1:8080/page?x=1; echo $?", "one\n0\n"),
        ("wget -q -T 5 --tries=1 -O /tmp/f http://web-0:8080/page && cat /tmp/f", "one\n"),
        ("cd /tmp; wget -q http://site.local:8080/page; cat page", "one\n"),
        ("wget -qO- ADDRESS:8080/page", "one\n"),
        (
            "wget -q --spider localhost:8080/no; echo $?",
            "wget: server returned error: HTTP/1.1 404 Not Found\n1\n",
        ),
        (
            "wget -qO- localhost:81; echo $?",
            "wget: can't connect to remote host (127.0.0.1): Connection refused\n1\n",
        ),
        ("curl -s http://localhost", "Welcome to nginx!\n"),
        ("curl -sf localhost:8080/no; echo $?", "22\n"),
        ("curl -fsS localhost:8080/no; echo $?", "curl: (22) The requested URL returned error: 404\n22\n"),
        ("curl -s -o /dev/null -w '%{http_code}\\n' localhost:8080/no", "404\n"),
        ("curl --silent --fail --max-time 3 localhost:9; echo $?", "7\n"),
        ("nc -z localhost 8080; echo $?; nc -z -w 2 localhost 9; echo $?", "0\n1\n"),
        (
            "redis-cli -h localhost ping; redis-cli -p 1 ping; echo $?",
            "PONG\nCould not connect to Redis at localhost:1: Connection refused\n1\n",
        ),
        ("pg_isready -q -U app; echo $?", "localhost:5432 - no response\n2\n"),
        ("getent hosts site.local", "127.0.0.1  site.local\n"),
    ] {
        assert_eq!(exec(&sim, &id, &script.replace("ADDRESS", &address)), wanted, "{script}");
    }
    assert_eq!(sim.control().assumed(), []);
}

#[test]
fn a_script_waits_until_another_container_answers() {
    let sim = sim();
    let waits =
        shell("web", "until wget -q --spider localhost:9000; do sleep 1; done; date +%s; sleep infinity");
    let serves = shell("late", "sleep 3600; python3 -m http.server 9000");
    let id = create(&sim, &group("web", vec![waits, serves]));
    wait_until(&sim, &id, "Running");
    wait(&sim, 3590);
    assert!(!log(&sim, &id, "web").lines().any(|line| line.parse::<u64>().is_ok()));
    wait(&sim, 20);
    assert!(log(&sim, &id, "web").lines().any(|line| line.parse::<u64>().is_ok()));
    assert_eq!(sim.control().assumed(), []);
}

#[test]
fn a_command_of_a_probe_may_ask_a_port_and_is_asked_again_when_it_opens() {
    let sim = sim();
    let command = ["sh", "-c", "wget -qO- localhost:8080/ready | grep -q ok"];
    let exec = Exec { command: command.iter().map(|word| (*word).to_owned()).collect() };
    let probe = Probe { exec: Some(exec), period_seconds: Some(10), ..Probe::default() };
    let web = shell("web", "httpd -p 8080 -h /tmp; sleep 25; echo ok > /tmp/ready; sleep infinity");
    let id = create(&sim, &group("web", vec![Container { readiness_probe: Some(probe), ..web }]));
    wait_until(&sim, &id, "Running");
    wait(&sim, 29);
    assert!(!look(&sim, &id).unwrap().containers[0].ready);
    wait(&sim, 2);
    assert!(look(&sim, &id).unwrap().containers[0].ready);
    assert_eq!(sim.control().next_due(), None);
}

#[test]
fn what_another_host_answers_is_not_played_and_is_named() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![shell("web", "curl -s http://db.prod:5432/; sleep 9")]));
    wait_until(&sim, &id, "Running");
    let assumed = sim.control().assumed();
    assert_eq!(assumed.len(), 1);
    assert!(
        assumed[0].message.contains("curl -s http://db.prod:5432/, which asks the host db.prod"),
        "{assumed:?}"
    );
}
