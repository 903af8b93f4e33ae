//! Does a tree of files follow the cluster's newest key, and open again?

use anyhow::{Result, ensure};

use crate::scene::Scene;

pub(crate) async fn files_follow_a_new_key_and_nothing_else_in_them_changes(scene: Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (folder, namespace) = (folder.path().display(), &scene.namespace);
    let shell = scene.shell();
    shell.must(&format!("mkdir -p {folder}/tree && git -C {folder} init -q")).await?;
    for name in ["one", "two", "three"] {
        let seal = format!(
            "(echo '# {name}'; kubectl create secret generic {name} -n {namespace} --dry-run=client --from-literal=k={name} -o yaml \
             | sealer -o yaml) > {folder}/tree/{name}.yaml"
        );
        shell.must(&seal).await?;
    }
    let git = format!("git -C {folder} -c user.name=t -c user.email=t@example.com");
    shell.must(&format!("{git} add tree && {git} commit -qm sealed")).await?;

    // The controller opens and seals: whoever may reach it needs no key.
    shell.must(&format!("sealer reseal {folder}/tree")).await?;
    let lines = format!("{git} diff --numstat | cut -f1,2 | sort -u");
    ensure!(shell.must(&lines).await? == "1\t1\n", "more than the sealed lines changed");
    // The controller seals anew whatever it is given; what it gave is known.
    let again = shell.run(&format!("sealer reseal {folder}/tree")).await?;
    ensure!(
        again.status == Some(0) && again.stderr == "0 values in 0 files sealed anew, 3 current, 0 failed\n",
        "{again:?}"
    );
    shell.must(&format!("{git} commit -qam resealed && kubectl apply -f {folder}/tree")).await?;
    scene.holds("one", &[("k", "one")]).await?;

    // With the keys at hand, after a new one was made.
    shell.must("sealer keys rotate --no-backup-check --key-size 2048").await?;
    let keys = "kubectl get secret -n kube-system -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml";
    shell.must(&format!("(umask 077; {keys} > {folder}/keys.yaml)")).await?;
    let reseal = format!("sealer reseal --private-key {folder}/keys.yaml {folder}/tree");
    let check = shell.run(&format!("{reseal} --check")).await?;
    ensure!(check.status == Some(1) && check.stderr.starts_with("3 values in 3 files to be sealed anew"), "{check:?}");
    let done = shell.run(&reseal).await?;
    ensure!(
        done.status == Some(0) && done.stderr.starts_with("3 values in 3 files sealed anew, 0 current"),
        "{done:?}"
    );
    ensure!(shell.must(&lines).await? == "1\t1\n", "more than the sealed lines changed");
    let again = shell.run(&format!("{reseal} --check")).await?;
    ensure!(again.status == Some(0) && again.stderr.starts_with("0 values in 0 files"), "{again:?}");
    // Whoever may read the keys needs no file of them.
    let read = shell.run(&format!("sealer reseal --check --no-cache --keys-from-cluster {folder}/tree")).await?;
    ensure!(read.status == Some(0) && read.stderr.starts_with("0 values in 0 files"), "{read:?}");
    shell.must(&format!("kubectl apply -f {folder}/tree")).await?;
    for name in ["one", "two", "three"] {
        scene.holds(name, &[("k", name)]).await?;
        scene.synced(name, "True").await?;
    }
    Ok(())
}
