//! Commands that ask ports: `nc -z`, `getent hosts`, the pings of known servers' own clients, and those that fetch pages.
//!
//! Known are the ports of the container's group: by `localhost`, by its address, and by names in `/etc/hosts` that stand
//! for these. Other hosts, and names that only a DNS knows, are not played.

use crate::script::files::PortReply;
use crate::script::shell::play::Play;

impl Play {
    /// Exit code of a command that asks a port; the inner `None` for another command, the outer one for what is not
    /// played.
    pub(super) fn client(&mut self, name: &str, words: &[&str]) -> Option<Option<i32>> {
        Some(Some(match name {
            "wget" => self.wget(words)?,
            "curl" => self.curl(words)?,
            "nc" | "ncat" | "netcat" if only_connects(words) => self.connects(name, words)?,
            "getent" if words.first() == Some(&"hosts") => self.hosts(words)?,
            "redis-cli" | "valkey-cli" | "pg_isready" | "mysqladmin" | "mariadb-admin" => {
                self.ping(name, words)?
            }
            _ => return Some(None),
        }))
    }

    /// What a request finds; `None` for what is not played, which `what` names.
    pub(super) fn ask(
        &mut self,
        (host, port): (&str, u16),
        path: Option<&str>,
        what: &str,
    ) -> Option<PortReply> {
        if !self.is_own_host(host) {
            return self.give_up(format!("{what}, which asks the host {host}"));
        }
        let found = self.file(|space| Ok(space.ask_port(port, path))).unwrap_or(PortReply::Refused);
        match found {
            PortReply::Unknown(_) => self.give_up(format!("{what}, which asks port {port}")),
            found => Some(found),
        }
    }

    /// The address of a name in `/etc/hosts`.
    fn in_hosts(&mut self, name: &str) -> Option<String> {
        let hosts = self.file(|space| space.read("/etc/hosts")).ok()?;
        let hosts = String::from_utf8_lossy(&hosts).into_owned();
        let mut lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
        lines.find_map(|line| {
            let mut words = line.split_whitespace();
            let address = words.next()?;
            words.any(|own| own == name).then(|| address.to_owned())
        })
    }

    /// True if a host is the container's own group.
    fn is_own_host(&mut self, host: &str) -> bool {
        let address = self.in_hosts(host).unwrap_or_else(|| host.to_owned());
        address == "localhost"
            || address.starts_with("127.")
            || matches!(address.as_str(), "::1" | "0.0.0.0")
            || address == self.space.address()
    }

    fn hosts(&mut self, words: &[&str]) -> Option<i32> {
        let name = words.get(1).copied().unwrap_or_default();
        match self.in_hosts(name) {
            Some(address) => {
                self.write(&format!("{address}  {name}\n"));
                Some(0)
            }
            None => self.give_up(format!("getent {}", words.join(" "))),
        }
    }

    /// The address of a host of the group, as a program shows it.
    pub(super) fn shown(&self, host: &str) -> String {
        if host.starts_with(|c: char| c.is_ascii_digit()) { host.to_owned() } else { "127.0.0.1".to_owned() }
    }

    /// `nc -z host port`: whether a connection is accepted.
    fn connects(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        let what = format!("{name} {}", words.join(" "));
        let (mut plain, mut is_told) = (Vec::new(), false);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.strip_prefix('-') {
                Some(flags) if flags.chars().all(|flag| "zvnw46".contains(flag)) => {
                    is_told |= flags.contains('v');
                    if flags.ends_with('w') {
                        let _seconds = rest.next();
                    }
                }
                Some(flags) if flags.starts_with('w') => {}
                Some(_) => return self.give_up(what),
                None => plain.push(*word),
            }
        }
        let [host, port] = plain.as_slice() else { return self.give_up(what) };
        let Ok(port) = port.parse() else { return self.give_up(what) };
        let found = self.ask((host, port), None, &what)?;
        let shown = self.shown(host);
        match found {
            PortReply::Refused => {
                if is_told {
                    self.complain(&format!("nc: {host} ({shown}:{port}): Connection refused"));
                }
                Some(1)
            }
            _ => {
                if is_told {
                    self.complain(&format!("{host} ({shown}:{port}) open"));
                }
                Some(0)
            }
        }
    }

    /// The ping of a known server's client: whether the server accepts a connection.
    fn ping(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        let what = format!("{name} {}", words.join(" "));
        let (port_flag, usual, refused) = match name {
            "redis-cli" | "valkey-cli" => ('p', 6379, 1),
            "pg_isready" => ('p', 5432, 2),
            _ => ('P', 3306, 1),
        };
        let (mut host, mut port, mut is_ping) = ("localhost", Some(usual), name == "pg_isready");
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let flag = word.strip_prefix('-').and_then(|own| own.chars().next());
            let inline = word.get(2..).filter(|own| !own.is_empty());
            match (flag, *word) {
                (None, "ping") => is_ping = true,
                (Some('-'), "--no-auth-warning" | "--quiet" | "--silent") => {}
                (Some('h'), _) => host = inline.or_else(|| rest.next().copied()).unwrap_or(host),
                (Some(own), _) if own == port_flag => {
                    port = inline.or_else(|| rest.next().copied()).and_then(|port| port.parse().ok());
                }
                (Some('a' | 'U' | 'd' | 't'), _) if port_flag == 'p' => {
                    if inline.is_none() {
                        let _value = rest.next();
                    }
                }
                (Some('q' | 's'), _) => {}
                // of MySQL's, a user and a password in the same word
                (Some('u' | 'p'), _) if port_flag == 'P' => {
                    if inline.is_none() && flag == Some('u') {
                        let _user = rest.next();
                    }
                }
                _ => return self.give_up(what),
            }
        }
        let Some(port) = port.filter(|_| is_ping) else { return self.give_up(what) };
        let is_served = self.ask((host, port), None, &what)? != PortReply::Refused;
        let (well, not) = match name {
            "redis-cli" | "valkey-cli" => (
                "PONG".to_owned(),
                format!("Could not connect to Redis at {host}:{port}: Connection refused"),
            ),
            "pg_isready" => {
                (format!("{host}:{port} - accepting connections"), format!("{host}:{port} - no response"))
            }
            _ => ("mysqld is alive".to_owned(), format!("{name}: connect to server at '{host}' failed")),
        };
        self.write(&format!("{}\n", if is_served { well } else { not }));
        Some(if is_served { 0 } else { refused })
    }
}

/// True if `nc` only looks whether a connection is accepted.
fn only_connects(words: &[&str]) -> bool {
    let mut flags = words.iter().filter(|word| word.starts_with('-'));
    flags.any(|flags| flags.contains('z') && !flags.contains('l'))
}
