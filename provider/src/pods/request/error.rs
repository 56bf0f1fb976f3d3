//! Faults of a pod for which there is no request, and those that are worth a warning only.

/// The reason of the one event that names all that is left out of a pod's request.
pub const LEFT_OUT: &str = "UnsupportedFieldIgnored";
/// The most characters of an event's message, as the API takes it.
const MESSAGE_LIMIT: usize = 1024;

/// Something worth a warning on the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The event's reason.
    pub reason: &'static str,
    /// The event's text.
    pub message: String,
}

impl Remark {
    /// A remark on something that is left out of the request: a sentence without its full stop.
    pub fn left_out(sentence: String) -> Self {
        Self { reason: LEFT_OUT, message: sentence }
    }
}

/// Makes all remarks on what is left out one, behind the others; the same one counts once.
pub fn merged(remarks: Vec<Remark>) -> Vec<Remark> {
    let mut sentences: Vec<String> = Vec::new();
    let mut others = Vec::new();
    for remark in remarks {
        if remark.reason != LEFT_OUT {
            others.push(remark);
        } else if !sentences.contains(&remark.message) {
            sentences.push(remark.message);
        }
    }
    if !sentences.is_empty() {
        others.push(Remark { reason: LEFT_OUT, message: joined(&sentences) });
    }
    others
}

/// Sentences as one text that an event can hold; of what does not fit, the number.
fn joined(sentences: &[String]) -> String {
    let mut text = String::new();
    for (index, sentence) in sentences.iter().enumerate() {
        let rest = format!("; and {} more", sentences.len() - index);
        if index > 0 && text.chars().count() + sentence.chars().count() + rest.len() > MESSAGE_LIMIT {
            return text + &rest;
        }
        if index > 0 {
            text.push_str("; ");
        }
        text.push_str(sentence);
    }
    text
}

/// Errors for which there is no request for a pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A variable's source is not there yet.
    #[error("{message}")]
    Source {
        /// The event's reason, as virtual-kubelet names it.
        reason: &'static str,
        /// The kubelet's words for it.
        message: String,
    },
    /// A volume's source is not there yet, or does not fit.
    #[error("MountVolume.SetUp failed for volume \"{volume}\" : {why}")]
    Mount {
        /// The volume.
        volume: String,
        /// The fault of the source, in the kubelet's words.
        why: String,
    },
    /// An annotation's value cannot be used.
    #[error("annotation {key} is `{value}`, which is not {should}")]
    Annotation {
        /// The annotation.
        key: String,
        /// The annotation's value.
        value: String,
        /// A noun phrase for the values that can be used.
        should: String,
    },
    /// Something that this node can never do.
    #[error("{0}")]
    Unsupported(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_left_out_is_one_remark() {
        let other = Remark { reason: "InvalidEnvironmentVariableNames", message: "Keys".into() };
        let left_out = |text: &str| Remark::left_out(text.to_owned());
        let merged = merged(vec![left_out("a"), other.clone(), left_out("b"), left_out("a")]);
        assert_eq!(merged, [other, left_out("a; b")]);
    }

    #[test]
    fn a_message_that_would_be_too_long_ends_with_the_number_of_the_others() {
        let sentences: Vec<_> = (10..60).map(|n| format!("{n}{}", "x".repeat(40))).collect();
        let text = joined(&sentences);
        assert!(text.chars().count() <= MESSAGE_LIMIT, "{text}");
        let count = text.matches("xx;").count();
        assert!(text.ends_with(&format!("; and {} more", 50 - count)), "{text}");
    }
}
