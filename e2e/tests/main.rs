//! What the whole does on a real control plane, one module for each behaviour. Run it in `e2e/netns`.

mod admission;
mod app;
mod certificate;
mod certificate_faults;
mod claims;
mod control_plane;
mod crash;
mod disk;
mod domain_migration;
mod inspect;
mod leader;
mod node_readiness;
mod partition;
mod plan_command;
mod processes;
mod quickstart;
mod resilience;
mod route;
mod route_fields;
mod second_cluster;
mod secrets;
mod self_signed;
mod start_up;
mod tcp_route;
mod traffic;
mod up;
