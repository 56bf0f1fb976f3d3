//! The texts of a step in which `$group(vk/nginx)` may stand, and the ids that take its place when the step is played.

use super::{Kubectl, Step};
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::{HOME, PodName};
use crate::scenario::reference;
use crate::stage::World;

impl Step {
    /// Calls `each` with every text that is handed to the cluster or to the cloud, or compared with what they say.
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Label(step) => step.texts(each),
            Self::Run(step) => step.texts(each),
            Self::Apply(step) => step.texts(each),
            Self::Expect(step) => step.texts(each),
            Self::ExpectEvent(step) => step.texts(each),
            Self::ExpectLog(step) => step.texts(each),
            Self::ExpectNode(step) => step.texts(each),
            Self::ExpectObject(step) => step.texts(each),
            Self::ExpectPods(step) => step.texts(each),
            Self::Inject(step) => step.texts(each),
            Self::Script(step) => each(&mut step.image),
            Self::Kubectl(Kubectl { words, prints, .. }) => words.iter_mut().chain(prints).for_each(each),
            Self::CreateNamespace(_)
            | Self::Delete(_)
            | Self::Drain(_)
            | Self::ExpectGroup(_)
            | Self::ExpectBill(_)
            | Self::ExpectUsage(_)
            | Self::Advance(_)
            | Self::Crash(_)
            | Self::Resize(_)
            | Self::Account(_)
            | Self::LiftFaults
            | Self::StopProvider
            | Self::StartProvider
            | Self::ConfigureProvider(_) => {}
        }
    }

    /// The pods whose groups the step names.
    ///
    /// # Errors
    /// [`CaseError::OpenReference`] and [`CaseError::NotAPod`].
    pub(crate) fn groups_named(&self) -> Result<Vec<PodName>, CaseError> {
        let mut named = Ok(Vec::new());
        self.clone().texts(&mut |text| {
            if let Ok(all) = &mut named {
                match reference::pods(text) {
                    Ok(pods) => all.extend(pods),
                    Err(error) => named = Err(error),
                }
            }
        });
        named
    }

    /// The step with the ids of the groups that it names, as they are now.
    ///
    /// # Errors
    /// [`Miss::Refused`] when a pod has no group.
    pub(super) async fn with_ids(&self, world: &World) -> Result<Self, Miss> {
        let groups = world.cloud().groups().await?;
        let mut filled = Ok(());
        let mut step = self.clone();
        step.texts(&mut |text| {
            let id = |mut pod: PodName| {
                if pod.namespace == HOME {
                    world.home().clone_into(&mut pod.namespace);
                }
                let group = groups.iter().rev().find(|group| group.belongs_to(&pod));
                group.map(|group| group.id.clone()).ok_or_else(|| CaseError::NoGroup(pod.to_string()))
            };
            match reference::replace(text, id) {
                Ok(with_ids) => *text = with_ids,
                Err(error) => filled = Err(error.into()),
            }
        });
        filled.map(|()| step)
    }
}
