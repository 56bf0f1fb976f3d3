//! The perturbations of calls, as the tap carries them out.

use std::time::Duration;

use tokio::sync::oneshot;

use super::{Call, Order, Tap};
use crate::sweep::injection_point::InjectionPoint;
use crate::sweep::perturbation::Perturbation;

impl Tap {
    /// Carries a call under `perturbation`; nothing when its answer is lost. A perturbation that does not fit the call leaves
    /// it as it is, and does not stand in the journal.
    pub(super) async fn perturbed<C: Call>(
        &self,
        place: InjectionPoint,
        perturbation: Perturbation,
        life: u32,
        call: &C,
    ) -> Option<C::Reply> {
        use Perturbation as P;
        match perturbation {
            P::KillBefore(_) | P::KillAfter(_) | P::Lost => {
                self.unanswered(place, perturbation, life, call).await;
                return None;
            }
            P::Late(_) | P::Doubled | P::Cut | P::ShortPage => {
                return Some(self.altered(place, perturbation, call).await);
            }
            P::Older(_) | P::Expired | P::Throttled(_) | P::ServerErrors(_) => {
                if let Some(answer) = instead(perturbation, call).await {
                    self.acts(place, perturbation);
                    return Some(answer);
                }
            }
            P::TwoProviders => {
                self.acts(place, perturbation);
                self.order(Order::Second(perturbation.lasts()));
            }
            P::AlienStatus | P::AlienLabels | P::NodeDeleted | P::SameName => {
                self.acts(place, perturbation);
                self.alien(perturbation).await;
            }
            P::Dropped | P::Delayed | P::Twice | P::Swapped | P::Gone => {}
        }
        Some(call.send().await)
    }

    /// Carries a call whose answer nobody hears, or does not carry it at all.
    async fn unanswered<C: Call>(
        &self,
        place: InjectionPoint,
        perturbation: Perturbation,
        life: u32,
        call: &C,
    ) {
        if !matches!(perturbation, Perturbation::KillBefore(_)) {
            call.send().await;
        }
        self.acts(place, perturbation);
        if let Perturbation::KillBefore(absence) | Perturbation::KillAfter(absence) = perturbation {
            self.kill(life, absence);
        }
    }

    /// Carries a call whose answer comes late, for the second time, in half, or short of a group.
    async fn altered<C: Call>(
        &self,
        place: InjectionPoint,
        perturbation: Perturbation,
        call: &C,
    ) -> C::Reply {
        let answer = call.send().await;
        if perturbation == Perturbation::ShortPage {
            let Some(shorter) = call.shorter(&answer) else { return answer };
            self.acts(place, perturbation);
            return shorter;
        }
        self.acts(place, perturbation);
        match perturbation {
            Perturbation::Late(seconds) => {
                tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
                answer
            }
            Perturbation::Doubled => call.send().await,
            Perturbation::Cut => call.cut(answer),
            _ => answer,
        }
    }

    async fn alien(&self, perturbation: Perturbation) {
        let (done, waits) = oneshot::channel();
        self.order(Order::Alien(perturbation, done));
        let _ = waits.await; // the world ended meanwhile
    }
}

/// The answer that comes instead of the call's own, where the perturbation fits the call.
async fn instead<C: Call>(perturbation: Perturbation, call: &C) -> Option<C::Reply> {
    match perturbation {
        Perturbation::Older(by) => call.older(by).await,
        Perturbation::Expired => call.expired(),
        Perturbation::Throttled(_) => Some(call.throttled()),
        Perturbation::ServerErrors(_) => Some(call.server_error()),
        _ => None,
    }
}
