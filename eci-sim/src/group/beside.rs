//! Commands in a container beside its run: hooks and execs, with the files and the environment that it has.

use std::sync::Arc;

use super::Group;
use super::container::Container;
use super::steps::GroupContext;
use crate::script::{Run, RunContext, read};

/// Variables that every container has, where nothing else is said.
const USUAL: [(&str, &str); 2] =
    [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("HOME", "/root")];

impl Group {
    /// Environment of a container: what every one has, then what was asked for.
    pub(super) fn environment(&self, container: &Container) -> Vec<(String, String)> {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        let usual = USUAL.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let host = [("HOSTNAME".to_owned(), self.host_name())];
        let own = container.spec.environment.iter().map(|variable| {
            let value = if variable.field.is_some() { address.clone() } else { variable.value.to_string() };
            (variable.key.to_string(), value)
        });
        usual.chain(host).chain(own).collect()
    }
}

impl GroupContext<'_> {
    /// The plan of a command in a container beside its run, from now on.
    pub(super) fn read_beside(&self, index: u8, words: &[Box<str>], input: Option<&[u8]>) -> Run {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return Run::default() };
        let owned = self.group.environment(container);
        let env: Vec<(&str, &str)> =
            owned.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let space = self.group.space(index);
        let directory = container.spec.working_dir();
        let context =
            RunContext { env: &env, space, input, directory, started: self.at, ..RunContext::default() };
        read(&words.iter().map(AsRef::as_ref).collect::<Vec<_>>(), context)
    }

    /// Executes a command in a container beside its run; one that reads an input, where one is `offered` and not given
    /// yet, does nothing.
    pub fn execute(
        &mut self,
        index: u8,
        words: &[Box<str>],
        input: Option<&[u8]>,
        offered: bool,
    ) -> Arc<Run> {
        self.settle_files();
        let mut run = Arc::new(self.read_beside(index, words, input));
        if run.looks_at_ports() && self.group.files.is_none() {
            self.keep_files();
            run = Arc::new(self.read_beside(index, words, input));
        }
        let waits = run.wants_input && offered && input.is_none();
        if !waits {
            self.run_beside(index, &run);
        }
        run
    }
}
