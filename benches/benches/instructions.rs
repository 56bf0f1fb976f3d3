//! Instructions of one call, counted by valgrind, so that a busy machine gives the same numbers.
//!
//! Without arguments it runs each question under `valgrind` twice, with few and with many calls; the difference is
//! what the calls cost (both runs sign all the calls that there could be, so that signing is not in it). With the name
//! of a question and a number it only makes so many calls.

mod groups;

use std::process::Command;
use std::time::Duration;

use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_api::actions::describe_container_groups::DescribeContainerGroups;
use eci_api::query::render;
use eci_api::signature::{acs3, rpc};
use eci_sim::EciSim;
use eci_sim::Incoming;

use groups::group;

const KEY: (&str, &str) = ("bench", "bench-secret");
const HOST: &str = "eci.cn-hangzhou.aliyuncs.com";
const GROUPS: usize = 1_000;
const ACTION: &str = "DescribeContainerGroups";
const QUESTIONS: [&str; 4] = ["signed-acs3", "signed-rpc", "by-id", "page-of-20"];
const FEW: u64 = 200;
const MANY: u64 = 1_200;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [question, calls] => ask(question, calls.parse()?),
        // as a test, it shows that the questions can be asked
        ["--test"] => QUESTIONS.into_iter().try_for_each(|question| ask(question, 2)),
        _ => {
            for question in QUESTIONS {
                let each = (count(question, MANY)? - count(question, FEW)?) / (MANY - FEW);
                println!("{question:<12} {each:>9} instructions a call, of {GROUPS} groups");
            }
            Ok(())
        }
    }
}

/// Number of instructions of a whole run.
fn count(question: &str, calls: u64) -> Result<u64> {
    let own = std::env::current_exe()?;
    let valgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let run = Command::new("valgrind").args(valgrind).arg(own).args([question, &calls.to_string()]).output();
    let said = String::from_utf8_lossy(&run.map_err(|why| format!("valgrind does not start: {why}"))?.stderr)
        .into_owned();
    let counted =
        said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    Ok(counted.ok_or(said.clone())?.parse()?)
}

fn ask(question: &str, calls: u64) -> Result<()> {
    let clock = Clock::still("2026-01-05T01:00:00Z".parse()?);
    let sim = EciSim::builder().clock(clock.clone()).credential(KEY.0, Secret::new(KEY.1)).build();
    let ids: Vec<String> =
        (0..GROUPS).map(|n| Ok(sim.act(&group(n))?.container_group_id)).collect::<Result<_>>()?;
    clock.advance(Duration::from_secs(60))?;
    sim.control().now();
    let one = Some(format!("[\"{}\"]", ids[GROUPS / 2]));
    let by_id = DescribeContainerGroups { container_group_ids: one, ..DescribeContainerGroups::default() };
    let mut nonces = Seed::DEFAULT.chance("nonces");
    let signed: Vec<Incoming> = (0..MANY)
        .map(|_| nonces.text("0123456789abcdef", 32))
        .map(|nonce| match question {
            "signed-rpc" => by_rpc(&ids[GROUPS / 2], &clock, &nonce),
            _ => by_acs3(&ids[GROUPS / 2], &clock, &nonce),
        })
        .collect();
    for request in signed.into_iter().take(usize::try_from(calls)?) {
        match question {
            "signed-acs3" | "signed-rpc" => answered(&sim, request)?,
            "by-id" => drop(sim.act(&by_id)?),
            "page-of-20" => drop(sim.act(&DescribeContainerGroups::default())?),
            _ => return Err(format!("`{question}` should be one of {}", QUESTIONS.join(", ")).into()),
        }
    }
    Ok(())
}

/// A call signed with ACS3, as a listener hands it over.
fn by_acs3(id: &str, clock: &Clock, nonce: &str) -> Incoming {
    let query = vec![("ContainerGroupIds".to_owned(), format!("[\"{id}\"]"))];
    let secret = Secret::new(KEY.1);
    let headers = acs3::headers(ACTION, HOST, &query, (KEY.0, &secret), clock.now(), nonce);
    Incoming { method: "POST".into(), query: render(&query), headers, ..Incoming::default() }
}

fn by_rpc(id: &str, clock: &Clock, nonce: &str) -> Incoming {
    let mut pairs = vec![("ContainerGroupIds".to_owned(), format!("[\"{id}\"]"))];
    let secret = Secret::new(KEY.1);
    rpc::complete(&mut pairs, ACTION, (KEY.0, &secret), "GET", clock.now(), nonce);
    let headers = vec![("host".to_owned(), HOST.to_owned())];
    Incoming { method: "GET".into(), query: render(&pairs), headers, ..Incoming::default() }
}

fn answered(sim: &EciSim, request: Incoming) -> Result<()> {
    let answer = sim.exchange(request).answer.ok_or("no answer")?;
    if answer.status() == 200 { Ok(()) } else { Err(format!("{:?}", answer.body()).into()) }
}
