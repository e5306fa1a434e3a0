//! Whether an address may be in DNS: what Kubernetes, EC2 and the operator's own probes say of its node.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crds::Reason;
use jiff::{SignedDuration, Timestamp};

use super::survey::{Survey, type_of};
use super::{DnsInputs, History};
use crate::Refusal;
use crate::address::Member;
use crate::aws::{Probe, RecordType};

/// How long the probes of an address have to fail, and how many of them, until it is dead.
const DEAD: (SignedDuration, u32) = (SignedDuration::from_secs(60), 3);

/// How many probes have to go well before an address is added.
const PROVEN: u32 = 2;

/// The addresses of the nodes, and those that are published.
pub(super) struct Standings<'a> {
    by_address: BTreeMap<IpAddr, Standing<'a>>,
    /// When the passing of time alone changes one.
    pub(super) recheck_at: Option<Timestamp>,
    /// Why some of the nodes that DNS names are not judged yet, and how many.
    pub(super) unjudged: Option<(usize, String)>,
}

/// How one address stands.
pub(super) struct Standing<'a> {
    pub(super) member: Option<&'a Member>,
    pub(super) merit: Merit,
    /// Whether the last probe went well.
    pub(super) answers: bool,
    /// Whether records of ours name it.
    pub(super) published: bool,
}

/// What an address deserves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Merit {
    /// To be in DNS.
    Fit,
    /// To stay if it is there, and to be added later.
    Undecided(String),
    /// To leave: its node does not serve, as Kubernetes or EC2 tell.
    Withdrawn(Refusal),
    /// To leave: it does not answer.
    Dead(Refusal),
    /// To leave: it is no node's.
    Vanished,
}

impl<'a> Standings<'a> {
    /// Judges the addresses.
    pub(super) fn of(inputs: &DnsInputs<'a>, survey: &Survey<'_>, history: &mut History) -> Self {
        let mut standings = Self { by_address: BTreeMap::new(), recheck_at: None, unjudged: None };
        for member in inputs.members {
            for address in member.addresses() {
                let probe = inputs.observed.probes.get(&address);
                let answers = probe.is_some_and(|probe| probe.ok);
                let merit = standings.merit(member, address, probe, inputs.now);
                let standing = Standing { member: Some(member), merit, answers, published: false };
                standings.by_address.entry(address).or_insert(standing);
            }
        }
        for address in survey.published(&inputs.order.owner) {
            let answers = inputs.observed.probes.get(&address).is_some_and(|probe| probe.ok);
            let vanished = || Standing { member: None, merit: Merit::Vanished, answers, published: false };
            standings.by_address.entry(address).or_insert_with(vanished).published = true;
        }
        standings.judge(inputs.members, history);
        standings.damp(inputs, history);
        standings
    }

    /// Takes note of the verdicts, and of the published nodes of which this leader has had none yet.
    fn judge(&mut self, members: &[Member], history: &mut History) {
        let is_judged = |(address, standing): (&IpAddr, &Standing<'_>)| {
            let is_decided = standing.member.is_some() && !matches!(standing.merit, Merit::Undecided(_));
            (is_decided || history.judged.contains(address)).then_some(*address)
        };
        history.judged = self.by_address.iter().filter_map(is_judged).collect();
        let why = |member: &Member| {
            let published = member.addresses().filter_map(|address| self.by_address.get(&address));
            let why = published.filter(|standing| standing.published).find_map(Standing::why)?;
            (!member.addresses().any(|address| history.judged.contains(&address))).then_some(why)
        };
        let mut unjudged = members.iter().filter_map(why).peekable();
        self.unjudged = unjudged.peek().cloned().map(|first| (unjudged.count(), first));
    }

    fn merit(&mut self, member: &Member, address: IpAddr, probe: Option<&Probe>, now: Timestamp) -> Merit {
        if let Err(refusal) = &member.serves {
            return Merit::Withdrawn(refusal.clone());
        }
        let Some(probe) = probe else {
            return Merit::Undecided(format!("{address} has not been probed yet"));
        };
        let said = |what: &str| format!("{address} of {} {what}: {}", member.node, probe.said);
        match probe {
            Probe { ok: true, in_row, .. } if *in_row >= PROVEN => Merit::Fit,
            Probe { ok: true, .. } => Merit::Undecided(format!("{address} has answered one probe only")),
            Probe { since, in_row, .. } if now >= *since + DEAD.0 && *in_row >= DEAD.1 => {
                Merit::Dead(Refusal::new(Reason::NotServing, said("does not answer")))
            }
            Probe { since, .. } => {
                self.recheck(*since + DEAD.0, now);
                Merit::Undecided(said("did not answer lately"))
            }
        }
    }

    /// Makes those wait that left before.
    fn damp(&mut self, inputs: &DnsInputs<'_>, history: &mut History) {
        let fit = |(address, standing): (&IpAddr, &Standing<'_>)| {
            (standing.merit == Merit::Fit).then_some(*address)
        };
        history.damping.fine(self.by_address.iter().filter_map(fit).collect(), inputs.now);
        let mut waits = Vec::new();
        for (address, standing) in &mut self.by_address {
            let since = inputs.observed.probes.get(address).map(|probe| probe.since);
            let damped = since.filter(|_| standing.merit == Merit::Fit && !standing.published);
            let damped = damped.and_then(|since| history.damping.until(*address, since, inputs.now));
            if let Some((until, why)) = damped {
                standing.merit = Merit::Undecided(why);
                waits.push(until);
            }
        }
        waits.into_iter().for_each(|until| self.recheck(until, inputs.now));
    }

    fn recheck(&mut self, at: Timestamp, now: Timestamp) {
        if at > now {
            self.recheck_at = self.recheck_at.into_iter().chain([at]).min();
        }
    }

    /// How an address stands.
    pub(super) fn get(&self, address: IpAddr) -> Option<&Standing<'a>> {
        self.by_address.get(&address)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, &Standing<'a>)> {
        self.by_address.iter().map(|(address, standing)| (*address, standing))
    }

    /// The nodes' addresses of one type.
    pub(super) fn members<'s>(
        &'s self,
        type_: &'s RecordType,
    ) -> impl Iterator<Item = (IpAddr, &'s Standing<'a>)> {
        self.iter()
            .filter(move |(address, standing)| standing.member.is_some() && type_of(*address) == *type_)
    }
}

impl Standing<'_> {
    /// Whether it should not be in DNS.
    pub(super) fn should_leave(&self) -> bool {
        matches!(self.merit, Merit::Withdrawn(_) | Merit::Dead(_) | Merit::Vanished)
    }

    /// Whether it serves, as far as is known now.
    pub(super) fn serves(&self) -> bool {
        self.answers && !self.should_leave()
    }

    /// Why it is not in DNS, or should not be.
    pub(super) fn why(&self) -> Option<String> {
        match &self.merit {
            Merit::Fit => None,
            Merit::Undecided(why) => Some(why.clone()),
            Merit::Withdrawn(refusal) | Merit::Dead(refusal) => Some(refusal.message.clone()),
            Merit::Vanished => Some("no node has it".to_owned()),
        }
    }
}
