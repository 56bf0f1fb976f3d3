//! What had come of all that was done, written down whole, so that a journal grows with the groups that live and not
//! with time.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Heading;
use crate::EciSim;
use crate::faults::Faults;
use crate::quota::Throttle;
use crate::server::State;
use crate::store::{Draft, StoreProblem};
use crate::world::kept::{Part, Rebuilt};

/// What rows look like; another number is not understood.
const FORMAT: u32 = 1;

/// One row of a summary. After the head, each world's parts come before the rest of its state.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Row<'a> {
    /// The beginning.
    Head(Box<Head>),
    /// A part of a world.
    World(Part<'a>),
    /// The rest of a state, which is thereby whole.
    State(Box<Rest<'a>>),
}

/// When it was written, and what it covers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    format: u32,
    /// How the world was begun, and how its time ran when this was written.
    pub heading: Heading,
    /// The number of the last that was done.
    pub number: u64,
}

/// What a state has beside its world.
#[derive(Serialize, Deserialize)]
struct Rest<'a> {
    /// The name under which it is kept, and when that was; none for the present state.
    snapshot: Option<(String, Timestamp)>,
    faults: Cow<'a, Faults>,
    throttle: Cow<'a, Throttle>,
    nonces: Vec<(Timestamp, Timestamp, Arc<str>)>,
}

/// Writes down a simulator's state and the worlds that it keeps by name; the state is held while that lasts.
pub(super) fn write(sim: &EciSim, draft: &mut Draft<'_>, number: u64) -> Result<(), StoreProblem> {
    let heading = Heading::of(sim);
    put(draft, &Row::Head(Box::new(Head { format: FORMAT, heading, number })))?;
    for (name, at, state) in sim.snapshots().each() {
        write_state(state, draft, Some((name.to_owned(), at)))?;
    }
    write_state(&sim.state(), draft, None)
}

fn write_state(
    state: &State,
    draft: &mut Draft<'_>,
    snapshot: Option<(String, Timestamp)>,
) -> Result<(), StoreProblem> {
    state.world.write_down(&mut |part| put(draft, &Row::World(part)))?;
    let (faults, throttle) = (Cow::Borrowed(&state.faults), Cow::Borrowed(&state.throttle));
    let nonces = state.nonces().cloned().collect();
    put(draft, &Row::State(Box::new(Rest { snapshot, faults, throttle, nonces })))
}

fn put(draft: &mut Draft<'_>, row: &Row<'_>) -> Result<(), StoreProblem> {
    // A row is made of texts, numbers and lists, which can always be written.
    draft.put(&serde_json::to_vec(row).unwrap_or_default())
}

/// A summary that is being read.
pub(super) struct Reading<'a> {
    sim: &'a EciSim,
    /// Its beginning, once that was read.
    pub head: Option<Head>,
    rebuilt: Option<Rebuilt>,
    whole: bool,
}

impl<'a> Reading<'a> {
    /// Of a store; what it says becomes the state of `sim`.
    pub fn into(sim: &'a EciSim) -> Self {
        Self { sim, head: None, rebuilt: None, whole: false }
    }

    /// Takes the next row in.
    pub fn add(&mut self, row: &[u8]) -> Result<(), String> {
        let row: Row<'_> = serde_json::from_slice(row).map_err(|why| why.to_string())?;
        match (row, &mut self.rebuilt) {
            (Row::Head(head), _) if head.format == FORMAT => self.head = Some(*head),
            (Row::Head(head), _) => return Err(format!("its format is {}, not {FORMAT}", head.format)),
            (Row::World(Part::Frame(frame)), _) => {
                self.rebuilt = Some(Rebuilt::begin(self.sim.seed(), *frame));
            }
            (Row::World(Part::Lines(lines)), Some(rebuilt)) => rebuilt.add_lines(lines)?,
            (Row::World(Part::Groups(groups)), Some(rebuilt)) => rebuilt.add_groups(groups),
            (Row::State(rest), _) => self.complete(*rest)?,
            (Row::World(_), None) => return Err("it belongs to no world".to_owned()),
        }
        Ok(())
    }

    /// Whether there was a whole one; a part of one is none.
    pub fn end(self) -> Result<Option<Head>, String> {
        match (self.head, self.whole) {
            (head @ Some(_), true) => Ok(head),
            (None, false) => Ok(None),
            _ => Err("its summary is not whole".to_owned()),
        }
    }

    fn complete(&mut self, rest: Rest<'_>) -> Result<(), String> {
        let world = self.rebuilt.take().ok_or("it belongs to no world")?.end();
        let rules = (world, rest.faults.into_owned(), rest.throttle.into_owned());
        let state = State::of(rules, rest.nonces, self.sim.seed().chance("requests"));
        match rest.snapshot {
            Some((name, at)) => self.sim.snapshots().put(name, at, state),
            None => {
                *self.sim.state() = state;
                self.whole = true;
            }
        }
        Ok(())
    }
}
