//! Watches: resume from a version, filter, remind, and end when asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use futures::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::kinds::Kind;
use crate::object::field::namespace;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::{Change, Receiver, Store, TooOld};
use crate::table::View;

/// Interval of the bookmarks of a watch that wants them.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);

/// The options of a watch.
pub struct WatchRequest {
    /// The watched kind.
    pub kind: &'static Kind,
    /// The watched namespace; `None` for all.
    pub namespace: Option<String>,
    /// The selector that the watched objects match.
    pub selector: Selector,
    /// Revision after which events begin; `None` begins with all present objects.
    pub after: Option<u64>,
    /// True when bookmarks are wanted.
    pub bookmarks: bool,
    /// True when the first events are the present objects, closed by a bookmark that says so.
    pub initial_events: bool,
    /// Time after which the watch ends by itself.
    pub timeout: Duration,
    /// The representation of the objects.
    pub view: View,
    /// The clock of the ages in tables.
    pub clock: Clock,
}

struct WatchStream {
    watch: WatchRequest,
    store: Store,
    changed: Receiver,
    cut: Receiver,
    seen: u64,
    lines: VecDeque<Bytes>,
    ends: Instant,
    next_bookmark: Instant,
    over: bool,
    first: bool,
}

/// The events, one JSON line each.
pub fn stream(store: &Store, watch: WatchRequest) -> impl Stream<Item = Bytes> + Send + use<> {
    let now = Instant::now();
    let mut running = WatchStream {
        changed: store.subscribe(watch.kind.storage()),
        cut: store.cuts(),
        store: store.clone(),
        seen: watch.after.unwrap_or_default(),
        lines: VecDeque::new(),
        ends: now + watch.timeout,
        next_bookmark: now + BOOKMARK_INTERVAL,
        over: false,
        first: true,
        watch,
    };
    match running.watch.after {
        Some(after) if !running.watch.initial_events => {
            if let Err(too_old) = running.store.check_resumes(running.watch.kind.storage(), after) {
                running.expire(too_old);
            }
        }
        _ => running.push_present(),
    }
    stream::unfold(running, |mut running| async move {
        loop {
            if let Some(line) = running.lines.pop_front() {
                return Some((line, running));
            }
            if running.over || running.cut.has_changed() {
                return None;
            }
            running.step().await;
        }
    })
}

impl WatchStream {
    /// The list as events.
    fn push_present(&mut self) {
        let (objects, revision) = self.store.list(self.watch.kind.storage(), self.watch.namespace.as_deref());
        self.seen = revision;
        for object in &objects {
            if self.watch.selector.matches(object) {
                self.push_event("ADDED", object);
            }
        }
        if self.watch.initial_events && self.watch.bookmarks {
            self.push_bookmark(json!({"k8s.io/initial-events-end": "true"}));
        }
    }

    /// Queues the events of new changes, or waits for the next change.
    async fn step(&mut self) {
        self.changed.see();
        let now = Instant::now();
        let bookmark_due = self.watch.bookmarks && (now >= self.next_bookmark || now >= self.ends);
        match self.store.progress(self.watch.kind.storage(), self.seen) {
            Err(too_old) => self.expire(too_old),
            Ok((changes, _)) if !changes.is_empty() => {
                changes.iter().for_each(|change| self.push_change(change))
            }
            // Only what was read together with the revision proves that nothing before it was missed.
            Ok((_, revision)) if bookmark_due => {
                self.seen = self.seen.max(revision);
                self.next_bookmark = now + BOOKMARK_INTERVAL;
                self.push_bookmark(json!({}));
                self.over = now >= self.ends;
            }
            Ok(_) if now >= self.ends => self.over = true,
            Ok(_) => self.wait().await,
        }
    }

    /// Says that history begins too late for this watch.
    fn expire(&mut self, too_old: TooOld) {
        let message = format!("too old resource version: {} ({})", self.seen, too_old.oldest);
        self.push_line(&json!({"type": "ERROR", "object": ApiError::expired(message).to_status()}));
        self.over = true;
    }

    async fn wait(&mut self) {
        let wake = if self.watch.bookmarks { self.ends.min(self.next_bookmark) } else { self.ends };
        tokio::select! {
            biased;
            _ = self.cut.changed() => self.over = true,
            _ = self.changed.changed() => {}
            () = tokio::time::sleep_until(wake) => {}
        }
    }

    fn push_change(&mut self, change: &Change) {
        self.seen = change.revision;
        let here = self.watch.namespace.as_deref().is_none_or(|wanted| namespace(&change.after) == wanted);
        if !here {
            return;
        }
        let matched = change.before.as_deref().is_some_and(|object| self.watch.selector.matches(object));
        let matches = !change.removed && self.watch.selector.matches(&change.after);
        match (matched, matches) {
            (false, true) => self.push_shared("ADDED", change),
            (true, true) => self.push_shared("MODIFIED", change),
            (true, false) if change.removed => self.push_shared("DELETED", change),
            (true, false) => {
                let mut last = change.before.as_deref().cloned().unwrap_or_default();
                last["metadata"]["resourceVersion"] = change.revision.to_string().into();
                self.push_event("DELETED", &Arc::new(last));
            }
            (false, false) => {}
        }
    }

    /// Queues the event of a change, whose text all watches of this form share.
    fn push_shared(&mut self, what: &'static str, change: &Change) {
        if !self.watch.view.is_the_same_for_all() {
            return self.push_event(what, &change.after);
        }
        self.first = false;
        let (view, kind) = (&self.watch.view, self.watch.kind);
        let line = self.store.line_of((kind, change.revision, what), || {
            format!("{{\"type\":{what:?},\"object\":{}}}\n", view.text(kind, &change.after, false)).into()
        });
        self.lines.push_back(line);
    }

    fn push_event(&mut self, what: &str, object: &Arc<Value>) {
        let view = self.watch.view.clone().at(self.watch.clock.now());
        let shown = view.text(self.watch.kind, object, self.first);
        self.first = false;
        self.lines.push_back(format!("{{\"type\":{what:?},\"object\":{shown}}}\n").into());
    }

    fn push_bookmark(&mut self, annotations: Value) {
        let mut metadata = json!({"resourceVersion": self.seen.to_string()});
        if annotations.as_object().is_some_and(|a| !a.is_empty()) {
            metadata["annotations"] = annotations;
        }
        let (kind, version) = (self.watch.kind.kind, self.watch.kind.api_version());
        self.push_line(&json!({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": version, "metadata": metadata}}));
    }

    fn push_line(&mut self, event: &Value) {
        let mut line = event.to_string();
        line.push('\n');
        self.lines.push_back(line.into());
    }
}
