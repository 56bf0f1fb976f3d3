//! `DescribeContainerGroupMetric`: the use of one group at even intervals.

use eci_api::actions::{DescribeContainerGroupMetric, DescribeContainerGroupMetricReply};
use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, usage};
use crate::world::World;

/// Records of a reply, at most.
const RECORDS_MAX: i64 = 50;
/// Time span and interval in seconds, where the request gives no times.
const USUAL_SPAN: i64 = 300;
const USUAL_PERIOD: i64 = 15;

impl Serve for DescribeContainerGroupMetric {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let group = caller.group(world, self.container_group_id.as_deref())?;
        let now = world.now().as_second();
        let (start, end) =
            (time("StartTime", self.start_time.as_deref())?, time("EndTime", self.end_time.as_deref())?);
        let period = match self.period.as_deref().unwrap_or("60") {
            "15" => 15,
            "30" => 30,
            "" | "60" => 60,
            "600" => 600,
            other => {
                return Err(Refusal::invalid("Period", format!("`{other}` should be 15, 30, 60 or 600")));
            }
        };
        let (start, end, period) = match (start, end) {
            (None, None) => (now - USUAL_SPAN, now, USUAL_PERIOD),
            (start, end) => {
                let end = end.unwrap_or(now);
                (start.unwrap_or(end - USUAL_SPAN), end, period)
            }
        };
        if end < start || (end - start) / period > RECORDS_MAX {
            return Err(Refusal::invalid(
                "EndTime",
                format!("the times should span 0 to {RECORDS_MAX} periods"),
            ));
        }
        let first = start.div_euclid(period) * period + period;
        let instants =
            (0..=RECORDS_MAX).map(|index| first + index * period).take_while(|at| *at <= end.min(now));
        Ok(DescribeContainerGroupMetricReply {
            container_group_id: group.record.id.to_string(),
            records: instants
                // the use of containers that an Engine runs is unknown, and nothing is invented
                .filter(|_| !world.runtime.is_real())
                .filter_map(|at| usage::single(group, &world.scripts, at))
                .collect(),
            request_id: caller.request_id.clone(),
        })
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<i64>, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = |_| Refusal::invalid(name, format!("`{text}` should be a time such as 2018-08-02T15:00:00Z"));
    text.parse::<Timestamp>().map(|at| Some(at.as_second())).map_err(wrong)
}
