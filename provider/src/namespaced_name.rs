//! Objects by namespace and name, as flags give them.

/// A namespaced object, as `kube-system/virtual-node`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespacedName {
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl std::fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl std::str::FromStr for NamespacedName {
    type Err = NotNamespaced;

    fn from_str(text: &str) -> Result<Self, NotNamespaced> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(NotNamespaced),
        }
    }
}

/// A text that is no namespace and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a namespace and a name are wanted, as `kube-system/virtual-node`")]
pub struct NotNamespaced;
