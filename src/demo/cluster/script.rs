//! What happens in the demo cluster: a round of small steps that ends where it began, so that it can go on for ever.

use super::catalogue::{Type, Vip, workload_of};
use super::clock::Seconds;
use super::state::{PodState, State};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The storefront gets one pod more, which is not up yet.
    ScaleUp,
    /// Its container runs and is ready.
    PodUp,
    /// The service that holds the last address of the tiny pool is deleted, and the one that waits gets the address.
    HandOver,
    /// A pod of the API stops being ready.
    PodUnready,
    /// It is ready again.
    PodReady,
    /// The oldest pod of the storefront is ended; it still serves.
    PodEnds,
    /// It is gone.
    PodGone,
    /// The deleted service is made again, and has to wait now.
    MakeAgain,
}

const ROUND: [Step; 8] = [
    Step::ScaleUp,
    Step::PodUp,
    Step::HandOver,
    Step::PodUnready,
    Step::PodReady,
    Step::PodEnds,
    Step::PodGone,
    Step::MakeAgain,
];

/// The two services that take turns at one address.
const SALES: [&str; 2] = ["spring-sale", "summer-sale"];

/// Where the script stands.
#[derive(Debug, Default)]
pub(in crate::demo) struct Script {
    done: usize,
    /// Where the deleted service belongs among the services.
    waiting: Option<usize>,
}

impl Script {
    /// Does the next step to `state`.
    pub(in crate::demo) fn advance(&mut self, state: &mut State, now: Seconds) {
        let step = ROUND[self.done % ROUND.len()];
        self.done += 1;
        match step {
            Step::ScaleUp => scale_up(state, now),
            Step::PodUp => turn(state, "storefront", PodState::Creating, UP, now),
            Step::HandOver => self.hand_over(state, now),
            Step::PodUnready => turn(state, "api", UP, DOWN, now),
            Step::PodReady => turn(state, "api", DOWN, UP, now),
            Step::PodEnds => turn(state, "storefront", UP, PodState::Terminating, now),
            Step::PodGone => state.pods.retain(|pod| pod.state != PodState::Terminating),
            Step::MakeAgain => self.make_again(state, now),
        }
    }

    fn hand_over(&mut self, state: &mut State, now: Seconds) {
        let holds = |name: &&&str| {
            let index = state.service("shop", name);
            index.is_some_and(|index| !state.services[index].addresses.is_empty())
        };
        let Some(holder) = SALES.iter().find(holds) else {
            return;
        };
        let Some(index) = state.service("shop", holder) else {
            return;
        };
        let gone = state.services.remove(index);
        self.waiting = Some(usize::from(*holder == SALES[1]));
        let next = SALES.iter().find_map(|name| state.service("shop", name));
        if let (Some(next), Some(pool)) = (next, gone.pool) {
            state.assign(next, pool, gone.addresses, now);
        }
    }

    fn make_again(&mut self, state: &mut State, now: Seconds) {
        let Some(which) = self.waiting.take() else {
            return;
        };
        let spec = super::services::SERVICES
            .iter()
            .find(|spec| spec.namespace == "shop" && spec.name == SALES[which]);
        if let Some(spec) = spec {
            debug_assert!(matches!(
                spec.kind,
                Type::LoadBalancer(Vip::From(..) | Vip::Refused(_))
            ));
            state.add_service(spec, now);
        }
    }
}

const UP: PodState = PodState::Running { ready: true };
const DOWN: PodState = PodState::Running { ready: false };

fn scale_up(state: &mut State, now: Seconds) {
    if let Some(storefront) = workload_of("shop", "storefront") {
        let on_first = state
            .pods
            .iter()
            .filter(|pod| pod.workload.name == storefront.name && pod.node.index == 1);
        // The scheduler spreads: the node with fewer of them gets it.
        let node = if on_first.count() <= 2 { 1 } else { 2 };
        state.add_pod(storefront, node, now);
    }
}

/// The first pod of `app` in the shop that is in state `from` turns to state `to`.
fn turn(state: &mut State, app: &str, from: PodState, to: PodState, now: Seconds) {
    let pod = state.pods.iter_mut().find(|pod| {
        pod.workload.namespace == "shop" && pod.workload.name == app && pod.state == from
    });
    if let Some(pod) = pod {
        pod.state = to;
        pod.changed = now;
    }
}
