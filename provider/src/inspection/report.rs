//! Outcome of an inspection, as a table for people and as JSON for programs.

use std::fmt;

use eci_api::group::ContainerGroup;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::pods::group_state::still_works;
use crate::pods::list_price;

/// Pods and groups of one node, side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Name of the node.
    pub node: String,
    /// One row a pod, and one for the groups of each pod that is not there; by namespace and name.
    pub rows: Vec<Row>,
}

/// A pod and its groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The pod's namespace; that of the group's tag where the pod is gone.
    pub namespace: String,
    /// The pod's name; that of the group's tag, perhaps cut, where the pod is gone.
    pub name: String,
    /// The pod's UID, by which pod and groups belong together.
    pub uid: String,
    /// The pod's phase; absent when the cluster does not have the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The groups that the cloud has for the pod.
    pub groups: Vec<GroupRow>,
    /// The disagreement of the two sides; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// A container group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupRow {
    /// The group's id.
    pub id: String,
    /// The cloud's word for its state.
    pub status: String,
    /// Seconds since its creation; absent when the cloud does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<i64>,
    /// ¥ since its creation, estimated by list price; absent when it does not work any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_estimate: Option<Decimal>,
    /// ¥ an hour, estimated by list price; 0 when it does not work any more, absent of one that is billed by its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly_estimate: Option<Decimal>,
}

/// A disagreement of cluster and cloud. Some are on their way to be settled: a pod that was just made has no group yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Difference {
    /// The pod has not ended, and there is no group.
    NoGroup,
    /// A group works, and its pod is not there: an orphan.
    NoPod,
    /// Several groups work for one pod.
    SeveralGroups,
    /// The pod's phase is not the one that its group gives.
    Phase {
        /// The phase by the group.
        expected: String,
    },
}

impl GroupRow {
    pub(super) fn new(group: &ContainerGroup, now: Timestamp) -> Self {
        // Until when an ended group was billed is for the bill to say.
        let works = still_works(group);
        Self {
            id: group.container_group_id.clone(),
            status: group.status.clone(),
            age_seconds: list_price::age_seconds(group, now),
            cost_estimate: list_price::so_far(group, now).filter(|_| works),
            hourly_estimate: if works { list_price::hourly(group) } else { Some(Decimal::ZERO) },
        }
    }
}

impl Row {
    /// `namespace/name`.
    pub fn pod_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl Report {
    /// Rows whose sides disagree.
    pub fn differing(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.difference.is_some())
    }

    /// Rows with a group that works for a pod that is not there.
    pub fn orphans(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.difference == Some(Difference::NoPod))
    }

    /// The report with the orphans alone.
    #[must_use]
    pub fn of_orphans(&self) -> Self {
        Self { node: self.node.clone(), rows: self.orphans().cloned().collect() }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGroup => f.write_str("no group"),
            Self::NoPod => f.write_str("no pod: an orphan, billed on"),
            Self::SeveralGroups => f.write_str("several groups work for one pod"),
            Self::Phase { expected } => write!(f, "the group says {expected}"),
        }
    }
}

impl fmt::Display for Report {
    /// A table with a line a group, and one for each pod without any; then the sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![
            ["POD", "PHASE", "GROUP", "STATUS", "AGE", "¥ SO FAR", "¥/H", "DIFFERENCE"].map(str::to_owned),
        ];
        for row in &self.rows {
            let pod = [row.pod_name(), row.phase.clone().unwrap_or_else(|| "-".to_owned())];
            let difference = row.difference.as_ref().map(ToString::to_string).unwrap_or_default();
            let line = |group: [String; 5]| {
                let [pod, phase] = pod.clone();
                let [id, status, age, cost, hourly] = group;
                [pod, phase, id, status, age, cost, hourly, difference.clone()]
            };
            if row.groups.is_empty() {
                lines.push(line(["-"; 5].map(str::to_owned)));
            }
            lines.extend(row.groups.iter().map(|group| line(group.cells())));
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        let pods = self.rows.iter().filter(|row| row.phase.is_some()).count();
        let groups: Vec<&GroupRow> = self.rows.iter().flat_map(|row| &row.groups).collect();
        let hourly: Decimal = groups.iter().filter_map(|group| group.hourly_estimate).sum();
        write!(
            f,
            "node {}: {pods} pods, {} groups, about ¥{hourly} an hour by list price, {} differences",
            self.node,
            groups.len(),
            self.differing().count()
        )
    }
}

impl GroupRow {
    fn cells(&self) -> [String; 5] {
        let unknown = || "-".to_owned();
        let age = self.age_seconds.map_or_else(unknown, list_price::age);
        let cost = self.cost_estimate.map_or_else(unknown, |cost| cost.to_string());
        let hourly = self.hourly_estimate.map_or_else(unknown, |hourly| hourly.to_string());
        [self.id.clone(), self.status.clone(), age, cost, hourly]
    }
}
