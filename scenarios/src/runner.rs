//! Plays a case's steps in order in a world of its own, and gathers evidence where one fails.

use determinism::{Seed, Stopwatch};
use rust_decimal::Decimal;

use crate::cases::CaseFile;
use crate::outcome::{Failure, Miss, Outcome, Verdict};
use crate::scenario::Scenario;
use crate::stage::World;
use crate::story::Story;

/// A case that is understood, and the file it stands in.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file.
    pub file: CaseFile,
    /// What it says.
    pub scenario: Scenario,
}

/// Plays `case` in a new world on a runtime whose clock is stepped.
pub fn play(case: &Case, seed: Seed) -> Outcome {
    let stopwatch = Stopwatch::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let mut outcome = match runtime {
        Ok(runtime) => runtime.block_on(play_in_a_world(case, seed)),
        Err(error) => {
            outcome(case, Verdict::Failed(Box::new(not_begun(case, format!("no runtime: {error}")))), None)
        }
    };
    outcome.took = stopwatch.elapsed();
    outcome
}

async fn play_in_a_world(case: &Case, seed: Seed) -> Outcome {
    let mut world = match World::builder().seed(seed).folder(&case.file.folder).start().await {
        Ok(world) => world,
        Err(error) => {
            let failure = not_begun(case, format!("the world could not be put together: {error}"));
            return outcome(case, Verdict::Failed(Box::new(failure)), None);
        }
    };
    if let Some(lacking) = case.scenario.needs.iter().find(|need| !world.can(**need)) {
        return outcome(case, Verdict::Lacking(*lacking), None);
    }
    let mut verdict = Verdict::Passed;
    for (index, step) in case.scenario.steps.iter().enumerate() {
        if let Err(miss) = step.play(&mut world).await {
            let story = world.story().await;
            let failure = Failure { line: case.scenario.line(index), step: step.to_string(), miss, story };
            verdict = Verdict::Failed(Box::new(failure));
            break;
        }
    }
    let outcome = outcome(case, verdict, Some(&world));
    world.end().await;
    outcome
}

fn not_begun(case: &Case, why: String) -> Failure {
    Failure {
        line: case.scenario.line(0),
        step: "begin".to_owned(),
        miss: Miss::Refused(why),
        story: Story::default(),
    }
}

fn outcome(case: &Case, verdict: Verdict, world: Option<&World>) -> Outcome {
    Outcome {
        case: case.file.case.clone(),
        file: case.file.file.clone(),
        claim: case.scenario.claim.clone(),
        cites: case.scenario.cites.clone(),
        verdict,
        took: std::time::Duration::ZERO,
        simulated: world.map_or(std::time::Duration::ZERO, World::age),
        cost: world.map_or(Decimal::ZERO, World::cost),
    }
}
