//! The command line against a real API server, as users call it.

use std::fs;

use anyhow::{Result, ensure};
use sealer_core::Scope;

use crate::scene::Scene;

pub(crate) async fn the_first_users_pipes_work(scene: Scene) -> Result<()> {
    let namespace = &scene.namespace;
    let credential = scene.suite.plane.folder.path().join("crossplane.json");
    fs::write(&credential, "{\n  \"type\": \"service_account\"\n}\n")?;
    let gcp = format!(
        "kubectl create secret generic gcp-creds -n {namespace} --from-file=creds=./crossplane.json --dry-run=client -o yaml | \
         sealer --format yaml --namespace {namespace} - | kubectl apply -f -"
    );
    ensure!(scene.shell().must(&gcp).await? == "sealedsecret.bitnami.com/gcp-creds created\n");
    scene.holds("gcp-creds", &[("creds", "{\n  \"type\": \"service_account\"\n}\n")]).await?;
    let grafana = format!(
        "kubectl create secret generic grafana --from-literal=admin-user=admin --from-literal=admin-password='p$ss \"word' \
         --namespace {namespace} --dry-run=client -o yaml | sealer --namespace {namespace} --format yaml > grafana.yaml && \
         kubectl apply --server-side -f grafana.yaml && kubectl diff -f grafana.yaml"
    );
    let applied = scene.shell().must(&grafana).await?;
    ensure!(applied == "sealedsecret.bitnami.com/grafana serverside-applied\n", "{applied}");
    scene.holds("grafana", &[("admin-user", "admin"), ("admin-password", "p$ss \"word")]).await?;
    Ok(())
}

pub(crate) async fn whoever_is_authenticated_may_fetch_the_certificate(scene: Scene) -> Result<()> {
    let alice = scene.shell().with_kubeconfig(&scene.suite.plane.kubeconfig_of("alice")?);
    ensure!(alice.must("sealer --fetch-cert").await?.starts_with("-----BEGIN CERTIFICATE-----"));
    let sealed = alice.must(&format!("printf x | sealer --raw --namespace {} --name a", scene.namespace)).await?;
    ensure!(sealer_core::SealedValue::from_base64(&sealed).is_ok(), "{sealed}");
    let rotate = alice.run("sealer keys rotate --no-backup-check --key-size 2048").await?;
    let told = "error: cannot create a sealing key in namespace `kube-system`: secrets is forbidden: User \"alice\" cannot create resource \"secrets\" in API group \"\" in the namespace \"kube-system\"";
    ensure!(rotate.status == Some(1) && rotate.stdout.is_empty() && rotate.stderr.starts_with(told), "{rotate:?}");
    Ok(())
}

pub(crate) async fn an_unreachable_or_forbidden_controller_is_named(scene: Scene) -> Result<()> {
    let pipe = "kubectl create secret generic a -n default --dry-run=client -o yaml --from-literal=k=v | sealer";
    let alice = scene.shell().with_kubeconfig(&scene.suite.plane.kubeconfig_of("bob")?);
    for (shell, flags, start) in [
        (scene.shell(), "--server https://127.0.0.1:1", "error: cannot get sealed secret service: "),
        (
            scene.shell(),
            "--controller-name nobody",
            "error: cannot get sealed secret service: services \"nobody\" not found.\nPlease, use the flag --controller-name and --controller-namespace",
        ),
        (
            &alice,
            "--controller-namespace default",
            "error: cannot get sealed secret service: services \"sealed-secrets-controller\" is forbidden: User \"bob\" cannot get resource",
        ),
        (scene.shell(), "--kubeconfig ./missing", "error: stat ./missing: no such file or directory\n"),
        (scene.shell(), "--context nowhere", "error: context \"nowhere\" does not exist\n"),
    ] {
        let output = shell.run(&format!("{pipe} {flags}")).await?;
        ensure!(
            output.status == Some(1) && output.stdout.is_empty() && output.stderr.starts_with(start),
            "{flags}: {output:?}"
        );
    }
    Ok(())
}

pub(crate) async fn a_controller_with_another_name_is_hinted_at(scene: Scene) -> Result<()> {
    let namespace = &scene.namespace;
    let service = format!(
        "kubectl create service clusterip sealed-secrets -n {namespace} --tcp=8080 && \
         kubectl label service sealed-secrets -n {namespace} app.kubernetes.io/name=sealed-secrets"
    );
    scene.shell().must(&service).await?;
    let output = scene.shell().run(&format!("sealer --fetch-cert --controller-namespace {namespace}")).await?;
    ensure!(
        output.status == Some(1)
            && output
                .stderr
                .contains("\nhint: there is a controller with another name here: --controller-name sealed-secrets\n"),
        "{output:?}"
    );
    Ok(())
}

pub(crate) async fn the_controller_validates_and_seals_anew(scene: Scene) -> Result<()> {
    let object = scene.sealed("a", &[("k", "v")], Scope::NamespaceWide).await?;
    let file = scene.suite.plane.folder.path().join(format!("{}.json", scene.namespace));
    fs::write(&file, object.to_string())?;
    let path = file.display();
    scene.shell().must(&format!("sealer --validate < {path}")).await?;
    let resealed = scene
        .shell()
        .must(&format!("sealer --re-encrypt -o yaml < {path} | tee /dev/stderr | kubectl apply -f -"))
        .await?;
    ensure!(resealed == "sealedsecret.bitnami.com/a created\n", "{resealed}");
    scene.holds("a", &[("k", "v")]).await?;
    let elsewhere = format!("sed s/{}/default/g {path} | sealer --validate", scene.namespace);
    // The rate limit answers before the key does if tests crowd; both are refusals, one of them passes.
    let refused = async || {
        let output = scene.shell().run(&elsewhere).await?;
        ensure!(output.status == Some(1) && output.stdout.is_empty(), "{output:?}");
        Ok((output.stderr == "error: unable to decrypt sealed secret: a\n").then_some(()))
    };
    scene.eventually("a refusal", refused).await
}
