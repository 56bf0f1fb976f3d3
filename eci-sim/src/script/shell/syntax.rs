//! Syntax tree of a shell's script: lists, loops, branches, words with expansions.
//!
//! What is not read (pipes but into `cat` and `tee`, `case`, functions, here-documents) stands in the tree as
//! [`Command::Strange`], or makes the whole script unreadable.

use super::parser::Parser;

/// Commands one after the other, each with the condition under which it runs.
pub type List = Vec<(Link, Command)>;
/// Pieces that make one word, or several where an unquoted one falls apart.
pub type Word = Vec<Piece>;

/// Condition under which a command runs, by the exit code of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Always,
    OnSuccess,
    OnFailure,
}

/// A command of the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Variables that are set, then a name and its arguments.
    Simple(Vec<(String, Word)>, Vec<Word>),
    /// `! command`, with the exit code turned round.
    Not(Box<Self>),
    /// `if`: each test with its list, then the list after `else`.
    If(Vec<(List, List)>, List),
    /// `while` or `until`: a test and a body.
    Loop { until: bool, test: List, body: List },
    /// `for name in …`; over the arguments, where `items` is `None`.
    For { name: String, items: Option<Vec<Word>>, body: List },
    /// `{ …; }`, in the present shell.
    Group(List),
    /// `( … )`, in a shell of its own.
    Subshell(List),
    /// `command > file`, whose output is not part of the log.
    Quiet(Box<Self>),
    /// `command &`, which goes on beside the next one.
    Background(Box<Self>),
    /// A command that is not understood.
    Strange,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text outside quotes, of which `{1..5}` is a range.
    Text(String),
    /// Text in quotes, taken as it stands.
    Quoted(String),
    /// An expansion; true if it stands in quotes.
    Filled(Filling, bool),
}

/// Kind of an expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filling {
    /// A variable, and the word that stands in for it: `-`, `=` or `+`.
    Variable(String, Option<(char, Word)>),
    /// The length of a variable's value.
    Length(String),
    /// The output of commands.
    Command(List),
    /// The value of a sum.
    Sum(Word),
}

/// The tree of a script; `None` where it cannot be read.
pub fn read(text: &str) -> Option<List> {
    let mut parser = Parser::new(text);
    let list = parser.list(&[])?;
    parser.is_over().then_some(list)
}
