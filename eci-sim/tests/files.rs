//! Files of containers: written, shared, looked at, and kept.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{container, create, group, log, look, sim, status, wait, wait_until};
use eci_api::actions::create_container_group::{
    ConfigFileToPath, ConfigFileVolume, Container, InitContainer, Volume, VolumeMount,
};
use eci_api::actions::{CreateContainerGroup, ExecContainerCommand};
use eci_sim::EciSim;

fn volume(name: &str, kind: &str) -> Volume {
    Volume { name: Some(name.into()), type_: Some(kind.into()), ..Volume::default() }
}

fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: Some(name.into()), mount_path: Some(path.into()), ..VolumeMount::default() }
}

/// A container that plays a script, with the volume `work` at `/work`.
fn shell(name: &str, script: &str) -> Container {
    Container {
        volume_mount: vec![mount("work", "/work")],
        ..container(name, "busybox", &["sh", "-c", script])
    }
}

fn sharing(containers: Vec<Container>) -> CreateContainerGroup {
    let volume = vec![volume("work", "EmptyDirVolume")];
    CreateContainerGroup { volume, ..group("web", containers) }
}

fn exec(sim: &EciSim, id: &str, container: &str, words: &[&str]) -> String {
    let request = ExecContainerCommand {
        container_group_id: Some(id.into()),
        container_name: Some(container.into()),
        command: Some(serde_json::to_string(words).unwrap()),
        sync: Some(true),
        ..ExecContainerCommand::default()
    };
    sim.act(&request).unwrap().sync_response
}

#[test]
fn a_container_waits_for_a_file_that_another_writes() {
    let sim = sim();
    let waits = shell("waits", "until [ -f /work/ready ]; do sleep 1; done; cat /work/ready; sleep 9999");
    let writes = shell("writes", "sleep 3600; echo go > /work/ready; sleep 9999");
    let id = create(&sim, &sharing(vec![waits, writes]));
    wait_until(&sim, &id, "Running");
    wait(&sim, 3590);
    assert_eq!(log(&sim, &id, "waits"), "");
    wait(&sim, 20);
    assert_eq!(log(&sim, &id, "waits"), "go\n");
    assert_eq!(sim.control().assumed(), []);
}

#[test]
fn what_an_exec_writes_a_script_that_looks_later_sees() {
    let sim = sim();
    let web = shell("web", "while [ ! -e /tmp/stop ]; do sleep 5; done; echo stopped; exit 3");
    let mut request = sharing(vec![web]);
    request.restart_policy = Some("Never".into());
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    wait(&sim, 86_402);
    assert_eq!(exec(&sim, &id, "web", &["ls", "/tmp"]), "");
    exec(&sim, &id, "web", &["touch", "/tmp/stop"]);
    assert_eq!(exec(&sim, &id, "web", &["ls", "/tmp"]), "stop\n");
    wait(&sim, 6);
    assert_eq!((status(&sim, &id).as_str(), log(&sim, &id, "web").as_str()), ("Failed", "stopped\n"));
}

#[test]
fn an_init_container_prepares_files_and_a_sidecar_follows_a_log() {
    let sim = sim();
    let init = InitContainer {
        name: Some("prepare".into()),
        image: Some("busybox".into()),
        command: vec!["sh".into(), "-c".into(), "echo prepared > /work/page; mkdir /work/logs".into()],
        volume_mount: vec![mount("work", "/work")],
        ..InitContainer::default()
    };
    let web = shell(
        "web",
        "cat /work/page; sleep 10; echo one >> /work/logs/a; sleep 10; echo two >> /work/logs/a; sleep 99",
    );
    let follows = shell("follows", "tail -n +1 -F /work/logs/a");
    let request = CreateContainerGroup { init_container: vec![init], ..sharing(vec![web, follows]) };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    wait(&sim, 30);
    assert_eq!(
        (log(&sim, &id, "web"), log(&sim, &id, "follows")),
        ("prepared\n".into(), "one\ntwo\n".into())
    );
}

