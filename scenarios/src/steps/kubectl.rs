//! `kubectl: -n vk get pods`: the real kubectl, over HTTPS, where it is installed.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::outcome::{Miss, ProgramOutput};
use crate::scenario::error::CaseError;
use crate::stage::World;

/// Runs the real kubectl.
#[derive(Debug, Clone)]
pub struct Kubectl {
    pub(super) words: Vec<String>,
    typed: String,
    pub(super) prints: Vec<String>,
    fails: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Fields {
    /// The words after `kubectl`.
    command: String,
    /// Parts of what it prints.
    #[serde(default)]
    prints: Vec<String>,
    /// True for a command that is to fail.
    #[serde(default)]
    fails: bool,
}

impl TryFrom<Fields> for Kubectl {
    type Error = CaseError;

    fn try_from(fields: Fields) -> Result<Self, CaseError> {
        let words = words(&fields.command)?;
        if fields.prints.iter().any(String::is_empty) {
            return Err(CaseError::EmptyText("prints"));
        }
        if fields.fails && fields.prints.is_empty() {
            let lacking =
                "`prints`, a part of what kubectl says then; a slip in the command makes it fail, too";
            return Err(CaseError::Lacks { holder: "fails", lacking });
        }
        Ok(Self {
            words,
            typed: fields.command.trim().to_owned(),
            prints: fields.prints,
            fails: fields.fails,
        })
    }
}

impl<'de> Deserialize<'de> for Kubectl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Kubectl;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what follows `kubectl`, as in `get pods`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Kubectl, E> {
                let fields = Fields { command: text.to_owned(), prints: Vec::new(), fails: false };
                Kubectl::try_from(fields).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kubectl, A::Error> {
                let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                Kubectl::try_from(fields).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// Splits a command as a shell would, without anything else that a shell does.
fn words(command: &str) -> Result<Vec<String>, CaseError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for (at, c) in command.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '$') if command[at..].starts_with("$group(") => word.get_or_insert_default().push(c),
            (None, '|' | '>' | '<' | '&' | ';' | '`' | '$') => {
                return Err(CaseError::ForAShell(c));
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match (quote, words.first().map(String::as_str)) {
        (Some(open), _) => Err(CaseError::OpenQuote(open)),
        (None, None) => {
            Err(CaseError::Lacks { holder: "kubectl", lacking: "what follows it, as in `get pods`" })
        }
        (None, Some("kubectl")) => Err(CaseError::RepeatedKubectl),
        (None, Some(_)) => Ok(words),
    }
}

/// True when a `kubectl` can be started on this machine.
pub fn kubectl_is_installed() -> bool {
    Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|output| output.status.success())
}

impl Kubectl {
    /// True when kubectl will wait for something that only time brings.
    fn waits(&self) -> bool {
        let has = |word: &str| self.words.iter().any(|own| own == word);
        let waits = ["drain", "wait", "rollout", "-w", "--watch", "-f", "--follow"].into_iter().any(has)
            && !has("apply");
        waits || (has("delete") && !has("--wait=false"))
    }

    /// The namespace in `create ns NAME`.
    pub(super) fn namespace_made(&self) -> Option<&str> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["create", "ns" | "namespace", name, ..] if !self.fails => Some(name),
            _ => None,
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let kubeconfig = world.kubeconfig().await?;
        let mut command = Command::new("kubectl");
        command
            .args(&self.words)
            .current_dir(world.folder())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
            .env("KUBECONFIG", &kubeconfig)
            .env("HOME", kubeconfig.parent().unwrap_or(Path::new("/")))
            .stdin(Stdio::null());
        let output = world
            .beside_the_clock(self.waits(), move || command.output())
            .await?
            .map_err(|error| Miss::Refused(format!("kubectl cannot be started: {error}")))?;
        let printed = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&printed).trim_end().to_owned();
        let (step, succeeded) = (self.typed.clone(), output.status.success());
        world.add_output(ProgramOutput { step, succeeded, text: text.clone() });
        if succeeded == self.fails {
            let wanted = if self.fails { "it fails" } else { "it succeeds" };
            return Err(Miss::one("kubectl", wanted, format!("{}: {}", output.status, in_one_line(&text))));
        }
        match self.prints.iter().find(|part| !text.contains(part.as_str())) {
            Some(part) => Err(Miss::one("prints", format!("…{part}…"), in_one_line(&text))),
            None => match self.namespace_made() {
                Some(name) => world.may_hold_pods(name).await,
                None => Ok(()),
            },
        }
    }
}

fn in_one_line(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join(" ⏎ ")
}

impl fmt::Display for Kubectl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubectl {}", self.typed)
    }
}

impl JsonSchema for Kubectl {
    fn schema_name() -> Cow<'static, str> {
        "Kubectl".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = Fields::json_schema(generator);
        json_schema!({ "anyOf": [{ "type": "string" }, fields] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_a_shell_would() {
        let split = words("-n vk run x --image busybox -- sh -c 'echo a b; exit 3' \"\"").unwrap();
        assert_eq!(
            split,
            ["-n", "vk", "run", "x", "--image", "busybox", "--", "sh", "-c", "echo a b; exit 3", ""]
        );
    }

    #[test]
    fn a_namespace_that_is_made_is_known_by_its_name() {
        for (command, made) in [
            ("create ns vk", Some("vk")),
            ("create namespace vk --save-config", Some("vk")),
            ("-n vk run nginx --image nginx", None),
            ("delete ns vk", None),
        ] {
            let step: Kubectl = serde_json::from_value(command.into()).unwrap();
            assert_eq!(step.namespace_made(), made, "{command}");
        }
    }

    #[test]
    fn what_only_a_shell_could_do_is_refused() {
        for (command, part) in [
            ("get pods | wc -l", "no shell"),
            ("get pods 'x", "not closed"),
            ("  ", "get pods"),
            ("kubectl get pods", "leave out"),
        ] {
            assert!(words(command).unwrap_err().to_string().contains(part), "{command}");
        }
    }
}
