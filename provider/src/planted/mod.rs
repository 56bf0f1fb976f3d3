//! Faults planted into this crate, of which a build with the feature `planted-faults` turns one on at run time.
//!
//! `planted-faults.csv` lists them and says what each breaks; `cargo ci check mutants` says which of them the tests catch.
//! Without the feature nothing of this is compiled.

/// Whether the fault of this name is on; `false` without the feature.
#[cfg(feature = "planted-faults")]
macro_rules! planted {
    ($fault:ident) => {
        $crate::planted::is_on(stringify!($fault))
    };
}

/// Whether the fault of this name is on; `false` without the feature.
#[cfg(not(feature = "planted-faults"))]
macro_rules! planted {
    ($fault:ident) => {
        false
    };
}

#[cfg(feature = "planted-faults")]
pub mod decisions;
#[cfg(feature = "planted-faults")]
pub mod meanings;

/// Whether the environment variable `PLANTED_FAULT` names `fault`.
#[cfg(feature = "planted-faults")]
pub fn is_on(fault: &str) -> bool {
    static ON: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("PLANTED_FAULT").ok());
    ON.as_deref() == Some(fault)
}
