//! The steps of a case, one verb a file; the table of all of them.

mod account;
mod advance;
mod apply;
mod bill_selection;
mod comparison;
mod configure_provider;
mod crash;
mod create_namespace;
mod delete;
mod drain;
mod expect;
mod expect_bill;
mod expect_event;
mod expect_group;
mod expect_log;
mod expect_node;
mod expect_object;
mod expect_pods;
mod expect_usage;
mod fields;
mod group_ids;
mod inject;
mod kubectl;
mod label;
mod pod_status;
mod presence;
mod provider;
mod resize;
mod run;
mod script;
mod texts;

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::account::Account;
pub use self::advance::Advance;
pub use self::apply::Apply;
pub use self::configure_provider::ConfigureProvider;
pub use self::crash::Crash;
pub use self::create_namespace::CreateNamespace;
pub use self::delete::Delete;
pub use self::drain::Drain;
pub use self::expect::{Expect, Phase};
pub use self::expect_bill::{BillLine, ExpectBill};
pub use self::expect_event::ExpectEvent;
pub use self::expect_group::ExpectGroup;
pub use self::expect_log::ExpectLog;
pub use self::expect_node::ExpectNode;
pub use self::expect_object::ExpectObject;
pub use self::expect_pods::ExpectPods;
pub use self::expect_usage::ExpectUsage;
pub use self::inject::Inject;
pub use self::kubectl::{Kubectl, kubectl_is_installed};
pub use self::label::Label;
pub(crate) use self::presence::pods_there;
pub use self::resize::Resize;
pub use self::run::{Restart, Run};
pub use self::script::Script;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::stage::World;

/// One step of a case; in its texts, `$group(vk/nginx)` stands for the id of that pod's container group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Makes a namespace: `create-namespace: vk`.
    CreateNamespace(CreateNamespace),
    /// Puts labels on a namespace, a pod or a node; an empty label is taken off.
    Label(Label),
    /// Runs one container in a pod, as `kubectl run` does.
    Run(Run),
    /// Applies a manifest, written here or in a file beside the case.
    Apply(Apply),
    /// Deletes a pod, a namespace or a node.
    Delete(Delete),
    /// Empties a node, as `kubectl drain` does.
    Drain(Drain),
    /// Expects something of a pod.
    Expect(Expect),
    /// Expects an event.
    ExpectEvent(ExpectEvent),
    /// Expects something in a container's log.
    ExpectLog(ExpectLog),
    /// Expects something of a node.
    ExpectNode(ExpectNode),
    /// Expects something of an object of any kind.
    ExpectObject(ExpectObject),
    /// Expects something of all pods that have some labels, such as a Deployment's.
    ExpectPods(ExpectPods),
    /// Expects a pod to use so much CPU and memory.
    ExpectUsage(ExpectUsage),
    /// Expects something of a pod's container group in the cloud.
    ExpectGroup(ExpectGroup),
    /// Expects the cloud's bill to say so, to the last digit.
    ExpectBill(ExpectBill),
    /// Lets time pass.
    Advance(Advance),
    /// Makes calls to the cloud fail.
    Inject(Inject),
    /// Ends all faults that were injected.
    LiftFaults,
    /// Says what containers of an image do.
    Script(Script),
    /// Lets a container that runs end badly.
    Crash(Crash),
    /// Gives a pod's group another size at the cloud.
    Resize(Resize),
    /// `account: { discount: 0.1 }`
    Account(Account),
    /// Stops the provider, as if its process had been killed.
    StopProvider,
    /// Starts the provider again.
    StartProvider,
    /// Sets the provider's settings for its later starts.
    ConfigureProvider(ConfigureProvider),
    /// Runs the real kubectl.
    Kubectl(Kubectl),
}

impl Step {
    /// Checks the fields against each other, beyond what their types rule out.
    ///
    /// # Errors
    /// [`CaseError`] with the fields that do not fit together.
    pub(crate) fn check(&self) -> Result<(), CaseError> {
        match self {
            Self::Delete(step) => step.check(),
            Self::Expect(step) => step.check(),
            Self::ExpectEvent(step) => step.check(),
            Self::ExpectGroup(step) => step.check(),
            Self::ExpectBill(step) => step.check(),
            Self::ExpectLog(step) => step.check(),
            Self::ExpectNode(step) => step.check(),
            Self::ExpectObject(step) => step.check(),
            Self::ExpectPods(step) => step.check(),
            Self::ExpectUsage(step) => step.check(),
            Self::Inject(step) => step.check(),
            Self::Script(step) => step.check(),
            Self::Crash(step) => step.check(),
            Self::Account(step) => step.check(),
            _ => Ok(()),
        }
    }

    /// The namespace that it makes, if it makes one.
    pub(crate) fn namespace_made(&self) -> Option<&str> {
        match self {
            Self::CreateNamespace(step) => Some(step.name()),
            Self::Apply(step) => step.namespace_made(),
            Self::Kubectl(step) => step.namespace_made(),
            _ => None,
        }
    }

