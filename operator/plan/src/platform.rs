//! What runs the processes of Apps.

/// What runs the processes of Apps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Platform {
    /// Kubernetes nodes, which run images.
    #[default]
    Kubernetes,
    /// This machine, which runs commands (`flynn-operator up`).
    Standalone,
}
