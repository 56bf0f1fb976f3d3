//! `wget` and `curl`: pages that are fetched.

use crate::script::files::PortReply;
use crate::script::shell::play::Play;

/// Words of the status of an answer of HTTP.
const REASONS: [(u16, &str); 10] = [
    (200, "OK"),
    (204, "No Content"),
    (301, "Moved Permanently"),
    (302, "Found"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (500, "Internal Server Error"),
    (503, "Service Unavailable"),
];

/// The parts of a URL of HTTP.
struct Url<'a> {
    host: &'a str,
    port: u16,
    path: &'a str,
}

/// A request as the words of a command say it.
#[derive(Default)]
struct Fetch<'a> {
    url: Option<&'a str>,
    /// File for the page; `-` for the output.
    output: Option<&'a str>,
    /// What `curl` writes at the end.
    format: Option<&'a str>,
    /// Flags of one letter.
    flags: String,
}

impl<'a> Url<'a> {
    /// Reads a URL; HTTP where it names no scheme. `None` for another scheme, and for a port that is none.
    fn read(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        if scheme != "http" {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let host = host.rsplit('@').next().unwrap_or(host);
        let (host, port) = match host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Some(80), |port| port.parse().ok())?;
        Some(Self { host, port, path: if path.is_empty() { "/" } else { path } })
    }
}

impl<'a> Fetch<'a> {
    /// Reads the words of `wget`; `None` for what is not played.
    fn of_wget(words: &[&'a str]) -> Option<Self> {
        const PASSED_BY: [&str; 5] = ["--timeout=", "--tries=", "--header=", "--no-check", "--no-verbose"];
        let mut fetch = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match *word {
                "--spider" => fetch.flags.push('s'),
                "--quiet" => fetch.flags.push('q'),
                "-T" | "-t" | "-U" | "--header" | "--timeout" | "--tries" => {
                    let _value = rest.next();
                }
                word if word.starts_with("--output-document=") => {
                    fetch.output = word.split_once('=').map(|(_, file)| file);
                }
                word if PASSED_BY.iter().any(|known| word.starts_with(known)) => {}
                word if word.starts_with("--") => return None,
                word if word.starts_with('-') => {
                    let (flags, file) =
                        word.split_once('O').map_or((word, None), |(flags, file)| (flags, Some(file)));
                    let flags = flags.get(1..).unwrap_or_default();
                    if flags.chars().any(|flag| !"qSnvcF46".contains(flag)) {
                        return None;
                    }
                    fetch.flags.extend(flags.chars().filter(|flag| *flag == 'q'));
                    fetch.output = match file {
                        Some("") => rest.next().copied(),
                        own => own.or(fetch.output),
                    };
                }
                word => fetch.url = Some(word),
            }
        }
        Some(fetch)
    }

    /// Reads the words of `curl`; `None` for what is not played.
    fn of_curl(words: &[&'a str]) -> Option<Self> {
        const LONG: [(&str, char); 4] =
            [("--fail", 'f'), ("--silent", 's'), ("--show-error", 'S'), ("--head", 'I')];
        let mut fetch = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match *word {
                "--output" => fetch.output = rest.next().copied(),
                "--write-out" => fetch.format = rest.next().copied(),
                "--location" | "--insecure" | "--verbose" | "--compressed" => {}
                "--max-time" | "--connect-timeout" | "--header" | "--user-agent" | "--user" => {
                    let _value = rest.next();
                }
                "--request" | "-X" if rest.next() == Some(&"GET") => {}
                word if word.starts_with("--") => {
                    let (_, flag) = LONG.iter().find(|(own, _)| *own == word)?;
                    fetch.flags.push(*flag);
                }
                word if word.len() > 1 && word.starts_with('-') => {
                    let own = word.get(1..).unwrap_or_default();
                    let valued = own.chars().last().filter(|last| "omwHAu".contains(*last));
                    let plain = own.strip_suffix(|last: char| valued == Some(last)).unwrap_or(own);
                    if plain.chars().any(|flag| !"sSfIiLkvg46".contains(flag)) {
                        return None;
                    }
                    fetch.flags.push_str(plain);
                    match valued {
                        Some('o') => fetch.output = rest.next().copied(),
                        Some('w') => fetch.format = rest.next().copied(),
                        Some(_) => {
                            let _value = rest.next();
                        }
                        None => {}
                    }
                }
                word => fetch.url = Some(word),
            }
        }
        let format = fetch.format.unwrap_or_default().replace("%{http_code}", "");
        Some(fetch).filter(|_| !format.contains("%{"))
    }
}

