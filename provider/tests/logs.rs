//! Logs that are longer than what the cloud gives at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::time::Duration;

use crate::test_bed::TestBed;
use eci_sim::{Runs, Script};
use serde_json::json;

/// A pod that says `lines` and ends.
async fn speaker(bed: &TestBed, lines: Vec<String>) {
    let run = Some(Runs::For(Duration::from_secs(30)));
    bed.control().script("speaker", Script { run, log: lines, ..Script::default() });
    let containers = json!([{ "name": "main", "image": "speaker" }]);
    bed.create("speaker", json!({ "restartPolicy": "Never", "containers": containers })).await;
    bed.until_phase("speaker", "Running").await;
}

/// As many lines of about `length` bytes, each another.
fn lines(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:04} {}", "x".repeat(length))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_log_of_more_than_a_mebibyte_is_read_whole_followed_or_not() {
    let bed = TestBed::start().await;
    let said = lines(1500, 1000);
    speaker(&bed, said.clone()).await;
    let whole = said.join("\n") + "\n";
    for query in ["", "follow=true"] {
        let (code, log) = bed.logs("speaker", query).await;
        assert_eq!((code, log.len()), (200, whole.len()), "{query}");
        assert!(log == whole, "{query}: lines are doubled, missing or in another order");
    }
    let (_, last) = bed.logs("speaker", "tailLines=2").await;
    assert_eq!(last.lines().collect::<Vec<_>>(), &said[1498..]);
    let (_, limited) = bed.logs("speaker", "limitBytes=1200000").await;
    assert!(limited == whole[..1_200_000], "{} bytes", limited.len());
}

#[tokio::test(start_paused = true)]
async fn a_log_of_more_lines_than_the_cloud_gives_begins_with_those_it_gives() {
    let bed = TestBed::start().await;
    let said = lines(2500, 10);
    speaker(&bed, said.clone()).await;
    let (_, log) = bed.logs("speaker", "follow=true").await;
    assert_eq!(log.lines().collect::<Vec<_>>(), &said[500..]);
}
