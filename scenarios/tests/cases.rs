//! Every file under `cases/` is a test by its path.

use determinism::Seed;
use libtest_mimic::{Arguments, Failed, Trial};
use scenarios::cases::{self, CaseFile};
use scenarios::outcome::CaseVerdict;
use scenarios::report::text::{Text, TextOptions};
use scenarios::runner::{self, Case};
use scenarios::scenario::Scenario;

fn main() {
    let trials = match cases::all() {
        Ok(cases) => {
            cases.into_iter().map(|file| Trial::test(file.case.clone(), move || play(file))).collect()
        }
        Err(error) => vec![Trial::test("cases", move || Err(Failed::from(error)))],
    };
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn play(file: CaseFile) -> Result<(), Failed> {
    let scenario = Scenario::read(&file.file, &file.text)?;
    let outcome = runner::play(&Case { file, scenario }, Seed::DEFAULT).strictly();
    match outcome.verdict {
        CaseVerdict::Passed | CaseVerdict::Lacking(_) => Ok(()),
        CaseVerdict::Failed(_) => {
            let (command, seed) = ("cargo run --release --".to_owned(), Seed::DEFAULT.to_string());
            let mut text = Vec::new();
            Text::new(&mut text, TextOptions { quiet: true, live: false, command, seed, on: String::new() })
                .case_ended(&outcome)?;
            Err(anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string().into())
        }
    }
}
