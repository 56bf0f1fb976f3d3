//! The choice of places and perturbations: each situation, and of places that only repeat one the first, the last and one.
//!
//! A quiet hour has 360 heartbeats, between which nothing happens that a kill could meet, and a Deployment twenty equal pods.
//! Places of one situation (module `situation`) are repeats: the first, the last and one more are perturbed, which another turn draws
//! anew. What several cases have alike is ordered in module [`across`].

pub mod across;
mod situation;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use determinism::Chance;

use self::situation::Situation;
use super::injection_point::InjectionPoint;
use super::journal::{Entry, Occurrence};
use super::perturbation::Perturbation;
use super::plan::Plan;

/// The perturbations that are played at each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// One kill, turned, and the lost answer: both at the first of a situation, a kill at the last, the lost answer at the drawn
    /// one.
    Turned,
    /// Every perturbation that fits at the first of a situation, every kill at the last, everything else at the drawn one.
    All,
}

/// The place among those of one situation, in the order in which they are played where there is no time for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Repeat {
    First,
    Last,
    Drawn,
}

/// A place that may be perturbed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The place.
    pub place: InjectionPoint,
    /// The first of its situation, the last, or the drawn one.
    repeat: Repeat,
    /// True where enough other cases have the situation, too: its runs come last where there is no time for all.
    is_common: bool,
    /// True before the case's first step, where every case is the same.
    is_of_start: bool,
    /// The hash of its situation without the case's own names.
    general: u64,
    fits: Vec<Perturbation>,
}

/// The candidates of a reference run, in order.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// The chosen ones.
    pub chosen: Vec<Candidate>,
    /// The number of all places of the run.
    pub all: usize,
}

/// A plan with the urgency of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// The plan.
    pub plan: Plan,
    /// The urgency.
    pub order: Urgency,
}

/// The urgency of a run, the least first: not where enough other cases have the situation, too; then by repeat; then as the turn
/// draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    is_common: bool,
    repeat: Repeat,
    drawn: u64,
}

impl Urgency {
    /// True where enough other cases have the situation, too.
    pub fn is_common(&self) -> bool {
        self.is_common
    }
}

impl Candidates {
    /// The candidates of the reference run `entries` of `case`; `turn` draws among repeats.
    pub fn of(case: &str, entries: &[Entry], turn: &str) -> Self {
        let mut found = Self::default();
        let mut situation = Situation::default();
        let mut repeats: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        let mut is_of_start = true;
        for entry in entries.iter().take_while(|entry| entry.what != Occurrence::Healed) {
            situation.follow(&entry.what);
            is_of_start &= !matches!(entry.what, Occurrence::Step(..));
            if let Some((place, here)) = place_of(&entry.what).zip(situation.of(&entry.what)) {
                found.all += 1;
                let general = hash(&situation.without_names(&here));
                let candidate = Candidate {
                    place,
                    repeat: Repeat::First,
                    is_common: false,
                    is_of_start,
                    general,
                    fits: fitting(&entry.what),
                };
                repeats.entry(here).or_default().push(candidate);
            }
        }
        for repeats in repeats.into_values() {
            found.choose(case, repeats, turn);
        }
        found.chosen.sort_by_key(|candidate| candidate.place);
        found
    }

    /// Chooses of places of one situation the first, the last and a drawn one.
    fn choose(&mut self, case: &str, repeats: Vec<Candidate>, turn: &str) {
        let last = repeats.len() - 1;
        let first = repeats[0].place;
        let between = (last.max(2) - 1) as u64;
        // The start is the same in every case, and so is what is drawn there: the cases share out its places by their order.
        let of = if repeats[0].is_of_start { "" } else { case };
        let drawn = 1 + usize::try_from(hash(&(of, first, turn)) % between).unwrap_or(0);
        for (index, mut candidate) in repeats.into_iter().enumerate() {
            candidate.repeat = match index {
                0 => Repeat::First,
                index if index == last => Repeat::Last,
                index if index == drawn => Repeat::Drawn,
                _ => continue,
            };
            self.chosen.push(candidate);
        }
    }

