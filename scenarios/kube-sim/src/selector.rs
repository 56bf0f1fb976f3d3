//! Label and field selectors of requests.

use serde_json::Value;

use crate::kinds::Kind;
use crate::object::field::{name, namespace, number, text};
use crate::status::ApiError;

/// Both selectors of a request; the empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldRequirement {
    path: String,
    equal: bool,
    value: String,
}

impl Selector {
    /// Reads both selectors for objects of `kind`.
    ///
    /// # Errors
    /// 400 when one cannot be read or names a field that does not select.
    pub fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Self, ApiError> {
        Ok(Self { labels: parse_labels(labels)?, fields: parse_fields(kind, fields)? })
    }

    /// True when the selector matches everything.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// True when both selectors match the object.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        self.labels.iter().all(|r| r.holds(label(&r.key))) && self.fields.iter().all(|f| f.holds(object))
    }
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.rule {
            Rule::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
            Rule::NotIn(values) => value.is_none_or(|v| values.iter().all(|w| w != v)),
            Rule::Exists => value.is_some(),
            Rule::Absent => value.is_none(),
            Rule::Above(than) => number().is_some_and(|n| n > *than),
            Rule::Below(than) => number().is_some_and(|n| n < *than),
        }
    }
}

impl FieldRequirement {
    fn holds(&self, object: &Value) -> bool {
        (self.field(object) == self.value) == self.equal
    }

    fn field(&self, object: &Value) -> String {
        match self.path.as_str() {
            "metadata.name" => name(object).to_owned(),
            "metadata.namespace" => namespace(object).to_owned(),
            "source" => match text(object, "/source/component") {
                "" => text(object, "/reportingComponent").to_owned(),
                component => component.to_owned(),
            },
            "reportingController" => text(object, "/reportingComponent").to_owned(),
            "status.podIPs" => text(object, "/status/podIPs/0/ip").to_owned(),
            "status.successful" => number(object, "/status/succeeded").unwrap_or(0).to_string(),
            path => {
                // Events are stored in the core's words.
                let path = path.replacen("regarding.", "involvedObject.", 1);
                match object.pointer(&format!("/{}", path.replace('.', "/"))) {
                    Some(Value::String(text)) => text.clone(),
                    Some(other) if !other.is_null() => other.to_string(),
                    _ => absent_value(&path).to_owned(),
                }
            }
        }
    }
}

/// The value of an absent field.
fn absent_value(path: &str) -> &'static str {
    match path {
        "spec.unschedulable" | "spec.hostNetwork" => "false",
        "status.replicas" => "0",
        _ => "",
    }
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, ApiError> {
    split_outside_parentheses(text).into_iter().map(|part| parse_label(part.trim())).collect()
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        parts.push(&text[from..]);
    }
    parts
}

/// A comma after which nothing comes.
fn wrong_end() -> ApiError {
    ApiError::bad_request("found '', expected: identifier after ','")
}

