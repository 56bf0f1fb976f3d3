//! Every published parameter, present, absent, out of bounds, of another type and of no published value; and whether
//! `data/parameters.csv` says the truth about each.

mod claims;
mod cloud;
mod requests;
mod variants;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let mut wrong = Vec::new();
    let all = variants::play(&mut wrong);
    println!(
        "{} of {} parameter variants answered as published",
        with_commas(all - wrong.len()),
        with_commas(all)
    );
    let claims = claims::check(&mut wrong);
    println!("{claims}");
    for line in &wrong {
        println!("  {line}");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `4812` → `4,812`.
fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
