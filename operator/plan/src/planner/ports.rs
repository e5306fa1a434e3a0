//! The TCP ports: whose each is, and which one a Route gets that declares none.

use crds::{Reason, Route, TcpPorts};

use super::units::keep;
use super::{Planner, Role};
use crate::security_group::reachable;
use crate::{ObjectKey, Refusal, Step, TcpInputs, TcpPlan, Unit, Verdict};

impl Planner {
    pub(super) fn plan_tcp(&mut self, port: u16, step: &mut Step) {
        let keys: Vec<&ObjectKey> = self.world.ports.by_port.of(&port).collect();
        let routes = self.routes(&keys);
        let new = crate::tcp(&TcpInputs { port, targets: self.targets(&routes), routes });
        let none = TcpPlan::default();
        let old = self.plans.ports.get(&port).unwrap_or(&none);
        if *old == new {
            return;
        }
        if old.entry != new.entry {
            step.table.tcp.insert(port, new.entry.clone());
        }
        let routes: Vec<_> = old.routes.keys().chain(new.routes.keys()).cloned().collect();
        self.world.dirty.extend(routes.into_iter().map(Unit::Route));
        if self.role == Role::Leader {
            self.take_lost_ports(&new);
        }
        keep(&mut self.plans.ports, &port, (new != none).then_some(new));
        self.world.dirty.insert(Unit::Cloud);
    }

    /// Whether the nodes' firewall lets the clients of a TCP Route through to its port; nothing where no firewall is declared.
    pub(super) fn reachable(&self, route: &Route, port: u16) -> Option<Verdict> {
        let groups = self.plans.active.as_ref()?.spec.aws.as_ref()?.security_groups.as_ref()?;
        let tcp = route.spec.tcp.as_ref()?;
        Some(reachable(Some(groups), port, &tcp.clients))
    }

    /// Marks the Routes that a changed firewall lets through or no more.
    pub(super) fn touch_reachable(&mut self) {
        let routes = self.plans.ports.values().flat_map(|plan| plan.routes.keys().cloned());
        self.world.dirty.extend(routes.map(Unit::Route).collect::<Vec<_>>());
    }

    /// Gives a TCP Route the first free port.
    pub(super) fn plan_given_port(&mut self, key: &ObjectKey) {
        let Some(route) = self.world.routes.get(key).cloned() else { return };
        let is_asked = route.spec.tcp.as_ref().is_some_and(|tcp| tcp.port.is_none());
        if !is_asked || self.world.ports.of(key).is_some() {
            return;
        }
        let TcpPorts { first, last } = self.tcp_ports();
        let port = self.world.ports.give(key, &route, first..=last);
        self.world.dirty.extend(port.map(Unit::Tcp));
        self.world.dirty.insert(Unit::Route(key.clone()));
    }

    fn tcp_ports(&self) -> TcpPorts {
        self.plans.active.as_ref().map(|cluster| cluster.spec.tcp_ports()).unwrap_or_default()
    }

    /// A Route that was given a port which is another's gets a new one.
    fn take_lost_ports(&mut self, plan: &TcpPlan) {
        for (key, _) in plan.routes.iter().filter(|(_, verdict)| verdict.accepted.is_err()) {
            let route = self.world.routes.get(key).cloned();
            let given = route.filter(|route| route.spec.tcp.as_ref().is_some_and(|tcp| tcp.port.is_none()));
            if let Some(route) = given {
                let port = self.world.ports.of(key);
                self.world.ports.take(key, &route);
                self.world.dirty.extend(port.map(Unit::Tcp));
                self.world.dirty.insert(Unit::GivenPort(key.clone()));
            }
        }
    }

    pub(super) fn no_free_port(&self) -> Refusal {
        let TcpPorts { first, last } = self.tcp_ports();
        let message = format!(
            "every TCP port from {first} to {last} belongs to a Route: delete one, give this one a port, or widen spec.router.tcpPorts of the Cluster"
        );
        Refusal::new(Reason::NoFreePort, message)
    }
}

/// What a Route says that gets a port in a moment.
pub(super) fn no_port_yet() -> Refusal {
    Refusal::new(Reason::Pending, "the Route is being given a TCP port")
}
