//! `advance: 1h`: time passes, and with it whatever falls due.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::{Offset, TimeZone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// The most looks at the bill while a pod is to be billed for a span, and those after which nothing more is billed.
const MAX_LOOKS: u32 = 50;
const MAX_IDLE_LOOKS: u32 = 2;

/// Lets time pass.
#[derive(Debug, Clone)]
pub enum Advance {
    /// For so long.
    By(Span),
    /// Until the pod has been billed for so long, all together.
    Billed {
        /// The pod: `vk/nginx`.
        pod: PodName,
        /// The total billed time.
        billed: Span,
    },
    /// Until the next time that a clock in China shows this.
    To(Time),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Fields {
    pod: Option<PodName>,
    billed: Option<Span>,
    to: Option<String>,
}

impl TryFrom<Fields> for Advance {
    type Error = CaseError;

    fn try_from(fields: Fields) -> Result<Self, CaseError> {
        match (fields.pod, fields.billed, fields.to) {
            (Some(_), Some(billed), None) if billed.0.as_secs() == 0 => Err(CaseError::Zeroth("billed")),
            (Some(pod), Some(billed), None) => Ok(Self::Billed { pod, billed }),
            (None, None, Some(to)) => {
                let time = to.parse().map_err(|_| CaseError::NotATimeOfDay(to))?;
                Ok(Self::To(time))
            }
            _ => Err(CaseError::Lacks {
                holder: "advance",
                lacking: "a span (`advance: 1h`), or `pod` and `billed`, or `to`",
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Advance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Advance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span such as `1h`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Advance, E> {
                text.parse().map(Advance::By).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Advance, A::Error> {
                let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                Advance::try_from(fields).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Advance {
    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        match self {
            Self::By(span) => world.advance(span.0).await,
            Self::To(time) => world.advance(until(world, *time)?).await,
            Self::Billed { pod, billed } => until_billed(world, pod, billed.0).await?,
        }
        Ok(())
    }
}

/// The time until a clock in China shows `time`: more than zero, at most a day.
fn until(world: &World, time: Time) -> Result<Duration, Miss> {
    let refused = |error: jiff::Error| Miss::Refused(error.to_string());
    let china = TimeZone::fixed(Offset::constant(8));
    let now = world.now().to_zoned(china.clone());
    let today = now.date().to_datetime(time).to_zoned(china.clone()).map_err(refused)?;
    let then = match today > now {
        true => today,
        false => {
            let tomorrow = now.date().tomorrow().map_err(refused)?;
            tomorrow.to_datetime(time).to_zoned(china).map_err(refused)?
        }
    };
    Ok(then.timestamp().duration_since(world.now()).unsigned_abs())
}

/// Lets time pass until `pod` has been billed for exactly `span`.
async fn until_billed(world: &World, pod: &PodName, span: Duration) -> Result<(), Miss> {
    let wanted = span.as_secs();
    let (mut seen, mut idle) = (0, 0);
    for _ in 0..MAX_LOOKS {
        let charges = world.cloud().charges().await?;
        let own = charges.iter().filter(|charge| charge.belongs_to(pod));
        let before = std::mem::replace(&mut seen, own.map(|charge| charge.seconds).sum());
        idle = if seen > before { 0 } else { idle + 1 };
        if idle > MAX_IDLE_LOOKS {
            break; // it has ended, or never ran
        }
        match wanted.checked_sub(seen) {
            Some(0) => return Ok(()),
            Some(missing) => world.advance(Duration::from_secs(missing)).await,
            None => break,
        }
    }
    Err(Miss::one("billed", format!("{wanted} s of {pod}"), format!("{seen} s")))
}

impl fmt::Display for Advance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(span) => write!(f, "advance {span}"),
            Self::Billed { pod, billed } => write!(f, "advance until {pod} has been billed for {billed}"),
            Self::To(time) => write!(f, "advance to {time}"),
        }
    }
}

impl JsonSchema for Advance {
    fn schema_name() -> Cow<'static, str> {
        "Advance".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (span, pod) = (generator.subschema_for::<Span>(), generator.subschema_for::<PodName>());
        json_schema!({
            "description": "The time that passes.",
            "anyOf": [
                span,
                {
                    "type": "object",
                    "description": "Until the pod has been billed for so long, all together.",
                    "required": ["pod", "billed"],
                    "properties": { "pod": pod, "billed": span },
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "description": "Until the next time that a clock in China shows this.",
                    "required": ["to"],
                    "properties": { "to": { "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$" } },
                    "additionalProperties": false
                }
            ]
        })
    }
}
