//! Health checks of endpoints that speak HTTP/2.

use router::Values;
use router_config::{Config, HealthCheck, Protocol};

use super::grpc_server::GrpcServer;
use crate::site::{Site, add, dead, eventually};

#[test]
fn an_endpoint_of_http_2_is_asked_in_http_2() {
    let server = GrpcServer::start();
    let mut config = Config::default();
    add(&mut config, "example.com", "/", &[server.address, dead()]);
    let service = config.services.get_mut("example.com/").unwrap();
    service.protocol = Protocol::H2c;
    service.health = Some(HealthCheck { interval_seconds: 1, unhealthy_after: 1, ..HealthCheck::of("/") });
    let site = Site::start(&config);
    eventually("the dead one is found", || site.server.metrics().endpoints_unhealthy == 1);
    eventually("the other one passes", || {
        site.server.metrics().series().iter().any(|series| {
            series.name == "router_health_checks"
                && matches!(&series.values, Values::Counter(samples) if samples[0].value > 0)
        })
    });
}
