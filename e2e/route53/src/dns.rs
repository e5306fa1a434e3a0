//! The name server of all public zones, over UDP and TCP.
//!
//! A question goes to the zone with the longest fitting apex; of several zones with one apex the first one answers,
//! as if the domain were delegated to its name servers. Private zones answer nobody. What is outside of all zones is
//! refused. The answers themselves are made in [`answer`].

pub mod answer;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

use crate::double::Double;
use crate::name::Name;
use answer::{Answer, Source};

/// For how long a TCP connection may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// Answers from the zones of a double.
struct Handler(Arc<Double>);

/// Starts to answer, and returns where. The server ends when the returned value is dropped.
pub(crate) async fn serve(address: SocketAddr, double: Arc<Double>) -> io::Result<(SocketAddr, impl Send)> {
    let (udp, tcp) = bind(address).await?;
    let address = udp.local_addr()?;
    let mut server = Server::new(Handler(double));
    server.register_socket(udp);
    server.register_listener(tcp, SILENCE, 64);
    Ok((address, server))
}

/// One port for both protocols: a free port of the one can be taken for the other.
async fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if address.port() != 0 || attempts == 16 => return Err(error),
            Err(_) => {}
        }
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut responder: R,
    ) -> ResponseInfo {
        let Answer { code, answers, authority } = self.answer(request);
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = code != ResponseCode::Refused;
        metadata.response_code = code;
        let response = MessageResponseBuilder::from_message_request(request).build(
            metadata,
            &answers,
            &authority,
            [],
            [],
        );
        responder.send_response(response).await.unwrap_or_else(|_| {
            metadata.response_code = ResponseCode::ServFail;
            ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
        })
    }
}

impl Handler {
    fn answer(&self, request: &Request) -> Answer {
        let Ok(info) = request.request_info() else { return Answer::empty(ResponseCode::FormErr) };
        let Ok(name) = Name::parse(&info.query.name().to_string()) else {
            return Answer::empty(ResponseCode::Refused);
        };
        let mut world = self.0.world();
        world.account.settle();
        let account = &world.account;
        let zones = account.zones.values().filter(|zone| zone.vpc.is_none() && name.is_within(&zone.apex));
        // `rev` so that of equal apexes the first zone is the greatest.
        let zone = zones.rev().max_by_key(|zone| zone.apex.depth());
        zone.map_or_else(
            || Answer::empty(ResponseCode::Refused),
            |zone| {
                let is_healthy = |check: &str| account.health_checks.is_healthy(check);
                let source = Source { apex: &zone.apex, records: &zone.served, is_healthy: &is_healthy };
                answer::answer(&source, &name, info.query.query_type())
            },
        )
    }
}
