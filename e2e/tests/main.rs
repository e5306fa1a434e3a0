//! What the whole does on a real control plane, one module for each behaviour. Run it in `e2e/netns`.

mod admission;
mod app;
mod certificate;
mod certificate_faults;
mod claims;
mod control_plane;
mod domain_migration;
mod node_readiness;
mod partition;
mod plan_command;
mod quickstart;
mod resilience;
mod route;
mod second_cluster;
mod secrets;
mod self_signed;
mod start_up;
mod traffic;
mod up;
