//! The variables of one container, which keep their place when they are set again.

use std::collections::HashMap;

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// A text.
    Text(String),
    /// The pod's address, which only the cloud will know.
    PodIp,
}

/// Names and what they hold, in the order in which they were first named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: Vec<(String, EnvValue)>,
    places: HashMap<String, usize>,
}

impl Environment {
    /// Sets a variable; the last value counts.
    pub fn set(&mut self, name: &str, held: EnvValue) {
        match self.places.get(name) {
            Some(place) => self.variables[*place].1 = held,
            None => {
                self.places.insert(name.to_owned(), self.variables.len());
                self.variables.push((name.to_owned(), held));
            }
        }
    }

    /// The value of a variable; `None` when it is not set.
    pub fn get(&self, name: &str) -> Option<&EnvValue> {
        self.places.get(name).map(|place| &self.variables[*place].1)
    }

    /// The value of a variable, if that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(EnvValue::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// The number of variables.
    pub fn count(&self) -> usize {
        self.variables.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(String, EnvValue)> {
        self.variables.iter()
    }
}
