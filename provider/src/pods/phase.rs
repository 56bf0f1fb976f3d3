//! A pod's phase from what its containers do, by the kubelet's rules in their order.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus};

/// The phase of a pod's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not all containers have started yet.
    Pending,
    /// At least one container runs, or will again.
    Running,
    /// All ended well, for good.
    Succeeded,
    /// All ended, at least one not well, for good.
    Failed,
}

impl Phase {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    /// Returns true for the phases that nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// The treatment of a container that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartPolicy {
    /// The container is started again.
    Always,
    /// The container is started again unless it ended well.
    OnFailure,
    /// The container stays ended.
    Never,
}

impl RestartPolicy {
    /// Reads Kubernetes' word; `Always` where nothing is said.
    pub fn read(text: Option<&str>) -> Self {
        match text {
            Some("Never") => Self::Never,
            Some("OnFailure") => Self::OnFailure,
            _ => Self::Always,
        }
    }
}

/// The statuses of a pod's containers, one for each container of the spec; `None` where none is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContainerStatuses<'a> {
    /// Init containers that end before the others start.
    pub inits: &'a [Option<&'a ContainerStatus>],
    /// Init containers that run beside the others.
    pub sidecars: &'a [Option<&'a ContainerStatus>],
    /// The others.
    pub mains: &'a [Option<&'a ContainerStatus>],
}

#[derive(Default)]
struct Count {
    pending_init: usize,
    failed_init: usize,
    pending_sidecar: usize,
    unknown: usize,
    running: usize,
    waiting: usize,
    stopped: usize,
    succeeded: usize,
}

/// The phase; `leaving` when the pod is being deleted.
pub fn of(statuses: ContainerStatuses<'_>, policy: RestartPolicy, leaving: bool) -> Phase {
    let count = count(statuses);
    let started = statuses.mains.iter().flatten().any(|status| has_started(status));
    if count.failed_init > 0 && policy == RestartPolicy::Never {
        return Phase::Failed;
    }
    if count.pending_init > 0 || count.pending_sidecar > 0 && !started || count.waiting > 0 {
        return Phase::Pending;
    }
    if count.running > 0 && count.unknown == 0 {
        return Phase::Running;
    }
    if count.running == 0 && count.stopped > 0 && count.unknown == 0 {
        let clean = count.succeeded == count.stopped;
        return match policy {
            _ if leaving => {
                if clean {
                    Phase::Succeeded
                } else {
                    Phase::Failed
                }
            }
            RestartPolicy::Always => Phase::Running,
            _ if clean => Phase::Succeeded,
            RestartPolicy::Never => Phase::Failed,
            RestartPolicy::OnFailure => Phase::Running,
        };
    }
    Phase::Pending
}

fn count(statuses: ContainerStatuses<'_>) -> Count {
    let mut count = Count::default();
    for status in statuses.inits {
        match status.map(seen) {
            Some(Seen::Ended(0)) => {}
            Some(Seen::Ended(_) | Seen::Again { failed: true }) => count.failed_init += 1,
            _ => count.pending_init += 1,
        }
    }
    for status in statuses.sidecars {
        let started = status.is_some_and(|status| status.started == Some(true));
        match status.map(seen) {
            None | Some(Seen::Nothing) => count.unknown += 1,
            Some(Seen::Running) => {
                count.running += 1;
                count.pending_sidecar += usize::from(!started);
            }
            Some(Seen::Waiting) => {
                count.waiting += 1;
                count.pending_sidecar += 1;
            }
            Some(Seen::Ended(_) | Seen::Again { .. }) => {}
        }
    }
    for status in statuses.mains {
        match status.map(seen) {
            None | Some(Seen::Nothing) => count.unknown += 1,
            Some(Seen::Running) => count.running += 1,
            Some(Seen::Waiting) => count.waiting += 1,
            Some(Seen::Again { .. }) => count.stopped += 1,
            Some(Seen::Ended(code)) => {
                count.stopped += 1;
                count.succeeded += usize::from(code == 0);
            }
        }
    }
    count
}

enum Seen {
    Nothing,
    Running,
    /// Waits, and never ran.
    Waiting,
    /// Waits to run again.
    Again {
        failed: bool,
    },
    Ended(i32),
}

fn seen(status: &ContainerStatus) -> Seen {
    let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    match &status.state {
        Some(ContainerState { running: Some(_), .. }) => Seen::Running,
        Some(ContainerState { terminated: Some(ended), .. }) => Seen::Ended(ended.exit_code),
        Some(ContainerState { waiting: Some(_), .. }) => match last {
            Some(last) => Seen::Again { failed: last.exit_code != 0 },
            None => Seen::Waiting,
        },
        _ => Seen::Nothing,
    }
}

