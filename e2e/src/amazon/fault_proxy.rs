//! The door to all services: requests of the SDK come in, and go on to moto or to the double of Route 53 unless a fault is on
//! order for them or [`rules`](super::rules) refuse what moto would let pass. Every call is noted.
//!
//! Orders name actions as policies do: `ec2:AllocateAddress`, `ec2:Describe*`, `*`. It belongs to the async runtime in which
//! it was started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::calls::{Call, Calls, Number};
use super::fault::{Fault, Orders};
use super::hold::Gate;
use super::refusal::{Refusal, Reply};
use super::request::{Request, Service};
use super::rules::Rules;
use super::upstream::Upstreams;

/// A running proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    desk: Arc<Desk>,
    task: AbortHandle,
}

/// What the connections share.
#[derive(Debug)]
struct Desk {
    upstreams: Upstreams,
    rules: Rules,
    orders: Mutex<Orders>,
    calls: Mutex<Calls>,
    gate: Gate,
    down: watch::Sender<bool>,
    /// Held by a call that changes something, so that the rules judge what it will meet.
    turn: tokio::sync::Mutex<()>,
}

/// No answer: the connection closes.
#[derive(Debug, thiserror::Error)]
#[error("there is no answer")]
struct Silence;

impl FaultProxy {
    /// Starts in front of these servers.
    pub(super) async fn start(upstreams: Upstreams, rules: Rules) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk {
            upstreams,
            rules,
            orders: Mutex::default(),
            calls: Mutex::default(),
            gate: Gate::new(),
            down: watch::Sender::new(false),
            turn: tokio::sync::Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, desk.clone())).abort_handle();
        Ok(Self { address, desk, task })
    }

    /// The URL of every service.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes the next calls that `pattern` names run into a fault; [`usize::MAX`] is all of them.
    pub fn order(&self, pattern: &str, times: usize, fault: Fault) {
        self.desk.orders().add(pattern, times, fault);
    }

    /// How many calls are still to run into a fault.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.desk.orders().left()
    }

    /// Forgets all orders. What is held stays held.
    pub fn forget_faults(&self) {
        self.desk.orders().clear();
    }

    /// Waits until as many calls are held.
    pub async fn held(&self, calls: usize) {
        self.desk.gate.held(calls).await;
    }

    /// Waits until no call is held any more: those that were are released, or their clients are gone.
    pub async fn none_held(&self) {
        self.desk.gate.empty().await;
    }

    /// Lets all calls that are held go on.
    pub fn release(&self) {
        self.desk.gate.open();
    }

    /// Closes every connection from now on, or no longer.
    pub fn set_down(&self, down: bool) {
        self.desk.down.send_replace(down);
    }

    /// Refuses from now on what no policy of the user allows.
    pub(super) fn enforce_iam(&self) {
        self.desk.rules.enforce_iam();
    }

    /// The calls so far, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.desk.calls().all()
    }

    /// How many calls there were of each action.
    #[must_use]
    pub fn calls_by_action(&self) -> BTreeMap<String, usize> {
        self.desk.calls().by_action()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.desk.calls().forget();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, desk.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    let mut down = desk.down.subscribe();
    let service = service_fn(|request| answer(request, &desk));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = down.wait_for(|down| *down) => {}
        _ = connection => {} // a client that goes away, and an answer that is lost, end it early
    }
}

async fn answer(
    request: http::Request<Incoming>,
    desk: &Arc<Desk>,
) -> Result<Response<Full<Bytes>>, Silence> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Silence)?.to_bytes();
    let request = Arc::new(Request::read(head, body));
    let reply = desk.take(&request).await?;
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

impl Desk {
    /// Takes a request through the fault that is on order for it.
    async fn take(self: &Arc<Self>, request: &Arc<Request>) -> Result<Reply, Silence> {
        let fault = self.orders().next(&request.action());
        let number = self.calls().begin(request, fault.clone());
        let refused = |refusal: Refusal| refusal.reply(request.service);
        let reply = match fault {
            None => self.carry_out(request, number, true).await?,
            Some(Fault::Throttle) => refused(Refusal::throttled(request.service)),
            Some(Fault::ServerError) => refused(Refusal::server_error(request.service)),
            Some(Fault::Deny(code)) => refused(Refusal::new(&code, "A fault on order.")),
            Some(Fault::EmptyList) => Reply::empty_list(request.service, &request.operation),
            Some(Fault::Drop) => return Err(Silence),
            Some(Fault::LoseReply) => {
                self.carry_out(request, number, false).await?;
                return Err(Silence);
            }
            Some(Fault::Delay(time)) => {
                let (desk, request) = (self.clone(), request.clone());
                let late = async move {
                    sleep(time).await;
                    desk.carry_out(&request, number, true).await
                };
                tokio::spawn(late).await.map_err(|_| Silence)??
            }
            Some(Fault::HoldRequest) => {
                self.gate.pass().await;
                self.carry_out(request, number, true).await?
            }
            Some(Fault::HoldReply) => {
                let reply = self.carry_out(request, number, false).await?;
                self.gate.pass().await;
                reply
            }
        };
        self.calls().end(number, &reply, true);
        Ok(reply)
    }

    /// Does what is asked for. It is done to its end, even if the client gives up in the middle.
    async fn carry_out(
        self: &Arc<Self>,
        request: &Arc<Request>,
        number: Number,
        answered: bool,
    ) -> Result<Reply, Silence> {
        let (desk, request) = (self.clone(), request.clone());
        let done = async move {
            let reply = desk.done(&request).await?;
            desk.calls().end(number, &reply, answered);
            Ok(reply)
        };
        tokio::spawn(done).await.map_err(|_| Silence)?
    }

    async fn done(&self, request: &Request) -> Result<Reply, Silence> {
        let _turn = match (request.service, request.operation.starts_with("Describe")) {
            (Service::Ec2, false) => Some(self.turn.lock().await),
            _ => None,
        };
        if let Err(refusal) = self.rules.before(request).await {
            return Ok(refusal.reply(request.service));
        }
        let reply = self.upstreams.send(request, self.rules.body(request)).await.map_err(|_| Silence)?;
        if reply.status.is_success() {
            self.rules.after(request, reply).await.map_err(|_| Silence)
        } else {
            Ok(reply.in_the_form_of(request.service))
        }
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
