//! A world in parts that can be written down one after the other, and put together again.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use determinism::{Chance, Seed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assets::Assets;
use super::network::Network;
use super::sessions::Sessions;
use super::standing::Standings;
use super::tokens::Tokens;
use super::{Place, World};
use crate::agenda::{Slot, Step};
use crate::billing::settled::Settled;
use crate::group::Group;
use crate::ledger::{Card, Entry, Ledger, What};
use crate::market::Market;
use crate::quota::Quota;
use crate::script::Scripts;

/// How many groups or lines make one part.
const AT_ONCE: usize = 64;

/// A part of a world; the frame comes first, then the ledger's lines, then the groups.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part<'a> {
    /// All but lines and groups.
    Frame(Box<Frame<'a>>),
    /// Lines of the ledger.
    Lines(Vec<Line<'a>>),
    /// Groups, in order of creation.
    Groups(Vec<Whole<'a>>),
}

/// What there is of a world once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Frame<'a> {
    now: Timestamp,
    next_number: u64,
    order: u64,
    ids: Chance,
    places: Vec<Plot<'a>>,
    gone: Cow<'a, BTreeSet<u64>>,
    assets: Cow<'a, Assets>,
    settled: Cow<'a, Settled>,
    scripts: Cow<'a, Scripts>,
    quota: Quota,
    sold_out: Cow<'a, BTreeSet<String>>,
    tokens: Cow<'a, Tokens>,
    market: Cow<'a, Market>,
    standings: Cow<'a, Standings>,
    sessions: Cow<'a, Sessions>,
}

/// What there is of a place, its groups apart.
#[derive(Serialize, Deserialize)]
pub(crate) struct Plot<'a> {
    account: Arc<str>,
    region: Arc<str>,
    finished: Cow<'a, BTreeSet<(Timestamp, u64)>>,
    network: Cow<'a, Network>,
    used_milli_vcpu: u64,
}

/// A line of the ledger; its card stands there only where it is another than in the line before of the same group.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line<'a> {
    at: Timestamp,
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card: Option<Cow<'a, Card>>,
    what: Cow<'a, What>,
}

/// A group, and what falls due for it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Whole<'a> {
    group: Cow<'a, Group>,
    due: Vec<(Slot, Step)>,
}

/// A world that is being put together.
pub(crate) struct Rebuilt {
    world: World,
    entries: Vec<Entry>,
    gone: BTreeSet<u64>,
    cards: HashMap<u64, Arc<Card>>,
}

impl World {
    /// Gives out its parts, in order.
    ///
    /// # Errors
    /// What `put` has against one.
    pub(crate) fn write_down<E>(&self, put: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        put(Part::Frame(Box::new(self.frame())))?;
        let mut cards: HashMap<u64, &Arc<Card>> = HashMap::new();
        for entries in self.ledger.entries().chunks(AT_ONCE) {
            let line = |entry| line(entry, &mut cards);
            put(Part::Lines(entries.iter().map(line).collect()))?;
        }
        let groups: Vec<&Group> = self.groups().collect();
        for groups in groups.chunks(AT_ONCE) {
            let whole = |&group| Whole { group: Cow::Borrowed(group), due: self.agenda.due(group) };
            put(Part::Groups(groups.iter().map(whole).collect()))?;
        }
        Ok(())
    }

    fn frame(&self) -> Frame<'_> {
        let plot = |((account, region), place): (&(Arc<str>, Arc<str>), &'_ Place)| Plot {
            account: Arc::clone(account),
            region: Arc::clone(region),
            finished: Cow::Owned(place.finished.clone()),
            network: Cow::Owned(place.network.clone()),
            used_milli_vcpu: place.used_milli_vcpu,
        };
        Frame {
            now: self.now,
            next_number: self.next_number,
            order: self.agenda.order(),
            ids: self.ids.clone(),
            places: self.places.iter().map(plot).collect(),
            gone: Cow::Borrowed(self.ledger.gone()),
            assets: Cow::Borrowed(&self.assets),
            settled: Cow::Borrowed(&self.settled),
            scripts: Cow::Borrowed(&self.scripts),
            quota: self.quota,
            sold_out: Cow::Borrowed(&self.sold_out),
            tokens: Cow::Borrowed(&self.tokens),
            market: Cow::Borrowed(&self.market),
            standings: Cow::Borrowed(&self.standings),
            sessions: Cow::Borrowed(&self.sessions),
        }
    }
}