/// Returns true when the container runs or ever ran.
pub fn has_started(status: &ContainerStatus) -> bool {
    matches!(seen(status), Seen::Running | Seen::Ended(_) | Seen::Again { .. })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(state: Value) -> ContainerStatus {
        let mut status =
            json!({ "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0 });
        for (key, value) in state.as_object().unwrap() {
            status[key] = value.clone();
        }
        serde_json::from_value(status).unwrap()
    }

    fn running() -> ContainerStatus {
        status(json!({ "state": { "running": {} }, "started": true }))
    }

    fn ended(code: i32) -> ContainerStatus {
        status(json!({ "state": { "terminated": { "exitCode": code } } }))
    }

    fn waiting(reason: &str) -> ContainerStatus {
        status(json!({ "state": { "waiting": { "reason": reason } } }))
    }

    fn again(code: i32) -> ContainerStatus {
        let last = json!({ "terminated": { "exitCode": code } });
        status(json!({ "state": { "waiting": { "reason": "CrashLoopBackOff" } }, "lastState": last }))
    }

    fn starting_sidecar() -> ContainerStatus {
        status(json!({ "state": { "running": {} }, "started": false }))
    }

    type Row = (RestartPolicy, Vec<ContainerStatus>, Vec<ContainerStatus>, Vec<ContainerStatus>, Phase);

    fn phase_of((policy, inits, sidecars, mains, _): &Row, leaving: bool) -> Phase {
        let refs = |all: &'static [ContainerStatus]| all.iter().map(Some).collect::<Vec<_>>();
        let leak = |all: &Vec<ContainerStatus>| refs(Box::leak(all.clone().into_boxed_slice()));
        let (inits, sidecars, mains) = (leak(inits), leak(sidecars), leak(mains));
        of(ContainerStatuses { inits: &inits, sidecars: &sidecars, mains: &mains }, *policy, leaving)
    }

    #[test]
    fn the_phase_follows_from_the_containers_and_the_restart_policy() {
        use Phase::{Failed, Pending, Running, Succeeded};
        use RestartPolicy::{Always, Never, OnFailure};
        let rows: Vec<Row> = vec![
            (Always, vec![], vec![], vec![ended(0), ended(0)], Running),
            (OnFailure, vec![], vec![], vec![ended(0), ended(1)], Running),
            (OnFailure, vec![], vec![], vec![ended(0), ended(0)], Succeeded),
            (Never, vec![], vec![], vec![ended(0), ended(1)], Failed),
            (Never, vec![], vec![], vec![ended(0), ended(0)], Succeeded),
            (Never, vec![], vec![], vec![running(), ended(1)], Running),
            (Always, vec![], vec![], vec![running(), again(1)], Running),
            (Always, vec![], vec![], vec![again(1)], Running),
            (Always, vec![], vec![], vec![running(), waiting("ErrImagePull")], Pending),
            (Always, vec![], vec![], vec![waiting("ContainerCreating")], Pending),
            (OnFailure, vec![again(1)], vec![], vec![waiting("PodInitializing")], Pending),
            (Never, vec![ended(1)], vec![], vec![waiting("PodInitializing")], Failed),
            (Always, vec![running()], vec![], vec![waiting("PodInitializing")], Pending),
            (Always, vec![ended(0)], vec![], vec![running()], Running),
            (Always, vec![], vec![starting_sidecar()], vec![waiting("PodInitializing")], Pending),
            (Always, vec![], vec![again(1)], vec![running()], Running),
            (Never, vec![], vec![running()], vec![ended(0)], Running),
            (Never, vec![], vec![ended(137)], vec![ended(0)], Succeeded),
            (Never, vec![], vec![ended(0)], vec![ended(2)], Failed),
        ];
        for row in &rows {
            assert_eq!(phase_of(row, false), row.4, "{row:?}");
        }
    }

    #[test]
    fn a_pod_that_is_leaving_ends_whatever_its_policy() {
        let clean = (RestartPolicy::Always, vec![], vec![], vec![ended(0)], Phase::Succeeded);
        let not = (RestartPolicy::Always, vec![], vec![], vec![ended(0), ended(143)], Phase::Failed);
        for row in [clean, not] {
            assert_eq!(phase_of(&row, true), row.4);
        }
    }

    #[test]
    fn a_container_of_which_nothing_is_known_keeps_the_pod_pending() {
        let running = running();
        let mains = [Some(&running), None];
        assert_eq!(
            of(
                ContainerStatuses { mains: &mains, ..ContainerStatuses::default() },
                RestartPolicy::Always,
                false
            ),
            Phase::Pending
        );
    }
}
