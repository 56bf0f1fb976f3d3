//! Errors of a case's text: parts of a step that do not fit their type, do not fit together, or could never fail.

use eci_sim::faults::names::RuleError;

/// A part of a case that cannot be played; its message says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// A text is no length of time.
    #[error("`{0}` is not a span; write it as `250ms`, `60s`, `90m` or `1h30m`")]
    NotASpan(String),
    /// A text names no pod.
    #[error("`{0}` does not name a pod; write `namespace/name`, as in `vk/nginx`")]
    NotAPod(String),
    /// A text is no time of day.
    #[error("`{0}` is not a time of day; write it as `10:49:30`")]
    NotATimeOfDay(String),
    /// A step or a field lacks something beside it.
    #[error("`{holder}` needs {lacking}")]
    Lacks {
        /// The step or the field.
        holder: &'static str,
        /// The fields that it needs, with an example.
        lacking: &'static str,
    },
    /// A step has none of its optional fields.
    #[error("`{step}` says nothing{advice}")]
    SaysNothing {
        /// The step's verb.
        step: &'static str,
        /// The end of the sentence: a field that can be added.
        advice: &'static str,
    },
    /// Two fields contradict each other.
    #[error("`{0}` and `{1}` exclude each other")]
    Exclusive(&'static str, &'static str),
    /// `never` stands beside other fields of `expect`.
    #[error("`never` stands alone with `for`; write a second `expect` for the rest")]
    NeverWithOthers,
    /// `rule` stands beside other fields of `inject`.
    #[error("`rule` says all of it; nothing else should stand beside it")]
    RuleWithOthers,
    /// A count, or a time in seconds, leaves nothing to look at.
    #[error("`{0}` should be 1 or more")]
    Zeroth(&'static str),
    /// A text of which every other one has a part.
    #[error("`{0}` is empty, and every text contains that; write a part of what is expected")]
    EmptyText(&'static str),
    /// An absence stands beside fields that only something present can have.
    #[error("`{absence}` stands alone; what is not there has no {others}")]
    AbsenceWithOthers {
        /// The field and its value.
        absence: &'static str,
        /// The fields that make no sense beside it.
        others: &'static str,
    },
    /// A field has a word that it cannot have.
    #[error("`{field}` cannot be `{word}`{near}")]
    NoSuchWord {
        /// The field.
        field: &'static str,
        /// Its value.
        word: String,
        /// A clause with the nearest word, or with all of them.
        near: String,
    },
    /// `has` names a field that no object of the kind has.
    #[error("{holder} has no field `{name}`{near}")]
    NoSuchField {
        /// The kind, and the place in it.
        holder: String,
        /// The field's name.
        name: String,
        /// A clause with the nearest field, or nothing.
        near: String,
    },
    /// A text is no amount of CPU or memory.
    #[error("`{0}` is no quantity; write it as Kubernetes does, `250m` or `512Mi`")]
    NotAQuantity(String),
    /// A fault that could never strike.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A manifest lacks a field.
    #[error("the manifest in `apply` has no `{0}`")]
    ManifestLacks(&'static str),
    /// `apply` has a field that it does not know.
    #[error("`apply` has no `{0}`; it is a manifest, or `file` and `namespace`")]
    NoSuchApplyField(String),
    /// A command has a character that only a shell understands.
    #[error("`{0}` is for a shell, and no shell reads this; quote it or leave it out")]
    ForAShell(char),
    /// A command has a quote without its end.
    #[error("the quote {0} is not closed")]
    OpenQuote(char),
    /// A command begins with `kubectl`.
    #[error("leave out the first `kubectl`; the step's name says it already")]
    RepeatedKubectl,
    /// A reference to a group has no `)`.
    #[error("`$group({0}` is not closed; write `$group(vk/nginx)`")]
    OpenReference(String),
    /// A reference names a pod that has no container group when the step is played.
    #[error("`$group({0})`: there is no container group of pod {0} at this moment")]
    NoGroup(String),
    /// A reference names a pod that no step before makes or sees.
    #[error("`$group({0})`: no step before this one makes or sees pod {0}")]
    UnseenGroup(String),
    /// A step presumes a pod that no step before makes or sees.
    #[error(
        "no step before this one makes or sees pod {pod}; this would hold, too, if it had never been{near}"
    )]
    UnseenPod {
        /// The pod.
        pod: String,
        /// A clause with the nearest pod that is made or seen, or nothing.
        near: String,
    },
    /// A step presumes that there were pods, and no step before makes one.
    #[error("no step before this one makes a pod; this would hold, too, if nothing ever came to the cloud")]
    NothingMade,
    /// A step presumes pods of a selection that no step before sees.
    #[error("no step before this one sees {0}; this would hold, too, with a slip in a name")]
    UnseenPods(String),
    /// A script is for an image that no container of the case has.
    #[error("no container of this case has the image `{image}`{near}")]
    UnusedImage {
        /// The image, or the pattern.
        image: String,
        /// A clause with the nearest image, or nothing.
        near: String,
    },
}