#[test]
fn configuration_files_and_those_of_the_system_can_be_read() {
    let sim = sim();
    let file = ConfigFileToPath {
        path: Some("app.conf".into()),
        content: Some("cG9ydD04MAo=".into()),
        ..Default::default()
    };
    let config = ConfigFileVolume { config_file_to_path: vec![file], ..Default::default() };
    let volume = vec![Volume { config_file_volume: Some(config), ..volume("conf", "ConfigFileVolume") }];
    let script =
        "cat /etc/app/app.conf; cat /etc/hostname; echo x > /etc/app/no; env | grep HOSTNAME; sleep 99";
    let web = Container {
        volume_mount: vec![mount("conf", "/etc/app")],
        ..container("web", "busybox", &["sh", "-c", script])
    };
    let id = create(&sim, &CreateContainerGroup { volume, ..group("web-0", vec![web]) });
    wait_until(&sim, &id, "Running");
    let wanted = "port=80\nweb-0\nsh: can't create /etc/app/no: read-only file system\nHOSTNAME=web-0\n";
    assert_eq!(log(&sim, &id, "web"), wanted);
}

#[test]
fn configuration_files_have_the_modes_that_were_requested() {
    let sim = sim();
    let file = |path: &str, mode| ConfigFileToPath {
        path: Some(path.into()),
        content: Some("ZWNobyBoaQo=".into()),
        mode,
    };
    let config = ConfigFileVolume {
        config_file_to_path: vec![file("a", None), file("run", Some(755)), file("secret", Some(400))],
        default_mode: Some(640),
        ..Default::default()
    };
    let volume = vec![Volume { config_file_volume: Some(config), ..volume("conf", "ConfigFileVolume") }];
    let script = "ls -l /etc/app | cut -c1-10; [ -x /etc/app/run ] && /etc/app/run; [ -x /etc/app/a ] || echo no; sleep 99";
    let web = Container {
        volume_mount: vec![mount("conf", "/etc/app")],
        ..container("web", "busybox", &["sh", "-c", script])
    };
    let id = create(&sim, &CreateContainerGroup { volume, ..group("web-0", vec![web]) });
    wait_until(&sim, &id, "Running");
    assert_eq!(log(&sim, &id, "web"), "-rw-r-----\n-rwxr-xr-x\n-r--------\nhi\nno\n");
}

#[test]
fn a_restarted_container_has_its_own_files_anew_and_those_of_volumes_as_they_were() {
    let sim = sim();
    let script = "ls /work /tmp | tr '\\n' ' '; echo; touch /work/a /tmp/b; sleep 30; exit 1";
    let id = create(&sim, &sharing(vec![shell("web", script)]));
    wait_until(&sim, &id, "Running");
    wait(&sim, 40);
    assert_eq!(look(&sim, &id).unwrap().containers[0].restart_count, 1);
    assert_eq!(log(&sim, &id, "web"), "/work: a /tmp: \n");
}

#[test]
fn files_are_kept_by_snapshots() {
    let sim = sim();
    let id = create(
        &sim,
        &sharing(vec![shell("web", "while [ ! -e /work/go ]; do sleep 5; done; echo went; sleep 99")]),
    );
    wait_until(&sim, &id, "Running");
    exec(&sim, &id, "web", &["sh", "-c", "echo kept > /work/file"]);
    sim.control().save("before").unwrap();
    exec(&sim, &id, "web", &["sh", "-c", "rm /work/file; touch /work/go"]);
    wait(&sim, 10);
    assert_eq!(log(&sim, &id, "web"), "went\n");
    sim.control().load("before").unwrap();
    assert_eq!(exec(&sim, &id, "web", &["cat", "/work/file"]), "kept\n");
    assert_eq!(log(&sim, &id, "web"), "");
    exec(&sim, &id, "web", &["touch", "/work/go"]);
    wait(&sim, 10);
    assert_eq!(log(&sim, &id, "web"), "went\n");
}
