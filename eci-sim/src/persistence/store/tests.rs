//! A store whose process is killed after any of its writes: what was acknowledged is there, and nothing is damaged.

use super::memory_disk::MemoryDisk;

/// An entry that differs from all others.
fn entry(number: u64) -> Vec<u8> {
    let call = serde_json::json!({ "control": {
        "at": "2026-01-01T09:00:00Z", "client_time": "2026-01-01T09:00:00Z",
        "command": { "save-snapshot": format!("{number} {}", "x".repeat(500)) },
    }});
    serde_json::to_vec(&call).unwrap()
}

/// Appends fifteen entries, with a snapshot after each fifth; returns the number of the last that was acknowledged
/// before the kill.
fn work(disk: &MemoryDisk) -> u64 {
    let store = disk.open();
    let mut acknowledged = 0;
    for number in 1..=15 {
        store.append(number, &[entry(number)]).unwrap();
        if disk.writes_left() > 0 {
            acknowledged = number;
        }
        if number % 5 == 0 {
            let mut draft = store.begin_snapshot().unwrap();
            // Larger than what it stands for, so that it is many pages.
            (1..=number).for_each(|number| draft.put(&entry(number)).unwrap());
            draft.commit().unwrap();
        }
    }
    acknowledged
}

#[test]
fn a_store_that_is_killed_at_any_write_has_all_that_was_acknowledged_and_nothing_else() {
    let whole = MemoryDisk::default();
    work(&whole);
    let writes = u64::MAX - whole.writes_left();
    assert!(writes > 100, "{writes}");
    let begun = MemoryDisk::default();
    drop(begun.open());
    let begun = begun.content();
    for killed_after in 0..writes {
        let disk = MemoryDisk::killed_after(killed_after, begun.clone());
        let acknowledged = work(&disk);
        let store = MemoryDisk::killed_after(u64::MAX, disk.content()).open();
        let mut covered = 0;
        store
            .read_snapshot(|row| {
                covered += 1;
                if row == entry(covered) { Ok(()) } else { Err("another row".to_owned()) }
            })
            .unwrap();
        let (done, _) = store.read_journal(covered).unwrap();
        let there = covered + done.len() as u64;
        assert!(covered % 5 == 0, "after write {killed_after}, a snapshot of {covered} is incomplete");
        assert!(
            (acknowledged..=acknowledged + 1).contains(&there),
            "after write {killed_after}, {acknowledged} were acknowledged and {there} are there"
        );
    }
}
