//! Are items of a file changed, kept and explained beside a real controller?

use anyhow::{Result, ensure};

use crate::scene::Scene;

pub(crate) async fn one_item_of_a_file_changes_and_reaches_the_cluster(scene: Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, namespace) = (folder.path().join("db.yaml"), &scene.namespace);
    let (file, shell) = (file.display(), scene.shell());
    let seal = format!(
        "kubectl create secret generic db -n {namespace} --dry-run=client --from-literal=a=1 --from-literal=b=2 -o yaml | sealer"
    );
    shell
        .must(&format!("{seal} -w {file} && printf 3 | sealer set {file} b && printf 4 | sealer set {file} c"))
        .await?;
    let before = shell.run(&format!("sealer explain {file}")).await?;
    ensure!(before.status == Some(1) && before.stdout.contains("object is not in the cluster"), "{before:?}");
    shell.must(&format!("kubectl apply -f {file}")).await?;
    scene.holds("db", &[("a", "1"), ("b", "3"), ("c", "4")]).await?;
    scene.synced("db", "True").await?;
    let after = shell.run(&format!("sealer explain {file}")).await?;
    ensure!(after.status == Some(0) && after.stdout.matches(" opens with key SHA256:").count() == 3, "{after:?}");

    // The Secret tells that nothing changed, without any key.
    shell.must(&format!("cp {file} {file}.before && printf 3 | sealer set --keep-unchanged {file} b")).await?;
    shell.must(&format!("{seal} --keep-unchanged -w {file}")).await?;
    let kept = shell.must(&format!("diff {file}.before {file} | grep -c '^[<>]'")).await?;
    ensure!(kept == "3\n", "`b` is another value and `c` is gone, and all else is kept: {kept}");

    // An editor that takes an item out and changes another one, in one go.
    let edit = format!("EDITOR=\"sed -i -e '/^a/d' -e 's/^b: .*/b: five/'\" sealer edit {file}");
    shell.must(&format!("{edit} && kubectl apply -f {file}")).await?;
    scene.holds("db", &[("b", "five")]).await?;
    Ok(())
}

pub(crate) async fn what_does_not_open_is_explained_by_whoever_may_look(scene: Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, namespace) = (folder.path().join("web.yaml"), &scene.namespace);
    let (file, shell) = (file.display(), scene.shell());
    let seal = format!(
        "kubectl create secret generic db -n {namespace} --dry-run=client --from-literal=k=v -o yaml | sealer -o yaml"
    );
    shell.must(&format!("{seal} | sed 's/^  name: db/  name: web/' > {file} && kubectl apply -f {file}")).await?;
    scene.synced("web", "False").await?;
    let told = shell.run(&format!("sealer explain {file}")).await?;
    ensure!(told.status == Some(1) && told.stdout.contains("item `k` is sealed for the name `db`"), "{told:?}");
    // Whoever may reach the controller but not read its keys is told by it.
    let rule = format!(
        "kubectl create clusterrole {namespace} --verb=get,create --resource=services,services/proxy,sealedsecrets.bitnami.com \
         && kubectl create clusterrolebinding {namespace} --clusterrole={namespace} --user={namespace}"
    );
    shell.must(&rule).await?;
    let limited = format!("sealer explain --as {namespace} {file}");
    let told = scene
        .eventually("an answer of the controller", async || {
            let told = shell.run(&limited).await?;
            Ok(told.stdout.contains("item `k` ").then_some(told).filter(|told| !told.stdout.contains("looks like")))
        })
        .await?;
    let names = format!("item `k` is sealed for {namespace}/db, the names in spec.template");
    ensure!(told.status == Some(1) && told.stdout.contains(&names), "{told:?}");
    ensure!(told.stdout.contains("object is not in sync: no key could decrypt secret (k)"), "{told:?}");
    shell.must(&format!("kubectl delete clusterrolebinding,clusterrole {namespace}")).await?;
    Ok(())
}
