//! The table of kubectl's command lines, against the playground: each works or is refused, in the words beside it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The folder of the table and of the files that its commands name, below the root.
const FOLDER: &str = "ci/data/kubectl";
const TABLE: &str = "commands.csv";
/// Stands for anything between two pieces of an answer.
const ANYTHING: &str = " … ";

/// What becomes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply {
    Works,
    Refused,
}

/// A row of the table.
#[derive(Debug, Deserialize)]
struct CommandLine {
    /// A line of a shell.
    command: String,
    answer: Reply,
    /// Pieces of what is said, in their order; empty where nothing has to be said.
    words: String,
}

/// Plays the table in `folder`, where the playground's kubeconfig is; all its pods are gone afterwards.
pub fn are_answered(root: &Path, folder: &Path) -> Result<()> {
    let commands = table(root)?;
    for file in fs::read_dir(root.join(FOLDER))? {
        let file = file?;
        if file.file_name() != TABLE {
            fs::copy(file.path(), folder.join(file.file_name()))?;
        }
    }
    let mut wrong = Vec::new();
    for line in &commands {
        wrong.extend(play(folder, line)?);
    }
    let refused = commands.iter().filter(|line| line.answer == Reply::Refused).count();
    ensure!(
        wrong.is_empty(),
        "{} of {} command lines are answered otherwise:\n{}",
        wrong.len(),
        commands.len(),
        wrong.join("\n")
    );
    println!(
        "✓ {} command lines of kubectl: {} work, {refused} are refused",
        commands.len(),
        commands.len() - refused
    );
    Ok(())
}

fn table(root: &Path) -> Result<Vec<CommandLine>> {
    let path = root.join(FOLDER).join(TABLE);
    let mut reader =
        csv::Reader::from_path(&path).with_context(|| format!("cannot read {}", path.display()))?;
    reader.deserialize().collect::<Result<_, _>>().with_context(|| format!("cannot read {}", path.display()))
}

/// Plays one line; returns what is wrong, if anything is.
fn play(folder: &Path, line: &CommandLine) -> Result<Option<String>> {
    let output = Command::new("sh")
        .args(["-c", &line.command])
        .current_dir(folder)
        .env("KUBECONFIG", folder.join("virtual-node.kubeconfig"))
        .env("HOME", folder)
        .stdin(Stdio::null())
        .output()
        .context("cannot start a shell")?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let works = output.status.success();
    if works == (line.answer == Reply::Works) && says(&said, &line.words) {
        return Ok(None);
    }
    Ok(Some(format!(
        "`{}`: {:?} with {:?} in the table; it ended with {} and said:\n{said}",
        line.command, line.answer, line.words, output.status
    )))
}

/// True where all pieces of `words` stand in `said`, one after the other.
fn says(said: &str, words: &str) -> bool {
    let mut rest = said;
    words.split(ANYTHING).all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_in_the_table_names_its_words() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let commands = table(root).unwrap();
        let unnamed = commands.iter().find(|line| line.answer == Reply::Refused && line.words.is_empty());
        assert!(unnamed.is_none(), "{unnamed:?}");
        assert!(commands.len() >= 214, "{} command lines", commands.len());
    }

    #[test]
    fn the_pieces_of_an_answer_stand_in_their_order() {
        for (words, is_said) in [("a … c", true), ("c … a", false), ("b", true), ("a … a", false), ("", true)]
        {
            assert_eq!(says("a b c", words), is_said, "{words}");
        }
    }
}
