//! Validation errors of fields, with the API's own texts.

use serde_json::Value;

/// A field whose value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as in `spec.containers[0].image`.
    pub field: String,
    /// The rule that the field breaks.
    pub kind: FieldErrorKind,
}

/// The rule that a field breaks, and its details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// The field must be set; the text says why, and may be empty.
    Required(String),
    /// The value, as shown, breaks a rule.
    Invalid(String, String),
    /// The value, as shown, is none of those listed.
    Unsupported(String, Vec<String>),
    /// The value, as shown, is there already.
    Duplicate(String),
    /// The value, as shown, names what is not there.
    NotFound(String),
    /// The field may not be set or changed.
    Forbidden(String),
    /// The value has more than this many bytes.
    TooLong(usize),
}

impl FieldErrorKind {
    /// Machine-readable reason, as it stands in a Status' causes.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Required(_) => "FieldValueRequired",
            Self::Invalid(..) => "FieldValueInvalid",
            Self::Unsupported(..) => "FieldValueNotSupported",
            Self::Duplicate(_) => "FieldValueDuplicate",
            Self::NotFound(_) => "FieldValueNotFound",
            Self::Forbidden(_) => "FieldValueForbidden",
            Self::TooLong(_) => "FieldValueTooLong",
        }
    }
}

impl std::fmt::Display for FieldErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Required(why) if why.is_empty() => f.write_str("Required value"),
            Self::Required(why) => write!(f, "Required value: {why}"),
            Self::Invalid(value, why) => write!(f, "Invalid value: {value}: {why}"),
            Self::Unsupported(value, supported) => {
                let list: Vec<_> = supported.iter().map(|s| format!("\"{s}\"")).collect();
                write!(f, "Unsupported value: {value}: supported values: {}", list.join(", "))
            }
            Self::Duplicate(value) => write!(f, "Duplicate value: {value}"),
            Self::NotFound(value) => write!(f, "Not found: {value}"),
            Self::Forbidden(why) => write!(f, "Forbidden: {why}"),
            Self::TooLong(most) => write!(f, "Too long: may not be more than {most} bytes"),
        }
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.kind)
    }
}

/// The errors found in an object.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// Adds an error of `field`.
    pub fn push(&mut self, field: impl Into<String>, kind: FieldErrorKind) {
        self.0.push(FieldError { field: field.into(), kind });
    }

    /// `field` must be set.
    pub fn required(&mut self, field: impl Into<String>, why: &str) {
        self.push(field, FieldErrorKind::Required(why.to_owned()));
    }

    /// `field` may not be `value`.
    pub fn invalid(&mut self, field: impl Into<String>, value: impl JsonText, why: impl Into<String>) {
        self.push(field, FieldErrorKind::Invalid(value.json_text(), why.into()));
    }

    /// `field` may not be set or changed.
    pub fn forbidden(&mut self, field: impl Into<String>, why: &str) {
        self.push(field, FieldErrorKind::Forbidden(why.to_owned()));
    }

    /// `field` has a value that is there already.
    pub fn duplicate(&mut self, field: impl Into<String>, value: impl JsonText) {
        self.push(field, FieldErrorKind::Duplicate(value.json_text()));
    }

    /// `field` must be one of `supported`.
    pub fn one_of(&mut self, field: impl Into<String>, value: &str, supported: &[&str]) {
        if !supported.contains(&value) {
            let supported = supported.iter().map(|s| (*s).to_owned()).collect();
            self.push(field, FieldErrorKind::Unsupported(value.json_text(), supported));
        }
    }

    /// `value` must pass `rule`, which returns what it breaks.
    pub fn rule(&mut self, field: impl Into<String>, value: &str, rule: impl FnOnce(&str) -> Vec<String>) {
        let field = field.into();
        for why in rule(value) {
            self.invalid(field.clone(), value, why);
        }
    }
}

/// A value that can stand in an error's text.
pub trait JsonText {
    /// The value as JSON: text quoted, numbers plain.
    fn json_text(&self) -> String;
}

impl JsonText for &str {
    fn json_text(&self) -> String {
        Value::from(*self).to_string()
    }
}

impl JsonText for i64 {
    fn json_text(&self) -> String {
        self.to_string()
    }
}

impl JsonText for &Value {
    fn json_text(&self) -> String {
        match self {
            Value::Null => "null".to_owned(),
            other => other.to_string(),
        }
    }
}
