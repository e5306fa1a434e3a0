//! The state that the API, the name server, the checkers and the test share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::account::Account;
use crate::action::Request;
use crate::api::{self, Reply};
use crate::calls::Call;
use crate::checker::{self, Probed};
use crate::fault::{Fault, Faults};
use crate::refusal::Refusal;
use crate::settings::{Probes, Settings};
use crate::signature;
use crate::throttle::Throttle;

/// The service behind its doors.
pub(crate) struct Double {
    settings: Settings,
    world: Mutex<World>,
}

/// What changes while it runs.
pub(crate) struct World {
    /// Zones, records, checks, tags and changes.
    pub(crate) account: Account,
    /// Faults on order.
    pub(crate) faults: Faults,
    /// The calls so far.
    pub(crate) calls: Vec<Call>,
    throttle: Option<Throttle>,
    played: HashMap<IpAddr, bool>,
}

/// How a call ends for its client.
pub(crate) enum Ending {
    /// With an answer.
    Answer(Result<Reply, Refusal>),
    /// With a closed connection.
    Silence,
}

impl Double {
    /// A service that holds nothing.
    pub(crate) fn new(settings: Settings) -> Self {
        let world = World {
            account: Account::new(&settings),
            faults: Faults::default(),
            calls: Vec::new(),
            throttle: settings.rates.clone().map(|rates| Throttle::new(rates, Instant::now())),
            played: HashMap::new(),
        };
        Self { settings, world: Mutex::new(world) }
    }

    /// The state, locked.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no holder of the lock panics")
    }

    /// Takes a request through signature, throttle and faults to the account.
    pub(crate) async fn call(&self, headers: &HeaderMap, request: &Request) -> Ending {
        if let Err(refusal) = self.admit(headers, request) {
            return self.end(request, Err(refusal), true);
        }
        let fault = self.world().faults.next(request.action);
        match fault {
            None => self.carry_out(request, true),
            Some(Fault::Throttle) => self.end(request, Err(Refusal::throttled()), true),
            Some(Fault::Refuse { status, code }) => {
                self.end(request, Err(Refusal::new(status, code, "A fault on order.")), true)
            }
            Some(Fault::LoseReply) => self.carry_out(request, false),
            Some(Fault::Drop) => {
                self.note(request, None, None, false);
                Ending::Silence
            }
            Some(Fault::Delay { milliseconds }) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                self.carry_out(request, true)
            }
        }
    }

    fn admit(&self, headers: &HeaderMap, request: &Request) -> Result<(), Refusal> {
        signature::check(headers, &self.settings.signatures)?;
        let throttle = &mut self.world().throttle;
        let admits = |throttle: &mut Throttle| throttle.admits(request.action, Instant::now());
        if throttle.as_mut().is_none_or(admits) { Ok(()) } else { Err(Refusal::throttled()) }
    }

    fn carry_out(&self, request: &Request, answered: bool) -> Ending {
        let result = api::handle(&mut self.world().account, request);
        self.end(request, result, answered)
    }

    fn end(&self, request: &Request, result: Result<Reply, Refusal>, answered: bool) -> Ending {
        let (status, code) = match &result {
            Ok(reply) => (reply.status, None),
            Err(refusal) => (refusal.status, Some(refusal.code.to_string())),
        };
        self.note(request, Some(status), code, answered);
        if answered { Ending::Answer(result) } else { Ending::Silence }
    }

    fn note(&self, request: &Request, status: Option<u16>, code: Option<String>, answered: bool) {
        let call = Call { action: request.action, id: request.id.clone(), status, code, answered };
        self.world().calls.push(call);
    }

    /// Makes all checks of an address see this from now on, and at once.
    pub(crate) fn play_health(&self, address: IpAddr, healthy: bool) {
        let mut world = self.world();
        world.played.insert(address, healthy);
        for check in world.account.health_checks.iter_mut() {
            if parsed(check.config.ip_address.as_deref()) == Some(address) {
                check.observed.record(&checker::played(healthy), 1);
            }
        }
    }

    /// Checks all addresses, again and again.
    pub(crate) async fn check_health(&self, probes: Probes) {
        loop {
            self.check_health_once(probes.timeout).await;
            tokio::time::sleep(probes.interval).await;
        }
    }

    async fn check_health_once(&self, timeout: Duration) {
        let checks: Vec<_> = {
            let world = self.world();
            let checks = world.account.health_checks.iter();
            checks.map(|check| (check.id.clone(), check.config.clone())).collect()
        };
        for (id, config) in checks {
            let Some(address) = parsed(config.ip_address.as_deref()) else { continue };
            let played = self.world().played.get(&address).copied();
            let result: Probed = match played {
                Some(healthy) => checker::played(healthy),
                None => checker::probe(&config, address, timeout).await,
            };
            let mut world = self.world();
            if let Some(check) = world.account.health_checks.iter_mut().find(|check| check.id == id) {
                check.observed.record(&result, config.failure_threshold.unwrap_or(3));
            }
        }
    }
}

fn parsed(address: Option<&str>) -> Option<IpAddr> {
    address.and_then(|text| text.parse().ok())
}
