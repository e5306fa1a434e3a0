//! The file that `kubectl` needs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Token;

/// The name of the cluster and of the context.
const NAME: &str = "flynn";

/// A kubeconfig for one user. It holds the token: write it with [`super::write_private`].
#[must_use]
pub fn kubeconfig(server: &str, ca_pem: &str, user: &str, token: &Token) -> String {
    let authority = STANDARD.encode(ca_pem);
    let [server, user, token] = [server, user, token.expose()].map(quoted);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: {NAME}
  cluster:
    certificate-authority-data: {authority}
    server: {server}
contexts:
- name: {NAME}
  context:
    cluster: {NAME}
    user: {user}
current-context: {NAME}
users:
- name: {user}
  user:
    token: {token}
"
    )
}

/// JSON's quotes are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_kubeconfig_names_server_authority_user_and_token() {
        let token = Token::from("t0ken: \"x\"".to_owned());
        let text = kubeconfig("https://127.0.0.1:6443", "PEM", "ann", &token);
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:6443");
        assert_eq!(config["clusters"][0]["cluster"]["certificate-authority-data"], "UEVN");
        assert_eq!(config["contexts"][0]["context"]["user"], "ann");
        assert_eq!(config["current-context"], config["contexts"][0]["name"]);
        assert_eq!(config["users"][0]["name"], "ann");
        assert_eq!(config["users"][0]["user"]["token"], "t0ken: \"x\"");
    }
}
