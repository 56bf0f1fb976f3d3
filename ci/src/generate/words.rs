//! Names in Rust for the names of the wire.

/// A struct's name from the field that holds it: one name for the probes, one for the states.
pub fn type_name(parent: &str, wire: &str) -> String {
    let word = match wire {
        "LivenessProbe" | "ReadinessProbe" | "StartupProbe" => "Probe",
        "CurrentState" | "PreviousState" => "ContainerState",
        "Option" => "DnsOption", // the prelude has the other word
        other => other,
    };
    let mut letters = word.chars();
    let word: String = letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect();
    if word == parent { format!("{word}Item") } else { word }
}

/// Name of an item from that of its list.
pub fn singular(word: &str) -> String {
    for (plural, single) in
        [("Caches", "Cache"), ("ies", "y"), ("Statuses", "Status"), ("Addresses", "Address")]
    {
        if let Some(stem) = word.strip_suffix(plural) {
            return format!("{stem}{single}");
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// Name of a field in snake case, with `vswitch` as one word.
pub fn rust_name(wire: &str) -> String {
    snake(&wire.replace("VSwitch", "Vswitch"))
}

/// Word in snake case: `NFSVolume` → `nfs_volume`, `ContainerGroupId` → `container_group_id`, `TTY` → `tty`.
pub fn snake(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::new();
    for (i, c) in letters.iter().enumerate() {
        let after_small = i > 0 && (letters[i - 1].is_ascii_lowercase() || letters[i - 1].is_ascii_digit());
        let before_small = i > 0
            && letters[i - 1].is_ascii_uppercase()
            && letters.get(i + 1).is_some_and(|n| n.is_ascii_lowercase());
        if c.is_ascii_uppercase() && (after_small || before_small) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Name that serde's `PascalCase` makes of a Rust field name.
pub fn pascal(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        })
        .collect()
}

/// Name of a struct's field in Rust.
pub fn member(wire: &str) -> String {
    match rust_name(wire) {
        name if name == "type" => "type_".to_owned(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_become_rust_names() {
        for (wire, rust) in [
            ("ContainerGroupId", "container_group_id"),
            ("VSwitchId", "vswitch_id"),
            ("NFSVolume", "nfs_volume"),
            ("TTY", "tty"),
            ("Ipv6AddressCount", "ipv6_address_count"),
            ("involvedObject", "involved_object"),
        ] {
            assert_eq!(rust_name(wire), rust);
        }
    }
}
