//! What several cases have alike: the start, which they share out, and situations that come last where there is no time for all.

use std::collections::BTreeMap;

use super::{Candidates, hash};

/// The cases in which a situation is urgent; in all others it comes behind what fewer cases have.
const ENOUGH: usize = 3;

/// Orders the candidates of all cases that are swept, each with its case.
///
/// Before its first step every case is the same to the byte. The cases share out the places there: each is perturbed in one case at
/// least, and the turn draws in which. The last stays in every case: its first steps meet a provider that is away.
///
/// Of situations that are alike but for names and the step, those of `ENOUGH` cases, which the turn draws, are as urgent as any.
pub fn order(all: &mut [(String, Candidates)], turn: &str) {
    let cases = all.len();
    for (index, (_, candidates)) in all.iter_mut().enumerate() {
        candidates.share_start(index, cases, turn);
    }
    let mut drawn: Vec<_> = all.iter_mut().collect();
    drawn.sort_by_key(|(case, _)| hash(&(turn, case.as_str())));
    let mut had: BTreeMap<_, usize> = BTreeMap::new();
    for (_, candidates) in drawn {
        let before = had.clone();
        for candidate in &mut candidates.chosen {
            let key = (candidate.general, candidate.repeat);
            candidate.is_common = before.get(&key).is_some_and(|cases| *cases >= ENOUGH);
            had.insert(key, before.get(&key).copied().unwrap_or_default() + 1);
        }
    }
}

impl Candidates {
    /// Leaves to this case, which is the one of `index` among so many `cases`, its share of the start's places.
    fn share_start(&mut self, index: usize, cases: usize, turn: &str) {
        let Some(last) = self.chosen.iter().filter(|chosen| chosen.is_of_start).count().checked_sub(1) else {
            return;
        };
        let shares = cases.min(last).max(1);
        let drawn = usize::try_from(hash(&turn) % shares as u64).unwrap_or(0);
        let mut places = 0..;
        self.chosen.retain(|chosen| {
            let place = if chosen.is_of_start { places.next() } else { None };
            place.is_none_or(|place| place == last || place % shares == (index + drawn) % shares)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::{heartbeats, journal, kube, numbers, pod};
    use super::super::{Breadth, Occurrence};
    use super::*;
    use crate::sweep::injection_point::InjectionPoint;

    #[test]
    fn what_is_drawn_of_repeats_in_the_start_is_played_by_some_case() {
        let start = (0..14).map(|n| kube("PATCH", &format!("/api/v1/nodes/n{}", n % 2)));
        let step = [Occurrence::Step(0, "run".to_owned())];
        let journal = journal(start.chain(step).collect());
        let of_case = |case: usize| {
            let case = format!("case-{case}");
            let candidates = Candidates::of(&case, &journal, "turn");
            (case, candidates)
        };
        let whole: BTreeSet<_> = numbers(&of_case(0).1).into_iter().collect();
        assert_eq!(whole.len(), 6, "two situations, three places of each: {whole:?}");
        let mut all: Vec<_> = (0..20).map(of_case).collect();
        order(&mut all, "turn");
        let played: BTreeSet<_> = all.iter().flat_map(|(_, found)| numbers(found)).collect();
        assert_eq!(played, whole);
    }

    #[test]
    fn cases_share_the_places_of_the_start_and_each_has_its_last_and_all_others() {
        let start = (0..13).map(|n| kube("PATCH", &format!("/api/v1/nodes/n{n}")));
        let step = [Occurrence::Step(0, "run".to_owned())];
        let journal = journal(start.chain(step).chain(heartbeats(1)).collect());
        for (cases, of_start) in [(1, 13), (4, 1 + 3), (12, 1 + 1), (80, 1 + 1)] {
            let of_case = |case: usize| {
                let case = format!("case-{case}");
                let candidates = Candidates::of(&case, &journal, "turn");
                (case, candidates)
            };
            let mut all: Vec<_> = (0..cases).map(of_case).collect();
            order(&mut all, "turn");
            let mut played = BTreeSet::new();
            for (_, found) in &all {
                let places = numbers(found);
                assert!(
                    places.contains(&InjectionPoint::Call(13)) && places.contains(&InjectionPoint::Call(15)),
                    "{places:?}"
                );
                assert_eq!(places.len(), of_start + 1, "of {cases}: {places:?}");
                played.extend(places);
            }
            assert_eq!(played.len(), 14, "{cases} cases");
        }
    }

    #[test]
    fn a_situation_that_three_other_cases_have_under_other_names_is_played_last() {
        let case = |name: &'static str, rest: Vec<Occurrence>| {
            let status = kube("PATCH", &format!("/api/v1/namespaces/vk/pods/{name}/status"));
            let all =
                [Occurrence::Step(0, "run".to_owned()), pod(name, "Pending"), status].into_iter().chain(rest);
            (name.to_owned(), Candidates::of(name, &journal(all.collect()), ""))
        };
        let mut all: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| case(name, Vec::new())).into();
        all.push(case("f", heartbeats(1)));
        order(&mut all, "");
        let plans = |(case, found): &(String, Candidates)| found.plans(case, Breadth::All, "");
        let mut ranked: Vec<_> = all.iter().flat_map(plans).collect();
        ranked.sort_by_key(|ranked| ranked.order);
        let firsts = ranked.iter().take_while(|ranked| !ranked.order.is_common).count();
        let of_f = all.iter().map(|(_, found)| found.chosen.iter().filter(|own| !own.is_common).count());
        assert_eq!(of_f.sum::<usize>(), 3 + 1, "three of the six, and what only the last case has");
        assert!(firsts > 0 && firsts < ranked.len());
    }
}
