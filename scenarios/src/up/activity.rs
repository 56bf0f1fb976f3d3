//! The lines of a running playground: changes of groups, bills of a full hour, faults that struck.

use std::collections::BTreeSet;
use std::io::{self, Write};

use eci_sim::{Bill, Entry};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;

use crate::eci::Eci;
use crate::report::priced;

/// Tells each thing once.
pub(super) struct Activity {
    eci: Eci,
    entries: UnboundedReceiver<Entry>,
    closed: usize,
    /// The hour of the last look at the bill, which changes its closed lines with the hour alone.
    hour: i64,
    last_call: Option<String>,
}

impl Activity {
    pub(super) fn new(eci: Eci) -> Self {
        let (entries, hour) = (eci.control().follow_ledger(), hour(eci.control().clock().now()));
        Self { eci, entries, closed: 0, hour, last_call: None }
    }

    /// Prints what happened since the last time, oldest first.
    pub(super) fn print(&mut self, out: &mut impl Write) -> io::Result<()> {
        let mut lines = self.of_the_ledger();
        lines.extend(self.of_the_bill());
        lines.extend(self.of_the_calls());
        lines.sort_by_key(|(at, _)| *at);
        for (at, line) in lines {
            let local = at.to_zoned(TimeZone::system());
            writeln!(out, "{}  {line}", local.strftime("%H:%M:%S"))?;
        }
        out.flush()
    }

    fn of_the_ledger(&mut self) -> Vec<(Timestamp, String)> {
        let mut lines = Vec::new();
        loop {
            match self.entries.try_recv() {
                Ok(entry) => {
                    let text = entry.to_string();
                    // The line's own instant is left out: it stands in front of every line here.
                    let bare = text.split_once(' ').map_or(text.as_str(), |(_, rest)| rest);
                    lines.push((entry.at, bare.to_owned()));
                }
                Err(TryRecvError::Empty) => return lines,
                // A reset through the console makes the ledger begin anew.
                Err(TryRecvError::Disconnected) => {
                    self.entries = self.eci.control().follow_ledger();
                    return lines;
                }
            }
        }
    }

    /// The lines of hours that are over.
    fn of_the_bill(&mut self) -> Vec<(Timestamp, String)> {
        let now = hour(self.eci.control().clock().now());
        if now == self.hour {
            return Vec::new();
        }
        self.hour = now;
        let mut closed: Vec<_> =
            self.eci.bill().lines.into_iter().filter(|line| hour(line.from) < now).collect();
        closed.sort_by_key(|line| line.to);
        let from = if closed.len() < self.closed { 0 } else { self.closed };
        self.closed = closed.len();
        let lines = closed.into_iter().skip(from).map(|line| {
            let amount = priced(line.currency, &line.amount);
            (
                line.to,
                format!("billed {} {} for {} s: {amount}", line.group_id, line.group_name, line.seconds),
            )
        });
        lines.collect()
    }

    /// The calls that were turned down.
    fn of_the_calls(&mut self) -> Vec<(Timestamp, String)> {
        let calls = self.eci.control().requests();
        let known =
            self.last_call.as_ref().and_then(|id| calls.iter().position(|call| call.request_id == *id));
        let from = known.map_or(0, |index| index + 1);
        self.last_call = calls.last().map(|call| call.request_id.clone());
        let struck = calls.into_iter().skip(from).filter(|call| call.status >= 300 || call.status == 0);
        struck
            .map(|call| (call.at, format!("{} was answered {} {}", call.action, call.status, call.code)))
            .collect()
    }

    /// The resources that ran and their cost.
    pub(super) fn summary(&self) -> String {
        let Bill { currency, lines, total } = self.eci.bill();
        let groups: BTreeSet<_> = lines.iter().map(|line| &*line.group_id).collect();
        let seconds: u64 = lines.iter().map(|line| line.seconds).sum();
        let ran = match groups.len() {
            0 => "no group ran".to_owned(),
            1 => format!("1 group ran for {seconds} s"),
            count => format!("{count} groups ran for {seconds} s together"),
        };
        format!("{ran} · {} billed · nothing is left behind", priced(currency, &total))
    }
}

/// The hour of an instant, counted since 1970.
fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3600)
}
