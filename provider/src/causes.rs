//! An error told whole: what it says, and what it comes from.

/// The error and each of its causes, in one sentence; what stands in it already is not said again.
///
/// ```
/// let error = std::io::Error::other("no route");
/// assert_eq!(provider::with_causes(&error), "no route");
/// ```
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the cloud cannot be reached")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Inner;

    #[derive(Debug, thiserror::Error)]
    #[error("failed: {0}")]
    struct Repeats(#[source] Inner);

    #[test]
    fn each_cause_is_told_once() {
        assert_eq!(with_causes(&Outer(Inner)), "the cloud cannot be reached: connection refused");
        assert_eq!(with_causes(&Repeats(Inner)), "failed: connection refused");
    }
}
