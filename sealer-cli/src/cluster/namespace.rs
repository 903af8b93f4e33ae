//! Which namespace is sealed for, and why there may be none.

use super::{Choice, config, usable};
use crate::diagnostics::CliError;

/// The namespace to seal for, and whether a flag or variable named it.
pub(crate) fn namespace(choice: &Choice) -> Result<(String, bool), NoNamespace> {
    if let Some(namespace) = &choice.namespace {
        return Ok((namespace.clone(), true));
    }
    match config::namespace(choice) {
        Ok(Some(namespace)) => Ok((namespace, false)),
        Ok(None) => Err(NoNamespace::Unsaid),
        Err(error) => Err(NoNamespace::Wrong(error)),
    }
}

/// Why there is no namespace to seal for. A certificate does not help: only a name does.
pub(crate) enum NoNamespace {
    /// Nothing says one.
    Unsaid,
    /// The kubeconfig that would say it cannot be read, or has no such context.
    Wrong(CliError),
}

impl NoNamespace {
    /// As the error that it is where there is nothing else to tell.
    pub(crate) fn into_error(self) -> CliError {
        match self {
            Self::Unsaid => {
                config::unused_variable().into_iter().fold(CliError::new(usable::NO_CONFIGURATION), CliError::hint)
            }
            Self::Wrong(error) => error,
        }
    }

    /// The same under a line that scripts know.
    pub(crate) fn beneath(self, line: &str) -> CliError {
        match self {
            Self::Unsaid => config::unused_variable().into_iter().fold(CliError::new(line), CliError::hint),
            Self::Wrong(error) => error.beneath(line),
        }
    }
}
