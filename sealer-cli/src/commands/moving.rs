//! `sealer move`: a tree of files that is sealed for the old cluster opens in the new one.

use sealer_go::pflag;

use crate::args::Variable;
use crate::args::cluster::ClustersArgs;
use crate::args::files::non_empty;
use crate::args::keys::PassphraseArgs;
use crate::cluster::Choice;
use crate::commands::keys::restore::{self, Restore};
use crate::commands::reseal::{self, Reseal, ResealArgs};
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::ui::Ui;

/// Seal the values of files for another cluster; nothing else in them changes.
///
/// Seals every value of the files' SealedSecrets for the new cluster's certificate, opened with the old cluster's keys: of a backup, or read
/// from the old cluster. Otherwise as `sealer reseal`. The other flags that choose a cluster hold for both.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer move [FLAGS] PATH...", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files with the old cluster's private keys: backups, PEM, key Secrets or Lists of them.
    #[arg(long, value_name = "LIST", value_parser = pflag::split_list, action = clap::ArgAction::Append)]
    from_backup: Vec<Vec<String>>,
    /// Context of the old cluster, to read its keys with your rights.
    #[arg(long, value_name = "NAME")]
    from_context: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Give the new cluster the old keys instead, beside its own; the files stay as they are.
    #[arg(long)]
    restore_keys: bool,
    /// Context of the new cluster, whose certificate is sealed for.
    #[arg(long, value_name = "NAME")]
    to_context: Option<String>,
    #[command(flatten)]
    files: ResealArgs,
    #[command(flatten)]
    clusters: ClustersArgs,
}

/// How files come to open in another cluster.
#[derive(Debug)]
enum Move {
    /// They are sealed for it.
    Reseal(Box<Reseal>),
    /// They stay as they are, and it gets the old keys.
    RestoreKeys { keys: Box<Restore>, paths: Vec<String> },
}

impl Args {
    fn checked(self, variable: Variable<'_>) -> Result<Move, CliError> {
        let both = self.clusters.0;
        let keys_in = non_empty(self.from_context).map(|context| Choice { context: Some(context), ..both.clone() });
        let cluster = Choice { context: non_empty(self.to_context), ..both };
        let keys = KeySources { files: self.from_backup.concat(), passphrase_file: self.passphrase.0 };
        let moved = Reseal { keys_in, ..self.files.of(keys, cluster, variable)? };
        if self.restore_keys {
            return restored(moved);
        }
        let wrong = |message: &str| Err(CliError::command_line(message).hint(EXAMPLE));
        if !moved.is_offline() {
            return wrong("`sealer move` needs the old cluster's keys: --from-backup FILE or --from-context NAME");
        }
        if moved.cluster.context.is_none() && moved.certificate.is_none() {
            return wrong("`sealer move` needs the new cluster: --to-context NAME, or --cert FILE of it");
        }
        if moved.search.paths.is_empty() {
            return wrong("`sealer move` needs at least one file or folder");
        }
        Ok(Move::Reseal(Box::new(moved)))
    }
}

fn restored(moved: Reseal) -> Result<Move, CliError> {
    if moved.keys.is_empty() || moved.cluster.context.is_none() {
        return Err(CliError::command_line("`--restore-keys` needs the old keys and the new cluster")
            .hint("sealer move --restore-keys --from-backup old.keys --to-context new"));
    }
    let Reseal { keys, cluster, dry_run, json, search, .. } = moved;
    let paths = search.paths;
    Ok(Move::RestoreKeys { keys: Box::new(Restore { cluster, keys, dry_run, json }), paths })
}

pub(crate) fn run(args: Args, variable: Variable<'_>, ui: &mut Ui) -> Result<(), CliError> {
    match args.checked(variable)? {
        Move::Reseal(request) => {
            reseal::reseal(&request, ui)?;
            if request.writes() && !request.json {
                ui.notice("The new cluster opens them as soon as they are applied there; the old one no longer does.");
            }
        }
        Move::RestoreKeys { keys: request, paths } => {
            restore::restore(&request, ui)?;
            if !request.json {
                let paths = if paths.is_empty() { "PATH".to_owned() } else { paths.join(" --in ") };
                let files = request.keys.files.join(" ");
                ui.notice("The files stay as they are. Whether these keys open all of them shows:");
                ui.notice(&format!("sealer keys check {files} --in {paths}"));
            }
        }
    }
    Ok(())
}

const EXAMPLE: &str = "sealer move --from-backup old.keys --to-context new deploy/";
const EXAMPLES: &str = "Examples:
  sealer move --from-backup old.keys --to-context new deploy/
  sealer move --from-context old --to-context new deploy/
  sealer move --restore-keys --from-backup old.keys --to-context new";