impl Play {
    /// Exit code of `wget`; `None` for what is not played.
    pub(super) fn wget(&mut self, words: &[&str]) -> Option<i32> {
        let what = format!("wget {}", words.join(" "));
        let fetch = Fetch::of_wget(words).and_then(|fetch| Some((Url::read(fetch.url?)?, fetch)));
        let Some((url, fetch)) = fetch else { return self.give_up(what) };
        let Url { host, port, path } = url;
        let reply = self.ask((host, port), Some(path), &what)?;
        let shown = self.shown(host);
        if !fetch.flags.contains('q') {
            self.complain(&format!("Connecting to {host}:{port} ({shown}:{port})"));
        }
        let failure = match reply {
            PortReply::Page(200..400, _) if fetch.flags.contains('s') => return Some(0),
            PortReply::Page(200..400, body) => {
                let base = path.split('?').next().and_then(|path| path.rsplit('/').next());
                let base = base.filter(|base| !base.is_empty()).unwrap_or("index.html");
                return Some(self.save("wget", fetch.output.unwrap_or(base), &body));
            }
            PortReply::Page(status, _) => {
                format!("server returned error: HTTP/1.1 {status} {}", reason(status))
            }
            PortReply::Stream => "error getting response: Connection reset by peer".to_owned(),
            PortReply::Refused | PortReply::Unknown(_) => {
                format!("can't connect to remote host ({shown}): Connection refused")
            }
        };
        self.complain(&format!("wget: {failure}"));
        Some(1)
    }

    /// Exit code of `curl`; `None` for what is not played.
    pub(super) fn curl(&mut self, words: &[&str]) -> Option<i32> {
        let what = format!("curl {}", words.join(" "));
        let fetch = Fetch::of_curl(words).and_then(|fetch| Some((Url::read(fetch.url?)?, fetch)));
        let Some((url, fetch)) = fetch else { return self.give_up(what) };
        let has = |flag: char| fetch.flags.contains(flag);
        let Url { host, port, path } = url;
        let (status, body, failure) = match self.ask((host, port), Some(path), &what)? {
            PortReply::Page(status, _) if status >= 400 && has('f') => {
                (status, None, Some((22, format!("The requested URL returned error: {status}"))))
            }
            PortReply::Page(status, body) => (status, Some(body), None),
            PortReply::Stream => (0, None, Some((1, "Received HTTP/0.9 when not allowed".to_owned()))),
            PortReply::Refused | PortReply::Unknown(_) => {
                let why = format!(
                    "Failed to connect to {host} port {port} after 0 ms: Could not connect to server"
                );
                (0, None, Some((7, why)))
            }
        };
        if let Some(body) = body {
            let head = format!("HTTP/1.1 {status} {}\r\n\r\n", reason(status));
            let shown = match (has('I'), has('i')) {
                (true, _) => head.into_bytes(),
                (_, true) => [head.as_bytes(), &body].concat(),
                _ => body,
            };
            let _saved = self.save("curl", fetch.output.unwrap_or("-"), &shown);
        }
        if let Some(format) = fetch.format {
            self.write(&super::escaped(&format.replace("%{http_code}", &format!("{status:03}"))));
        }
        let Some((code, why)) = failure else { return Some(0) };
        if !has('s') || has('S') {
            self.complain(&format!("curl: ({code}) {why}"));
        }
        Some(code)
    }

    /// Writes what was fetched to a file, or to the output for `-`.
    fn save(&mut self, name: &str, file: &str, body: &[u8]) -> i32 {
        if matches!(file, "-" | "/dev/stdout") {
            self.write_bytes(body);
            return 0;
        }
        let path = self.path(file);
        match self.file(|space| space.write(&path, body, false)) {
            Ok(()) => 0,
            Err(why) => {
                self.complain(&format!("{name}: can't open '{file}': {why}"));
                1
            }
        }
    }
}

fn reason(status: u16) -> &'static str {
    REASONS.iter().find(|(own, _)| *own == status).map_or("", |(_, reason)| reason)
}
