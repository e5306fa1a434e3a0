//! A strict double of Amazon Route 53: its API, its health checkers and its name servers, in one process.
//!
//! It refuses what AWS documents that Route 53 refuses; where AWS leaves something open, it takes the reading that is
//! harder on its client. Each rule is listed, with the page of the AWS documentation it comes from, at the head of the
//! module that enforces it ("API_X" is `docs.aws.amazon.com/Route53/latest/APIReference/API_X.html`, "DeveloperGuide
//! x" is `docs.aws.amazon.com/Route53/latest/DeveloperGuide/x.html`), and has a test that sees it refuse:
//!
//! | rules about | module |
//! |---|---|
//! | names | [`name`] |
//! | one record set: elements, TTL, routing policy | [`form`] |
//! | values of each type | [`value`] |
//! | a record set beside others | [`neighbours`] |
//! | a batch: atomic, limits, repetition, CREATE and DELETE | [`batch`] |
//! | zones and the state of changes | [`account`] |
//! | health checks: references, versions, quota | [`health_check`], [`health_config`] |
//! | when an address counts as healthy | [`checker`] |
//! | tags | [`tags`] |
//! | requests a second | [`throttle`] |
//! | signatures | [`signature`] |
//! | what DNS answers | [`dns`] |
//!
//! Tests hold a [`Route53`]; other processes use the control endpoint of the binary.

pub mod account;
pub mod action;
mod api;
pub mod batch;
pub mod calls;
pub mod checker;
mod control;
pub mod dns;
mod double;
pub mod fault;
pub mod form;
pub mod health_check;
pub mod health_config;
pub mod name;
pub mod neighbours;
pub mod query;
pub mod record;
pub mod refusal;
mod server;
pub mod settings;
pub mod signature;
pub mod tags;
pub mod throttle;
pub mod value;
pub mod xml;
pub mod zone;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::rr::RecordType;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use action::Action;
use calls::Call;
use double::Double;
use fault::{Fault, Order};
use settings::Settings;
use xml::zones::CreateHostedZoneRequest;

/// A running double. It ends when it is dropped.
pub struct Route53 {
    api: SocketAddr,
    dns: SocketAddr,
    double: Arc<Double>,
    _tasks: JoinSet<()>,
    _name_server: Box<dyn Send>,
}

impl Route53 {
    /// Starts all servers.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let double = Arc::new(Double::new(settings.clone()));
        let listener = TcpListener::bind(settings.listen).await?;
        let api = listener.local_addr()?;
        let (dns, name_server) = dns::serve(settings.dns, double.clone()).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(listener, double.clone()));
        if let Some(probes) = settings.probes {
            let double = double.clone();
            tasks.spawn(async move { double.check_health(probes).await });
        }
        Ok(Self { api, dns, double, _tasks: tasks, _name_server: Box::new(name_server) })
    }

    /// The URL of the API.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Where the name server answers.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Makes a public zone and returns its id.
    pub fn create_zone(&self, name: &str) -> Result<String, refusal::Refusal> {
        let mut world = self.double.world();
        let caller_reference = format!("made-by-the-test-{:016x}", fastrand::u64(..));
        let request = CreateHostedZoneRequest {
            name: name.to_owned(),
            vpc: None,
            caller_reference,
            hosted_zone_config: None,
        };
        let (zone, _) = world.account.create_zone(request)?;
        Ok(zone.id)
    }

    /// Makes the next calls of an action (or of any) run into a fault.
    pub fn order(&self, action: Option<Action>, times: u32, fault: Fault) {
        self.double.world().faults.add(Order { action, times, fault });
    }

    /// How many calls are still to run into a fault.
    pub fn faults_left(&self) -> u32 {
        self.double.world().faults.left()
    }

    /// Makes the checkers see an address as healthy or not, at once. Checks made later begin without data, as healthy.
    pub fn set_health(&self, address: IpAddr, healthy: bool) {
        self.double.play_health(address, healthy);
    }

    /// Brings all changes in sync.
    pub fn sync(&self) {
        self.double.world().account.sync();
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.double.world().calls.clone()
    }

    /// How many calls there were of each action.
    pub fn calls_by_action(&self) -> BTreeMap<Action, usize> {
        calls::by_action(&self.double.world().calls)
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.double.world().calls.clear();
    }

    /// Asks the name server, as a client would.
    pub async fn ask(&self, name: &str, kind: RecordType) -> io::Result<query::Response> {
        query::ask(self.dns, name, kind).await
    }
}
