//! Templates: a group as a template, and a template as the request for a group.

mod export;
mod request;

use eci_api::actions::export_container_group_template as form;

use crate::refusal::Refusal;

pub use export::of;
pub use request::create_request;

/// Reads the JSON of a template.
pub fn read(text: Option<&str>) -> Result<form::Template, Refusal> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing("Template"))?;
    serde_json::from_str(text).map_err(|why| {
        Refusal::invalid(
            "Template",
            format!("it should be JSON as ExportContainerGroupTemplate gives it: {why}"),
        )
    })
}
