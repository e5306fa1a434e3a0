//! Makes the key of sticky sessions: 32 random bytes, once. No key is logged or told.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};
use plan::RouterKey;

/// Creates the Secret. One that is there already is as good.
pub(super) async fn create(client: &Client, order: &RouterKey) -> Result<(), kube::Error> {
    let secrets = Api::<Secret>::namespaced(client.clone(), &order.secret.namespace);
    match secrets.create(&PostParams::default(), &order.secret(fresh())).await {
        Ok(_) => tracing::info!(key = %order.secret, "made the key of sticky sessions"),
        Err(kube::Error::Api(status)) if status.is_already_exists() => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn fresh() -> String {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).expect("the system has randomness, or nothing could speak TLS");
    STANDARD.encode(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_32_bytes_and_no_two_are_the_same() {
        assert_eq!(STANDARD.decode(fresh()).unwrap().len(), 32);
        assert_ne!(fresh(), fresh());
    }
}
