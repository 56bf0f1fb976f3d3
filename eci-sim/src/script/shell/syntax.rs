//! A shell's script as a tree: lists, loops, branches, words with what is to be filled in.
//!
//! What is not read (pipes but into `cat` and `tee`, `case`, functions, here-documents) stands in the tree as
//! [`Command::Strange`], or makes the whole script unreadable.

use super::parser::Parser;

/// Commands one after the other, each with what it takes to come to it.
pub type List = Vec<(Link, Command)>;
/// Pieces that make one word, or several where an unquoted one falls apart.
pub type Word = Vec<Piece>;

/// When a command is come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Always,
    OnSuccess,
    OnFailure,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Variables that are set, then a name and its arguments.
    Simple(Vec<(String, Word)>, Vec<Word>),
    /// `! command`.
    Not(Box<Self>),
    /// `if`, each test with what follows from it, then what follows otherwise.
    If(Vec<(List, List)>, List),
    /// `while`, or `until`, a test, and what is done.
    Loop { until: bool, test: List, body: List },
    /// `for name in …`; over the arguments, where nothing is said.
    For { name: String, items: Option<Vec<Word>>, body: List },
    /// `{ …; }`.
    Group(List),
    /// `( … )`.
    Subshell(List),
    /// `command > file`.
    Quiet(Box<Self>),
    /// `command &`.
    Background(Box<Self>),
    /// Something that is not read.
    Strange,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// As it stands, in quotes.
    Quoted(String),
    /// What comes of something.
    Filled(Filling, bool),
}

/// What is filled in; whether in quotes, its piece says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filling {
    /// A variable, and the word that stands in for it: `-`, `=` or `+`.
    Variable(String, Option<(char, Word)>),
    /// How long a variable is.
    Length(String),
    /// What a command says.
    Command(List),
    /// A sum.
    Sum(Word),
}

/// The tree of a script; `None` where it cannot be read.
pub fn read(text: &str) -> Option<List> {
    let mut parser = Parser::new(text);
    let list = parser.list(&[])?;
    parser.is_over().then_some(list)
}
