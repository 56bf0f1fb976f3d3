//! The objects of a cluster as they are kept in a file, so that another cluster goes on with them: a header, and a line of JSON
//! for each object.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kinds::KINDS;
use crate::managed_fields::shown;
use crate::managed_fields::stored::{Entry, KEY};
use crate::store::GroupResource;

/// Version of the file's form.
const VERSION: u32 = 1;

/// The objects of a cluster, of one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedObjects {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<(GroupResource, Arc<Value>)>,
}

/// The error of a file that cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The first line is no header of this version.
    #[error("line 1: {0}; it should be the header that this version writes, with `version` {VERSION}")]
    Header(String),
    /// A line is no object.
    #[error("line {line}: {why}")]
    Object {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        why: NoObject,
    },
}

/// What is wrong with a line that is no object.
#[derive(Debug, thiserror::Error)]
pub enum NoObject {
    /// It is no JSON, or lacks a member.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A kind that is not served, or not stored.
    #[error("`{resource}` of the group `{group}` is not stored by this version")]
    Kind {
        /// The API group.
        group: String,
        /// The kind's name in paths.
        resource: String,
    },
    /// An object that nobody could read.
    #[error("the object has no name")]
    Name,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    revision: u64,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    group: &'a str,
    resource: &'a str,
    /// As clients see it: what is shared within a process stands for nothing outside of it.
    object: Value,
}

impl SavedObjects {
    /// The number of the last write that they hold.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Writes them, line by line.
    ///
    /// # Errors
    /// Those of `file`.
    pub fn write(&self, file: &mut impl Write) -> io::Result<()> {
        let header = Header { version: VERSION, revision: self.revision };
        serde_json::to_writer(&mut *file, &header)?;
        for ((group, resource), object) in &self.objects {
            file.write_all(b"\n")?;
            serde_json::to_writer(&mut *file, &Line { group, resource, object: shown::object(object) })?;
        }
        file.write_all(b"\n")
    }

    /// Reads what [`SavedObjects::write`] wrote.
    ///
    /// # Errors
    /// [`SavedError`] with the line that is wrong.
    pub fn read(file: impl BufRead) -> Result<Self, SavedError> {
        let mut lines = file.lines();
        let header = lines.next().transpose()?.unwrap_or_default();
        let header: Header =
            serde_json::from_str(&header).map_err(|error| SavedError::Header(error.to_string()))?;
        if header.version != VERSION {
            return Err(SavedError::Header(format!("the file is of version {}", header.version)));
        }
        let objects =
            lines.zip(2..).map(|(text, line)| object(&text?).map_err(|why| SavedError::Object { line, why }));
        Ok(Self { revision: header.revision, objects: objects.collect::<Result<_, SavedError>>()? })
    }
}

/// The object of a line, with what it is stored under.
fn object(text: &str) -> Result<(GroupResource, Arc<Value>), NoObject> {
    let Line { group, resource, mut object } = serde_json::from_str(text)?;
    let mut stored = KINDS.iter().filter(|kind| kind.is_stored()).map(|kind| kind.storage());
    let Some(known) = stored.find(|stored| *stored == (group, resource)) else {
        return Err(NoObject::Kind { group: group.to_owned(), resource: resource.to_owned() });
    };
    match object.pointer("/metadata/name").is_some_and(Value::is_string) {
        true => {
            share_managers(&mut object);
            Ok((known, Arc::new(object)))
        }
        false => Err(NoObject::Name),
    }
}

/// Turns the managed fields of an object into what is stored of them.
fn share_managers(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if let Some(Value::Array(entries)) = metadata.shift_remove("managedFields") {
        let stored = entries.iter().filter_map(|entry| Some(Entry::read(entry)?.to_stored()));
        metadata.insert(KEY.to_owned(), stored.collect());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::KubeSim;

    fn cluster() -> KubeSim {
        let sim = KubeSim::builder().build();
        let map = json!({ "metadata": { "namespace": "default", "name": "kept", "uid": "u-1" } });
        sim.store().create(("", "configmaps"), map).unwrap();
        sim
    }

    #[test]
    fn a_cluster_goes_on_with_the_objects_of_another() {
        let before = cluster();
        let mut file = Vec::new();
        before.saved().write(&mut file).unwrap();
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(text.contains("\"managedFields\":[{\"manager\"") && !text.contains("\"managers\""), "{text}");
        let saved = SavedObjects::read(&file[..]).unwrap();
        assert_eq!(saved, before.saved());
        let after = KubeSim::builder().objects(saved).build();
        assert_eq!(after.saved(), before.saved());
        let next = json!({ "metadata": { "namespace": "default", "name": "next" } });
        let next = after.store().create(("", "configmaps"), next).unwrap();
        let revision: u64 = next["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        assert_eq!(revision, before.store().revision() + 1);
    }

    #[test]
    fn a_watch_of_the_cluster_before_has_to_begin_anew() {
        let saved = cluster().saved();
        let revision = saved.revision();
        let after = KubeSim::builder().objects(saved).build();
        assert!(after.store().check_resumes(("", "configmaps"), revision - 1).is_err());
        assert!(after.store().check_resumes(("", "configmaps"), revision).is_ok());
        assert!(after.store().all_since(0).is_err(), "who has seen nothing has to list");
    }

    #[test]
    fn a_broken_line_is_told_with_its_number() {
        let header = "{\"version\":1,\"revision\":7}\n";
        for (text, why) in [
            ("", "line 1: "),
            ("{\"version\":2,\"revision\":7}\n", "the file is of version 2"),
            (&*format!("{header}{{"), "line 2: "),
            (
                &format!("{header}{{\"group\":\"\",\"resource\":\"pets\",\"object\":{{}}}}\n"),
                "line 2: `pets` of the group `` is not stored by this version",
            ),
            (
                &format!("{header}{{\"group\":\"\",\"resource\":\"pods\",\"object\":{{}}}}\n"),
                "line 2: the object has no name",
            ),
        ] {
            let told = SavedObjects::read(text.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }
}
