//! Estimates of what a container group costs, by the list price of general instances in cn-hangzhou (prices.md): for people
//! who ask whether something is worth a look. A bill knows type, spot, region and discounts; this does not.

use eci_api::group::ContainerGroup;
use jiff::Timestamp;
use rust_decimal::Decimal;

/// ¥ a second for a vCPU, and for a GiB.
const CPU_SECOND: Decimal = Decimal::from_parts(49, 0, 0, false, 6);
const GIB_SECOND: Decimal = Decimal::from_parts(613, 0, 0, false, 8);

/// Price of an hour in ¥; `None` of a group that is billed by its type, whose price is not known here.
pub fn per_hour(group: &ContainerGroup) -> Option<Decimal> {
    Some(per_second(group)? * Decimal::from(3600))
}

/// Price of an hour in ¥, to the hundredth; `None` as above.
pub fn hourly(group: &ContainerGroup) -> Option<Decimal> {
    Some(per_hour(group)?.round_dp(2))
}

/// Cost from its creation until `now` in ¥, to the hundredth; `None` as above, and when the cloud does not say when it was
/// made.
pub fn so_far(group: &ContainerGroup, now: Timestamp) -> Option<Decimal> {
    Some((per_second(group)? * Decimal::from(age_seconds(group, now)?)).round_dp(2))
}

/// Seconds since its creation, 0 for one from the future; `None` when the cloud does not say when it was made.
pub fn age_seconds(group: &ContainerGroup, now: Timestamp) -> Option<i64> {
    let created = group.creation_time.parse::<Timestamp>().ok()?;
    Some(now.duration_since(created).as_secs().max(0))
}

/// An age for people: `90 s`, `12 min`, `3 h`, `4 d`.
pub fn age(seconds: i64) -> String {
    match seconds {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7200 => format!("{} min", seconds / 60),
        seconds if seconds < 48 * 3600 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

fn per_second(group: &ContainerGroup) -> Option<Decimal> {
    let price = group.cpu.decimal() * CPU_SECOND + group.memory.decimal() * GIB_SECOND;
    (group.instance_type.is_empty() && !price.is_zero()).then_some(price)
}

#[cfg(test)]
mod tests {
    use eci_api::Number;

    use super::*;

    #[test]
    fn an_hour_of_two_vcpu_and_four_gib_has_the_list_price() {
        let group = ContainerGroup {
            creation_time: "2026-01-05T01:00:00Z".into(),
            cpu: Number(Decimal::from(2)),
            memory: Number(Decimal::from(4)),
            ..ContainerGroup::default()
        };
        assert_eq!(hourly(&group).unwrap().to_string(), "0.44");
        let typed = ContainerGroup { instance_type: "ecs.c6.large".into(), ..group.clone() };
        assert_eq!(hourly(&typed), None, "a type has a price of its own");
        let three_hours_later = "2026-01-05T04:00:00Z".parse().unwrap();
        assert_eq!(so_far(&group, three_hours_later).unwrap().to_string(), "1.32");
    }

    #[test]
    fn an_age_has_one_unit_that_people_count_in() {
        for (seconds, said) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")] {
            assert_eq!(age(seconds), said);
        }
    }
}
