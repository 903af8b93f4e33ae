//! Does the controller get along with the rights that its installation has?

use anyhow::{Result, ensure};
use sealer_core::Scope;

use crate::scene::Scene;

/// Old installations may not watch Secrets: each controller says so once, and works.
pub(crate) async fn a_right_that_is_missing_is_told_once(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    let expected = usize::from(!scene.suite.installation.may_watch_secrets());
    for log in scene.suite.each_log() {
        let lines = log.lines().filter(|line| line.contains("no right to watch Secrets")).count();
        let is_at_work = log.contains("msg=Updating key=");
        ensure!(!is_at_work || lines == expected, "{lines} lines instead of {expected}:\n{log}");
    }
    Ok(())
}