    /// The plans of one perturbation each at the chosen places of `case`.
    pub fn plans(&self, case: &str, breadth: Breadth, turn: &str) -> Vec<Ranked> {
        let mut plans = Vec::new();
        for Candidate { place, repeat, is_common, fits, .. } in &self.chosen {
            let kill = turned(case, *place, turn);
            let perturbations = match (breadth, place, repeat) {
                (Breadth::All, _, Repeat::First) => fits.clone(),
                (Breadth::All, _, Repeat::Last) => fits.iter().copied().filter(|fits| fits.kills()).collect(),
                (Breadth::All, ..) => fits.iter().copied().filter(|fits| !fits.kills()).collect(),
                (Breadth::Turned, InjectionPoint::Call(_), Repeat::First) => vec![kill, Perturbation::Lost],
                (Breadth::Turned, InjectionPoint::Call(_), Repeat::Drawn) => vec![Perturbation::Lost],
                (Breadth::Turned, ..) => vec![kill],
            };
            plans.extend(perturbations.into_iter().map(|perturbation| Ranked {
                order: Urgency {
                    is_common: *is_common,
                    repeat: *repeat,
                    drawn: hash(&(case, place, perturbation, turn)),
                },
                plan: Plan::one(*place, perturbation),
            }));
        }
        plans
    }
}

/// Two to four perturbations at places drawn from `chance` alone.
pub fn mixed(chance: &mut Chance, candidates: &Candidates) -> Plan {
    let count = chance.between(2, 4);
    let one = |_| {
        let candidate = chance.pick(&candidates.chosen)?;
        Some((candidate.place, *chance.pick(&candidate.fits)?))
    };
    let mut drawn: Vec<_> = (0..count).filter_map(one).collect();
    drawn.sort();
    drawn.dedup_by_key(|(place, _)| *place);
    Plan::new(drawn)
}

/// The kill of this place, another for each turn.
fn turned(case: &str, place: InjectionPoint, turn: &str) -> Perturbation {
    let kills: Vec<_> = match place {
        InjectionPoint::Call(_) => Perturbation::all_kills().collect(),
        InjectionPoint::Event(_) => {
            Perturbation::all_kills().filter(|kill| matches!(kill, Perturbation::KillBefore(_))).collect()
        }
    };
    let index = hash(&(case, place, turn)) % kills.len() as u64;
    kills[usize::try_from(index).unwrap_or_default()]
}

fn hash(of: &impl Hash) -> u64 {
    let mut hash = DefaultHasher::new();
    of.hash(&mut hash);
    hash.finish()
}

fn place_of(what: &Occurrence) -> Option<InjectionPoint> {
    match what {
        Occurrence::Kube(call) => Some(InjectionPoint::Call(call.number)),
        Occurrence::Cloud(call) => Some(InjectionPoint::Call(call.number)),
        Occurrence::Event(number, ..) => Some(InjectionPoint::Event(*number)),
        _ => None,
    }
}

