//! Does the command line reach the cluster in every way that kubectl does, and answer as it was recorded to?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Result, ensure};
use sealer_core::Scope;
use serde_json::{Value, json};

use crate::scene::Scene;

const FETCH: &str = "sealer --fetch-cert";

async fn is_served(scene: &Scene, command: &str) -> Result<()> {
    // Another scene may rotate the key between the two.
    let is_the_same = async || {
        let certificate = scene.shell().must(command).await?;
        Ok((certificate == scene.shell().must(FETCH).await?).then_some(()))
    };
    scene.eventually(command, is_the_same).await
}

/// A kubeconfig of this cluster with another user.
async fn kubeconfig(scene: &Scene, user: &Value) -> Result<Value> {
    let own = scene.shell().must("kubectl config view --raw -o json").await?;
    let mut config: Value = serde_json::from_str(&own)?;
    config["users"] = json!([{ "name": "other", "user": user }]);
    config["contexts"][0]["context"]["user"] = json!("other");
    Ok(config)
}

pub(crate) async fn tokens_plugins_and_impersonation_are_used_as_kubectl_uses_them(scene: Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let account = format!(
        "kubectl create serviceaccount fetcher -n {0} >&2 && kubectl create token fetcher -n {0}",
        scene.namespace
    );
    let token = scene.shell().must(&account).await?.trim().to_owned();
    fs::write(path("token"), &token)?;
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": { "token": token },
    });
    fs::write(path("plugin"), format!("#!/bin/sh\ntest \"$WHO\" = me && echo '{credential}'\n"))?;
    fs::set_permissions(path("plugin"), fs::Permissions::from_mode(0o755))?;
    let exec = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": path("plugin"), "interactiveMode": "Never",
        "env": [{ "name": "WHO", "value": "me" }],
    }});
    for (name, user) in
        [("exec", exec), ("file", json!({ "tokenFile": path("token") })), ("token", json!({ "token": token }))]
    {
        fs::write(path(name), kubeconfig(&scene, &user).await?.to_string())?;
        is_served(&scene, &format!("{FETCH} --kubeconfig {}", path(name))).await?;
    }
    // A list of files: the first one's context wins, and each brings a part.
    let mut parts = kubeconfig(&scene, &json!({ "token": token })).await?;
    let users = parts["users"].take();
    parts["users"] = json!([]);
    fs::write(path("first"), parts.to_string())?;
    fs::write(path("second"), json!({ "apiVersion": "v1", "kind": "Config", "users": users }).to_string())?;
    is_served(&scene, &format!("KUBECONFIG={}:{}:{} {FETCH}", path("first"), path("missing"), path("second"))).await?;
    // Whom the administrator speaks for decides, not he himself.
    is_served(&scene, &format!("{FETCH} --as alice --as-group system:authenticated")).await?;
    let nobody =
        scene.shell().run(&format!("{FETCH} --as alice --as-group nothing --controller-namespace default")).await?;
    ensure!(nobody.status == Some(1) && nobody.stderr.contains("User \"alice\" cannot get resource"), "{nobody:?}");
    let wrong = scene.shell().run(&format!("{FETCH} --kubeconfig {} --token nonsense", path("token"))).await?;
    ensure!(wrong.status == Some(1) && !wrong.stderr.contains("nonsense"), "{wrong:?}");
    Ok(())
}

/// The recorded runs that need a live controller.
pub(crate) async fn a_live_controller_answers_as_recorded(scene: Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sealed.json");
    let mut sealed = scene.sealed("golden", &[("a", "one"), ("b", "two")], Scope::Strict).await?;
    sealed["spec"]["template"]["metadata"]["labels"] = json!({ "l": "1" });
    fs::write(&file, sealed.to_string())?;
    let file = file.display();
    let valid = scene.shell().run(&format!("sealer --validate < {file}")).await?;
    ensure!((valid.status, valid.stdout.as_str(), valid.stderr.as_str()) == (Some(0), "", ""), "{valid:?}");
    let foreign = scene.shell().run(&format!("sed s/golden/other/ {file} | sealer --validate")).await?;
    ensure!(
        foreign.status == Some(1) && foreign.stderr == "error: unable to decrypt sealed secret: other\n",
        "{foreign:?}"
    );
    let again: Value = serde_json::from_str(&scene.shell().must(&format!("sealer --re-encrypt < {file}")).await?)?;
    ensure!(again["metadata"]["name"] == "golden" && again["kind"] == "SealedSecret", "{again}");
    // The recorded controller lost the template's labels.
    ensure!(again["spec"]["template"] == sealed["spec"]["template"], "{again}");
    for item in ["a", "b"] {
        let (old, new) = (&sealed["spec"]["encryptedData"][item], &again["spec"]["encryptedData"][item]);
        ensure!(old != new && old.as_str().map(str::len) == new.as_str().map(str::len), "{item} is not sealed anew");
    }
    let nobody = scene.shell().run(&format!("{FETCH} --controller-name no-such-controller")).await?;
    let told = "error: cannot get sealed secret service: services \"no-such-controller\" not found.\nPlease, use the flag \
                --controller-name and --controller-namespace to set up the name and namespace of the sealed secrets controller\n";
    ensure!(nobody.status == Some(1) && nobody.stderr.starts_with(told), "{nobody:?}");
    Ok(())
}
