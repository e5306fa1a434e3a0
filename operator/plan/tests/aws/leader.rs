//! A leader: it observes, plans, makes the calls, and looks again until there is none left. It has nothing but its history.

use jiff::SignedDuration;
use plan::aws::{History, Plan, plan};

use crate::world::{TICK, World};

/// How many passes follow each other without a pause.
const PASSES: usize = 10;

#[derive(Debug, Clone, Default)]
pub(crate) struct Leader {
    history: History,
    pub(crate) plan: Option<Plan>,
    /// What it told of drift.
    pub(crate) drift: Vec<String>,
}

impl Leader {
    /// Observes and plans.
    pub(crate) fn look(&mut self, world: &mut World) -> Plan {
        let order = world.order();
        let plan = plan(&order, &world.observe(&order), &self.history, world.now);
        self.history = plan.history.clone();
        self.drift.extend(plan.report.drift.iter().cloned());
        world.note_records(&plan.report.records);
        self.plan = Some(plan.clone());
        plan
    }

    /// Makes the calls of a plan, at most so many.
    pub(crate) fn make(&mut self, world: &mut World, plan: &Plan, most: usize) {
        if world.state.cluster.aws.as_ref().is_none_or(|aws| aws.mode != crds::AwsMode::Apply) {
            return;
        }
        let mut outcomes = Vec::new();
        for call in plan.calls.iter().take(most) {
            match world.death() {
                Some(carried_out) => {
                    let _unseen = carried_out.then(|| world.make(call));
                    *self = Self::default();
                    return;
                }
                None => outcomes.push(world.make(call)),
            }
        }
        self.history.take(&outcomes, world.now);
    }

    /// Goes on until nothing is left to be done at once.
    pub(crate) fn run(&mut self, world: &mut World) {
        for _ in 0..PASSES {
            let plan = self.look(world);
            if plan.calls.is_empty() {
                break;
            }
            self.make(world, &plan, usize::MAX);
        }
    }

    /// Lets time pass, with a look at every tick.
    pub(crate) fn live(&mut self, world: &mut World, seconds: i64) {
        let end = world.now + SignedDuration::from_secs(seconds);
        while world.now + TICK <= end {
            let probes = self.plan.as_ref().map(|plan| plan.probes.clone()).unwrap_or_default();
            world.tick(&probes);
            self.run(world);
        }
    }
}
