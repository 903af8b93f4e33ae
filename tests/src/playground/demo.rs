//! The tour: the first user's steps, through real pipes, each held against what it promises.

use std::fs;

use anyhow::Result;

use super::step::{self, until};
use crate::control_plane::ControlPlane;
use crate::product;
use crate::report::say;
use crate::shell::Shell;

/// Runs every step; the first that does not hold ends the tour.
pub(super) async fn run(plane: &ControlPlane, shell: &Shell) -> Result<()> {
    say("\n# install the CRD, RBAC, Service and Deployment from deploy/");
    product::install(shell).await?.lines().for_each(|line| say(&format!("  {line}")));
    wait_for_controller(shell).await?;
    first_secret(shell).await?;
    cloud_credential(plane, shell).await?;
    rotation(shell).await
}

/// Waits until the Deployment is rolled out and the certificate is served.
pub(super) async fn wait_for_controller(shell: &Shell) -> Result<()> {
    let rollout = "kubectl rollout status -n kube-system deployment/sealed-secrets-controller --timeout=100s";
    step::run(
        shell,
        "the controller comes up (ready for 30 s before the rollout counts)",
        rollout,
        "successfully rolled out",
    )
    .await?;
    until(shell, "its certificate", "sealer --fetch-cert", Some("BEGIN CERTIFICATE")).await
}

async fn first_secret(shell: &Shell) -> Result<()> {
    let pipe = "kubectl create secret generic foobar -n default --dry-run=client -o yaml --from-literal=foo=bar | \
                sealer --namespace default --format yaml | kubectl apply -f -";
    step::run(shell, "a Secret is sealed and applied", pipe, "sealedsecret.bitnami.com/foobar created").await?;
    until(shell, "the Secret appears", "kubectl get secret -n default foobar --no-headers", Some("Opaque   1")).await?;
    let value = "kubectl get secret -n default foobar -o jsonpath='{.data.foo}' | base64 -d";
    step::run(shell, "with its value", value, "bar").await?;
    let delete = "kubectl delete sealedsecrets.bitnami.com -n default foobar";
    step::run(shell, "the SealedSecret is deleted", delete, "sealedsecret.bitnami.com \"foobar\" deleted").await?;
    until(shell, "and the Secret goes too", "kubectl get secret -n default foobar", None).await
}

async fn cloud_credential(plane: &ControlPlane, shell: &Shell) -> Result<()> {
    let credential = "{\n  \"type\": \"service_account\",\n  \"project_id\": \"crossplane\"\n}\n";
    fs::write(plane.folder.path().join("crossplane.json"), credential)?;
    step::run(shell, "a namespace for Crossplane", "kubectl create namespace crossplane-system", "created").await?;
    let seal = "kubectl create secret generic gcp-creds -n crossplane-system --from-file=creds=./crossplane.json \
                --dry-run=client -o yaml | sealer --format yaml --namespace crossplane-system - > sealedsecrets.yaml && \
                kubectl apply -f sealedsecrets.yaml";
    step::run(shell, "a cloud credential, with a trailing `-`", seal, "sealedsecret.bitnami.com/gcp-creds created")
        .await?;
    let get = "kubectl get secret -n crossplane-system gcp-creds -o jsonpath='{.data.creds}' | base64 -d | \
               cmp - crossplane.json && echo byte for byte";
    until(shell, "it arrives byte for byte under key creds", get, Some("byte for byte")).await
}

async fn rotation(shell: &Shell) -> Result<()> {
    let backup = "(umask 077; printf 'correct horse battery' > passphrase) && \
                  sealer keys backup --passphrase-file passphrase -o sealing.keys";
    step::run(shell, "a backup of the sealing key, proven to open", backup, "sealing.keys holds these keys").await?;
    step::run(shell, "a new sealing key", "sealer keys rotate", "new key  SHA256:").await?;
    let pipe = "kubectl create secret generic second -n default --dry-run=client -o yaml --from-literal=foo=baz | \
                sealer --namespace default --format yaml | kubectl apply -f -";
    step::run(shell, "a second Secret, sealed with the new key", pipe, "sealedsecret.bitnami.com/second created")
        .await?;
    let second = "kubectl get secret -n default second -o jsonpath='{.data.foo}' | base64 -d";
    until(shell, "opens", second, Some("baz")).await?;
    let restart = "kubectl delete pod -n kube-system -l name=sealed-secrets-controller --wait=true";
    step::run(shell, "the controller restarts", restart, "deleted").await?;
    let ready = "kubectl wait -n kube-system pod -l name=sealed-secrets-controller --for=condition=Ready --timeout=60s";
    until(shell, "and is back", ready, Some("condition met")).await?;
    let forget = "kubectl delete secret -n default second && kubectl delete secret -n crossplane-system gcp-creds";
    step::run(shell, "both Secrets are deleted, so that they must be opened again", forget, "deleted").await?;
    until(shell, "the one under the new key opens", second, Some("baz")).await?;
    let first = "kubectl get secret -n crossplane-system gcp-creds -o jsonpath='{.data.creds}' | base64 -d | \
                 cmp - crossplane.json && echo byte for byte";
    until(shell, "and the one under the old key too", first, Some("byte for byte")).await
}
