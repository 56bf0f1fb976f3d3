//! Untyped objects of a cluster: what is read of them is a field here and there, and reading each of Kubernetes' types
//! in full takes longer to compile than all that is done with them.

use kube::api::{DynamicObject, GetParams, Request};
use kube::core::NamespaceResourceScope;
use kube::discovery::ApiResource;
use kube::{Api, Client, Resource};
use serde_json::Value;

/// The objects of the kind `K` in one namespace, or, without one, of the whole cluster.
pub(crate) fn objects<K>(client: Client, namespace: Option<&str>) -> Api<DynamicObject>
where
    K: Resource,
    K::DynamicType: Default,
{
    let kind = ApiResource::erase::<K>(&K::DynamicType::default());
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &kind),
        None => Api::all_with(client, &kind),
    }
}

/// The object of the kind `K` of this name as it is written, for who looks at one again and again: an object whose metadata is
/// typed takes three times as long to read. `None` where there is none.
///
/// # Errors
/// The cluster's refusal.
pub(crate) async fn read<K>(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<Value>>
where
    K: Resource<Scope = NamespaceResourceScope>,
    K::DynamicType: Default,
{
    let request = Request::new(K::url_path(&K::DynamicType::default(), Some(namespace)));
    let request = request.get(name, &GetParams::default()).map_err(kube::Error::BuildRequest)?;
    match client.request(request).await {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// An object of the kind `K` to be made: a name, and the fields beside `metadata`.
pub(crate) fn new_object<K>(name: &str, data: Value) -> DynamicObject
where
    K: Resource,
    K::DynamicType: Default,
{
    let kind = ApiResource::erase::<K>(&K::DynamicType::default());
    DynamicObject::new(name, &kind).data(data)
}

/// Fields of an object, named by JSON pointers.
pub(crate) trait Fields {
    /// The text there; none where the field is absent or no text.
    fn text(&self, pointer: &str) -> Option<&str>;

    /// The members of the list there; empty where the field is absent or no list.
    fn list(&self, pointer: &str) -> &[Value];
}

impl Fields for Value {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.pointer(pointer)?.as_str()
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Fields beside `metadata`, which is typed.
impl Fields for DynamicObject {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.data.text(pointer)
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.data.list(pointer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;

    #[test]
    fn a_field_of_another_type_is_none() {
        let object = json!({ "status": { "phase": 7, "conditions": "none" } });
        assert_eq!(object.text("/status/phase"), None);
        assert!(object.list("/status/conditions").is_empty());
    }

    #[test]
    fn fields_are_found_by_their_pointers() {
        let object = json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready" }] } });
        assert_eq!(object.text("/status/phase"), Some("Running"));
        assert_eq!(object.list("/status/conditions")[0].text("/type"), Some("Ready"));
    }
}
