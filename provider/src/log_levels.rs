//! The levels of the log, which can be changed while the program runs, as `PUT /debug/flags/v` of a kubelet does.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

/// Exchanges the levels of this process's log; false when there is no log any more.
type Reload = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

static RELOAD: OnceLock<Reload> = OnceLock::new();

/// Errors of levels that cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// A text that names no levels.
    #[error(
        "the levels should be a number from 0 to 10, as klog has them, or text as of RUST_LOG, as `info,provider=debug`"
    )]
    Unreadable,
    /// A process whose log is not this program's.
    #[error("the log of this process is kept by whoever runs the node in it; set its levels there")]
    NotOurs,
}

/// Lets the levels be set by `reload` from now on; the first one counts.
pub fn install(reload: impl Fn(EnvFilter) -> bool + Send + Sync + 'static) {
    drop(RELOAD.set(Box::new(reload)));
}

/// Sets the levels of this process's log.
///
/// # Errors
/// [`LevelError`].
pub fn set(text: &str) -> Result<(), LevelError> {
    let levels = EnvFilter::try_new(read(text)?).map_err(|_| LevelError::Unreadable)?;
    let reload = RELOAD.get().ok_or(LevelError::NotOurs)?;
    if reload(levels) { Ok(()) } else { Err(LevelError::NotOurs) }
}

/// The levels as `RUST_LOG` would have them: of klog's numbers, 0 to 3 are info, up to 5 debug, and trace above.
fn read(text: &str) -> Result<&str, LevelError> {
    match text.trim() {
        "" => Err(LevelError::Unreadable),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.parse() {
            Ok(0..=3) => Ok("info"),
            Ok(4..=5) => Ok("debug"),
            Ok(6..=10) => Ok("trace"),
            Ok(_) | Err(_) => Err(LevelError::Unreadable),
        },
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_a_number_of_klog_or_text_as_of_the_environment() {
        for (text, levels) in [
            ("2\n", Ok("info")),
            ("4", Ok("debug")),
            ("10", Ok("trace")),
            ("info,provider=debug", Ok("info,provider=debug")),
            ("11", Err(LevelError::Unreadable)),
            (" ", Err(LevelError::Unreadable)),
        ] {
            assert_eq!(read(text), levels, "{text:?}");
        }
        assert_eq!(set("provider=loud"), Err(LevelError::Unreadable));
        assert_eq!(set("4"), Err(LevelError::NotOurs), "nobody let them be set");
    }
}