/// The perturbations that can change anything at this place.
fn fitting(what: &Occurrence) -> Vec<Perturbation> {
    use Perturbation as P;
    let (reads, lists, pages) = match what {
        Occurrence::Kube(call) => {
            let of_all = matches!(call.path.rsplit('/').next(), Some("pods" | "services" | "nodes"));
            (call.verb == "GET", call.verb == "WATCH" || call.verb == "GET" && of_all, false)
        }
        Occurrence::Cloud(call) => {
            let reads = call.action.starts_with("Describe");
            (reads, false, reads && !call.groups.is_empty() && call.answer.is_good())
        }
        _ => return P::of_events(),
    };
    let fits = |perturbation: &P| match perturbation {
        P::Older(_) => reads,
        P::Expired => lists,
        P::ShortPage => pages,
        // A read that is made twice is a read, and one before whose answer the provider dies is one that was not made.
        P::Doubled | P::KillAfter(_) => !reads && !lists,
        _ => true,
    };
    P::of_calls().into_iter().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use determinism::Seed;

    use super::super::journal::{CallOutcome, CloudCall, KubeCall, PodWrite};
    use super::*;

    pub(super) fn journal(occurrences: Vec<Occurrence>) -> Vec<Entry> {
        let at = "2026-01-05T01:30:00Z".parse().unwrap();
        let numbered = |(index, what): (usize, Occurrence)| {
            let number = u32::try_from(index).unwrap() + 1;
            let what = match what {
                Occurrence::Kube(call) => Occurrence::Kube(KubeCall { number, ..call }),
                Occurrence::Cloud(call) => Occurrence::Cloud(CloudCall { number, ..call }),
                other => other,
            };
            Entry { at, what }
        };
        occurrences.into_iter().enumerate().map(numbered).collect()
    }

    pub(super) fn kube(verb: &str, path: &str) -> Occurrence {
        Occurrence::Kube(KubeCall {
            number: 0,
            life: 0,
            verb: verb.into(),
            path: path.to_owned(),
            body: bytes::Bytes::new(),
            answer: CallOutcome::Status(200, String::new()),
        })
    }

    pub(super) fn heartbeats(count: usize) -> Vec<Occurrence> {
        vec![kube("GET", "/api/v1/nodes/n"); count]
    }

    pub(super) fn numbers(candidates: &Candidates) -> Vec<InjectionPoint> {
        candidates.chosen.iter().map(|candidate| candidate.place).collect()
    }

    #[test]
    fn of_repeats_the_first_the_last_and_another_one_are_chosen() {
        let found = Candidates::of("case", &journal(heartbeats(101)), "turn");
        assert_eq!((found.chosen.len(), found.all), (3, 101));
        let places = numbers(&found);
        assert_eq!((places[0], places[2]), (InjectionPoint::Call(1), InjectionPoint::Call(101)));
        let others: BTreeSet<_> = ["a", "b", "c", "d"]
            .map(|turn| numbers(&Candidates::of("case", &journal(heartbeats(101)), turn))[1])
            .into();
        assert!(others.len() > 1, "another turn draws another: {others:?}");
    }

    pub(super) fn pod(name: &str, phase: &str) -> Occurrence {
        let owner = serde_json::json!({ "kind": "ReplicaSet", "controller": true });
        let metadata = serde_json::json!({
            "namespace": "vk", "name": name, "uid": name, "generateName": "web-", "ownerReferences": [owner]
        });
        let object = serde_json::json!({ "metadata": metadata, "status": { "phase": phase } });
        Occurrence::Pod(PodWrite { object: object.into(), removed: false })
    }

    #[test]
    fn another_state_of_a_pod_is_another_situation_and_the_same_again_is_not() {
        let mut calls = heartbeats(4);
        for phase in ["Pending", "Running", "Pending"] {
            calls.push(pod("web-a", phase));
            calls.extend(heartbeats(5));
        }
        let found = Candidates::of("case", &journal(calls), "");
        let places = numbers(&found);
        for number in [1, 4, 6, 12, 16, 22] {
            assert!(places.contains(&InjectionPoint::Call(number)), "{places:?}");
        }
        assert_eq!((places.len(), found.all), (9, 19));
    }

    #[test]
    fn calls_of_equal_pods_repeat_each_other_and_those_of_others_do_not() {
        let names = ["web-a", "web-b", "web-c", "web-d", "web-e"];
        let status = |name: &str| kube("PATCH", &format!("/api/v1/namespaces/vk/pods/{name}/status"));
        let mut calls: Vec<_> = names.iter().map(|name| pod(name, "Pending")).collect();
        calls.extend(names.iter().map(|name| status(name)));
        calls.extend(["x", "y"].map(status));
        assert_eq!(Candidates::of("case", &journal(calls), "").chosen.len(), 3 + 2);
    }

    #[test]
    fn every_call_that_does_something_else_is_chosen() {
        let pod = |rest: usize| kube("PATCH", &format!("/api/v1/namespaces/vk/pods/{rest}/status"));
        let found = Candidates::of("case", &journal((0..50).map(pod).collect()), "");
        assert_eq!(found.chosen.len(), 50);
    }

    #[test]
    fn a_write_is_not_answered_with_an_older_answer_and_a_read_not_doubled() {
        let fits = |call: Occurrence| {
            let found = Candidates::of("case", &journal(vec![call]), "");
            found.chosen[0].fits.iter().map(ToString::to_string).collect::<BTreeSet<_>>()
        };
        let (read, write) =
            (fits(kube("GET", "/api/v1/nodes/n")), fits(kube("PATCH", "/api/v1/nodes/n/status")));
        assert!(
            read.contains("older-1") && !read.contains("doubled") && !read.contains("kill-after-1s"),
            "{read:?}"
        );
        assert!(!write.contains("older-1") && write.contains("doubled"), "{write:?}");
        assert!(fits(kube("WATCH", "/api/v1/pods")).contains("expired"));
    }

    #[test]
    fn another_turn_kills_in_another_way_and_the_same_turn_in_the_same() {
        let pods = (1..60).map(|n| kube("PATCH", &format!("/api/v1/namespaces/vk/pods/{n}"))).collect();
        let found = Candidates::of("case", &journal(pods), "");
        let plans = |turn: &str| found.plans("case", Breadth::Turned, turn);
        assert_eq!(plans("tree"), plans("tree"));
        assert_ne!(plans("tree"), plans("other"));
        let kinds: BTreeSet<_> =
            plans("tree").iter().map(|ranked| ranked.plan.perturbations()[0].1).collect();
        assert_eq!(kinds.len(), 9, "all eight kills, and the lost answer: {kinds:?}");
    }

    #[test]
    fn of_repeats_the_first_has_both_the_last_a_kill_and_the_drawn_one_the_lost_answer() {
        let found = Candidates::of("case", &journal(heartbeats(101)), "");
        let plans = found.plans("case", Breadth::Turned, "");
        let at = |number| {
            let at = plans.iter().filter_map(|ranked| ranked.plan.at(InjectionPoint::Call(number)));
            at.map(Perturbation::kills).collect::<Vec<_>>()
        };
        let InjectionPoint::Call(drawn) = numbers(&found)[1] else { unreachable!() };
        assert_eq!((at(1), at(drawn), at(101)), (vec![true, false], vec![false], vec![true]));
    }

    #[test]
    fn of_all_that_fits_repeats_have_the_kills_and_the_rest_once_more() {
        let found = Candidates::of("case", &journal(heartbeats(101)), "");
        let plans = found.plans("case", Breadth::All, "");
        let kills = |number| {
            let at = plans.iter().filter_map(|ranked| ranked.plan.at(InjectionPoint::Call(number)));
            at.map(Perturbation::kills).collect::<BTreeSet<_>>()
        };
        let InjectionPoint::Call(drawn) = numbers(&found)[1] else { unreachable!() };
        assert_eq!((kills(1).len(), kills(drawn), kills(101)), (2, [false].into(), [true].into()));
    }

    #[test]
    fn a_mix_comes_from_the_seed_alone() {
        let found = Candidates::of("case", &journal(heartbeats(59)), "");
        let drawn = |seed: Seed| mixed(&mut seed.chance("sweep"), &found);
        assert_eq!(drawn(Seed::DEFAULT), drawn(Seed::DEFAULT));
        assert_ne!(drawn(Seed::DEFAULT), drawn("amber-badger-0".parse().unwrap()));
    }
}
