//! Do the verbs of `sealer keys` do what they say, and say exactly what is wrong? The cluster is a small one of the
//! test's own.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]
#![expect(clippy::disallowed_methods, reason = "the small cluster has a clock")]
#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use sealer_core::{Certificate, Label, Plaintext, Scope, UnsealingKey, seal};
use sealer_encoding::base64;
use serde_json::{Value, json};

use crate::cluster::Cluster;

mod backup;
mod cluster;
mod files;
mod forms;
mod life;
mod loose;

/// A key, the first day of its certificate, and its Secret.
pub(crate) struct Key {
    pub(crate) key: UnsealingKey,
    pub(crate) pem: String,
    pub(crate) secret: Value,
}

impl Key {
    fn new(name: &str, days_old: i64) -> Self {
        let key = UnsealingKey::generate(2048).unwrap();
        let first_day = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days_old);
        let certificate = Certificate::self_signed(&key, "", first_day, Duration::from_secs(86_400 * 3650)).unwrap();
        let data = json!({ "tls.key": base64::encode(key.secret_pkcs1_pem().as_bytes()), "tls.crt": base64::encode(certificate.to_pem()) });
        let labels = json!({ "sealedsecrets.bitnami.com/sealed-secrets-key": "active" });
        let metadata = json!({ "name": name, "labels": labels, "resourceVersion": "0", "creationTimestamp": first_day.to_string() });
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data });
        Self { key, pem: certificate.to_pem(), secret }
    }

    pub(crate) fn fingerprint(&self) -> &str {
        self.key.fingerprint().as_str()
    }

    /// A sealed value by itself, as `sealer --raw` prints it.
    pub(crate) fn raw(&self, scope: Scope, namespace: &str, name: &str) -> String {
        let label = Label::new_unchecked(scope, namespace, name);
        seal(&Plaintext::new(b"hunter2".to_vec()), &label, self.key.sealing_key()).unwrap().to_base64()
    }

    /// A SealedSecret of the namespace `ns` with these items.
    pub(crate) fn sealed(&self, name: &str, items: &[&str]) -> Value {
        let label = Label::new_unchecked(Scope::Strict, "ns", name);
        let value = || seal(&Plaintext::new(b"hunter2".to_vec()), &label, self.key.sealing_key()).unwrap().to_base64();
        let items: serde_json::Map<String, Value> =
            items.iter().map(|item| ((*item).to_owned(), json!(value()))).collect();
        json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": { "name": name, "namespace": "ns" }, "spec": { "encryptedData": items } })
    }
}

/// Three keys, oldest first.
pub(crate) static KEYS: LazyLock<[Key; 3]> =
    LazyLock::new(|| [Key::new("key-a", 90), Key::new("key-b", 60), Key::new("key-c", 10)]);

/// A cluster, and a folder to work in.
pub(crate) struct Place {
    pub(crate) cluster: Cluster,
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    /// A cluster with some of the keys, the last of which it serves.
    pub(crate) fn with_keys(keys: &[&Key]) -> Self {
        let place = Self { cluster: Cluster::start(), folder: tempfile::tempdir().unwrap() };
        place.cluster.with(|state| {
            for key in keys {
                state.secrets.insert(key.secret["metadata"]["name"].as_str().unwrap().to_owned(), key.secret.clone());
                state.certificate.clone_from(&key.pem);
            }
        });
        place.file("passphrase", "correct horse\n");
        place
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn run(&self, args: &str) -> Said {
        let server = format!("http://127.0.0.1:{}", self.cluster.port);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
        command.args(args.split_whitespace()).args(["--server", &server]).current_dir(&self.folder);
        command.env_clear().env("HOME", "/nonexistent").env("PATH", "/usr/bin:/bin");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs what must work, without a word beside its results.
    pub(crate) fn must(&self, args: &str) -> String {
        let said = self.run(args);
        assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{args}\n{}", said.out);
        said.out
    }

    /// Runs what must fail; returns what standard error says.
    pub(crate) fn refused(&self, args: &str) -> String {
        let said = self.run(args);
        assert_eq!(said.status, Some(1), "{args}\n{}{}", said.out, said.err);
        said.err
    }

    pub(crate) fn json(&self, args: &str) -> Value {
        serde_json::from_str(&self.must(args)).unwrap()
    }

    pub(crate) fn label(&self, secret: &str) -> Value {
        self.metadata(secret, "labels", "sealed-secrets-key")
    }

    pub(crate) fn annotation(&self, secret: &str, name: &str) -> Value {
        self.metadata(secret, "annotations", name)
    }

    fn metadata(&self, secret: &str, field: &str, name: &str) -> Value {
        let name = format!("sealedsecrets.bitnami.com/{name}");
        self.cluster.with(|state| state.secrets[secret]["metadata"][field][name].clone())
    }
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}
