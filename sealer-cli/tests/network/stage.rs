//! A folder with a kubeconfig, and runs of the program in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use crate::server;

/// A folder.
pub(crate) struct Stage(TempDir);

/// What a run did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// It fetched the certificate.
    pub(crate) fn is_served(&self) -> bool {
        self.status == Some(0) && self.stdout == certificate()
    }

    /// It failed, and said all of this.
    pub(crate) fn says(&self, texts: &[&str]) {
        assert_eq!(self.status, Some(1), "{self:?}");
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is missing in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("internal error"), "{self:?}");
    }
}

/// The certificate that a controller serves.
pub(crate) fn certificate() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fixtures/cert2048.pem")).unwrap()
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// A program of the shell.
    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        let path = self.put(name, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A kubeconfig, with more fields of its cluster and its user in JSON.
    pub(crate) fn kubeconfig(&self, server: &str, cluster: &str, user: &str) {
        let server = serde_json::Value::from(server);
        let comma = if cluster.is_empty() { "" } else { ", " };
        let text = format!(
            r#"{{"clusters": [{{"name": "c", "cluster": {{"server": {server}{comma}{cluster}}}}}],
                "users": [{{"name": "u", "user": {{{user}}}}}],
                "contexts": [{{"name": "x", "context": {{"cluster": "c", "user": "u", "namespace": "of-context"}}}}],
                "current-context": "x"}}"#
        );
        self.put("kubeconfig", &text);
    }

    /// Runs the program with the kubeconfig.
    pub(crate) fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        self.run_with(args, variables, "")
    }

    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)], stdin: &str) -> Ran {
        let mut command = self.command(args, variables);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who fails before it reads does not take it.
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) fn command(&self, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
        command.args(args).current_dir(self.0.path()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.0.path()).env("KUBECONFIG", self.path("kubeconfig"));
        command.envs(variables.iter().copied());
        command
    }

    /// Fetches the controller's certificate.
    pub(crate) fn fetch(&self) -> Ran {
        self.run(&["--fetch-cert"], &[])
    }
}

/// An authority.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Pair {
    pub(crate) pem: String,
    pub(crate) key: String,
    der: CertificateDer<'static>,
    key_der: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// One with what `change` makes of it.
    pub(crate) fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// The one of a certificate and its key.
    pub(crate) fn of(name: &str, pem: String, key: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        Self { pem, issuer: Issuer::new(params, KeyPair::from_pem(key).unwrap()) }
    }

    /// Signs a certificate for some names, with what `change` makes of it.
    pub(crate) fn pair(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let key_der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Pair { pem: signed.pem(), key: key.serialize_pem(), der: signed.der().clone(), key_der }
    }

    /// As a field of a kubeconfig.
    pub(crate) fn field(&self) -> String {
        format!("\"certificate-authority-data\": \"{}\"", sealer_encoding::base64::encode(&self.pem))
    }
}

impl Pair {
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn server(&self) -> Arc<rustls::ServerConfig> {
        server::tls(vec![self.der.clone()], self.key_der.clone_key())
    }
}