fn line<'a>(entry: &'a Entry, cards: &mut HashMap<u64, &'a Arc<Card>>) -> Line<'a> {
    let number = entry.group.number;
    let known = cards.insert(number, &entry.group).is_some_and(|before| Arc::ptr_eq(before, &entry.group));
    let card = (!known).then(|| Cow::Borrowed(&*entry.group));
    Line { at: entry.at, number, card, what: Cow::Borrowed(&entry.what) }
}

impl Rebuilt {
    /// Begins with the frame.
    pub fn begin(seed: Seed, frame: Frame<'_>) -> Self {
        let mut world = World::new(seed, frame.now);
        world.next_number = frame.next_number;
        world.agenda.go_on_from(frame.order);
        world.ids = frame.ids;
        world.assets = frame.assets.into_owned();
        world.settled = frame.settled.into_owned();
        world.scripts = frame.scripts.into_owned();
        world.quota = frame.quota;
        world.sold_out = frame.sold_out.into_owned();
        world.tokens = frame.tokens.into_owned();
        world.market = frame.market.into_owned();
        world.standings = frame.standings.into_owned();
        world.sessions = frame.sessions.into_owned();
        for plot in frame.places {
            let place = world.place(&plot.account, &plot.region);
            place.finished = plot.finished.into_owned();
            place.network = plot.network.into_owned();
            place.used_milli_vcpu = plot.used_milli_vcpu;
        }
        Self { world, entries: Vec::new(), gone: frame.gone.into_owned(), cards: HashMap::new() }
    }

    /// Adds the lines that follow.
    ///
    /// # Errors
    /// When a line belongs to nobody.
    pub fn add_lines(&mut self, lines: Vec<Line<'_>>) -> Result<(), String> {
        for Line { at, number, card, what } in lines {
            if let Some(card) = card {
                let card = self.share(card.into_owned());
                self.cards.insert(number, Arc::new(card));
            }
            let Some(group) = self.cards.get(&number) else {
                return Err(format!("a line of the ledger is of the unknown group number {number}"));
            };
            self.entries.push(Entry { at, group: Arc::clone(group), what: what.into_owned() });
        }
        Ok(())
    }

    /// Adds the groups that follow.
    pub fn add_groups(&mut self, wholes: Vec<Whole<'_>>) {
        for Whole { group, due } in wholes {
            let mut group = group.into_owned();
            let number = group.card.number;
            group.card = match self.cards.get(&number) {
                Some(known) if **known == *group.card => Arc::clone(known),
                _ => Arc::new(self.share(Arc::unwrap_or_clone(group.card))),
            };
            let world = &mut self.world;
            for text in [&mut group.spec.zone, &mut group.spec.vswitch, &mut group.spec.security_group] {
                *text = world.shared(text);
            }
            for container in &mut group.containers {
                container.spec.name = world.shared(&container.spec.name);
            }
            world.agenda.take_up(&mut group, due);
            world.numbers.insert(group.card.id.clone(), number);
            let (account, region) = (Arc::clone(&group.card.account), Arc::clone(&group.card.region));
            let place = world.place(&account, &region);
            place.groups.insert(number);
            place.index.add(&group);
            world.groups.insert(number, Box::new(group));
        }
    }

    /// The world.
    pub fn end(self) -> World {
        let Self { mut world, entries, gone, .. } = self;
        world.ledger = Ledger::of(entries, gone);
        world
    }

    /// The texts of a card that many have are one.
    fn share(&mut self, card: Card) -> Card {
        let (account, region) = (self.world.shared(&card.account), self.world.shared(&card.region));
        Card { account, region, ..card }
    }
}
