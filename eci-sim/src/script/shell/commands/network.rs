//! Servers: `nc -l`, `httpd`, Python's `http.server`, and the programs of known images.

use crate::script::files::Service;
use crate::script::images::{self, Setup};
use crate::script::shell::play::Play;

/// First arguments with which a server answers and ends.
const QUERIES: [&str; 10] =
    ["-t", "-T", "-v", "-V", "-h", "--version", "--help", "version", "validate", "configtest"];
/// Port of Python's server where none is told.
const PYTHON_PORT: u16 = 8000;

impl Play {
    /// A server, which runs for ever or answers in the background; any other program is not played.
    pub(super) fn server(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        let module = words.iter().position(|word| matches!(*word, "http.server" | "SimpleHTTPServer"));
        match module.filter(|at| *at > 0 && words.get(at - 1) == Some(&"-m")) {
            Some(at) if name.starts_with("python") => {
                return self.serve_files(name, words.get(at + 1..)?, FileServer::Python);
            }
            _ => {}
        }
        match name {
            "nc" | "ncat" | "netcat" if is_listening(words) => return self.listen(name, words),
            "httpd" if !words.iter().any(|word| word.starts_with("-D") || *word == "-k") => {
                return self.serve_files(name, words, FileServer::Busybox);
            }
            _ => {}
        }
        let Some(known) = images::of_program(name) else {
            return self.give_up(format!("{name} {}", words.join(" ")).trim_end());
        };
        if known.server && words.first().is_some_and(|word| QUERIES.contains(word)) {
            return self.give_up(format!("{name} {}", words.join(" ")));
        }
        if !known.log.is_empty() {
            self.write(&format!("{}\n", known.log));
        }
        let mounts: Vec<String> = self.space.mounted().map(str::to_owned).collect();
        let mounts: Vec<&str> = mounts.iter().map(String::as_str).collect();
        let env: Vec<(&str, &str)> =
            self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let services = known.services(words, Setup { owner: self.space.owner(), mounts: &mounts, env: &env });
        for (port, service) in services {
            self.serve(port, &service);
        }
        if known.server { None } else { Some(0) }
    }

    /// Serves at a port from now on.
    fn serve(&mut self, port: u16, service: &Service) {
        // where there is no room for one more, `file` has said so
        let _opened = self.file(|space| space.open_port(port, service));
    }

    /// `nc -l -p 8080`: the input to everybody who comes; it goes on listening, as with `-k`.
    fn listen(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        let told = words.iter().position(|word| word.starts_with('-') && word.ends_with('p'));
        let told = told.and_then(|at| words.get(at + 1));
        let port = told.or_else(|| words.iter().rev().find(|word| word.parse::<u16>().is_ok()));
        let Some(port) = port.and_then(|port| port.parse().ok()).filter(|port| *port > 0) else {
            return self.give_up(format!("{name} {}", words.join(" ")));
        };
        let runs_another = words.iter().any(|word| matches!(*word, "-e" | "-c" | "--exec" | "--sh-exec"));
        let input = self.input.is_some().then(|| self.input_bytes());
        let input = input.map(|bytes| self.settled(String::from_utf8_lossy(&bytes).into_owned()));
        let service = match input {
            _ if runs_another => Service::Unknown(format!("{name} {}", words.join(" "))),
            Some(input) => page(&input),
            None => Service::Stream,
        };
        self.serve(port, &service);
        None
    }

    /// The files of a directory over HTTP.
    fn serve_files(&mut self, name: &str, words: &[&str], server: FileServer) -> Option<i32> {
        let (mut port, mut root) = (None, None);
        let mut stays = server == FileServer::Python;
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match *word {
                "-p" => port = rest.next().copied(),
                "-d" | "--directory" | "-h" => root = rest.next().copied(),
                "-b" | "--bind" | "-u" | "-c" | "-r" => {
                    let _value = rest.next();
                }
                "-f" | "-vf" | "-fv" | "-fvv" => stays = true,
                word if word.starts_with("--directory=") => root = word.split_once('=').map(|(_, at)| at),
                word if word.starts_with("-p") => port = word.get(2..),
                word if word.starts_with('-') => {}
                word => port = Some(word),
            }
        }
        let usual = if server == FileServer::Python { PYTHON_PORT } else { 80 };
        // an address may stand before the port
        let told = port.map(|port| port.rsplit(':').next().unwrap_or(port).parse());
        let Some(port) = told.unwrap_or(Ok(usual)).ok().filter(|port| *port > 0) else {
            return self.give_up(format!("{name} {}", words.join(" ")));
        };
        let root = self.path(root.unwrap_or("."));
        let lists = server == FileServer::Python;
        self.serve(port, &Service::Files { root, lists, page: String::new() });
        if stays { None } else { Some(0) }
    }
}

/// A server of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileServer {
    /// Python's `http.server`, which lists directories.
    Python,
    /// busybox's `httpd`, which goes into the background without `-f`.
    Busybox,
}

/// True if `nc` waits for connections.
fn is_listening(words: &[&str]) -> bool {
    let flags = words.iter().filter(|word| word.starts_with('-') && !word.starts_with("--"));
    flags.into_iter().any(|flags| flags.contains('l')) || words.contains(&"--listen")
}

/// What a text answers to those who connect: a page, where it is an answer of HTTP.
fn page(text: &str) -> Service {
    let status = text.strip_prefix("HTTP/").and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
    let Some(status) = status else { return Service::Stream };
    let body = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n")).map(|(_, body)| body);
    Service::Page { status, body: body.unwrap_or_default().to_owned() }
}
