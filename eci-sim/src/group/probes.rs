//! Probes of containers: when each is asked, what it finds, and what follows from that.
//!
//! A probe is asked at its period. One that would find the same, since nothing at which it looked has changed, is asked
//! again only when that changes, at its next time then: a day without a change costs nothing.

use std::sync::Arc;
use std::time::Duration;

use eci_api::actions::describe_container_groups::{HttpGet, Probe};
use jiff::Timestamp;

use super::Group;
use super::container::probed::{Findings, KINDS};
use super::events::EventKind;
use super::failures::probe_time;
use super::files::{Done, is_seen, later};
use super::steps::GroupContext;
use crate::agenda::{ProbeKind, Step};
use crate::lifecycle::State;
use crate::script::Run;
use crate::script::files::{Looks, PortReply};

/// Characters of a command's output that are told of it, at most.
const OUTPUT_MAX: usize = 1024;
/// Lines of a command's output that are told of it, at most.
const LINES_MAX: usize = 16;

/// What a probe finds once.
struct Finding {
    /// Reason of a failure; `None` for a success.
    failure: Option<String>,
    /// What is not known of it, so that a success is assumed.
    assumed: Option<String>,
    looks: Looks,
    /// True if it would find the same again while nothing changes.
    is_steady: bool,
}

impl Group {
    /// The probe of a running container, with the start of its run; `None` where it has none of this kind.
    fn probe(&self, index: u8, kind: ProbeKind) -> Option<(&Probe, Timestamp)> {
        // one that is being stopped is not probed
        let is_probed = matches!(self.state, State::Pending | State::Running);
        let (_, since, _) = self.running().find(|(own, ..)| is_probed && *own == index)?;
        let container = self.containers.get(usize::from(index)).filter(|container| !container.init)?;
        let optional = container.spec.optional.as_ref()?;
        let probe = match kind {
            ProbeKind::Liveness => optional.liveness.as_ref(),
            ProbeKind::Readiness => optional.readiness.as_ref(),
        };
        Some((probe?, since))
    }

    fn findings(&mut self, index: u8, kind: ProbeKind) -> Option<&mut Findings> {
        Some(self.containers.get_mut(usize::from(index))?.probed.as_mut()?.of(kind))
    }

    /// Containers and kinds of the probes that have settled, with what they looked at.
    fn settled_probes(&mut self) -> Vec<(u8, ProbeKind, Looks)> {
        let mut settled = Vec::new();
        for (index, container) in (0..=u8::MAX).zip(&mut self.containers) {
            let Some(probed) = &mut container.probed else { continue };
            for kind in KINDS {
                let findings = probed.of(kind);
                if findings.settled {
                    settled.push((index, kind, findings.looks.clone()));
                }
            }
        }
        settled
    }
}