fn parse_label(part: &str) -> Result<Requirement, ApiError> {
    let wrong = |why: String| ApiError::bad_request(format!("unable to parse requirement: {why}"));
    let made = |key: &str, rule| {
        let key = key.trim();
        match crate::object::names::qualified(key).first() {
            Some(why) => Err(wrong(format!("<nil>: Invalid value: {key:?}: {why}"))),
            None => Ok(Requirement { key: key.to_owned(), rule }),
        }
    };
    if part.is_empty() {
        return Err(wrong_end());
    }
    if let Some(key) = part.strip_prefix('!').filter(|rest| !rest.starts_with('=')) {
        return made(key, Rule::Absent);
    }
    if let Some(open) = part.find('(') {
        let head: Vec<_> = part[..open].split_whitespace().collect();
        let values = part[open + 1..]
            .strip_suffix(')')
            .ok_or_else(|| wrong(format!("found '', expected: ',' or ')' in {part:?}")))?;
        let values = values.split(',').map(|v| v.trim().to_owned()).collect();
        return match head.as_slice() {
            [key, "in"] => made(key, Rule::In(values)),
            [key, "notin"] => made(key, Rule::NotIn(values)),
            _ => Err(wrong(format!("found '{part}', expected: in, notin, =, ==, !=, gt, lt"))),
        };
    }
    for (sign, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = part.split_once(sign) {
            let value = value.trim();
            if let Some(why) = crate::object::names::label_value(value).first() {
                return Err(wrong(format!("values[0][{}]: Invalid value: {value:?}: {why}", key.trim())));
            }
            let values = vec![value.to_owned()];
            return made(key, if equal { Rule::In(values) } else { Rule::NotIn(values) });
        }
    }
    for (sign, above) in [(">", true), ("<", false)] {
        if let Some((key, value)) = part.split_once(sign) {
            let number = value.trim().parse().map_err(|_| {
                wrong(format!("for 'Gt', 'Lt' operators, the value must be an integer: {value:?}"))
            })?;
            return made(key, if above { Rule::Above(number) } else { Rule::Below(number) });
        }
    }
    let mut after_the_key = part.split_whitespace().skip(1);
    match after_the_key.next() {
        None => made(part, Rule::Exists),
        Some("in" | "notin") => {
            let found = after_the_key.next().unwrap_or_default();
            Err(wrong(format!("found '{found}' expected: '('")))
        }
        Some(other) => Err(wrong(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"))),
    }
}

fn parse_fields(kind: &Kind, text: &str) -> Result<Vec<FieldRequirement>, ApiError> {
    let mut all = Vec::new();
    for part in unescaped_parts(text) {
        let (path, equal, value) = if let Some((path, value)) = part.split_once("!=") {
            (path, false, value)
        } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            (path, true, value)
        } else {
            return Err(ApiError::bad_request(format!(
                "invalid selector: '{text}'; can't understand '{part}'"
            )));
        };
        let path = path.trim();
        let known = matches!(path, "metadata.name" | "metadata.namespace") || kind.selectable.contains(&path);
        if !known && kind.selectable.is_empty() {
            let message = format!(
                "{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            );
            return Err(ApiError::bad_request(message));
        }
        if !known {
            return Err(ApiError::bad_request(format!("field label not supported: {path}")));
        }
        let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
        all.push(FieldRequirement { path: path.to_owned(), equal, value });
    }
    Ok(all)
}

/// Splits at commas that no backslash escapes.
fn unescaped_parts(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == ',' && !escaped {
            parts.push(&text[from..at]);
            from = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[from..]);
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pods() -> &'static Kind {
        crate::kinds::find("", "pods").unwrap()
    }

    #[test]
    fn label_selectors_select() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "3"}}});
        for (selector, wanted) in [
            ("app=web", true),
            ("app==web,tier=3", true),
            ("app!=web", false),
            ("color!=red", true),
            ("app in (db, web)", true),
            ("app notin (db,web)", false),
            ("app", true),
            ("!app", false),
            ("tier>2", true),
            ("tier<3", false),
            ("", true),
        ] {
            assert_eq!(Selector::parse(pods(), selector, "").unwrap().matches(&pod), wanted, "{selector}");
        }
    }

    #[test]
    fn a_key_is_followed_by_an_operator_and_in_by_parentheses() {
        for (selector, wanted) in [
            ("app in", "unable to parse requirement: found '' expected: '('"),
            ("app notin web", "unable to parse requirement: found 'web' expected: '('"),
            ("app web", "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt"),
        ] {
            assert_eq!(Selector::parse(pods(), selector, "").unwrap_err().message, wanted, "{selector}");
        }
    }

    #[test]
    fn field_selectors_select() {
        let pod =
            json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running"}});
        for (selector, wanted) in [
            ("spec.nodeName=n", true),
            ("spec.nodeName=n,status.phase!=Failed", true),
            ("metadata.name=b", false),
            ("status.phase!=Running", false),
        ] {
            assert_eq!(Selector::parse(pods(), "", selector).unwrap().matches(&pod), wanted, "{selector}");
        }
    }

    #[test]
    fn an_event_is_selected_in_the_words_of_either_group() {
        let event = json!({"involvedObject": {"name": "web"}, "reportingComponent": "scheduler"});
        for (group, selector, wanted) in [
            ("", "involvedObject.name=web,source=scheduler", true),
            ("events.k8s.io", "regarding.name=web,reportingController=scheduler", true),
            ("events.k8s.io", "regarding.name=other", false),
        ] {
            let kind = crate::kinds::find(group, "events").unwrap();
            assert_eq!(Selector::parse(kind, "", selector).unwrap().matches(&event), wanted, "{selector}");
        }
    }

    #[test]
    fn a_field_that_does_not_select_is_told() {
        let error = Selector::parse(pods(), "", "spec.foo=1").unwrap_err();
        assert_eq!(error.message, "field label not supported: spec.foo");
    }
}
