//! Flags of the verbs that look for sealed values in files.

use sealer_go::pflag;

use crate::args::files::refuse_empty;
use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::tree::{self, Given, Search};

#[derive(Debug, clap::Args)]
pub(crate) struct SearchArgs {
    /// Leave out the files and folders that match a glob, as in a .gitignore; may be given again.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Tries that may be spent on names which are guessed: private-key operations, or requests where the controller opens; 0 is 10000 of the one, 500 of the other.
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = pflag::integer)]
    max_tries: i64,
    /// Name that sealed values outside of SealedSecrets are sealed for, or of their release; may be given again.
    #[arg(long = "name", value_name = "NAME")]
    sealed_for: Vec<String>,
}

/// The same of a verb that looks into files beside the cluster.
#[derive(Debug, clap::Args)]
pub(crate) struct SearchInArgs {
    /// File or folder to look for sealed values in; may be given again.
    #[arg(long = "in", value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    #[command(flatten)]
    search: SearchArgs,
}

impl SearchInArgs {
    /// Where sealed values are looked for: in the named files and in these.
    pub(crate) fn search(self, others: Vec<String>, cluster: &Choice) -> Result<Search, CliError> {
        self.search.search([self.paths, others].concat(), cluster)
    }
}

impl SearchArgs {
    /// Where sealed values are looked for, and what is known of them.
    pub(crate) fn search(self, paths: Vec<String>, cluster: &Choice) -> Result<Search, CliError> {
        refuse_empty(&paths)?;
        let given = Given { namespace: cluster.namespace.clone(), names: self.sealed_for };
        let most_tries = u32::try_from(self.max_tries).map_err(|_| {
            CliError::command_line(format!(
                "--max-tries {} is out of range; use a number above zero, or 0 for the usual one",
                self.max_tries
            ))
        })?;
        let most_tries = Some(most_tries).filter(|most| *most > 0);
        let search = Search { paths, exclude: self.exclude, given, most_tries };
        tree::check_globs(&search)?;
        Ok(search)
    }
}
