//! Which places and perturbations a sweep plays, by rule: the first, the middle and the last of each kind of call and event.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use determinism::Chance;

use super::journal::{CloudCall, Entry, KubeCall, Occurrence};
use super::perturbation::Perturbation;
use super::place::Place;
use super::plan::Plan;

/// How much is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breadth {
    /// At each chosen place one kill, turned by this text, and the lost answer.
    Turned(String),
    /// At each chosen place every perturbation.
    All,
}

/// The chosen places of a reference run with their kinds, in order, and how many there are in all.
pub fn places(entries: &[Entry]) -> (Vec<(Place, String)>, usize) {
    let mut by_kind: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    let mut all = 0;
    for entry in entries {
        let (place, kind) = match &entry.what {
            Occurrence::Kube(call) => (Place::Call(call.number), kind_of_kube(call)),
            Occurrence::Cloud(call) => (Place::Call(call.number), kind_of_cloud(call)),
            Occurrence::Event(number, _, event) => {
                let words: Vec<_> = event.split(' ').take(2).collect();
                (Place::Event(*number), words.join(" "))
            }
            Occurrence::Healed => break,
            _ => continue,
        };
        all += 1;
        by_kind.entry(kind).or_default().push(place);
    }
    let mut chosen: Vec<_> = by_kind
        .into_iter()
        .flat_map(|(kind, places)| {
            let last = places.len() - 1;
            let mut indexes = vec![0, last / 2, last];
            indexes.dedup();
            indexes.into_iter().map(move |index| (places[index], kind.clone())).collect::<Vec<_>>()
        })
        .collect();
    chosen.sort();
    (chosen, all)
}

/// The plans of one perturbation each at the chosen places of `case`.
pub fn plans(case: &str, places: &[(Place, String)], breadth: &Breadth) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (place, _) in places {
        let perturbations = match (breadth, place) {
            (Breadth::All, Place::Call(_)) => Perturbation::of_calls(),
            (Breadth::All, Place::Event(_)) => Perturbation::of_events(),
            (Breadth::Turned(turn), Place::Call(_)) => vec![turned(case, *place, turn), Perturbation::Lost],
            (Breadth::Turned(turn), Place::Event(_)) => vec![turned(case, *place, turn)],
        };
        plans.extend(perturbations.into_iter().map(|perturbation| Plan::one(*place, perturbation)));
    }
    plans
}

/// The kill of this place, another for each turn.
fn turned(case: &str, place: Place, turn: &str) -> Perturbation {
    let mut hash = DefaultHasher::new();
    (case, place, turn).hash(&mut hash);
    let kills: Vec<_> = Perturbation::kills().collect();
    let index = hash.finish() % kills.len() as u64;
    kills[usize::try_from(index).unwrap_or_default()]
}

/// Two to four perturbations at places drawn from `chance` alone.
pub fn mixed(chance: &mut Chance, places: &[(Place, String)]) -> Plan {
    let count = chance.between(2, 4);
    let one = |_| {
        let (place, _) = chance.pick(places)?;
        let all = match place {
            Place::Call(_) => Perturbation::of_calls(),
            Place::Event(_) => Perturbation::of_events(),
        };
        Some((*place, *chance.pick(&all)?))
    };
    let mut drawn: Vec<_> = (0..count).filter_map(one).collect();
    drawn.sort();
    drawn.dedup_by_key(|(place, _)| *place);
    Plan::new(drawn)
}

fn kind_of_kube(call: &KubeCall) -> String {
    // A name is not a kind: of a path below a namespace, namespace and name are left out.
    let mut parts: Vec<&str> = call.path.split('/').collect();
    if let Some(at) = parts.iter().position(|part| *part == "namespaces") {
        for index in [at + 1, at + 3] {
            if let Some(part) = parts.get_mut(index) {
                *part = "*";
            }
        }
    }
    format!("{} {}", call.verb, parts.join("/"))
}

fn kind_of_cloud(call: &CloudCall) -> String {
    let empty = if call.groups.is_empty() { " of nothing" } else { "" };
    format!("{}{empty}", call.action)
}

#[cfg(test)]
mod tests {
    use determinism::Seed;

    use super::super::journal::Answer;
    use super::*;

    fn calls(paths: &[&str]) -> Vec<Entry> {
        let at = "2026-01-05T01:30:00Z".parse().unwrap();
        let call = |(index, path): (usize, &&str)| KubeCall {
            number: u32::try_from(index).unwrap() + 1,
            life: 0,
            verb: "GET".into(),
            path: (*path).to_owned(),
            body: serde_json::Value::Null,
            answer: Answer::Nothing,
        };
        let entries = paths.iter().enumerate().map(call);
        entries.map(|call| Entry { at, what: Occurrence::Kube(call) }).collect()
    }

    #[test]
    fn of_each_kind_the_first_the_middle_and_the_last_are_chosen() {
        let heartbeats = vec!["/api/v1/nodes/n"; 101];
        let (chosen, all) = places(&calls(&heartbeats));
        let numbers: Vec<_> = chosen.iter().map(|(place, _)| *place).collect();
        assert_eq!((numbers, all), (vec![Place::Call(1), Place::Call(51), Place::Call(101)], 101));
    }

    #[test]
    fn two_pods_are_one_kind_and_a_pod_and_its_status_are_two() {
        let pod = |rest| format!("/api/v1/namespaces/vk/pods/{rest}");
        let paths = [pod("a"), pod("b"), pod("b/status")];
        let (chosen, _) = places(&calls(&paths.iter().map(String::as_str).collect::<Vec<_>>()));
        let kinds: std::collections::BTreeSet<_> = chosen.into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds.len(), 2, "{kinds:?}");
    }

    #[test]
    fn another_turn_kills_in_another_way_and_the_same_turn_in_the_same() {
        let places: Vec<_> = (1..60).map(|number| (Place::Call(number), String::new())).collect();
        let plans = |turn: &str| plans("case", &places, &Breadth::Turned(turn.to_owned()));
        assert_eq!(plans("tree"), plans("tree"));
        assert_ne!(plans("tree"), plans("other"));
        let kills: std::collections::BTreeSet<_> =
            plans("tree").iter().map(|plan| plan.perturbations()[0].1).collect();
        assert_eq!(kills.len(), 9, "all eight kills, and the lost answer: {kills:?}");
    }

    #[test]
    fn a_mix_comes_from_the_seed_alone() {
        let places: Vec<_> = (1..60).map(|number| (Place::Call(number), String::new())).collect();
        let drawn = |seed: Seed| mixed(&mut seed.chance("sweep"), &places);
        assert_eq!(drawn(Seed::DEFAULT), drawn(Seed::DEFAULT));
        assert_ne!(drawn(Seed::DEFAULT), drawn("amber-badger-0".parse().unwrap()));
    }
}