    /// The pods, and other objects, that it names.
    pub(crate) fn pods(&mut self) -> Vec<&mut PodName> {
        match self {
            Self::Label(step) => step.pod().into_iter().collect(),
            Self::Run(step) => vec![&mut step.pod],
            Self::Delete(step) => step.pod.iter_mut().collect(),
            Self::Expect(step) => vec![&mut step.pod],
            Self::ExpectEvent(step) => step.pod.iter_mut().collect(),
            Self::ExpectLog(step) => vec![&mut step.pod],
            Self::ExpectObject(step) => vec![&mut step.name],
            Self::ExpectUsage(step) => vec![&mut step.pod],
            Self::Crash(step) => vec![&mut step.pod],
            Self::Resize(step) => vec![&mut step.pod],
            Self::ExpectGroup(step) => step.pod.iter_mut().collect(),
            Self::ExpectBill(step) => {
                let lines = step.lines.iter_mut().flatten().filter_map(|line| line.pod.as_mut());
                step.pod.iter_mut().chain(lines).collect()
            }
            Self::Advance(Advance::Billed { pod, .. }) => vec![pod],
            Self::CreateNamespace(_)
            | Self::Apply(_)
            | Self::Drain(_)
            | Self::ExpectNode(_)
            | Self::ExpectPods(_)
            | Self::Advance(_)
            | Self::Inject(_)
            | Self::LiftFaults
            | Self::Script(_)
            | Self::Account(_)
            | Self::StopProvider
            | Self::StartProvider
            | Self::ConfigureProvider(_)
            | Self::Kubectl(_) => Vec::new(),
        }
    }

    /// Carries the step out.
    ///
    /// # Errors
    /// A [`Miss`] when it does not come out as the case says.
    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        self.require_pods(world).await?;
        let played = match self.groups_named()?.is_empty() {
            true => self.carry_out(world).await,
            false => self.with_ids(world).await?.carry_out(world).await,
        };
        // What was missed shows nothing, but what it was to make may have been made.
        if played.is_ok() || self.may_make_pods() {
            self.remember_pods(world).await?;
        }
        played
    }

    async fn carry_out(&self, world: &mut World) -> Result<(), Miss> {
        match self {
            Self::CreateNamespace(step) => step.play(world).await,
            Self::Label(step) => step.play(world).await,
            Self::Run(step) => step.play(world).await,
            Self::Apply(step) => step.play(world).await,
            Self::Delete(step) => step.play(world).await,
            Self::Drain(step) => step.play(world).await,
            Self::Expect(step) => step.play(world).await,
            Self::ExpectEvent(step) => step.play(world).await,
            Self::ExpectLog(step) => step.play(world).await,
            Self::ExpectNode(step) => step.play(world).await,
            Self::ExpectObject(step) => step.play(world).await,
            Self::ExpectPods(step) => step.play(world).await,
            Self::ExpectUsage(step) => step.play(world).await,
            Self::ExpectGroup(step) => step.play(world).await,
            Self::ExpectBill(step) => step.play(world).await,
            Self::Advance(step) => step.play(world).await,
            Self::Inject(step) => step.play(world).await,
            Self::LiftFaults => inject::lift(world).await,
            Self::Script(step) => step.play(world).await,
            Self::Crash(step) => step.play(world).await,
            Self::Resize(step) => step.play(world).await,
            Self::Account(step) => step.play(world).await,
            Self::StopProvider => provider::stop(world).await,
            Self::StartProvider => provider::start(world).await,
            Self::ConfigureProvider(step) => step.play(world).await,
            Self::Kubectl(step) => step.play(world).await,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateNamespace(step) => step.fmt(f),
            Self::Label(step) => step.fmt(f),
            Self::Run(step) => step.fmt(f),
            Self::Apply(step) => step.fmt(f),
            Self::Delete(step) => step.fmt(f),
            Self::Drain(step) => step.fmt(f),
            Self::Expect(step) => step.fmt(f),
            Self::ExpectEvent(step) => step.fmt(f),
            Self::ExpectLog(step) => step.fmt(f),
            Self::ExpectNode(step) => step.fmt(f),
            Self::ExpectObject(step) => step.fmt(f),
            Self::ExpectPods(step) => step.fmt(f),
            Self::ExpectUsage(step) => step.fmt(f),
            Self::ExpectGroup(step) => step.fmt(f),
            Self::ExpectBill(step) => step.fmt(f),
            Self::Advance(step) => step.fmt(f),
            Self::Inject(step) => step.fmt(f),
            Self::LiftFaults => f.write_str("lift faults"),
            Self::Script(step) => step.fmt(f),
            Self::Crash(step) => step.fmt(f),
            Self::Resize(step) => step.fmt(f),
            Self::Account(step) => step.fmt(f),
            Self::StopProvider => f.write_str("stop provider"),
            Self::StartProvider => f.write_str("start provider"),
            Self::ConfigureProvider(step) => step.fmt(f),
            Self::Kubectl(step) => step.fmt(f),
        }
    }
}
