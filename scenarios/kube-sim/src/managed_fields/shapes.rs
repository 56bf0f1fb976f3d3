//! Managers with their fields, each combination once in this process.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::Value;

use super::field_set::{FieldSet, Step};
use super::owner::Owner;
use crate::object::timestamp;

/// Bytes of the texts of all combinations together.
const BYTES_MAX: usize = 4 << 20;
/// Stands in a combination for a value, with a digit behind it.
const SLOT: char = '\u{1}';
/// Most values of a combination: each has one digit.
const SLOTS_MAX: usize = 10;
/// Starts of the steps whose keys are values.
const KEYS_WITH_VALUES: [&str; 2] = ["k:{\"ip\":\"", "k:{\"uid\":\""];

/// A manager and its fields, in which values are left open.
pub struct Shape {
    /// The manager.
    pub owner: Arc<Owner>,
    /// Its fields.
    fields: FieldSet,
    /// The ways to the steps that have a value.
    slots: Vec<Vec<Step>>,
    /// The text before the time, that of the fields between the values, and the end.
    head: String,
    pieces: Vec<(String, Option<usize>)>,
    tail: String,
}

impl Shape {
    fn new(owner: &Owner, fields: &FieldSet) -> Self {
        let quoted = |text: &str| Value::from(text).to_string();
        let name = match owner.manager.as_str() {
            "" => String::new(),
            name => format!("\"manager\":{},", quoted(name)),
        };
        let operation = owner.operation.as_str();
        let head =
            format!("{{{name}\"operation\":\"{operation}\",\"apiVersion\":{}", quoted(&owner.api_version));
        let below = match owner.subresource.as_str() {
            "" => String::new(),
            name => format!(",\"subresource\":{}", quoted(name)),
        };
        let slots = fields.paths_to(|step| step.contains(SLOT));
        let written = fields.to_value().to_string();
        let mut parts = written.split("\\u0001");
        let mut pieces = vec![(parts.next().unwrap_or_default().to_owned(), None)];
        for part in parts {
            let (digit, rest) = part.split_at_checked(1).unwrap_or(("", part));
            pieces.push((rest.to_owned(), digit.parse().ok()));
        }
        Self {
            owner: owner.clone().into(),
            fields: fields.clone(),
            slots,
            head,
            pieces,
            tail: format!("{below}}}"),
        }
    }

    /// Appends the entry as JSON.
    pub fn write(&self, time: Option<Timestamp>, values: &[&str], out: &mut String) {
        out.push_str(&self.head);
        if let Some(time) = time {
            out.push_str(",\"time\":\"");
            out.push_str(&timestamp::seconds(time));
            out.push('"');
        }
        out.push_str(",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":");
        for (piece, value) in &self.pieces {
            // Values are of letters, digits and colons: nothing in them is escaped.
            out.push_str(value.and_then(|at| values.get(at)).copied().unwrap_or_default());
            out.push_str(piece);
        }
        out.push_str(&self.tail);
    }

    /// The fields, with these values in their places.
    pub fn fields(&self, values: &[String]) -> FieldSet {
        let mut fields = self.fields.clone();
        for path in &self.slots {
            let Some(step) = path.last() else { continue };
            let digit = step.split(SLOT).nth(1).and_then(|rest| rest.get(..1));
            let value = digit.and_then(|digit| digit.parse::<usize>().ok()).and_then(|at| values.get(at));
            if let (Some(digit), Some(value)) = (digit, value) {
                let filled = step.replace(&format!("{SLOT}{digit}"), value);
                fields = fields.renamed(path, &filled);
            }
        }
        fields
    }

    fn bytes(&self) -> usize {
        self.head.len() + self.pieces.iter().map(|(piece, _)| piece.len()).sum::<usize>()
    }
}

/// All combinations of this process. None is ever taken out: a number means the same as long as an object may hold it.
#[derive(Default)]
struct Shapes {
    numbers: HashMap<(Owner, FieldSet), u64>,
    all: Vec<Arc<Shape>>,
    bytes: usize,
}

static SHAPES: LazyLock<RwLock<Shapes>> = LazyLock::new(RwLock::default);

/// The combination of a number.
pub fn shape(number: u64) -> Option<Arc<Shape>> {
    let shapes = SHAPES.read().unwrap_or_else(PoisonError::into_inner);
    shapes.all.get(usize::try_from(number).ok()?).cloned()
}

/// Number and values of a combination; `None` when there is no room for another one.
pub fn intern(owner: &Owner, fields: &FieldSet) -> Option<(u64, Vec<String>)> {
    let mut open = fields.clone();
    let mut values = Vec::new();
    for path in
        fields.paths_to(|step| step.contains(SLOT) || value_of(step).is_some()).into_iter().take(SLOTS_MAX)
    {
        let value = path.last().and_then(|step| value_of(step))?;
        let slot = path.last()?.replace(value, &format!("{SLOT}{}", values.len()));
        values.push(value.to_owned());
        open = open.renamed(&path, &slot);
    }
    let key = (owner.clone(), open);
    let known = SHAPES.read().unwrap_or_else(PoisonError::into_inner).numbers.get(&key).copied();
    if let Some(number) = known {
        return Some((number, values));
    }
    let shape = Shape::new(owner, &key.1);
    let mut shapes = SHAPES.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(number) = shapes.numbers.get(&key) {
        return Some((*number, values));
    }
    if shapes.bytes + shape.bytes() > BYTES_MAX {
        return None;
    }
    shapes.bytes += shape.bytes();
    let number = u64::try_from(shapes.all.len()).ok()?;
    shapes.all.push(Arc::new(shape));
    shapes.numbers.insert(key, number);
    Some((number, values))
}

/// The value in a step whose key is one.
fn value_of(step: &str) -> Option<&str> {
    let rest = KEYS_WITH_VALUES.iter().find_map(|start| step.strip_prefix(start))?;
    let value = rest.strip_suffix("\"}")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ['.', ':', '-'].contains(&c);
    (!value.is_empty() && value.chars().all(is_plain)).then_some(value)
}
