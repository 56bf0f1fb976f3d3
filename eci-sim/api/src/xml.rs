//! A reply as the XML that `Format=XML` asks for: each element of a list repeats the list's own name.

use std::borrow::Cow;

use serde_json::Value;

/// Writes `reply` under a root of this name, as `DescribeRegionsResponse` or `Error`.
pub fn render(root: &str, reply: &Value) -> String {
    let mut out = String::from("<?xml version='1.0' encoding='UTF-8'?>");
    element(root, reply, &mut out);
    out
}

fn element(name: &str, value: &Value, out: &mut String) {
    let name = &tag(name);
    match value {
        Value::Array(items) => items.iter().for_each(|item| element(name, item, out)),
        Value::Null => out.push_str(&format!("<{name}/>")),
        Value::String(text) if text.is_empty() => out.push_str(&format!("<{name}/>")),
        Value::Object(members) => {
            out.push_str(&format!("<{name}>"));
            members.iter().for_each(|(key, value)| element(key, value, out));
            out.push_str(&format!("</{name}>"));
        }
        Value::String(text) => out.push_str(&format!("<{name}>{}</{name}>", escape(text))),
        Value::Bool(_) | Value::Number(_) => out.push_str(&format!("<{name}>{value}</{name}>")),
    }
}

/// A name that XML allows: a map's keys come from users, and may hold anything.
fn tag(name: &str) -> Cow<'_, str> {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let may_begin = |c: char| c.is_ascii_alphabetic() || c == '_';
    if name.starts_with(may_begin) && name.chars().all(may_stand) {
        return Cow::Borrowed(name);
    }
    let mut tag: String = name.chars().map(|c| if may_stand(c) { c } else { '_' }).collect();
    if !tag.starts_with(may_begin) {
        tag.insert(0, '_');
    }
    Cow::Owned(tag)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(c),
            // characters that XML 1.0 cannot hold at all
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_repeats_its_name_and_an_unset_text_is_an_empty_element() {
        let reply = serde_json::json!({"ContainerGroups": [{"Name": "a<b"}, {"Name": ""}]});
        let wanted = "<?xml version='1.0' encoding='UTF-8'?><R><ContainerGroups><Name>a&lt;b</Name></ContainerGroups>\
                      <ContainerGroups><Name/></ContainerGroups></R>";
        assert_eq!(render("R", &reply), wanted);
    }

    #[test]
    fn a_key_that_is_no_name_becomes_one() {
        let reply = serde_json::json!({"Options": {"a/b <c>": "x", "3": true, "": null}});
        let inside = "<a_b__c_>x</a_b__c_><_3>true</_3><_/>";
        assert!(render("R", &reply).contains(inside), "{}", render("R", &reply));
    }
}
