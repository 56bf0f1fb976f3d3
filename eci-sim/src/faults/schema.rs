//! The schema of a fault rule; written by hand, since rules are also written in scenarios and files.

use std::borrow::Cow;

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};

use super::Rule;

impl JsonSchema for Rule {
    fn schema_name() -> Cow<'static, str> {
        "Rule".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "object",
            "required": ["verdict"],
            "additionalProperties": true,
            "properties": {
                "action": { "type": "string", "description": "The operation; a `*` stands for anything." },
                "parameter": {
                    "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2,
                    "description": "Only calls with this parameter of this value; a `*` stands for anything."
                },
                "times": { "type": "integer", "minimum": 0, "description": "Number of further calls that match." },
                "every": { "type": "integer", "minimum": 1, "description": "Of these only each so many-th." },
                "share": {
                    "type": ["string", "number"],
                    "description": "Of those only this share, drawn from the seed: above 0, up to 1; `0.1` or `10%`."
                },
                "verdict": {
                    "description": "Verdict on them: a word such as `drop-after`, or an object of one such as \
                                    {\"refuse\": {\"code\": \"OperationDenied.NoStock\"}} or {\"delay-ms\": 200}."
                }
            }
        })
    }
}
