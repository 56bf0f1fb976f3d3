//! Redirects of what is proxied, so that they lead through the proxy again.

/// A `Location` as the caller can follow it: `own` is the other side's host and port, `asked` the host that the caller
/// asked, `prefix` the path up to the word `proxy`. One that is relative, or leads to another host, stays.
pub fn through_proxy(location: &str, own: &str, asked: &str, prefix: &str) -> String {
    let (origin, path) = match location.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            if host != own && host != asked {
                return location.to_owned();
            }
            (if host == asked { format!("{scheme}://{host}") } else { String::new() }, path)
        }
        None => (String::new(), location),
    };
    if !path.starts_with('/') || path.starts_with("//") {
        return location.to_owned();
    }
    let prefix = if path.starts_with(prefix) { "" } else { prefix };
    format!("{origin}{prefix}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_of_the_other_side_leads_through_the_proxy_again() {
        for (location, seen) in [
            ("/runningpods/", "/p/proxy/runningpods/"),
            ("/a?b=/c#d", "/p/proxy/a?b=/c#d"),
            ("https://10.0.0.1:10250/a", "/p/proxy/a"),
            ("https://api:6443/a", "https://api:6443/p/proxy/a"),
            ("/p/proxy/a", "/p/proxy/a"),
            ("a/b", "a/b"),
            ("//elsewhere/a", "//elsewhere/a"),
            ("https://elsewhere/a", "https://elsewhere/a"),
            ("https://10.0.0.1:10250", "https://10.0.0.1:10250"),
        ] {
            assert_eq!(through_proxy(location, "10.0.0.1:10250", "api:6443", "/p/proxy"), seen, "{location}");
        }
    }
}
