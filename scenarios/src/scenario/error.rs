//! Errors of a case's text: parts of a step that do not fit their type, or do not fit together.

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
    /// `every` of `inject` is zero.
    #[error("`every` should be 1 or more")]
    EveryZeroth,
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
    #[error("no step before this one makes or sees pod {0}; this would hold, too, if it had never been")]
    UnseenPod(String),
}
