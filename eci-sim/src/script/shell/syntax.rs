//! Syntax tree of a shell's script: lists, pipes, loops, branches, functions, words with expansions.
//!
//! What cannot be read makes the whole script unreadable.

use std::rc::Rc;

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
    /// `case word in …`: each arm's patterns with its list.
    Case(Word, Vec<(Vec<Word>, List)>),
    /// `{ …; }`, in the present shell.
    Group(List),
    /// `( … )`, in a shell of its own.
    Subshell(List),
    /// `name() …`
    Function(String, Rc<Self>),
    /// `(( … ))`
    Sum(Word),
    /// A command with its redirections, in their order.
    Redirected(Box<Self>, Vec<Redirection>),
    /// Commands of which each reads what the one before writes.
    Pipe(Vec<Self>),
    /// `command &`, which goes on beside the next one.
    Background(Box<Self>),
}

/// A redirection of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// Stream that is redirected.
    pub stream: Stream,
    /// Where it goes, or comes from.
    pub target: Target,
}

/// A stream of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Input,
    Output,
    Errors,
    /// Output and errors.
    Both,
    /// One with a higher number, which no command of ours writes.
    Other,
}

/// The other end of a redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file; true if it is written from its end on.
    File(Word, bool),
    /// The text itself, as of a here-document.
    Text(Word),
    /// Another stream's place: 1 or 2; anything else closes it.
    Stream(u8),
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text outside quotes, of which `{1..5}` is a range, and `*` any text of a file's name.
    Text(String),
    /// Text in quotes, taken as it stands.
    Quoted(String),
    /// An expansion; true if it stands in quotes.
    Filled(Filling, bool),
}

/// Kind of an expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filling {
    /// A variable, and what is done with its value.
    Variable(String, Option<Change>),
    /// The length of a variable's value.
    Length(String),
    /// The output of commands.
    Command(List),
    /// The value of a sum.
    Sum(Word),
}

/// What is done with a variable's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another word, by `-`, `=`, `+` or `?`; true where an empty value counts as none.
    Otherwise(char, bool, Word),
    /// A pattern is cut off: at the beginning or the end, as little or as much as fits.
    Cut { end: bool, most: bool, pattern: Word },
    /// A pattern is replaced, once or everywhere.
    Replaced { everywhere: bool, pattern: Word, by: Word },
    /// A part from an offset on, of a length.
    Part(Word, Option<Word>),
}

/// The tree of a script; `None` where it cannot be read.
pub fn read(text: &str) -> Option<List> {
    let mut parser = Parser::new(text);
    let list = parser.list(&[])?;
    parser.is_over().then_some(list)
}