impl GroupContext<'_> {
    /// Begins to ask the probes of a container that has just started, once its hook is over, unless a script says how
    /// well it is.
    pub(super) fn begin_probes(&mut self, index: u8, hook: Duration) {
        let is_said = self.script(index).is_some_and(|script| script.says_how_well());
        let kinds: Vec<_> =
            KINDS.into_iter().filter(|kind| self.group.probe(index, *kind).is_some()).collect();
        if is_said || kinds.is_empty() {
            return;
        }
        self.with(index, |container| container.probed = Some(Box::default()));
        self.keep_files();
        for kind in kinds {
            self.ask_later(index, kind, hook);
        }
    }

    /// Puts the first time of a probe that comes at `earliest` or later, since the container's start, on the agenda.
    fn ask_later(&mut self, index: u8, kind: ProbeKind, earliest: Duration) {
        self.cancel(|step| step == Step::Probe(index, kind));
        let Some((probe, since)) = self.group.probe(index, kind) else { return };
        let due = later(since, probe_time(probe, earliest, 0));
        let after = self.at.duration_until(due);
        self.put(
            if after.is_negative() { Duration::ZERO } else { after.unsigned_abs() },
            Step::Probe(index, kind),
        );
    }

    /// Asks a probe, and does what follows from its answer.
    pub(super) fn ask_probe(&mut self, index: u8, kind: ProbeKind) {
        if let Some(findings) = self.group.findings(index, kind) {
            findings.settled = false;
        }
        self.settle_files();
        let Some((probe, since)) = self.group.probe(index, kind) else { return };
        let (probe, passed) = (probe.clone(), since.duration_until(self.at).unsigned_abs());
        let finding = self.find(index, &probe);
        if let Some(what) = &finding.assumed {
            self.tell_assumed_probe(index, kind, what);
        }
        let threshold = u32::try_from(probe.failure_threshold).unwrap_or(0).max(1);
        let Some(findings) = self.group.findings(index, kind) else { return };
        findings.failures = if finding.failure.is_some() { findings.failures.saturating_add(1) } else { 0 };
        let has_failed = findings.failures >= threshold;
        findings.latest = Some(passed);
        findings.looks = finding.looks;
        let is_settled = finding.is_steady && (has_failed || finding.failure.is_none());
        findings.settled = is_settled;
        let is_well = finding.failure.is_none();
        if let Some(why) = finding.failure {
            self.emit(EventKind::ProbeFailed(index, kind, why.into()));
        }
        if has_failed && kind == ProbeKind::Liveness {
            return self.kill_unhealthy(index);
        }
        match is_settled {
            true => self.await_change(),
            false => self.ask_later(index, kind, passed.saturating_add(Duration::from_nanos(1))),
        }
        if kind == ProbeKind::Readiness {
            self.set_ready(index, is_well, has_failed);
        }
    }

    /// Readiness of a container after its probe was asked.
    fn set_ready(&mut self, index: u8, is_well: bool, has_failed: bool) {
        let was_ready = self.group.containers.get(usize::from(index)).is_some_and(|own| own.ready);
        if is_well && !was_ready {
            self.become_ready(index);
        } else if has_failed && was_ready {
            self.with(index, |container| container.ready = false);
        }
    }

    fn tell_assumed_probe(&mut self, index: u8, kind: ProbeKind, what: &str) {
        let image = self.group.containers.get(usize::from(index)).map(|own| own.spec.image.clone());
        let (kind, image) = (format!("{kind:?}").to_lowercase(), image.unwrap_or_default());
        self.tell_not_played(
            index,
            &format!(
                "eci-sim does not play {what}, and assumes that the {kind} probe succeeds; a script for the image \
                 {image} says otherwise, with `unready`, `ready-after` or `unhealthy-after`"
            ),
        );
    }

    /// What a probe finds now.
    fn find(&mut self, index: u8, probe: &Probe) -> Finding {
        match (&probe.http_get, &probe.tcp_socket) {
            (Some(get), _) => self.find_at_port(index, get.port, Some(get)),
            (None, Some(socket)) => self.find_at_port(index, socket.port, None),
            (None, None) => self.find_by_command(index, probe),
        }
    }

    fn find_at_port(&mut self, index: u8, port: i32, get: Option<&HttpGet>) -> Finding {
        let mut space = self.group.space(index);
        let number = u16::try_from(port).unwrap_or(0);
        let found = space.ask_port(number, get.map(|get| get.path.as_str()));
        let address = self.group.address.map(|address| address.to_string()).unwrap_or_default();
        let refused = format!("dial tcp {address}:{port}: connect: connection refused");
        let called = |why: &str| match get {
            Some(get) => {
                let scheme = get.scheme.to_lowercase();
                format!("Get \"{scheme}://{address}:{port}/{}\": {why}", get.path.trim_start_matches('/'))
            }
            None => why.to_owned(),
        };
        let is_https = get.is_some_and(|get| get.scheme.eq_ignore_ascii_case("https"));
        let (mut failure, mut assumed) = (None, None);
        match found {
            PortReply::Refused => failure = Some(called(&refused)),
            PortReply::Stream if get.is_none() => {}
            // of a server with certificates nothing is known
            PortReply::Page(..) | PortReply::Stream if is_https => {
                assumed = Some(format!("HTTPS at port {port}"));
            }
            PortReply::Stream => {
                failure =
                    Some(called("net/http: HTTP/1.x transport connection broken: malformed HTTP response"))
            }
            PortReply::Page(200..400, _) => {}
            PortReply::Page(status, _) => {
                failure = Some(format!("HTTP probe failed with statuscode: {status}"))
            }
            // a script says what the container does
            PortReply::Unknown(what) if what.is_empty() => {}
            PortReply::Unknown(what) => assumed = Some(format!("what answers at port {port} ({what})")),
        }
        Finding { failure, assumed, looks: space.into_looks(), is_steady: true }
    }

    fn find_by_command(&mut self, index: u8, probe: &Probe) -> Finding {
        let words: Vec<Box<str>> = probe.execs.iter().map(|word| word.as_str().into()).collect();
        let within = Duration::from_secs(u64::try_from(probe.timeout_seconds).unwrap_or(0).max(1));
        let mut run = self.read_beside(index, &words, None);
        let assumed = run.assumed.take();
        let is_unknown = assumed.as_ref().is_some_and(|assumed| assumed.stops && assumed.at <= within);
        let ends = run.ends.filter(|(after, _)| *after <= within);
        let failure = match ends {
            Some((_, 0)) => None,
            _ if is_unknown => None,
            Some((_, code)) => {
                Some(self.output_of(&run, &format!("{} ended with exit code {code}", words.join(" "))))
            }
            None => Some(format!(
                "command timed out: {:?} timed out after {}s",
                words.join(" "),
                within.as_secs()
            )),
        };
        if ends.is_none() {
            run.ends = Some((within, 137));
        }
        let before = run.changes_anything().then(|| self.group.layers(index));
        let is_at_once = run.again.is_empty() && run.writes.iter().all(|(at, _)| at.is_zero());
        let (looks, reads_clock) = (std::mem::take(&mut run.looks), run.reads_clock);
        self.run_beside(index, &Arc::new(run));
        let is_same = before.is_none_or(|before| before == self.group.layers(index));
        let assumed = assumed.map(|assumed| assumed.what);
        Finding { failure, assumed, looks, is_steady: is_at_once && is_same && !reads_clock }
    }

    /// What a command said, or that it said nothing.
    fn output_of(&self, run: &Run, otherwise: &str) -> String {
        let lines = run.lines(self.at, Duration::MAX, LINES_MAX);
        let text = lines.iter().map(|(_, line)| &**line).collect::<Vec<_>>().join("\n");
        let text: String = text.chars().take(OUTPUT_MAX).collect();
        if text.trim().is_empty() { otherwise.to_owned() } else { text }
    }

    /// Lets the probes that had settled be asked again, at their next times, which looked at what was changed.
    pub(super) fn wake_probes(&mut self, done: &[Done]) {
        for (index, kind, looks) in self.group.settled_probes() {
            if done.iter().any(|(writer, _, change)| is_seen(&looks, index, *writer, change)) {
                self.wake(index, kind, self.at);
                if let Some(findings) = self.group.findings(index, kind) {
                    findings.settled = false;
                }
            }
        }
    }

    /// Lets the probes that have settled be asked again at their next times after the next change at which they looked.
    pub(super) fn await_probes(&mut self) {
        for (index, kind, looks) in self.group.settled_probes() {
            self.cancel(|step| step == Step::Probe(index, kind));
            let next = self.group.next_change(|writer, _, change| is_seen(&looks, index, writer, change));
            if let Some(next) = next {
                self.wake(index, kind, next);
            }
        }
    }

    /// Asks a probe at its next time at `from` or later.
    fn wake(&mut self, index: u8, kind: ProbeKind, from: Timestamp) {
        let Some((_, since)) = self.group.probe(index, kind) else { return };
        let latest = self.group.findings(index, kind).and_then(|findings| findings.latest);
        let after_last =
            latest.map_or(Duration::ZERO, |latest| latest.saturating_add(Duration::from_nanos(1)));
        let earliest = since.duration_until(from).unsigned_abs().max(after_last);
        self.ask_later(index, kind, earliest);
    }
}
