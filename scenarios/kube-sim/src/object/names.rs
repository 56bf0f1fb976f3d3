//! The API's rules for names, with the messages for names that break them.

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                     validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
                         '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used \
                         for validation is \
                         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
                         with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                         validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const QUALIFIED: &str = "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start \
                         and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex \
                         used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS \
                         subdomain prefix and '/' (e.g. 'example.com/MyName')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
                           '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or \
                           'my_value',  or '12345', regex used for validation is \
                           '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// Messages for a `name` that is no DNS label (containers, volumes, namespaces); empty for a valid one.
pub fn dns_label(name: &str) -> Vec<String> {
    let mut said = at_most(63, name);
    if !is_dns_label(name) {
        let is_subdomain = name.split('.').all(is_dns_label);
        said.push(if is_subdomain { "must not contain dots" } else { LABEL }.to_owned());
    }
    said
}

/// Messages for a `name` that is no DNS subdomain (most objects); empty for a valid one.
pub fn dns_subdomain(name: &str) -> Vec<String> {
    let mut said = at_most(253, name);
    if !name.split('.').all(is_dns_label) {
        said.push(SUBDOMAIN.to_owned());
    }
    said
}

/// Messages for a `name` that is no label key, resource or condition type (`[prefix/]name`); empty for a valid one.
pub fn qualified(name: &str) -> Vec<String> {
    let mut said = Vec::new();
    let parts: Vec<_> = name.split('/').collect();
    let own = match parts[..] {
        [own] => own,
        [prefix, own] => {
            if prefix.is_empty() {
                said.push("prefix part must be non-empty".to_owned());
            } else {
                said.extend(dns_subdomain(prefix).into_iter().map(|s| format!("prefix part {s}")));
            }
            own
        }
        _ => return vec![QUALIFIED.to_owned()],
    };
    if own.is_empty() {
        said.push("name part must be non-empty".to_owned());
    } else {
        said.extend(at_most(63, own).into_iter().map(|s| format!("name part {s}")));
    }
    if !is_loose_name(own) {
        said.push(NAME_PART.to_owned());
    }
    said
}

/// Messages for a `value` that is no label value; empty for a valid one.
pub fn label_value(value: &str) -> Vec<String> {
    let mut said = at_most(63, value);
    if !value.is_empty() && !is_loose_name(value) {
        said.push(LABEL_VALUE.to_owned());
    }
    said
}

/// Messages for a `name` that no environment variable can have; empty for a valid one.
pub fn variable(name: &str) -> Vec<String> {
    let printable = name.chars().all(|c| (' '..='~').contains(&c) && c != '=');
    if printable && !name.is_empty() {
        Vec::new()
    } else {
        vec!["a valid environment variable name must consist only of printable ASCII characters other than '='"
            .to_owned()]
    }
}

/// Messages for a `name` that no port can have; empty for a valid one.
pub fn port(name: &str) -> Vec<String> {
    let mut said = Vec::new();
    let mut unless = |fine: bool, why: &str| {
        if !fine {
            said.push(why.to_owned());
        }
    };
    unless(name.len() <= 15, "must be no more than 15 characters");
    unless(
        name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'),
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
    );
    unless(name.bytes().any(|c| c.is_ascii_lowercase()), "must contain at least one letter (a-z)");
    unless(!name.contains("--"), "must not contain consecutive hyphens");
    unless(!name.starts_with('-') && !name.ends_with('-'), "must not begin or end with a hyphen");
    said
}

fn at_most(most: usize, name: &str) -> Vec<String> {
    if name.len() > most { vec![format!("must be no more than {most} characters")] } else { Vec::new() }
}

fn is_dns_label(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.into_iter().all(|e| e.copied().is_some_and(inner)) && bytes.iter().all(|c| inner(*c) || *c == b'-')
}

fn is_loose_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.into_iter().all(|e| e.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_names_pass_and_these_do_not() {
        let long = "a".repeat(64);
        for (rule, name, fine) in [
            (dns_label as fn(&str) -> Vec<String>, "a-1", true),
            (dns_label, "A_b", false),
            (dns_label, "-a", false),
            (dns_label, "", false),
            (dns_label, &long, false),
            (dns_subdomain, "a.b-c.d", true),
            (dns_subdomain, "a..b", false),
            (dns_subdomain, "E_1", false),
            (qualified, "k8s.aliyun.com/eci-use-specs", true),
            (qualified, "a b", false),
            (qualified, "/a", false),
            (qualified, "a/b/c", false),
            (label_value, "", true),
            (label_value, "b c", false),
            (variable, "1A", true),
            (variable, "A=B", false),
            (port, "http", true),
            (port, "80", false),
            (port, "a--b", false),
            (port, "sixteen-letters-", false),
        ] {
            assert_eq!(rule(name).is_empty(), fine, "{name}: {:?}", rule(name));
        }
    }
}
