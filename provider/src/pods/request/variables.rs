//! The variables of one container, which keep their place when they are set again.

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// A text.
    Text(String),
    /// The pod's address, which only the cloud will know.
    PodIp,
}

/// Names and what they hold, in the order in which they were first named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, Held)>);

impl Environment {
    /// Sets a variable; the last value counts.
    pub fn set(&mut self, name: &str, held: Held) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = held,
            None => self.0.push((name.to_owned(), held)),
        }
    }

    /// What a variable holds.
    pub fn get(&self, name: &str) -> Option<&Held> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, held)| held)
    }

    /// What a variable holds, if that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(Held::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(String, Held)> {
        self.0.iter()
    }
}
